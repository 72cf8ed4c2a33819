/* SPDX-License-Identifier: Apache-2.0 */
/* An event name of 33 octets. */
#include <liblog/slog.h>

void refused(void);
void refused(void)
{
	slog_info("a23456789012345678901234567890abc", "a", 1);
}
