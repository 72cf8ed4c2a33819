/* SPDX-License-Identifier: Apache-2.0 */
/* See sd_names.h. */
#include "sd_names.h"

#include <assert.h>

#include "ascii.h"

void slog_sd_names_clear(struct slog_sd_names *names)
{
	names->count = 0;
	memset(names->listed, 0, sizeof names->listed);
}

bool slog_sd_names_has(const struct slog_sd_names *names, const struct slog_line *line, const char *name, size_t length)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->length[i] == length && slog_ascii_equal(line->text + names->place[i], name, length))
			return true;
	return false;
}

void slog_sd_names_add(struct slog_sd_names *names, const struct slog_line *line, size_t length)
{
	if (line->overflowed)
		return;
	assert(names->count < SLOG_SD_PARAMS_MAX && length <= UINT8_MAX);
	names->place[names->count] = (uint32_t)(line->length - length);
	names->length[names->count] = (uint8_t)length;
	names->count++;
}

void slog_sd_names_list_last(struct slog_sd_names *names)
{
	if (names->count > 0)
		names->listed[(names->count - 1) / 32] |= UINT32_C(1) << ((names->count - 1) % 32);
}

void slog_sd_names_put_listed(const struct slog_sd_names *names, struct slog_line *line)
{
	bool is_first = true;
	for (size_t i = 0; i < names->count; i++) {
		if ((names->listed[i / 32] >> (i % 32) & 1) == 0)
			continue;
		slog_line_put_string(line, is_first ? " ~s=\"" : " ");
		is_first = false;
		/* The name lies in the text that the line already holds. */
		slog_line_put(line, line->text + names->place[i], names->length[i]);
	}
	if (!is_first)
		slog_line_put_char(line, '"');
}
