/* SPDX-License-Identifier: Apache-2.0 */
/* A key that is known only at run time. */
#include <liblog/slog.h>

void refused(const char *key);
void refused(const char *key)
{
	slog_info("t", key, 1);
}
