/* SPDX-License-Identifier: Apache-2.0 */
/* A group with a key that has no value. */
#include <liblog/slog.h>

void refused(void);
void refused(void)
{
	slog_info("t", "g", slog_group("a", 1, "b"));
}
