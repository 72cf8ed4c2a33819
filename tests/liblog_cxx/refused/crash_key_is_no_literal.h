/* SPDX-License-Identifier: Apache-2.0 */
/* Last words with a key that is known only at run time. */
#include <liblog/slog.h>

void refused(const char *key);
void refused(const char *key)
{
	slog_crash("t", key, 1);
}
