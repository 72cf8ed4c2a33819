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

static void write_json(struct slog_header_names *names)
{
	struct slog_line line = slog_line_in(names->text, sizeof names->text);
	put_member(&line, ",\"hostname\":\"", slog_identity_hostname());
	put_member(&line, ",\"app_name\":\"", slog_identity_app_name());
	slog_line_put_string(&line, ",\"procid\":\"");
	slog_line_put_u64(&line, (unsigned long long)slog_identity_pid());
	slog_line_put_char(&line, '"');
	names->length = line.overflowed ? 0 : line.length;
}

static void put_field(struct slog_line *line, const char *text, size_t max)
{
	char field[SLOG_HOSTNAME_MAX];
	slog_line_put_char(line, ' ');
	slog_line_put(line, field, slog_rfc5424_field(field, sizeof field, text, strlen(text), max));
}

static void write_rfc5424(struct slog_header_names *names)
{
	struct slog_line line = slog_line_in(names->text, sizeof names->text);
	put_field(&line, slog_identity_hostname(), SLOG_HOSTNAME_MAX);
	put_field(&line, slog_identity_app_name(), SLOG_APP_NAME_MAX);
	slog_line_put_char(&line, ' ');
	slog_line_put_u64(&line, (unsigned long long)slog_identity_pid());
	slog_line_put_char(&line, ' ');
	names->length = line.overflowed ? 0 : line.length;
}

void slog_headers_write(struct slog_headers *headers, uint64_t version)
{
	headers->hostname = slog_identity_hostname();
	headers->app_name = slog_identity_app_name();
	headers->pid = slog_identity_pid();
	write_json(&headers->json_names);
	write_rfc5424(&headers->rfc5424_names);
	headers->json.kind = SLOG_HEADER_NO_KIND;
	headers->cee.kind = SLOG_HEADER_NO_KIND;
	headers->rfc5424.kind = SLOG_HEADER_NO_KIND;
	headers->version = version;
}

/* Makes date_time that of this second. False if RFC 3339 cannot write it. */
static bool set_second(struct slog_headers *headers, time_t second)
{
	char text[SLOG_TIMESTAMP_MAX];
	struct timespec time = {.tv_sec = second};
	if (headers->has_second && headers->second == second)
		return true;
	if (slog_rfc5424_timestamp(text, sizeof text, time) != sizeof text)
		return false;
	memcpy(headers->date_time, text, SLOG_HEADER_DATE_TIME);
	headers->second = second;
	headers->has_second = true;
	return true;
}

bool slog_header_begin(struct slog_headers *headers, struct slog_header *header, struct slog_line *line,
                       const struct slog_header_key *key, const char *prefix, const char *start)
{
	static const char later[] = "000000Z";
	*line = slog_line_in(header->text, SLOG_HEADER_TEXT_MAX);
	header->kind = SLOG_HEADER_NO_KIND;
	if (!set_second(headers, key->second))
		return false;
	slog_line_put_string(line, prefix);
	slog_line_put_string(line, start);
	slog_line_put(line, headers->date_time, SLOG_HEADER_DATE_TIME);
	header->micro_at = (uint32_t)line->length;
	slog_line_put(line, later, sizeof later - 1);
	return true;
}

bool slog_header_end(struct slog_header *header, const struct slog_line *line, const struct slog_header_key *key)
{
	if (line->overflowed)
		return false;
	header->length = line->length;
	header->second = key->second;
	header->kind = slog_header_kind(key);
	return true;
}
