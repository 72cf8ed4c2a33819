/* SPDX-License-Identifier: Apache-2.0 */
/* A long double, which no reader has. */
#include <liblog/slog.h>

void refused(long double number);
void refused(long double number)
{
	slog_info("t", "a", number);
}
