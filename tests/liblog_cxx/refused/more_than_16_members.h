/* SPDX-License-Identifier: Apache-2.0 */
/* 17 items in a list. The first error names: slog_ERROR_more_than_16_items */
#include <liblog/slog.h>

void refused(void);
void refused(void)
{
	slog_info("t", "l", slog_list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17));
}
