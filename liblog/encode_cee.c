/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event for /dev/log: a header as syslog(3) writes it (RFC 3164, local time, no host), then "@cee:" and the event as
 * a JSON object, which is the one structured form that passes an unmodified daemon behind that socket.
 */
#include <liblog/encoder.h>

#include <liblog/rfc5424.h>

#include "clock.h"
#include "number.h"

/* "Oct 11 22:14:15" from the digits of RFC 3339; what has no date there gets the first second of the calendar. */
static void put_timestamp(struct slog_line *line, struct timespec time)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[SLOG_TIMESTAMP_MAX] = "0000-01-01T00:00:00";
	time.tv_sec += slog_clock_zone_offset(time.tv_sec);
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
static __attribute__((noinline)) void put_tag(struct slog_line *line, const struct slog_entry *entry)
{
	char tag[SLOG_APP_NAME_MAX];
	size_t length = slog_rfc5424_field(tag, sizeof tag, entry->app_name, strlen(entry->app_name), sizeof tag);
	for (size_t i = 0; i < length; i++)
		if (tag[i] == '[' || tag[i] == ':')
			tag[i] = '_';
	slog_line_put(line, tag, length);
	slog_line_put_char(line, '[');
	slog_line_put_u64(line, (unsigned long long)entry->pid);
	slog_line_put_string(line, "]: @cee: ");
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	char pri[SLOG_PRI_MAX];
	unsigned severity = entry->severity == SLOG_TRACE ? SLOG_DEBUG : (unsigned)entry->severity;
	(void)encoder;
	slog_line_put(line, pri, slog_rfc5424_pri(pri, sizeof pri, (unsigned)entry->facility, severity));
	put_timestamp(line, entry->time);
	put_tag(line, entry);
	struct slog_line json = slog_line_in(line->text + line->length, line->size - line->length);
	slog_encoder_json.encode(&slog_encoder_json, entry, &json);
	line->length += json.length;
	line->overflowed = line->overflowed || json.overflowed;
}

const struct slog_encoder slog_encoder_cee = {"cee", encode};
