/* SPDX-License-Identifier: Apache-2.0 */
/* Read values as JSON text, without making fields of them first. */
#include <liblog/read.h>

#include <liblog/json.h>

#include "reserved.h"

static void put_string(struct slog_line *line, const char *octets, size_t length)
{
	slog_line_put_char(line, '"');
	slog_line_put_escaped(line, slog_json_string, octets, length);
	slog_line_put_char(line, '"');
}

/* Depth of recursion is that of the value, which the readers limit. */
static void put_members(const struct slog_read_value *value, struct slog_line *line)
{
	bool is_object = value->type == SLOG_READ_OBJECT;
	struct slog_read_cursor cursor = slog_read_members(value);
	struct slog_read_member member;
	char before = is_object ? '{' : '[';
	if (!slog_read_next(&cursor, &member)) {
		slog_line_put_string(line, is_object ? "{}" : "[]");
		return;
	}
	do {
		slog_line_put_char(line, before);
		before = ',';
		if (is_object) {
			put_string(line, member.key, member.key_length);
			slog_line_put_char(line, ':');
		}
		slog_read_put_json(&member.value, line);
	} while (slog_read_next(&cursor, &member));
	slog_line_put_char(line, is_object ? '}' : ']');
}

void slog_read_put_json(const struct slog_read_value *value, struct slog_line *line)
{
	if (value->type == SLOG_READ_LIST || value->type == SLOG_READ_OBJECT)
		put_members(value, line);
	else if (value->type == SLOG_READ_STRING)
		put_string(line, value->text, value->length);
	else
		slog_line_put(line, value->text, value->length);
}

/* Whether no later member has the key. */
static bool stands(const struct slog_read_member *member, struct slog_read_cursor rest)
{
	struct slog_read_member later;
	while (slog_read_next(&rest, &later))
		if (later.key_length == member->key_length && memcmp(later.key, member->key, later.key_length) == 0)
			return false;
	return true;
}

static bool are_many(const struct slog_read_value *fields)
{
	struct slog_read_cursor cursor = slog_read_members(fields);
	struct slog_read_member member;
	size_t count = 0;
	while (count <= SLOG_READ_COMPARED_MAX && slog_read_next(&cursor, &member))
		count++;
	return count > SLOG_READ_COMPARED_MAX;
}

void slog_read_put_json_fields(const struct slog_read_value *fields, struct slog_line *line)
{
	struct slog_read_cursor cursor = slog_read_members(fields);
	struct slog_read_member member;
	bool are_compared = !are_many(fields);
	while (slog_read_next(&cursor, &member) && !line->overflowed) {
		if (are_compared && !stands(&member, cursor))
			continue;
		slog_line_put_string(line, slog_reserved_needs_underscore(member.key, member.key_length) ? ",\"_" : ",\"");
		slog_line_put_escaped(line, slog_json_string, member.key, member.key_length);
		slog_line_put_string(line, "\":");
		slog_read_put_json(&member.value, line);
	}
}
