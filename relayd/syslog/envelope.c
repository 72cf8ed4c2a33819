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
#include "syslog/envelope.h"

#include "base/clock.h"
#include "base/varint.h"
#include "syslog/civil_date.h"
#include "syslog/peer.h"
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
	VIEWS = 6,
	VIEW_MSG = VIEWS - 1,
};

static const char *const transport_names[TRANSPORTS] = {
	"internal", "udp", "tcp", "tls", "relp", "relp-tls", "unix-datagram", "unix-stream", "relp-unix",
};

const char *transport_name(enum transport transport)
{
	assert((unsigned)transport < TRANSPORTS);
	return transport_names[transport];
}

void envelope_context_start(struct envelope_context *context, int64_t base_ns)
{
	context->last_received_ns = base_ns;
	context->peers = 0;
	context->last_slot = 0;
}

/* Peers are compared as octets: the struct has no padding. */
_Static_assert(sizeof(struct peer) == 32, "struct peer has padding");

static unsigned known_peers(const struct envelope_context *context)
{
	return context->peers < ENVELOPE_PEERS_MAX ? context->peers : ENVELOPE_PEERS_MAX;
}

/* The peer's slot, or ENVELOPE_PEERS_MAX if it is not remembered. */
static unsigned find_peer(const struct envelope_context *context, const struct peer *peer)
{
	unsigned known = known_peers(context);
	if (context->last_slot < known && memcmp(&context->peer[context->last_slot], peer, sizeof *peer) == 0)
		return context->last_slot;
	for (unsigned slot = 0; slot < known; slot++) {
		if (memcmp(&context->peer[slot], peer, sizeof *peer) == 0)
			return slot;
	}
	return ENVELOPE_PEERS_MAX;
}

/* Both sides do the same, so they agree on the slots. */
static void remember_peer(struct envelope_context *context, const struct peer *peer)
{
	context->last_slot = context->peers % ENVELOPE_PEERS_MAX;
	context->peer[context->last_slot] = *peer;
	/* Stays at or above ENVELOPE_PEERS_MAX once it is there, whatever a block holds. */
	context->peers = context->peers + 1 < 2 * ENVELOPE_PEERS_MAX ? context->peers + 1 : ENVELOPE_PEERS_MAX;
}

static bool is_reception(const struct envelope *envelope)
{
	const struct message_time *time = &envelope->message.time;
	return time->unix_ns == envelope->received_ns && time->offset_minutes == 0 &&
		   time->digits == TIMESTAMP_RFC5424_DIGITS_MAX;
}

static unsigned kind_of_time(const struct envelope *envelope, struct civil_seconds at)
{
	if (is_reception(envelope))
		return TIME_IS_RECEIVED;
	uint32_t unit = timestamp_unit_ns(envelope->message.time.digits);
	return at.nanoseconds % unit == 0 ? envelope->message.time.digits : TIME_EXACT;
}

static uint64_t offset_code(int minutes)
{
	return minutes % 15 == 0 ? zigzag_of(minutes / 15) << 1 : zigzag_of(minutes) << 1 | 1;
}

static size_t write_time(const struct envelope *envelope, unsigned kind, struct civil_seconds at, uint8_t *out)
{
	const struct message_time *time = &envelope->message.time;
	size_t len = 0;
	if (kind == TIME_IS_RECEIVED)
		return 0;
	uint32_t unit = kind == TIME_EXACT ? 1 : timestamp_unit_ns(kind);
	if (kind == TIME_EXACT)
		out[len++] = time->digits;
	len += varint_write(zigzag_of(at.seconds - civil_split_ns(envelope->received_ns).seconds), out + len);
	if (unit < CLOCK_NS_PER_SECOND)
		len += varint_write(at.nanoseconds / unit, out + len);
	return len + varint_write(offset_code(time->offset_minutes), out + len);
}

/* The message's views in the order in which they are packed. */
static void list_views(struct message *message, struct bytes *views[VIEWS])
{
	views[0] = &message->hostname;
	views[1] = &message->app_name;
	views[2] = &message->procid;
	views[3] = &message->msgid;
	views[4] = &message->structured_data;
	views[VIEW_MSG] = &message->msg;
}

static size_t write_views(const struct envelope *envelope, uint8_t *out)
{
	const struct message *message = &envelope->message;
	const struct bytes views[VIEWS] = {message->hostname, message->app_name,        message->procid,
									   message->msgid,    message->structured_data, message->msg};
	size_t len = 1, end = 0;
	out[0] = 0;
	for (unsigned i = 0; i < VIEWS; i++) {
		if (views[i].len == 0)
			continue;
		size_t begin = (size_t)(views[i].at - envelope->raw.at);
		assert(begin <= envelope->raw.len && views[i].len <= envelope->raw.len - begin);
		out[0] |= (uint8_t)(1u << i);
		len += varint_write(zigzag_of((int64_t)begin - (int64_t)end), out + len);
		end = begin + views[i].len;
		len += varint_write(i == VIEW_MSG ? envelope->raw.len - end : views[i].len, out + len);
	}
	return len;
}

size_t envelope_pack(struct envelope_context *context, const struct envelope *envelope, uint8_t *out)
{
	const struct message *message = &envelope->message;
	assert(envelope->raw.len <= UINT32_MAX);
	assert(envelope->peer.transport < TRANSPORTS && message->pri <= PRI_MAX && message->flags >> MESSAGE_FLAGS == 0);
	assert((unsigned)message->format <= MESSAGE_FORMAT_NEAR_RFC5424 && message->time.digits <= TIMESTAMP_DIGITS_MAX);
	struct civil_seconds at = civil_split_ns(message->time.unix_ns);
	unsigned kind = kind_of_time(envelope, at);
	size_t len = 0;
	out[len++] =
		(uint8_t)((unsigned)message->format | kind << HEAD_TIME_SHIFT | (message->flags != 0 ? HEAD_HAS_FLAGS : 0));
	out[len++] = message->pri;
	if (message->flags != 0)
		len += varint_write(message->flags, out + len);
	/* Unsigned, so that it wraps instead of overflowing; reading wraps it back. */
	len += varint_write(zigzag_of((int64_t)((uint64_t)envelope->received_ns - (uint64_t)context->last_received_ns)),
						out + len);
	context->last_received_ns = envelope->received_ns;
	unsigned slot = find_peer(context, &envelope->peer);
	if (slot < ENVELOPE_PEERS_MAX) {
		out[len++] = (uint8_t)(1 + slot);
		context->last_slot = slot;
	} else {
		out[len++] = 0;
		len += peer_pack(&envelope->peer, out + len);
		remember_peer(context, &envelope->peer);
	}
	len += varint_write(envelope->input, out + len);
	len += write_time(envelope, kind, at, out + len);
	len += write_views(envelope, out + len);
	assert(len <= ENVELOPE_PACKED_MAX_BYTES);
	return len;
}

/* Reading: everything is checked, and `good` stays false after the first thing that is wrong. */
struct reader {
	struct bytes rest;
	bool good;
};

static uint64_t take_number(struct reader *reader, uint64_t max)
{
	uint64_t value = 0;
	size_t len = reader->good ? varint_read(reader->rest, &value) : 0;
	if (len == 0 || value > max) {
		reader->good = false;
		return 0;
	}
	reader->rest = bytes_after(reader->rest, len);
	return value;
}

static uint8_t take_octet(struct reader *reader)
{
	if (!reader->good || reader->rest.len == 0) {
		reader->good = false;
		return 0;
	}
	uint8_t octet = reader->rest.at[0];
	reader->rest = bytes_after(reader->rest, 1);
	return octet;
}

static void read_peer_or_slot(struct reader *reader, struct envelope_context *context, struct peer *peer)
{
	uint8_t code = take_octet(reader);
	if (code > known_peers(context)) {
		reader->good = false;
	} else if (code > 0) {
		*peer = context->peer[code - 1];
		context->last_slot = code - 1u;
	} else {
		size_t len = reader->good ? peer_unpack(reader->rest, peer) : 0;
		reader->good = len > 0;
		reader->rest = bytes_after(reader->rest, len);
		if (reader->good)
			remember_peer(context, peer);
	}
}

static int16_t read_offset(struct reader *reader)
{
	uint64_t code = take_number(reader, UINT16_MAX);
	int64_t minutes = zigzag_back(code >> 1) * ((code & 1) != 0 ? 1 : 15);
	if (minutes > TIMESTAMP_OFFSET_MAX_MINUTES || minutes < -TIMESTAMP_OFFSET_MAX_MINUTES)
		reader->good = false;
	return reader->good ? (int16_t)minutes : 0;
}

static void read_time(struct reader *reader, unsigned kind, int64_t received_ns, struct message_time *time)
{
	if (kind == TIME_IS_RECEIVED) {
		*time = (struct message_time){.unix_ns = received_ns, .digits = TIMESTAMP_RFC5424_DIGITS_MAX};
		return;
	}
	if (kind > TIME_EXACT) {
		reader->good = false;
		return;
	}
	time->digits = (uint8_t)(kind == TIME_EXACT ? take_octet(reader) : kind);
	if (time->digits > TIMESTAMP_DIGITS_MAX) {
		reader->good = false;
		return;
	}
	uint32_t unit = kind == TIME_EXACT ? 1 : timestamp_unit_ns(time->digits);
	int64_t seconds = zigzag_back(take_number(reader, UINT64_MAX));
	uint64_t units = unit < CLOCK_NS_PER_SECOND ? take_number(reader, CLOCK_NS_PER_SECOND / unit - 1) : 0;
	time->offset_minutes = read_offset(reader);
	if (__builtin_add_overflow(seconds, civil_split_ns(received_ns).seconds, &seconds) ||
		__builtin_mul_overflow(seconds, CLOCK_NS_PER_SECOND, &time->unix_ns) ||
		__builtin_add_overflow(time->unix_ns, (int64_t)(units * unit), &time->unix_ns))
		reader->good = false;
}

/* The views' numbers come before the raw octets, so they become views when the place of these is known. */
static void read_views(struct reader *reader, struct envelope *envelope)
{
	int64_t gap[VIEWS] = {0};
	uint64_t len[VIEWS] = {0};
	struct bytes *views[VIEWS];
	uint8_t present = take_octet(reader);
	if (present >> VIEWS != 0)
		reader->good = false;
	for (unsigned i = 0; i < VIEWS; i++) {
		if ((present >> i & 1) == 0)
			continue;
		gap[i] = zigzag_back(take_number(reader, (uint64_t)UINT32_MAX << 1 | 1));
		len[i] = take_number(reader, UINT32_MAX);
	}
	envelope->raw = reader->rest;
	int64_t end = 0, sum = 0, raw_len = (int64_t)reader->rest.len;
	list_views(&envelope->message, views);
	for (unsigned i = 0; i < VIEWS && reader->good; i++) {
		*views[i] = bytes_of(NULL, 0);
		if ((present >> i & 1) == 0)
			continue;
		int64_t begin = end + gap[i];
		end = i == VIEW_MSG ? raw_len - (int64_t)len[i] : begin + (int64_t)len[i];
		sum += end - begin;
		/* What encoders promise about their room rests on the sum. */
		reader->good = begin >= 0 && begin < end && end <= raw_len && sum <= 2 * raw_len;
		if (reader->good)
			*views[i] = bytes_of(reader->rest.at + begin, (size_t)(end - begin));
	}
}

bool envelope_unpack(struct envelope_context *context, struct bytes record, struct envelope *envelope)
{
	struct reader reader = {.rest = record, .good = true};
	struct message *message = &envelope->message;
	uint8_t head = take_octet(&reader);
	message->format = (enum message_format)(head & HEAD_FORMAT_MASK);
	message->pri = take_octet(&reader);
	message->flags = (head & HEAD_HAS_FLAGS) != 0 ? (uint32_t)take_number(&reader, (1u << MESSAGE_FLAGS) - 1) : 0;
	if (message->pri > PRI_MAX || (head & HEAD_UNUSED) != 0)
		reader.good = false;
	envelope->received_ns =
		(int64_t)((uint64_t)context->last_received_ns + (uint64_t)zigzag_back(take_number(&reader, UINT64_MAX)));
	read_peer_or_slot(&reader, context, &envelope->peer);
	envelope->input = (uint16_t)take_number(&reader, UINT16_MAX);
	read_time(&reader, head >> HEAD_TIME_SHIFT & HEAD_TIME_MASK, envelope->received_ns, &message->time);
	read_views(&reader, envelope);
	if (reader.good)
		context->last_received_ns = envelope->received_ns;
	return reader.good;
}
