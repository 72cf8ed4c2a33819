/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer that is neither a string nor void. */
#include <liblog/slog.h>

struct pair {
	int a, b;
};
void refused(struct pair *pair);
void refused(struct pair *pair)
{
	slog_info("t", "a", pair);
}
