/* SPDX-License-Identifier: Apache-2.0 */
/* A limited call with a char: a number to some, a letter to others. */
#include <liblog/slog.h>

void refused(void);
void refused(void)
{
	slog_limited(5, SLOG_INFO, "t", "a", (char)1);
}
