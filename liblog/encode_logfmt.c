/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as one logfmt line: the header under the names of the JSON form, then the fields. Keys are encoded as
 * PARAM-NAMEs are; strings are quoted, with JSON's escapes, where they are no word or read as another type. Lists and
 * objects, which logfmt has not, are strings of JSON text.
 */
#include <liblog/encoder.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "json_value.h"
#include "reserved.h"

static void put_key(struct slog_line *line, const char *name)
{
	if (line->length > 0)
		slog_line_put_char(line, ' ');
	slog_line_put_string(line, name);
	slog_line_put_char(line, '=');
}

/* True if a reader takes these octets, unquoted, for a string, and for all of them. */
static bool is_word(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] <= ' ' || bytes[i] == '"' || bytes[i] == '=')
			return false;
	if (length == 0 || bytes[0] == '[' || bytes[0] == '{' || !slog_json_string_is_plain(bytes, length))
		return false;
	bool is_literal = (length == 4 && (memcmp(bytes, "true", 4) == 0 || memcmp(bytes, "null", 4) == 0)) ||
	                  (length == 5 && memcmp(bytes, "false", 5) == 0);
	return !is_literal && !slog_json_is_number(bytes, length);
}

static void put_string(struct slog_line *line, const char *bytes, size_t length)
{
	bool is_quoted = !is_word(bytes, length);
	if (is_quoted)
		slog_line_put_char(line, '"');
	slog_line_put_escaped(line, slog_json_string, bytes, length);
	if (is_quoted)
		slog_line_put_char(line, '"');
}

static void put_headers(struct slog_line *line, const struct slog_entry *entry)
{
	char text[SLOG_TIMESTAMP_MAX];
	size_t length = slog_rfc5424_timestamp(text, sizeof text, entry->time);
	if (length == sizeof text) {
		put_key(line, "timestamp");
		slog_line_put(line, text, length);
	}
	put_key(line, "severity");
	slog_line_put_string(line, slog_severity_name(entry->severity == SLOG_TRACE ? SLOG_DEBUG : (int)entry->severity));
	put_key(line, "facility");
	slog_line_put_string(line, slog_facility_name((int)entry->facility));
	if (entry->hostname[0] != '\0') {
		put_key(line, "hostname");
		put_string(line, entry->hostname, strlen(entry->hostname));
	}
	if (entry->app_name[0] != '\0') {
		put_key(line, "app_name");
		put_string(line, entry->app_name, strlen(entry->app_name));
	}
	put_key(line, "procid");
	slog_line_put_u64(line, (unsigned long long)entry->pid);
	if (entry->name_length > 0) {
		put_key(line, "msgid");
		put_string(line, entry->name, entry->name_length);
	}
	if (entry->message != NULL) {
		put_key(line, "message");
		put_string(line, entry->message, entry->message_length);
	}
}

/* Puts what the line has from `from` on into quotes. It is JSON text, so it has no control characters. */
static void quote(struct slog_line *line, size_t from)
{
	size_t more = 2;
	for (size_t i = from; i < line->length; i++)
		more += line->text[i] == '"' || line->text[i] == '\\' ? 1 : 0;
	if (line->overflowed || more > line->size - line->length) {
		line->overflowed = true;
		return;
	}
	size_t to = line->length + more;
	line->text[--to] = '"';
	for (size_t i = line->length; i-- > from;) {
		line->text[--to] = line->text[i];
		if (line->text[i] == '"' || line->text[i] == '\\')
			line->text[--to] = '\\';
	}
	line->text[--to] = '"';
	line->length += more;
}

static __attribute__((noinline)) void put_scalar(struct slog_line *line, const struct slog_value *value)
{
	struct slog_scalar scalar;
	slog_scalar_read(&scalar, value);
	if (scalar.kind == SLOG_KIND_STRING) {
		put_string(line, scalar.text, scalar.length);
	} else if (scalar.kind == SLOG_KIND_BASE64) {
		slog_line_put_char(line, '"');
		slog_line_put_base64(line, scalar.text, scalar.length);
		slog_line_put_char(line, '"');
	} else if (scalar.kind == SLOG_KIND_LITERAL) {
		slog_line_put(line, scalar.text, scalar.length);
	} else {
		size_t start = line->length;
		slog_line_put_json(line, value);
		quote(line, start);
	}
}

static size_t escape_key(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	return slog_rfc5424_name(out, size, bytes, length, false, taken);
}

static void put_field(struct slog_line *line, const struct slog_field *field)
{
	slog_line_put_string(line, slog_reserved_needs_underscore(field->key, field->key_length) ? " _" : " ");
	if (field->key_length == 0)
		slog_line_put_string(line, "%-");
	slog_line_put_escaped(line, escape_key, field->key, field->key_length);
	slog_line_put_char(line, '=');
	put_scalar(line, &field->value);
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	put_headers(line, entry);
	size_t position = 0;
	const struct slog_field *field;
	while ((field = slog_entry_next(entry, &position)) != NULL)
		put_field(line, field);
	if (entry->is_cut) {
		put_key(line, "~cut");
		slog_line_put_u64(line, entry->cut);
	}
}

const struct slog_encoder slog_encoder_logfmt = {"logfmt", encode};
