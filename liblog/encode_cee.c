/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event for /dev/log: a header as syslog(3) writes it (RFC 3164, local time, no host), then "@cee:" and the event as
 * a JSON object, which is the one structured form that passes an unmodified daemon behind that socket.
 */
#include <liblog/encoder.h>

#include <liblog/rfc5424.h>

#include "clock.h"
#include "headers.h"

#define PREFIX_MAX 128 /* octets of what stands before the object: a TAG of 48, and some 50 of the rest */

/* "Oct 11 22:14:15" from the digits of RFC 3339; what has no date there gets the first second of the calendar. */
static void put_timestamp(struct slog_line *line, time_t second)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[SLOG_TIMESTAMP_MAX] = "0000-01-01T00:00:00";
	struct timespec time = {.tv_sec = second + slog_clock_zone_offset(second)};
	if (slog_rfc5424_timestamp(text, sizeof text, time) != sizeof text)
		memcpy(text, "0000-01-01T00:00:00", 19);
	size_t month = (size_t)((text[5] - '0') * 10 + (text[6] - '0') - 1);
	slog_line_put(line, months + month * 3, 3);
	slog_line_put_char(line, ' ');
	slog_line_put_char(line, text[8] == '0' ? ' ' : text[8]);
	slog_line_put_char(line, text[9]);
	slog_line_put_char(line, ' ');
	slog_line_put(line, text + 11, 8);
	slog_line_put_char(line, ' ');
}

/* TAG "[" PID "]:"; a TAG without one of the octets that end it. */
static __attribute__((noinline)) void put_tag(struct slog_line *line, const char *app_name, long pid)
{
	char tag[SLOG_APP_NAME_MAX];
	size_t length = slog_rfc5424_field(tag, sizeof tag, app_name, strlen(app_name), sizeof tag);
	for (size_t i = 0; i < length; i++)
		if (tag[i] == '[' || tag[i] == ':')
			tag[i] = '_';
	slog_line_put(line, tag, length);
	slog_line_put_char(line, '[');
	slog_line_put_u64(line, (unsigned long long)pid);
	slog_line_put_string(line, "]: @cee: ");
}

/* All that stands before the JSON object. */
static void put_prefix(struct slog_line *line, const struct slog_header_key *key, const char *app_name, long pid)
{
	char pri[SLOG_PRI_MAX];
	unsigned severity = key->severity == SLOG_TRACE ? SLOG_DEBUG : (unsigned)key->severity;
	slog_line_put(line, pri, slog_rfc5424_pri(pri, sizeof pri, (unsigned)key->facility, severity));
	put_timestamp(line, key->second);
	put_tag(line, app_name, pid);
}

bool slog_cee_make_header(struct slog_headers *headers, const struct slog_header_key *key)
{
	char prefix[PREFIX_MAX];
	struct slog_line line = slog_line_in(prefix, sizeof prefix - 1);
	put_prefix(&line, key, headers->app_name, headers->pid);
	prefix[line.length] = '\0';
	return !line.overflowed && slog_json_make_header_behind(headers, &headers->cee, key, prefix);
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	const struct slog_header_key key = {entry->severity, entry->facility, entry->time.tv_sec};
	(void)encoder;
	put_prefix(line, &key, entry->app_name, entry->pid);
	struct slog_line json = slog_line_in(line->text + line->length, line->size - line->length);
	slog_encoder_json.encode(&slog_encoder_json, entry, &json);
	line->length += json.length;
	line->overflowed = line->overflowed || json.overflowed;
}

const struct slog_encoder slog_encoder_cee = {"cee", encode};
