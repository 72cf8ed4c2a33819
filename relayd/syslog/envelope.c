/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/envelope_form.h"

#include "syslog/peer.h"

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

const uint8_t envelope_view_numbers[1u << VIEWS] = {
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
	struct message *message = &envelope->message;
	struct common_head common;
	if (!common_head_read(context, record, &common))
		return false;
	unsigned present = common.present, odd = 0;
	const uint8_t *at = common.numbers;
	struct bytes raw = envelope->raw = common.raw;
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
	message->format = (enum message_format)(common.head & HEAD_FORMAT_MASK);
	message->pri = record.at[1];
	message->flags = (uint32_t)common.flags;
	message->time = common.time;
	envelope->received_ns = common.received_ns;
	envelope->input = (uint16_t)common.input;
	envelope->peer = context->peer[common.slot];
	context->last_slot = common.slot;
	context->last_received_ns = envelope->received_ns;
	return true;
}

bool envelope_unpack(struct envelope_context *context, struct bytes record, struct envelope *envelope)
{
	return unpack_common(context, record, envelope) || unpack_any(context, record, envelope);
}
