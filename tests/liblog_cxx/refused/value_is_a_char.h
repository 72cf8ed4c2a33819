/* SPDX-License-Identifier: Apache-2.0 */
/* A char: a number to some, a letter to others. */
#include <liblog/slog.h>

void refused(char letter);
void refused(char letter)
{
	slog_info("t", "a", letter);
}
