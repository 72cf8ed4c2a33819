/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as one JSON object with the names of the Elastic Common Schema: the JSON form with its header renamed by a
 * table. ECS wants the first three in this order, and dotted names at top level. The fields keep their names; one that
 * equals a name of the table, possibly behind underscores, gets one underscore more, so that no name is there twice.
 */
#include <liblog/encoder.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "json_value.h"

enum part {
	PART_TIMESTAMP,
	PART_SEVERITY,
	PART_MESSAGE,
	PART_VERSION,
	PART_LOGGER,
	PART_SEVERITY_CODE,
	PART_FACILITY,
	PART_FACILITY_CODE,
	PART_HOSTNAME,
	PART_APP_NAME,
	PART_PROCID,
	PART_MSGID,
	PARTS
};

static const char *const names[PARTS] = {
	[PART_TIMESTAMP] = "@timestamp",
	[PART_SEVERITY] = "log.level",
	[PART_MESSAGE] = "message",
	[PART_VERSION] = "ecs.version",
	[PART_LOGGER] = "log.logger",
	[PART_SEVERITY_CODE] = "log.syslog.severity.code",
	[PART_FACILITY] = "log.syslog.facility.name",
	[PART_FACILITY_CODE] = "log.syslog.facility.code",
	[PART_HOSTNAME] = "host.hostname",
	[PART_APP_NAME] = "process.name",
	[PART_PROCID] = "process.pid",
	[PART_MSGID] = "event.code",
};

static const char version[] = "8.11.0";

static void put_name(struct slog_line *line, const char *name)
{
	bool is_first = line->length > 0 && line->text[line->length - 1] == '{';
	slog_line_put_string(line, is_first ? "\"" : ",\"");
	slog_line_put_string(line, name);
	slog_line_put(line, "\":", 2);
}

static void put_text(struct slog_line *line, enum part part, const char *text, size_t length)
{
	struct slog_json_out out = {line, false};
	if (length == 0)
		return;
	put_name(line, names[part]);
	slog_json_put_string(&out, text, length);
}

static void put_number(struct slog_line *line, enum part part, unsigned long long number)
{
	put_name(line, names[part]);
	slog_line_put_u64(line, number);
}

static void put_part(struct slog_line *line, const struct slog_entry *entry, enum part part)
{
	char time[SLOG_TIMESTAMP_MAX];
	int severity = entry->severity == SLOG_TRACE ? SLOG_DEBUG : (int)entry->severity;
	size_t length;
	switch (part) {
	case PART_TIMESTAMP:
		length = slog_rfc5424_timestamp(time, sizeof time, entry->time);
		put_text(line, part, time, length == sizeof time ? length : 0);
		return;
	case PART_SEVERITY:
		put_text(line, part, slog_severity_name(severity), strlen(slog_severity_name(severity)));
		return;
	case PART_MESSAGE:
		put_text(line, part, entry->message, entry->message_length);
		return;
	case PART_VERSION:
		put_text(line, part, version, sizeof version - 1);
		return;
	case PART_LOGGER:
		put_text(line, part, entry->logger, strlen(entry->logger));
		return;
	case PART_SEVERITY_CODE:
		put_number(line, part, (unsigned)severity);
		return;
	case PART_FACILITY:
		put_text(line, part, slog_facility_name((int)entry->facility), strlen(slog_facility_name((int)entry->facility)));
		return;
	case PART_FACILITY_CODE:
		put_number(line, part, (unsigned)entry->facility);
		return;
	case PART_HOSTNAME:
		put_text(line, part, entry->hostname, strlen(entry->hostname));
		return;
	case PART_APP_NAME:
		put_text(line, part, entry->app_name, strlen(entry->app_name));
		return;
	case PART_PROCID:
		put_number(line, part, (unsigned long long)entry->pid);
		return;
	case PART_MSGID:
		put_text(line, part, entry->name, entry->name_length);
		return;
	case PARTS:
		return;
	}
}

static bool is_taken(const char *key, size_t length)
{
	while (length > 0 && key[0] == '_') {
		key++;
		length--;
	}
	for (int part = 0; part < PARTS; part++)
		if (strlen(names[part]) == length && memcmp(names[part], key, length) == 0)
			return true;
	return false;
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	size_t position = 0;
	const struct slog_field *field;
	slog_line_put_char(line, '{');
	for (int part = 0; part < PARTS; part++)
		put_part(line, entry, (enum part)part);
	while ((field = slog_entry_next(entry, &position)) != NULL) {
		slog_line_put_string(line, is_taken(field->key, field->key_length) ? ",\"_" : ",\"");
		slog_line_put_escaped(line, slog_json_string, field->key, field->key_length);
		slog_line_put(line, "\":", 2);
		slog_line_put_json(line, &field->value);
	}
	if (entry->is_cut) {
		put_name(line, "~cut");
		slog_line_put_u64(line, entry->cut);
	}
	slog_line_put_char(line, '}');
}

const struct slog_encoder slog_encoder_ecs = {"ecs", encode};
