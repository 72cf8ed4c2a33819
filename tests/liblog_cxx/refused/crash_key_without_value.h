/* SPDX-License-Identifier: Apache-2.0 */
/* Last words with a key without a value. The first error names: slog_ERROR_key_without_value */
#include <liblog/slog.h>

void refused(void);
void refused(void)
{
	slog_crash("t", "a", 1, "b");
}
