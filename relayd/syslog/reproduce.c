/* SPDX-License-Identifier: Apache-2.0 */
/* The parts are views, so it is enough to walk over the octets and see that nothing but separators lies between them.
 */
#include "syslog/reproduce.h"

#include "base/decimal.h"
#include "syslog/parse.h"
#include "syslog/structured_data.h"
#include "syslog/timestamp.h"

struct walk {
	struct bytes rest;
	bool good;
};

static void over_text(struct walk *walk, struct bytes text)
{
	walk->good = walk->good && bytes_start_with(walk->rest, text);
	if (walk->good)
		walk->rest = bytes_after(walk->rest, text.len);
}

/* A view must lie just here; octets that only look the same elsewhere do as well. */
static void over_part(struct walk *walk, struct bytes part)
{
	if (walk->good && part.len > 0 && part.at == walk->rest.at && part.len <= walk->rest.len)
		walk->rest = bytes_after(walk->rest, part.len);
	else
		over_text(walk, part);
}

static void over_pri(struct walk *walk, const struct message *message)
{
	uint8_t text[2 + DECIMAL_DIGITS_MAX];
	size_t len = 1 + decimal_write(message->pri, text + 1);
	text[0] = '<';
	text[len++] = '>';
	over_text(walk, bytes_of(text, len));
}

static void over_field(struct walk *walk, struct bytes field)
{
	over_text(walk, BYTES(" "));
	over_part(walk, field.len > 0 ? field : BYTES("-"));
}

/*
 * STRUCTURED-DATA as it is written from its names and values: "\\" only before what it escapes, no "]" without one. An
 * SD-ID that occurs twice is told as one list, without the place of each.
 */
static bool is_as_written(const struct message *message)
{
	struct bytes rest = message->structured_data;
	if (rest.len == 0)
		return true;
	if ((message->flags & MESSAGE_SD_REPEATED) != 0)
		return false;
	/* Only what is near to RFC 5424 has that "]". */
	if (message->format != MESSAGE_FORMAT_RFC5424 && sd_measure(rest).outcome != SD_EXACT)
		return false;
	for (;;) {
		rest = bytes_after(rest, bytes_find(rest, '\\'));
		if (rest.len == 0)
			return true;
		if (rest.len < 2 || !sd_is_escaped(rest.at[1]))
			return false;
		rest = bytes_after(rest, 2);
	}
}

static void over_rfc5424(struct walk *walk, const struct message *message)
{
	uint8_t time[TIMESTAMP_TEXT_MAX_BYTES];
	bool with_offset = (message->flags & MESSAGE_ZONE_GUESSED) == 0;
	over_pri(walk, message);
	over_text(walk, BYTES("1 "));
	if ((message->flags & MESSAGE_TIME_ABSENT) != 0)
		over_text(walk, BYTES("-"));
	else
		over_text(walk, bytes_of(time, timestamp_write(&message->time, TIMESTAMP_DIGITS_MAX, with_offset, time)));
	over_field(walk, message->hostname);
	over_field(walk, message->app_name);
	over_field(walk, message->procid);
	over_field(walk, message->msgid);
	walk->good = walk->good && is_as_written(message);
	over_field(walk, message->structured_data);
	if (walk->rest.len > 0)
		over_text(walk, BYTES(" "));
	if ((message->flags & MESSAGE_BOM) != 0)
		over_text(walk, MSG_BOM);
	over_part(walk, message->msg);
}

static void over_tag(struct walk *walk, const struct message *message)
{
	over_part(walk, message->app_name);
	if (message->procid.len > 0) {
		over_text(walk, BYTES("["));
		over_part(walk, message->procid);
		over_text(walk, BYTES("]"));
	}
	over_text(walk, BYTES(":"));
	if (message->msg.len > 0)
		over_text(walk, BYTES(" "));
}

static void over_legacy(struct walk *walk, const struct message *message)
{
	uint8_t stamp[TIMESTAMP_BSD_BYTES];
	if ((message->flags & MESSAGE_PRI_ABSENT) == 0)
		over_pri(walk, message);
	if ((message->flags & MESSAGE_TIME_ABSENT) == 0) {
		timestamp_write_bsd(&message->time, stamp);
		over_text(walk, bytes_of(stamp, sizeof stamp));
		over_text(walk, BYTES(" "));
	}
	if (message->hostname.len > 0) {
		over_part(walk, message->hostname);
		over_text(walk, BYTES(" "));
	}
	if (message->app_name.len > 0)
		over_tag(walk, message);
	over_part(walk, message->msg);
	/* Solaris' and ProCurve's MSGID stand where no legacy message has one. */
	walk->good = walk->good && message->msgid.len == 0 && (message->flags & MESSAGE_BOM) == 0;
}

bool message_is_reproduced(const struct envelope *envelope)
{
	const struct message *message = &envelope->message;
	struct walk walk = {.rest = parse_trim(envelope->raw), .good = true};
	if ((message->flags & (MESSAGE_PRI_INVALID | MESSAGE_TIME_INVALID)) != 0)
		return false;
	switch (message->format) {
	case MESSAGE_FORMAT_RFC5424:
	case MESSAGE_FORMAT_NEAR_RFC5424:
		over_rfc5424(&walk, message);
		break;
	case MESSAGE_FORMAT_RFC3164:
	case MESSAGE_FORMAT_UNSTRUCTURED:
		over_legacy(&walk, message);
		break;
	}
	return walk.good && walk.rest.len == 0;
}
