/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packed form, all numbers as varints unless said:
 *
 *   head      one octet: bits 0-1 format, bits 2-5 kind of time, bit 6 set if flags follow
 *   pri       one octet
 *   flags     if bit 6 of head
 *   received  zigzag, nanoseconds since the record before (the first: since the block's base)
 *   peer      0 and a peer in full (peer.h), or 1 + its slot in the context
 *   input
 *   time      kind 0..9: zigzag of whole seconds since `received`, the fraction in as many digits, offset
 *             TIME_EXACT: the same, with an octet for the digits first and the fraction in nanoseconds
 *             TIME_IS_RECEIVED: nothing
 *   offset    quarters of an hour: zigzag * 2; minutes: zigzag * 2 + 1
 *   views     one octet, a bit for each that is not empty, then for each of these, in the struct's order: zigzag of the
 *             gap between the end of the one before and its begin, and its length; for MSG what is left behind its end
 */
#ifndef RELAYD_SYSLOG_ENVELOPE_FORM_H
#define RELAYD_SYSLOG_ENVELOPE_FORM_H

#include "base/clock.h"
#include "base/octets16.h"
#include "base/varint.h"
#include "syslog/civil_date.h"
#include "syslog/envelope.h"
#include "syslog/pri.h"
#include "syslog/timestamp.h"

enum {
	HEAD_TIME_SHIFT = 2,
	HEAD_FORMAT_MASK = 3,
	HEAD_TIME_MASK = 15,
	HEAD_HAS_FLAGS = 64,
	HEAD_UNUSED = 128,
	TIME_EXACT = 10,
	TIME_IS_RECEIVED = 15,
};

/* The message's views in the order in which they are packed. */
enum view {
	VIEW_HOSTNAME = 0,
	VIEW_APP_NAME = 1,
	VIEW_PROCID = 2,
	VIEW_MSGID = 3,
	VIEW_STRUCTURED_DATA = 4,
	VIEW_MSG = 5,
	VIEWS = 6,
};

/* How many numbers the views take: two for each bit of `present`. */
extern const uint8_t envelope_view_numbers[1u << VIEWS];

static inline unsigned known_peers(const struct envelope_context *context)
{
	return context->peers < ENVELOPE_PEERS_MAX ? context->peers : ENVELOPE_PEERS_MAX;
}

/* Wraps, as packing it does. */
static inline int64_t received_after(const struct envelope_context *context, uint64_t number)
{
	return (int64_t)((uint64_t)context->last_received_ns + (uint64_t)zigzag_back(number));
}

static inline struct message_time received_time(int64_t received_ns)
{
	return (struct message_time){.unix_ns = received_ns, .digits = TIMESTAMP_RFC5424_DIGITS_MAX};
}

/* Whether the code is that of a zone's offset. */
static inline bool set_offset(uint64_t code, struct message_time *time)
{
	int64_t minutes = zigzag_back(code >> 1 & UINT16_MAX) * ((code & 1) != 0 ? 1 : 15);
	time->offset_minutes = (int16_t)minutes;
	return code <= UINT16_MAX && minutes <= TIMESTAMP_OFFSET_MAX_MINUTES && minutes >= -TIMESTAMP_OFFSET_MAX_MINUTES;
}

/* Whether it is a time: whole seconds since `received_ns`, and a fraction in so many digits. */
static inline bool set_time(int64_t received_ns, int64_t seconds, unsigned digits, uint64_t units, struct message_time *time)
{
	return units < timestamp_unit_ns(TIMESTAMP_DIGITS_MAX - digits) &&
		   !__builtin_add_overflow(seconds, civil_split_ns(received_ns).seconds, &seconds) &&
		   !__builtin_mul_overflow(seconds, CLOCK_NS_PER_SECOND, &time->unix_ns) &&
		   !__builtin_add_overflow(time->unix_ns, (int64_t)(units * timestamp_unit_ns(digits)), &time->unix_ns);
}

/*
 * The common form: a known peer, each view behind the one before it, and numbers of one octet for views. Where the record
 * is longer than all of its numbers may be, none has to be checked for its end.
 */
enum {
	COMMON_NUMBERS_MAX = 6, /* flags, received, input, three of a time */
	COMMON_MIN_BYTES = 2 + COMMON_NUMBERS_MAX * VARINT_LEN_MAX + 2 + OCTETS16_BLOCK,
};

/* A number that is known to end in time; one that is too large leaves `*at` where it is, for the next to stumble on. */
static inline uint64_t next_number(const uint8_t **at)
{
	uint64_t value = 0;
	*at += varint_read(bytes_of(*at, VARINT_LEN_MAX), &value);
	return value;
}

/* What a record in the common form has in front of its views. */
struct common_head {
	unsigned head, slot, present;
	uint64_t flags, input;
	int64_t received_ns;
	struct message_time time;
	const uint8_t *numbers; /* of the views, one octet each; 16 octets from here on are the record's */
	struct bytes raw;
};

/* False: it is in no common form, and nothing is said of it. What is not asked for costs nothing. */
__attribute__((always_inline)) static inline bool
common_head_read(const struct envelope_context *context, struct bytes record, struct common_head *common)
{
	if (record.len < COMMON_MIN_BYTES)
		return false;
	const uint8_t *at = record.at + 2;
	unsigned head = common->head = record.at[0], kind = head >> HEAD_TIME_SHIFT & HEAD_TIME_MASK;
	common->flags = (head & HEAD_HAS_FLAGS) != 0 ? next_number(&at) : 0;
	common->received_ns = received_after(context, next_number(&at));
	common->slot = *at++ - 1u; /* above all others if the peer is there in full */
	common->input = next_number(&at);
	if (common->slot >= known_peers(context) || common->flags >> MESSAGE_FLAGS != 0 || common->input > UINT16_MAX ||
	    record.at[1] > PRI_MAX || (head & HEAD_UNUSED) != 0)
		return false;
	if (kind <= TIMESTAMP_DIGITS_MAX) {
		int64_t seconds = zigzag_back(next_number(&at));
		uint64_t units = kind > 0 ? next_number(&at) : 0;
		common->time.digits = (uint8_t)kind;
		if (!set_offset(next_number(&at), &common->time) ||
		    !set_time(common->received_ns, seconds, kind, units, &common->time))
			return false;
	} else if (kind == TIME_IS_RECEIVED) {
		common->time = received_time(common->received_ns);
	} else {
		return false;
	}
	unsigned present = common->present = *at++, longer = octets16_mask(octets16_load(at));
	if (present >> VIEWS != 0 || (longer & ((1u << envelope_view_numbers[present]) - 1)) != 0)
		return false;
	const uint8_t *begin = at + envelope_view_numbers[present];
	common->numbers = at;
	common->raw = bytes_of(begin, (size_t)(record.at + record.len - begin));
	return true;
}

#endif
