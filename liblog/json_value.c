/* SPDX-License-Identifier: Apache-2.0 */
/* See json_value.h. Nothing recurs: a call has little stack, and nested values are the program's. */
#include "json_value.h"

#include <liblog/encoder.h>
#include <liblog/json.h>
#include <liblog/rfc5424.h>

#define CHUNK_BYTES 96 /* of JSON text between the two escapes of a string in a PARAM-VALUE */

static const char too_deep[] = "(nested too deep)";

void slog_json_put_text(const struct slog_json_out *out, const char *text, size_t length)
{
	if (out->in_param)
		slog_line_put_escaped(out->line, slog_rfc5424_value, text, length);
	else
		slog_line_put(out->line, text, length);
}

static void put_char(const struct slog_json_out *out, char octet)
{
	slog_json_put_text(out, &octet, 1);
}

static void put_string_in_param(struct slog_line *line, const char *bytes, size_t length)
{
	while (length > 0 && !line->overflowed) {
		char chunk[CHUNK_BYTES];
		size_t taken;
		size_t written = slog_json_string(chunk, sizeof chunk, bytes, length, &taken);
		slog_line_put_escaped(line, slog_rfc5424_value, chunk, written);
		bytes += taken;
		length -= taken;
	}
}

void slog_json_put_string(const struct slog_json_out *out, const char *bytes, size_t length)
{
	put_char(out, '"');
	if (out->in_param)
		put_string_in_param(out->line, bytes, length);
	else
		slog_line_put_escaped(out->line, slog_json_string, bytes, length);
	put_char(out, '"');
}

void slog_line_put_base64(struct slog_line *line, const char *bytes, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = (const unsigned char *)bytes;
	slog_line_put_string(line, "data:;base64,");
	for (; length > 0 && !line->overflowed; at += 3, length -= length < 3 ? length : 3) {
		uint32_t group = (uint32_t)at[0] << 16 | (length > 1 ? (uint32_t)at[1] << 8 : 0) | (length > 2 ? at[2] : 0);
		char text[4] = {digits[group >> 18], digits[group >> 12 & 63], length > 1 ? digits[group >> 6 & 63] : '=',
		                length > 2 ? digits[group & 63] : '='};
		slog_line_put(line, text, sizeof text);
	}
}

/* JSON text of somebody else's, without the white space between its tokens: a line holds no LF. */
static void put_compact(const struct slog_json_out *out, const char *text, size_t length)
{
	size_t start = 0;
	bool in_string = false;
	for (size_t i = 0; i < length; i++) {
		if (in_string && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			in_string = !in_string;
		} else if (!in_string && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r')) {
			slog_json_put_text(out, text + start, i - start);
			start = i + 1;
		}
	}
	slog_json_put_text(out, text + start, length - start);
}

static __attribute__((noinline)) void put_scalar(const struct slog_json_out *out, const struct slog_value *value)
{
	struct slog_scalar scalar;
	slog_scalar_read(&scalar, value);
	switch (scalar.kind) {
	case SLOG_KIND_STRING:
		slog_json_put_string(out, scalar.text, scalar.length);
		return;
	case SLOG_KIND_BASE64:
		put_char(out, '"');
		slog_line_put_base64(out->line, scalar.text, scalar.length);
		put_char(out, '"');
		return;
	case SLOG_KIND_JSON:
		put_compact(out, scalar.text, scalar.length);
		return;
	default:
		slog_json_put_text(out, scalar.text, scalar.length);
	}
}

static void put_error(const struct slog_json_out *out, const struct slog_value *value)
{
	struct slog_field members[SLOG_ERROR_MEMBERS];
	slog_error_members(members, value);
	for (size_t i = 0; i < SLOG_ERROR_MEMBERS; i++) {
		put_char(out, i == 0 ? '{' : ',');
		slog_json_put_string(out, members[i].key, members[i].key_length);
		put_char(out, ':');
		put_scalar(out, &members[i].value);
	}
	put_char(out, '}');
}

/* A list or object that is being written. */
struct level {
	const struct slog_value *value;
	size_t next; /* behind the last member that was begun; 0: none was */
};

/* The next member, behind its comma and its key; NULL after the last one, behind which the level is closed. */
static const struct slog_value *next_member(const struct slog_json_out *out, struct level *level)
{
	const struct slog_value *of = level->value;
	bool is_list = slog_value_shape(of) == SLOG_KIND_LIST;
	size_t i = level->next;
	while (!is_list && i < of->length && !slog_field_stands(of->as.group, of->length, i))
		i++;
	if (i >= of->length) {
		put_char(out, is_list ? ']' : '}');
		return NULL;
	}
	if (level->next > 0)
		put_char(out, ',');
	level->next = i + 1;
	if (is_list)
		return &of->as.list[i];
	slog_json_put_string(out, of->as.group[i].key, of->as.group[i].key_length);
	put_char(out, ':');
	return &of->as.group[i].value;
}

/* A list, object or error. */
static __attribute__((noinline)) void put_nested(const struct slog_json_out *out, const struct slog_value *value)
{
	struct level levels[SLOG_DEPTH_MAX];
	size_t depth = 0;
	do {
		enum slog_kind shape = slog_value_shape(value);
		if (shape == SLOG_KIND_STRING) {
			put_scalar(out, value);
		} else if (depth == SLOG_DEPTH_MAX) {
			slog_json_put_string(out, too_deep, sizeof too_deep - 1);
		} else if (shape == SLOG_KIND_ERROR) {
			put_error(out, value);
		} else {
			put_char(out, shape == SLOG_KIND_LIST ? '[' : '{');
			levels[depth++] = (struct level){value, 0};
		}
		while (depth > 0 && (value = next_member(out, &levels[depth - 1])) == NULL)
			depth--;
	} while (depth > 0);
}

void slog_json_put_value(const struct slog_json_out *out, const struct slog_value *value)
{
	if (slog_value_shape(value) == SLOG_KIND_STRING)
		put_scalar(out, value);
	else
		put_nested(out, value);
}

void slog_line_put_json(struct slog_line *line, const struct slog_value *value)
{
	struct slog_json_out out = {line, false};
	slog_json_put_value(&out, value);
}
