/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is owed is kept as numbers, not as a queue: messages are answered in the order of their TXNRs, which have no
 * gaps, so `answered_txnr`, `pending` and `stored` say everything, however many messages there are.
 *
 *     answered_txnr < (stored messages) <= (pending messages) <= received_txnr
 */
#include "relp/relp_server.h"

#include "base/decimal.h"
#include "relp/relp_block.h"

enum {
	ANSWERS_AT_ONCE = 256, /* answers for which room is reserved in one go */
	REFUSAL_LEN_MAX = 80,
};

static void move_to(struct relp_server *session, enum relp_server_state state)
{
	assert(state > session->state);
	session->state = state;
}

void relp_server_init(struct relp_server *session, size_t limit, struct bytes software)
{
	assert(software.len <= RELP_SOFTWARE_LEN_MAX);
	*session = (struct relp_server){.state = RELP_SERVER_AWAIT_OPEN, .software = software};
	relp_frame_reader_init(&session->reader, limit);
}

/* The TXNR after which this client begins at 1 again. */
static uint32_t last_txnr(const struct relp_server *session)
{
	return session->counts_late ? RELP_TXNR_LIBRELP_MAX : RELP_TXNR_MAX;
}

static uint32_t txnr_after(const struct relp_server *session, uint32_t txnr)
{
	return txnr == last_txnr(session) ? 1 : txnr + 1;
}

/* Whether `txnr` is the successor of the last command. Notes a client that counts as librelp does. */
static bool follows(struct relp_server *session, uint32_t txnr)
{
	if (session->received_txnr == RELP_TXNR_MAX && txnr == RELP_TXNR_LIBRELP_MAX)
		session->counts_late = true;
	return txnr == txnr_after(session, session->received_txnr);
}

static enum relp_server_event_kind fail(struct relp_server *session, struct relp_server_event *event,
                                        struct bytes frame, const char *reason)
{
	move_to(session, RELP_SERVER_CLOSING);
	event->reason = reason;
	event->offending = bytes_first(frame, RELP_OFFENDING_LEN_MAX);
	return event->kind = RELP_SERVER_PROTOCOL_ERROR;
}

static enum relp_server_event_kind take_open(struct relp_server *session, const struct relp_frame *frame,
                                             struct relp_server_event *event, struct bytes octets)
{
	if (session->state != RELP_SERVER_AWAIT_OPEN)
		return fail(session, event, octets, "a second open");
	if (frame->txnr != 1)
		return fail(session, event, octets, "open with another TXNR than 1");
	if (frame->truncated)
		return fail(session, event, octets, "offers longer than the limit");
	session->received_txnr = session->answered_txnr = frame->txnr;
	session->owe_open = true;
	if (!relp_offers_read(frame->data, &event->offers, &session->refusal))
		return fail(session, event, octets, session->refusal);
	if (!event->offers.syslog) {
		session->refusal = "required command not supported by client";
		return fail(session, event, octets, "the client does not offer the command syslog");
	}
	move_to(session, RELP_SERVER_OPEN);
	return event->kind = RELP_SERVER_OPENED;
}

static enum relp_server_event_kind take_message(struct relp_server *session, const struct relp_frame *frame,
                                                struct relp_server_event *event, struct bytes octets)
{
	if (session->pending == RELP_SERVER_PENDING_MAX)
		return fail(session, event, octets, "too many messages without waiting for an answer");
	session->received_txnr = frame->txnr;
	session->pending++;
	session->last_is_cut = relp_frame_unfinished(&session->reader);
	event->data = frame->data;
	event->truncated = frame->truncated;
	return event->kind = RELP_SERVER_MESSAGE;
}

static enum relp_server_event_kind take_blocks(struct relp_server *session, const struct relp_frame *frame,
                                               struct relp_server_event *event, struct bytes octets)
{
	if (frame->data.len > session->block.max_octets || frame->truncated)
		return fail(session, event, octets, "a block command longer than we said that we take");
	enum relp_server_event_kind kind = take_message(session, frame, event, octets);
	return kind == RELP_SERVER_MESSAGE ? event->kind = RELP_SERVER_BLOCKS : kind;
}

/* One whole frame, or the kept start of a long one. `octets`: from its first on, for the log. */
static enum relp_server_event_kind take_frame(struct relp_server *session, const struct relp_frame *frame,
                                              struct relp_server_event *event, struct bytes octets)
{
	event->txnr = frame->txnr;
	if (bytes_equal(frame->command, BYTES("open")))
		return take_open(session, frame, event, octets);
	if (session->state == RELP_SERVER_AWAIT_OPEN)
		return fail(session, event, octets, "a command before open");
	if (!follows(session, frame->txnr))
		return fail(session, event, octets, "TXNR is not the successor of the last");
	if (bytes_equal(frame->command, BYTES("syslog")))
		return take_message(session, frame, event, octets);
	if (session->grants_blocks && bytes_equal(frame->command, BYTES("block")))
		return take_blocks(session, frame, event, octets);
	if (!bytes_equal(frame->command, BYTES("close")))
		return fail(session, event, octets, "unknown command");
	session->received_txnr = frame->txnr;
	session->owe_close = true;
	move_to(session, RELP_SERVER_CLOSING);
	return event->kind = RELP_SERVER_CLOSE_REQUESTED;
}

/* TXNR 0 is for hints, which need no answer; the commands of a session are none. */
static bool is_hint(const struct relp_frame *frame)
{
	return frame->txnr == 0 && !bytes_equal(frame->command, BYTES("syslog")) &&
	       !bytes_equal(frame->command, BYTES("open")) && !bytes_equal(frame->command, BYTES("close")) &&
	       !bytes_equal(frame->command, BYTES("rsp"));
}

/* `0 lost <digits> <records>`: the only hint that means something to us, and only of a client that ships blocks. */
static bool is_loss(const struct relp_server *session, const struct relp_frame *frame, struct relp_server_event *event)
{
	if (!session->grants_blocks || !bytes_equal(frame->command, BYTES("lost")))
		return false;
	size_t len = decimal_read(frame->data, DECIMAL_DIGITS_MAX - 1, &event->lost);
	return len > 0 && len == frame->data.len;
}

enum relp_server_event_kind relp_server_feed(struct relp_server *session, struct bytes in,
                                             struct relp_server_event *event)
{
	memset(event, 0, offsetof(struct relp_server_event, offers));
	if (session->state >= RELP_SERVER_CLOSING) {
		event->consumed = in.len;
		return RELP_SERVER_NOTHING;
	}
	for (;;) {
		struct relp_frame frame;
		struct bytes octets = bytes_after(in, event->consumed);
		enum frame_result result = relp_frame_next(&session->reader, octets, &frame);
		event->consumed += frame.consumed;
		if (result == FRAME_INCOMPLETE)
			return RELP_SERVER_NOTHING;
		if (result == FRAME_INVALID)
			return fail(session, event, bytes_after(octets, frame.consumed), frame.reason);
		session->last_is_cut = false;
		if (!is_hint(&frame))
			return take_frame(session, &frame, event, octets);
		if (is_loss(session, &frame, event))
			return event->kind = RELP_SERVER_LOST;
	}
}

void relp_server_hold_open(struct relp_server *session)
{
	assert(session->state == RELP_SERVER_OPEN && session->owe_open);
	session->holds_open = true;
}

void relp_server_grant_blocks(struct relp_server *session, const struct relp_block_answer *answer)
{
	assert(session->holds_open && answer->max_octets <= RELP_BLOCK_COMMAND_MAX);
	session->holds_open = false;
	session->grants_blocks = true;
	session->block = *answer;
	if (session->reader.limit < answer->max_octets)
		session->reader.limit = (size_t)answer->max_octets;
}

void relp_server_grant_messages(struct relp_server *session)
{
	assert(session->holds_open);
	session->holds_open = false;
}

void relp_server_refuse_open(struct relp_server *session, const char *refusal)
{
	assert(session->holds_open);
	session->holds_open = false;
	session->refusal = refusal;
	relp_server_stop(session);
}

void relp_server_refuse_block(struct relp_server *session, const char *refusal)
{
	assert(session->grants_blocks && session->state == RELP_SERVER_OPEN && session->pending > session->stored);
	assert(strlen(refusal) <= REFUSAL_LEN_MAX);
	session->pending--;
	session->block_refusal = refusal;
	relp_server_stop(session);
}

bool relp_server_hint_full(const struct relp_server *session, struct buffer *out)
{
	return session->grants_blocks && session->state == RELP_SERVER_OPEN && !session->owe_open &&
	       relp_frame_append(out, 0, BYTES("full"), BYTES(""));
}

void relp_server_stored(struct relp_server *session, uint32_t txnr)
{
	if (session->given_up || session->state == RELP_SERVER_CLOSED)
		return;
	assert(txnr > 0 && txnr <= last_txnr(session));
	uint32_t answered = session->answered_txnr;
	uint32_t stored = txnr > answered ? txnr - answered : last_txnr(session) - answered + txnr;
	assert(stored <= session->pending);
	if (stored > session->stored)
		session->stored = stored;
}

static bool write_open_answer(struct relp_server *session, struct buffer *out)
{
	if (!session->owe_open)
		return true;
	uint8_t block[RELP_BLOCK_OFFER_MAX], counts[RELP_BLOCK_COUNTS_MAX];
	uint8_t data[sizeof "200 OK\n" + RELP_OFFERS_LEN_MAX];
	size_t len;
	if (session->refusal != NULL) {
		struct bytes refusal = bytes_of_text(session->refusal);
		memcpy(data, "500 ", 4);
		memcpy(data + 4, refusal.at, refusal.len);
		len = 4 + refusal.len;
	} else {
		struct relp_offers offers = {.software = session->software, .syslog = true};
		if (session->grants_blocks) {
			offers.block_command = true;
			offers.block = bytes_of(block, relp_block_answer_write(&session->block, block));
			offers.block_counts = bytes_of(counts, relp_block_counts_write(&session->block, counts));
		}
		memcpy(data, "200 OK\n", 7);
		len = 7 + relp_offers_write(&offers, data + 7);
	}
	if (!relp_frame_append(out, 1, BYTES("rsp"), bytes_of(data, len)))
		return false;
	session->owe_open = false;
	return true;
}

/* A message whose last octets are still to come must not be answered: the client has not finished sending it. */
static uint32_t answerable(const struct relp_server *session)
{
	uint32_t whole = session->pending;
	if (session->last_is_cut && relp_frame_unfinished(&session->reader))
		whole--;
	return session->stored < whole ? session->stored : whole;
}

static bool write_receipts(struct relp_server *session, struct buffer *out)
{
	for (uint32_t left = answerable(session); left > 0;) {
		uint32_t count = left < ANSWERS_AT_ONCE ? left : ANSWERS_AT_ONCE;
		size_t fit = buffer_room(out) / RELP_RSP_OK_LEN_MAX;
		if (count > fit)
			count = (uint32_t)fit;
		uint8_t *room = count > 0 ? buffer_reserve(out, count * (size_t)RELP_RSP_OK_LEN_MAX) : NULL;
		if (room == NULL)
			return false;
		size_t len = 0;
		for (uint32_t i = 0; i < count; i++) {
			session->answered_txnr = txnr_after(session, session->answered_txnr);
			len += relp_rsp_ok_write(session->answered_txnr, room + len);
		}
		buffer_commit(out, len);
		session->pending -= count;
		session->stored -= count;
		left -= count;
	}
	return true;
}

static bool write_refusal(struct relp_server *session, struct buffer *out)
{
	uint8_t data[4 + REFUSAL_LEN_MAX];
	if (session->block_refusal == NULL)
		return true;
	size_t len = strlen(session->block_refusal);
	memcpy(data, "500 ", 4);
	memcpy(data + 4, session->block_refusal, len);
	if (!relp_frame_append(out, session->received_txnr, BYTES("rsp"), bytes_of(data, 4 + len)))
		return false;
	session->block_refusal = NULL;
	return true;
}

bool relp_server_write(struct relp_server *session, struct buffer *out)
{
	if (session->state == RELP_SERVER_CLOSED || session->holds_open)
		return true;
	if (!write_open_answer(session, out) || !write_receipts(session, out))
		return false;
	/* A truncated message whose rest never came is stored, but is not answered: it will come again. */
	if (session->state != RELP_SERVER_CLOSING || session->stored < session->pending)
		return true;
	if (!write_refusal(session, out))
		return false;
	if (session->owe_close) {
		if (!relp_frame_append(out, session->received_txnr, BYTES("rsp"), BYTES("")))
			return false;
		session->owe_close = false;
	}
	if (!relp_frame_append(out, 0, BYTES("serverclose"), BYTES("")))
		return false;
	session->pending = session->stored = 0;
	move_to(session, RELP_SERVER_CLOSED);
	return true;
}

void relp_server_stop(struct relp_server *session)
{
	session->holds_open = false; /* the answer is then as to any other client */
	if (session->state < RELP_SERVER_CLOSING)
		move_to(session, RELP_SERVER_CLOSING);
}

void relp_server_give_up(struct relp_server *session)
{
	relp_server_stop(session);
	if (session->stored < session->pending) {
		session->last_is_cut = false;
		session->block_refusal = NULL; /* it comes again with those before it */
	}
	session->pending = session->stored;
	session->given_up = true;
}
