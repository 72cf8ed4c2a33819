/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of line.h that are too large to be inline. */
#include <liblog/line.h>

#include "number.h"

void slog_line_put_u64(struct slog_line *line, unsigned long long number)
{
	char digits[SLOG_U64_MAX];
	slog_line_put(line, digits, slog_number_u64(digits, number));
}

void slog_line_put_escaped(struct slog_line *line, slog_escape_fn *escape, const char *bytes, size_t length)
{
	if (line->overflowed)
		return;
	size_t taken;
	line->length += escape(line->text + line->length, line->size - line->length, bytes, length, &taken);
	line->overflowed = taken < length;
}
