/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as one JSON object: what the header of a SYSLOG-MSG holds, then the event's fields. A field whose key is a
 * name of the header, possibly behind underscores, gets one underscore more, which a reader takes away again.
 */
#include <liblog/encoder.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "json_value.h"
#include "reserved.h"

/* Starts a member; the name needs no escaping. */
static void put_name(struct slog_line *line, const char *name)
{
	slog_line_put_string(line, line->length == 1 ? "\"" : ",\"");
	slog_line_put_string(line, name);
	slog_line_put(line, "\":", 2);
}

/* A header field; nil ones are absent. */
static void put_header(struct slog_line *line, const char *name, const char *text, size_t length)
{
	struct slog_json_out out = {line, false};
	if (length == 0)
		return;
	put_name(line, name);
	slog_json_put_string(&out, text, length);
}

static void put_headers(struct slog_line *line, const struct slog_entry *entry)
{
	char text[SLOG_TIMESTAMP_MAX];
	size_t length = slog_rfc5424_timestamp(text, sizeof text, entry->time);
	if (length == sizeof text)
		put_header(line, "timestamp", text, length);
	const char *severity = slog_severity_name(entry->severity == SLOG_TRACE ? SLOG_DEBUG : (int)entry->severity);
	put_header(line, "severity", severity, strlen(severity));
	const char *facility = slog_facility_name((int)entry->facility);
	put_header(line, "facility", facility, strlen(facility));
	put_header(line, "hostname", entry->hostname, strlen(entry->hostname));
	put_header(line, "app_name", entry->app_name, strlen(entry->app_name));
	put_name(line, "procid");
	slog_line_put_char(line, '"');
	slog_line_put_u64(line, (unsigned long long)entry->pid);
	slog_line_put_char(line, '"');
	put_header(line, "msgid", entry->name, entry->name_length);
	put_header(line, "message", entry->message, entry->message_length);
}

static void put_field(const struct slog_json_out *out, const struct slog_field *field)
{
	slog_line_put_string(out->line, slog_reserved_needs_underscore(field->key, field->key_length) ? ",\"_" : ",\"");
	slog_line_put_escaped(out->line, slog_json_string, field->key, field->key_length);
	slog_line_put(out->line, "\":", 2);
	slog_json_put_value(out, &field->value);
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	struct slog_json_out out = {line, false};
	slog_line_put_char(line, '{');
	put_headers(line, entry);
	size_t position = 0;
	const struct slog_field *field;
	while ((field = slog_entry_next(entry, &position)) != NULL)
		put_field(&out, field);
	if (entry->is_cut) {
		put_name(line, "~cut");
		slog_line_put_u64(line, entry->cut);
	}
	slog_line_put_char(line, '}');
}

const struct slog_encoder slog_encoder_json = {"json", encode};
