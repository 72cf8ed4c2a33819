/* SPDX-License-Identifier: Apache-2.0 */
/* See sd_names.h. */
#include "sd_names.h"

#include <assert.h>

#include "ascii.h"

void slog_sd_names_start(struct slog_sd_names *names, const struct slog_line *line, bool are_distinct)
{
	names->start = line->length;
	names->count = 0;
	names->are_distinct = are_distinct;
	names->has_listed = false;
	memset(names->listed, 0, sizeof names->listed);
	if (!are_distinct)
		memset(names->filter, 0, sizeof names->filter);
}

/* One bit of the filter, the same for names that differ only in case. */
static unsigned hash(const char *name, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)slog_ascii_lower(name[i])) * 16777619u;
	return (hash ^ hash >> 16) % SLOG_SD_FILTER_BITS;
}

/*
 * The name of the parameter that begins at *at, as SP PARAM-NAME "=" %d34 PARAM-VALUE %d34; moves *at behind it. The
 * parameter is one of ours, and whole.
 */
static const char *next_name(const char **at, size_t *length)
{
	const char *name = *at + 1;
	const char *equals = strchr(name, '=');
	const char *value = equals + 2;
	while (*value != '"')
		value += *value == '\\' ? 2 : 1;
	*length = (size_t)(equals - name);
	*at = value + 1;
	return name;
}

static bool has(const struct slog_sd_names *names, const struct slog_line *line, const char *name, size_t length)
{
	const char *at = line->text + names->start;
	for (size_t i = 0; i < names->count; i++) {
		size_t other_length;
		const char *other = next_name(&at, &other_length);
		if (other_length == length && slog_ascii_equal(other, name, length))
			return true;
	}
	return false;
}

bool slog_sd_names_add(struct slog_sd_names *names, const struct slog_line *line, const char *name, size_t length)
{
	if (names->are_distinct) {
		slog_sd_names_add_unique(names);
		return true;
	}
	unsigned bit = hash(name, length);
	uint64_t mask = UINT64_C(1) << (bit % 64);
	/* A line that has overflowed is no text to read; it is thrown away. */
	if ((names->filter[bit / 64] & mask) != 0 && !line->overflowed && has(names, line, name, length))
		return false;
	names->filter[bit / 64] |= mask;
	slog_sd_names_add_unique(names);
	return true;
}

void slog_sd_names_add_unique(struct slog_sd_names *names)
{
	assert(names->count < SLOG_SD_PARAMS_MAX);
	names->count++;
}

void slog_sd_names_list_last(struct slog_sd_names *names)
{
	assert(names->count > 0);
	names->has_listed = true;
	names->listed[(names->count - 1) / 64] |= UINT64_C(1) << ((names->count - 1) % 64);
}

void slog_sd_names_put_listed(const struct slog_sd_names *names, const struct slog_line *line, struct slog_line *to)
{
	const char *at = line->text + names->start;
	bool is_first = true;
	for (size_t i = 0; i < names->count && !line->overflowed; i++) {
		size_t length;
		const char *name = next_name(&at, &length);
		if ((names->listed[i / 64] >> (i % 64) & 1) == 0)
			continue;
		if (!is_first)
			slog_line_put_char(to, ' ');
		is_first = false;
		slog_line_put(to, name, length);
	}
}
