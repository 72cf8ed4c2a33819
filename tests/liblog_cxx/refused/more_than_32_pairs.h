/* SPDX-License-Identifier: Apache-2.0 */
/* 33 pairs. The first error names: slog_ERROR_more_than_32_pairs_use_slog_event */
#include <liblog/slog.h>

#define EIGHT_PAIRS "a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6, "g", 7, "h", 8

void refused(void);
void refused(void)
{
	slog_info("t", EIGHT_PAIRS, EIGHT_PAIRS, EIGHT_PAIRS, EIGHT_PAIRS, "i", 33);
}
