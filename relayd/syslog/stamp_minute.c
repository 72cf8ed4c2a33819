/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/stamp_minute.h"

#include "base/clock.h"
#include "base/decimal.h"
#include "base/octets16.h"
#include "syslog/legacy_timestamp.h"
#include "syslog/timestamp_resolve.h"

enum {
	BSD_MINUTE = 0x1fff, /* "Oct 11 22:14:" */
	ISO_MINUTE = 0xffff, /* "2026-10-11T22:14" */
	BSD_SECONDS_AT = 13,
	ISO_SECONDS_AT = 17,
	ISO_LEN_MIN = 19,
	ISO_ROOM = ISO_LEN_MIN + 1 + DECIMAL_WORD_DIGITS + 6, /* with a fraction, an offset and what follows */
	SECONDS_MAX = 59, /* a leap second goes the long way */
};

/* `octets` has a bit for each octet that must be the same. */
static inline bool is_in(const struct stamp_minute *minute, const uint8_t *at, unsigned octets, int64_t received_ns)
{
	unsigned differ = ~octets16_mask(octets16_load(at) == octets16_load(minute->text));
	return (differ & octets) == 0 && received_ns >= minute->valid_from_ns && received_ns < minute->valid_until_ns;
}

static inline struct message_time time_in(const struct stamp_minute *minute, unsigned seconds)
{
	return (struct message_time){
		.unix_ns = (minute->seconds + seconds) * CLOCK_NS_PER_SECOND,
		.offset_minutes = minute->offset_minutes,
	};
}

static __attribute__((noinline)) bool read_other_minute(struct bytes text, struct parse_context *context,
														struct message *message)
{
	struct timestamp stamp;
	if (!legacy_timestamp_read_common(text, &stamp))
		return false;
	timestamp_resolve(context, &stamp, message);
	timestamp_minute_of(context, &stamp, &context->bsd_minute);
	memcpy(context->bsd_minute.text, text.at, STAMP_MINUTE_BYTES);
	return true;
}

bool stamp_minute_read_bsd(struct bytes text, struct parse_context *context, struct message *message)
{
	const struct stamp_minute *minute = &context->bsd_minute;
	const uint8_t *at = text.at;
	if (text.len <= LEGACY_TIMESTAMP_COMMON_BYTES || !is_in(minute, at, BSD_MINUTE, context->received_ns) ||
		!legacy_timestamp_ends(at))
		return read_other_minute(text, context, message);
	unsigned seconds = decimal_read_pair(at + BSD_SECONDS_AT);
	if (seconds > SECONDS_MAX)
		return read_other_minute(text, context, message);
	message->time = time_in(minute, seconds);
	message->flags |= MESSAGE_YEAR_GUESSED | MESSAGE_ZONE_GUESSED;
	return true;
}

/* "Z" or "+02:00", if it is the minute's own; its length or 0. */
static inline size_t offset_at(const uint8_t *at, const struct stamp_minute *minute)
{
	struct timestamp stamp;
	if (*at == 'Z')
		return minute->offset_minutes == 0 ? 1 : 0;
	size_t len = timestamp_read_offset(bytes_of(at, 6), &stamp);
	return len == 6 && stamp.offset_minutes == minute->offset_minutes ? len : 0;
}

size_t stamp_minute_read_iso(struct bytes text, const struct parse_context *context, struct message *message)
{
	const struct stamp_minute *minute = &context->iso_minute;
	if (text.len <= ISO_ROOM || !is_in(minute, text.at, ISO_MINUTE, context->received_ns))
		return 0;
	const uint8_t *at = text.at + ISO_LEN_MIN;
	unsigned seconds = decimal_read_pair(text.at + ISO_SECONDS_AT);
	if (seconds > SECONDS_MAX || text.at[ISO_SECONDS_AT - 1] != ':')
		return 0;
	struct message_time time = time_in(minute, seconds);
	if (*at == '.') {
		uint64_t fraction;
		size_t digits = decimal_read_word(at + 1, &fraction);
		if (digits - 1 >= TIMESTAMP_RFC5424_DIGITS_MAX)
			return 0;
		time.digits = (uint8_t)digits;
		time.unix_ns += (int64_t)fraction * timestamp_unit_ns((unsigned)digits);
		at += 1 + digits;
	}
	size_t offset_len = offset_at(at, minute);
	at += offset_len;
	if (offset_len == 0 || *at != ' ')
		return 0;
	message->time = time;
	return (size_t)(at - text.at);
}

void stamp_minute_note_iso(struct bytes text, const struct timestamp *stamp, struct parse_context *context)
{
	if (!stamp->has_offset)
		return;
	timestamp_minute_of(context, stamp, &context->iso_minute);
	memcpy(context->iso_minute.text, text.at, STAMP_MINUTE_BYTES);
}
