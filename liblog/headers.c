/* SPDX-License-Identifier: Apache-2.0 */
/* See headers.h. */
#include "headers.h"

#include <liblog/json.h>
#include <liblog/line.h>

static void put_member(struct slog_line *line, const char *start, const char *text)
{
	if (text[0] == '\0')
		return;
	slog_line_put_string(line, start);
	slog_line_put_escaped(line, slog_json_string, text, strlen(text));
	slog_line_put_char(line, '"');
}

static void write_json(struct slog_header_text *header)
{
	struct slog_line line = slog_line_in(header->text, sizeof header->text);
	put_member(&line, ",\"hostname\":\"", slog_identity_hostname());
	put_member(&line, ",\"app_name\":\"", slog_identity_app_name());
	slog_line_put_string(&line, ",\"procid\":\"");
	slog_line_put_u64(&line, (unsigned long long)slog_identity_pid());
	slog_line_put_char(&line, '"');
	header->length = line.overflowed ? 0 : line.length;
}

static void put_field(struct slog_line *line, const char *text, size_t max)
{
	char field[SLOG_HOSTNAME_MAX];
	slog_line_put_char(line, ' ');
	slog_line_put(line, field, slog_rfc5424_field(field, sizeof field, text, strlen(text), max));
}

static void write_rfc5424(struct slog_header_text *header)
{
	struct slog_line line = slog_line_in(header->text, sizeof header->text);
	put_field(&line, slog_identity_hostname(), SLOG_HOSTNAME_MAX);
	put_field(&line, slog_identity_app_name(), SLOG_APP_NAME_MAX);
	slog_line_put_char(&line, ' ');
	slog_line_put_u64(&line, (unsigned long long)slog_identity_pid());
	slog_line_put_char(&line, ' ');
	header->length = line.overflowed ? 0 : line.length;
}

void slog_headers_write(struct slog_headers *headers, uint64_t version)
{
	headers->hostname = slog_identity_hostname();
	headers->app_name = slog_identity_app_name();
	headers->pid = slog_identity_pid();
	write_json(&headers->json);
	write_rfc5424(&headers->rfc5424);
	headers->version = version;
}

bool slog_headers_set_second(struct slog_headers *headers, time_t second)
{
	char text[SLOG_TIMESTAMP_MAX];
	struct timespec time = {.tv_sec = second};
	if (slog_rfc5424_timestamp(text, sizeof text, time) != sizeof text)
		return false;
	memcpy(headers->date_time, text, SLOG_HEADER_DATE_TIME);
	headers->second = second;
	headers->has_second = true;
	return true;
}
