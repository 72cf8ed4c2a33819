/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/json_structured_data.h"

#include "syslog/structured_data.h"

#include <liblog/json.h>
#include <liblog/line.h>

/* Names that are compared with each other; an element with more takes the list form, which is always right. */
enum { PARAMS_COMPARED_MAX = 64 };

static void put_text(struct slog_line *line, struct bytes text)
{
	slog_line_put_escaped(line, slog_json_string, (const char *)text.at, text.len);
}

static void put_name(struct slog_line *line, struct bytes name)
{
	slog_line_put_char(line, '"');
	put_text(line, name);
	slog_line_put_char(line, '"');
}

/* A PARAM-VALUE without its escapes: what lies between two of them is written as it is. */
static void put_value(struct slog_line *line, struct bytes value)
{
	size_t begin = 0;
	slog_line_put_char(line, '"');
	for (size_t at = bytes_find(value, '\\'); at + 1 < value.len;
		 at += 1 + bytes_find(bytes_after(value, at + 1), '\\')) {
		if (!sd_is_escaped(value.at[at + 1]))
			continue;
		put_text(line, bytes_of(value.at + begin, at - begin));
		begin = ++at;
	}
	put_text(line, bytes_of(value.at + begin, value.len - begin));
	slog_line_put_char(line, '"');
}

static bool names_repeat(struct bytes params)
{
	struct bytes names[PARAMS_COMPARED_MAX];
	struct sd_param param;
	size_t count = 0;
	while (sd_next_param(&params, &param)) {
		if (count == PARAMS_COMPARED_MAX)
			return true;
		for (size_t i = 0; i < count; i++) {
			if (bytes_equal(param.name, names[i]))
				return true;
		}
		names[count++] = param.name;
	}
	return false;
}

static void put_element(struct slog_line *line, struct bytes params)
{
	bool pairs = names_repeat(params);
	struct sd_param param;
	const char *comma = "";
	slog_line_put_char(line, pairs ? '[' : '{');
	while (sd_next_param(&params, &param)) {
		slog_line_put_string(line, comma);
		if (pairs)
			slog_line_put_char(line, '[');
		put_name(line, param.name);
		slog_line_put_char(line, pairs ? ',' : ':');
		put_value(line, param.value);
		if (pairs)
			slog_line_put_char(line, ']');
		comma = ",";
	}
	slog_line_put_char(line, pairs ? ']' : '}');
}

/* Whether an element before `end` has this SD-ID. */
static bool occurs_before(struct bytes structured_data, const uint8_t *end, struct bytes id)
{
	struct sd_element element;
	while (structured_data.at < end && sd_next_element(&structured_data, &element)) {
		if (element.id.at < end && bytes_equal(element.id, id))
			return true;
	}
	return false;
}

/* All elements from here on that have the first one's SD-ID: one as it is, several as a list. */
static void put_same(struct slog_line *line, const struct sd_element *first, struct bytes rest)
{
	struct sd_element element;
	struct bytes search = rest;
	bool several = false;
	while (!several && sd_next_element(&search, &element))
		several = bytes_equal(element.id, first->id);
	if (several)
		slog_line_put_char(line, '[');
	put_element(line, first->params);
	while (several && sd_next_element(&rest, &element)) {
		if (!bytes_equal(element.id, first->id))
			continue;
		slog_line_put_char(line, ',');
		put_element(line, element.params);
	}
	if (several)
		slog_line_put_char(line, ']');
}

void json_put_structured_data(struct slog_line *line, struct bytes structured_data, bool repeated)
{
	struct bytes rest = structured_data;
	struct sd_element element;
	const char *comma = "";
	slog_line_put_char(line, '{');
	/* A record from elsewhere may hold more elements than a message may: the comparisons stay bounded. */
	for (unsigned count = 0; count < SD_ELEMENTS_MAX && sd_next_element(&rest, &element); count++) {
		if (repeated && occurs_before(structured_data, element.id.at, element.id))
			continue;
		slog_line_put_string(line, comma);
		put_name(line, element.id);
		slog_line_put_char(line, ':');
		if (repeated)
			put_same(line, &element, rest);
		else
			put_element(line, element.params);
		comma = ",";
	}
	slog_line_put_char(line, '}');
}
