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
#include "base/octets16.h"
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
_Static_assert(sizeof(struct peer) == 2 * OCTETS16_BLOCK, "struct peer has padding");

static inline bool same_peer(const struct peer *one, const struct peer *other)
{
	const uint8_t *octets = (const uint8_t *)one, *others = (const uint8_t *)other;
	octets16 same = octets16_load(octets) == octets16_load(others);
	same &= octets16_load(octets + OCTETS16_BLOCK) == octets16_load(others + OCTETS16_BLOCK);
	return octets16_mask(same) == 0xffff;
}

static unsigned known_peers(const struct envelope_context *context)
{
	return context->peers < ENVELOPE_PEERS_MAX ? context->peers : ENVELOPE_PEERS_MAX;
}

/* The peer's slot, or ENVELOPE_PEERS_MAX if it is not remembered. */
static unsigned find_peer(const struct envelope_context *context, const struct peer *peer)
{
	unsigned known = known_peers(context);
	for (unsigned slot = 0; slot < known; slot++) {
		/* Where there are many, ports differ: that is looked at first. */
		if (context->peer[slot].port == peer->port && same_peer(&context->peer[slot], peer))
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

static uint64_t offset_code(int minutes)
{
	if (minutes == 0)
		return 0;
	int quarters = minutes / 15;
	return quarters * 15 == minutes ? zigzag_of(quarters) << 1 : zigzag_of(minutes) << 1 | 1;
}

/* Also says the kind of time, which goes into the head. */
static uint8_t *put_time(uint8_t *at, const struct envelope *envelope, unsigned *kind)
{
	const struct message_time *time = &envelope->message.time;
	*kind = TIME_IS_RECEIVED;
	if (is_reception(envelope))
		return at;
	struct civil_seconds split = civil_split_ns(time->unix_ns);
	uint32_t unit = timestamp_unit_ns(time->digits);
	uint32_t units = split.nanoseconds > 0 ? split.nanoseconds / unit : 0;
	*kind = time->digits;
	if (units * unit != split.nanoseconds) {
		*kind = TIME_EXACT;
		*at++ = time->digits;
		units = split.nanoseconds;
	}
	at = varint_put(at, zigzag_of(split.seconds - civil_split_ns(envelope->received_ns).seconds));
	if (*kind > 0)
		at = varint_put(at, units);
	return varint_put(at, offset_code(time->offset_minutes));
}

/* A peer that is not the one of the record before. */
__attribute__((noinline, cold)) static uint8_t *put_other_peer(uint8_t *at, const struct peer *peer,
                                                               struct envelope_context *context)
{
	unsigned slot = find_peer(context, peer);
	if (slot < ENVELOPE_PEERS_MAX) {
		context->last_slot = slot;
		*at = (uint8_t)(1 + slot);
		return at + 1;
	}
	*at++ = 0;
	remember_peer(context, peer);
	return at + peer_pack(peer, at);
}

static inline uint8_t *put_peer(uint8_t *at, const struct peer *peer, struct envelope_context *context)
{
	if (context->peers == 0 || !same_peer(&context->peer[context->last_slot], peer))
		return put_other_peer(at, peer, context);
	*at = (uint8_t)(1 + context->last_slot);
	return at + 1;
}

static void list_views(struct message *message, struct bytes *views[VIEWS])
{
	views[VIEW_HOSTNAME] = &message->hostname;
	views[VIEW_APP_NAME] = &message->app_name;
	views[VIEW_PROCID] = &message->procid;
	views[VIEW_MSGID] = &message->msgid;
	views[VIEW_STRUCTURED_DATA] = &message->structured_data;
	views[VIEW_MSG] = &message->msg;
}

/* Numbers of one octet each are written as they come; whether they all fitted is asked once. */
struct view_writer {
	uint8_t *present, *at;
	const uint8_t *raw_end, *end; /* of the view before */
	uint64_t all;                 /* bits that any number has */
};

static inline void put_view(struct view_writer *writer, enum view number, struct bytes view)
{
	if (view.len == 0)
		return;
	uint64_t gap = 2 * (uint64_t)(view.at - writer->end), len = view.len;
	writer->end = view.at + view.len;
	if (number == VIEW_MSG)
		len = (uint64_t)(writer->raw_end - writer->end);
	*writer->present |= (uint8_t)(1u << number);
	writer->all |= gap | len;
	writer->at[0] = (uint8_t)gap;
	writer->at[1] = (uint8_t)len;
	writer->at += 2;
}

/* Some number takes more than one octet: a view is long, or begins far behind the one before, or before its end. */
__attribute__((noinline, cold)) static uint8_t *put_views_any(uint8_t *present, const struct envelope *envelope)
{
	struct message message = envelope->message;
	struct bytes *views[VIEWS], raw = envelope->raw;
	size_t end = 0;
	uint8_t *at = present + 1;
	list_views(&message, views);
	*present = 0;
	for (unsigned i = 0; i < VIEWS; i++) {
		if (views[i]->len == 0)
			continue;
		size_t begin = (size_t)(views[i]->at - raw.at), len = views[i]->len;
		assert(begin <= raw.len && len <= raw.len - begin);
		at = varint_put(at, zigzag_of((int64_t)begin - (int64_t)end));
		end = begin + len;
		at = varint_put(at, i == VIEW_MSG ? raw.len - end : len);
		*present |= (uint8_t)(1u << i);
	}
	return at;
}

/* With one octet for each number no gap goes backwards: then all views lie within raw if the last one ends there. */
static uint8_t *put_views(uint8_t *present, const struct envelope *envelope)
{
	const struct message *message = &envelope->message;
	const uint8_t *begin = envelope->raw.at;
	struct view_writer writer = {.present = present, .at = present + 1, .raw_end = begin + envelope->raw.len, .end = begin};
	*present = 0;
	put_view(&writer, VIEW_HOSTNAME, message->hostname);
	put_view(&writer, VIEW_APP_NAME, message->app_name);
	put_view(&writer, VIEW_PROCID, message->procid);
	put_view(&writer, VIEW_MSGID, message->msgid);
	put_view(&writer, VIEW_STRUCTURED_DATA, message->structured_data);
	put_view(&writer, VIEW_MSG, message->msg);
	if (writer.all >= 0x80)
		return put_views_any(present, envelope);
	assert(writer.end <= writer.raw_end);
	return writer.at;
}

size_t envelope_pack(struct envelope_context *context, const struct envelope *envelope, uint8_t *out)
{
	const struct message *message = &envelope->message;
	assert(envelope->raw.len <= UINT32_MAX);
	assert(envelope->peer.transport < TRANSPORTS && message->pri <= PRI_MAX && message->flags >> MESSAGE_FLAGS == 0);
	assert((unsigned)message->format <= MESSAGE_FORMAT_NEAR_RFC5424 && message->time.digits <= TIMESTAMP_DIGITS_MAX);
	uint32_t flags = message->flags;
	int64_t received_ns = envelope->received_ns;
	uint8_t *at = out + 1; /* the head is written last */
	unsigned head = (unsigned)message->format | (flags != 0 ? HEAD_HAS_FLAGS : 0), kind;
	*at++ = message->pri;
	if (flags != 0)
		at = varint_put(at, flags);
	/* Unsigned, so that it wraps instead of overflowing; reading wraps it back. */
	at = varint_put(at, zigzag_of((int64_t)((uint64_t)received_ns - (uint64_t)context->last_received_ns)));
	context->last_received_ns = received_ns;
	at = put_peer(at, &envelope->peer, context);
	at = varint_put(at, envelope->input);
	at = put_time(at, envelope, &kind);
	at = put_views(at, envelope);
	out[0] = (uint8_t)(head | kind << HEAD_TIME_SHIFT);
	assert(at <= out + ENVELOPE_PACKED_MAX_BYTES);
	return (size_t)(at - out);
}

/* How many numbers the views take: two for each bit of `present`. */
static const uint8_t view_numbers[1u << VIEWS] = {
	0, 2, 2, 4, 2, 4, 4, 6, 2, 4, 4, 6, 4, 6, 6, 8,
	2, 4, 4, 6, 4, 6, 6, 8, 4, 6, 6, 8, 6, 8, 8, 10,
	2, 4, 4, 6, 4, 6, 6, 8, 4, 6, 6, 8, 6, 8, 8, 10,
	4, 6, 6, 8, 6, 8, 8, 10, 6, 8, 8, 10, 8, 10, 10, 12,
};

/* Reading: everything is checked. After the first thing that is wrong, there is nothing left to read. */
struct reader {
	const uint8_t *at, *end;
	bool good;
};

static void refuse(struct reader *reader)
{
	reader->at = reader->end;
	reader->good = false;
}

static struct bytes rest_of(const struct reader *reader)
{
	return bytes_of(reader->at, (size_t)(reader->end - reader->at));
}

static inline uint64_t take_number(struct reader *reader, uint64_t max)
{
	uint64_t value;
	size_t len = varint_read(rest_of(reader), &value);
	if (len == 0 || value > max) {
		refuse(reader);
		return 0;
	}
	reader->at += len;
	return value;
}

static inline uint8_t take_octet(struct reader *reader)
{
	if (reader->at < reader->end)
		return *reader->at++;
	refuse(reader);
	return 0;
}

static void read_peer(struct reader *reader, struct envelope_context *context, struct peer *peer)
{
	size_t len = peer_unpack(rest_of(reader), peer);
	if (len == 0) {
		refuse(reader);
		return;
	}
	reader->at += len;
	remember_peer(context, peer);
}

static void read_peer_or_slot(struct reader *reader, struct envelope_context *context, struct peer *peer)
{
	uint8_t code = take_octet(reader);
	if (code > known_peers(context)) {
		refuse(reader);
	} else if (code > 0) {
		*peer = context->peer[code - 1];
		context->last_slot = code - 1u;
	} else {
		read_peer(reader, context, peer);
	}
}

/* Wraps, as packing it does. */
static inline int64_t received_after(const struct envelope_context *context, uint64_t number)
{
	return (int64_t)((uint64_t)context->last_received_ns + (uint64_t)zigzag_back(number));
}

static struct message_time received_time(int64_t received_ns)
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

static void read_time(struct reader *reader, unsigned kind, int64_t received_ns, struct message_time *time)
{
	if (kind == TIME_IS_RECEIVED) {
		*time = received_time(received_ns);
		return;
	}
	time->digits = (uint8_t)(kind == TIME_EXACT ? take_octet(reader) : kind);
	if (time->digits > TIMESTAMP_DIGITS_MAX) {
		refuse(reader);
		return;
	}
	unsigned digits = kind == TIME_EXACT ? TIMESTAMP_DIGITS_MAX : time->digits;
	int64_t seconds = zigzag_back(take_number(reader, UINT64_MAX));
	uint64_t units = digits > 0 ? take_number(reader, UINT64_MAX) : 0;
	if (!set_offset(take_number(reader, UINT16_MAX), time) || !set_time(received_ns, seconds, digits, units, time))
		refuse(reader);
}

/*
 * The views' numbers come before the raw octets, so they become views when the place of these is known. A begin before
 * raw's is a huge one here.
 */
static void read_views(struct reader *reader, struct envelope *envelope)
{
	struct bytes *views[VIEWS];
	uint64_t begin[VIEWS], len[VIEWS], end = 0, sum = 0;
	unsigned present = take_octet(reader);
	if (present >> VIEWS != 0)
		refuse(reader);
	for (unsigned i = 0; i < VIEWS; i++) {
		if ((present >> i & 1) == 0)
			continue;
		begin[i] = end + (uint64_t)zigzag_back(take_number(reader, (uint64_t)UINT32_MAX << 1 | 1));
		len[i] = take_number(reader, UINT32_MAX);
		end = begin[i] + len[i];
	}
	struct bytes raw = envelope->raw = rest_of(reader);
	if ((present >> VIEW_MSG & 1) != 0)
		len[VIEW_MSG] = raw.len - len[VIEW_MSG] - begin[VIEW_MSG];
	list_views(&envelope->message, views);
	for (unsigned i = 0; i < VIEWS; i++) {
		if ((present >> i & 1) == 0) {
			*views[i] = bytes_of(NULL, 0);
			continue;
		}
		if (len[i] == 0 || begin[i] > raw.len || len[i] > raw.len - begin[i]) {
			refuse(reader);
			return;
		}
		*views[i] = bytes_of(raw.at + begin[i], (size_t)len[i]);
		sum += len[i];
	}
	/* What encoders promise about their room rests on it. */
	if (sum > 2 * raw.len)
		refuse(reader);
}

static bool unpack_any(struct envelope_context *context, struct bytes record, struct envelope *envelope)
{
	if (record.len == 0)
		return false;
	struct reader reader = {.at = record.at, .end = record.at + record.len, .good = true};
	struct message *message = &envelope->message;
	uint8_t head = take_octet(&reader);
	message->format = (enum message_format)(head & HEAD_FORMAT_MASK);
	message->pri = take_octet(&reader);
	message->flags = (head & HEAD_HAS_FLAGS) != 0 ? (uint32_t)take_number(&reader, (1u << MESSAGE_FLAGS) - 1) : 0;
	if (message->pri > PRI_MAX || (head & HEAD_UNUSED) != 0)
		refuse(&reader);
	envelope->received_ns = received_after(context, take_number(&reader, UINT64_MAX));
	read_peer_or_slot(&reader, context, &envelope->peer);
	envelope->input = (uint16_t)take_number(&reader, UINT16_MAX);
	read_time(&reader, head >> HEAD_TIME_SHIFT & HEAD_TIME_MASK, envelope->received_ns, &message->time);
	read_views(&reader, envelope);
	if (reader.good)
		context->last_received_ns = envelope->received_ns;
	return reader.good;
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

/* Returns where the view ends; `*odd` gets what is no common form. */
static inline size_t next_view(const uint8_t **at, unsigned present, enum view number, struct bytes raw, size_t end,
                               struct bytes *view, unsigned *odd)
{
	*view = bytes_of(NULL, 0);
	if ((present >> number & 1) == 0)
		return end;
	unsigned gap = (*at)[0], len = (*at)[1];
	*at += 2;
	size_t begin = end + gap / 2;
	*odd |= (gap & 1) | (len == 0) | (begin + len > raw.len);
	if (*odd != 0)
		return end;
	*view = bytes_of(raw.at + begin, len);
	return begin + len;
}

/* False: it is in no common form, and nothing is said of it. */
static bool unpack_common(struct envelope_context *context, struct bytes record, struct envelope *envelope)
{
	if (record.len < COMMON_MIN_BYTES)
		return false;
	struct message *message = &envelope->message;
	const uint8_t *at = record.at + 2;
	unsigned head = record.at[0], kind = head >> HEAD_TIME_SHIFT & HEAD_TIME_MASK;
	uint64_t flags = (head & HEAD_HAS_FLAGS) != 0 ? next_number(&at) : 0, received = next_number(&at);
	unsigned peer = *at++;
	uint64_t input = next_number(&at);
	if (peer == 0 || peer > known_peers(context) || flags >> MESSAGE_FLAGS != 0 || input > UINT16_MAX ||
		record.at[1] > PRI_MAX || (head & HEAD_UNUSED) != 0)
		return false;
	envelope->received_ns = received_after(context, received);
	if (kind <= TIMESTAMP_DIGITS_MAX) {
		int64_t seconds = zigzag_back(next_number(&at));
		uint64_t units = kind > 0 ? next_number(&at) : 0;
		message->time.digits = (uint8_t)kind;
		if (!set_offset(next_number(&at), &message->time) ||
			!set_time(envelope->received_ns, seconds, kind, units, &message->time))
			return false;
	} else if (kind == TIME_IS_RECEIVED) {
		message->time = received_time(envelope->received_ns);
	} else {
		return false;
	}
	unsigned present = *at++, longer = octets16_mask(octets16_load(at)), odd = present >> VIEWS;
	if (odd != 0 || (longer & ((1u << view_numbers[present]) - 1)) != 0)
		return false;
	const uint8_t *begin = at + view_numbers[present];
	struct bytes raw = envelope->raw = bytes_of(begin, (size_t)(record.at + record.len - begin));
	size_t end = next_view(&at, present, VIEW_HOSTNAME, raw, 0, &message->hostname, &odd);
	end = next_view(&at, present, VIEW_APP_NAME, raw, end, &message->app_name, &odd);
	end = next_view(&at, present, VIEW_PROCID, raw, end, &message->procid, &odd);
	end = next_view(&at, present, VIEW_MSGID, raw, end, &message->msgid, &odd);
	end = next_view(&at, present, VIEW_STRUCTURED_DATA, raw, end, &message->structured_data, &odd);
	message->msg = bytes_of(NULL, 0);
	if ((present >> VIEW_MSG & 1) != 0) {
		unsigned behind = at[1];
		odd |= at[0] & 1u;
		end += at[0] / 2;
		if (end + behind >= raw.len)
			return false;
		message->msg = bytes_of(raw.at + end, raw.len - behind - end);
	}
	if (odd != 0)
		return false;
	message->format = (enum message_format)(head & HEAD_FORMAT_MASK);
	message->pri = record.at[1];
	message->flags = (uint32_t)flags;
	envelope->input = (uint16_t)input;
	envelope->peer = context->peer[peer - 1];
	context->last_slot = peer - 1;
	context->last_received_ns = envelope->received_ns;
	return true;
}

bool envelope_unpack(struct envelope_context *context, struct bytes record, struct envelope *envelope)
{
	return unpack_common(context, record, envelope) || unpack_any(context, record, envelope);
}

/* ---- skimming ---- */

enum {
	SKIM_OCTETS = 2 * OCTETS16_BLOCK, /* behind head and PRI, in which all numbers must end */
	SKIM_NOT = 0xFF,
};

/* How many numbers a time of each kind takes. */
static const uint8_t time_numbers[HEAD_TIME_MASK + 1] = {
	2, 3, 3, 3, 3, 3, 3, 3, 3, 3, SKIM_NOT, SKIM_NOT, SKIM_NOT, SKIM_NOT, SKIM_NOT, 0,
};

/* A bit for each octet that a number ends with. */
static inline uint32_t number_ends(const uint8_t *at)
{
	uint32_t more = octets16_mask(octets16_load(at)) | octets16_mask(octets16_load(at + OCTETS16_BLOCK)) << OCTETS16_BLOCK;
	return ~more;
}

static inline uint32_t without_lowest(uint32_t bits, unsigned count)
{
	for (; count > 0; count--)
		bits &= bits - 1;
	return bits;
}

/* What the flags of a message with a valid PRI have not. */
static const uint64_t flags_not_skimmed = ~(((uint64_t)1 << MESSAGE_FLAGS) - 1) | MESSAGE_PRI_ABSENT | MESSAGE_PRI_INVALID;

bool envelope_skim(struct envelope_context *context, struct bytes record, unsigned formats, struct bytes *raw)
{
	if (record.len <= 2 + SKIM_OCTETS)
		return false;
	uint8_t head = record.at[0];
	unsigned numbers = time_numbers[head >> HEAD_TIME_SHIFT & HEAD_TIME_MASK];
	if ((formats >> (head & HEAD_FORMAT_MASK) & 1) == 0 || (head & HEAD_UNUSED) != 0 || numbers == SKIM_NOT)
		return false;
	const uint8_t *begin = record.at + 2, *at = begin;
	uint32_t ends = number_ends(begin);
	uint64_t flags = (head & HEAD_HAS_FLAGS) != 0 ? next_number(&at) : 0, received = next_number(&at);
	unsigned slot = *at++ - 1u; /* above all others if the peer is there in full */
	if ((flags & flags_not_skimmed) != 0 || slot >= known_peers(context))
		return false;
	ends = without_lowest(ends >> (at - begin), 1 + numbers); /* the input's, and those of the time */
	if (ends == 0)
		return false;
	at += __builtin_ctz(ends);
	ends >>= __builtin_ctz(ends);
	unsigned present = *at;
	if (present >> VIEWS != 0)
		return false;
	/* The octet `present` and the numbers behind it, which have one octet each as a rule. */
	uint32_t all = (2u << view_numbers[present]) - 1;
	if ((ends & all) == all) {
		at += 1 + view_numbers[present];
	} else {
		ends = without_lowest(ends, view_numbers[present]);
		if (ends == 0)
			return false;
		at += __builtin_ctz(ends) + 1;
	}
	context->last_received_ns = received_after(context, received);
	context->last_slot = slot;
	*raw = bytes_of(at, (size_t)(record.at + record.len - at));
	return true;
}
