/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames are looked at before anything changes: a run of plain acknowledgements is noted as a whole, and what they
 * settle is reported before the first frame that is something else.
 */
#include "relp/relp_client.h"

#include "base/decimal.h"

enum { OPEN_TXNR = 1, CODE_OK = 200 };

static void move_to(struct relp_client *session, enum relp_client_state state)
{
	assert(state > session->state);
	session->state = state;
}

void relp_client_init(struct relp_client *session, const struct relp_client_settings *settings)
{
	assert(settings->software.len <= RELP_SOFTWARE_LEN_MAX);
	*session = (struct relp_client){.state = RELP_CLIENT_NEW, .settings = *settings};
	if (session->settings.answer_timeout_ns == 0)
		session->settings.answer_timeout_ns = RELP_ANSWER_TIMEOUT_NS;
	if (session->settings.open_timeout_ns == 0)
		session->settings.open_timeout_ns = RELP_OPEN_TIMEOUT_NS;
	relp_window_init(&session->window, settings->entries, settings->window, settings->window_octets, OPEN_TXNR + 1);
}

bool relp_client_open(struct relp_client *session, uint64_t now_ns, struct buffer *out)
{
	assert(session->state == RELP_CLIENT_NEW);
	uint8_t data[RELP_OFFERS_LEN_MAX];
	uint8_t block[RELP_BLOCK_OFFER_MAX];
	struct relp_offers offers = {.software = session->settings.software, .syslog = true};
	if (session->settings.offers_blocks) {
		offers.block_command = true;
		offers.block = bytes_of(block, relp_block_request_write(&session->settings.block, block));
	}
	size_t len = relp_offers_write(&offers, data);
	if (!relp_frame_append(out, OPEN_TXNR, BYTES("open"), bytes_of(data, len)))
		return false;
	session->waiting_since_ns = now_ns;
	move_to(session, RELP_CLIENT_AWAIT_ANSWER);
	return true;
}

enum relp_send_result relp_client_send(struct relp_client *session, struct bytes message, uint64_t sequence,
                                       uint64_t now_ns, struct buffer *out)
{
	if (session->state != RELP_CLIENT_READY)
		return RELP_SEND_NOT_READY;
	if (!relp_window_has_room(&session->window, message.len))
		return RELP_SEND_WINDOW_FULL;
	if (!relp_syslog_append(out, session->window.next_txnr, message))
		return RELP_SEND_BUFFER_FULL;
	relp_window_add(&session->window, sequence, message.len, now_ns);
	return RELP_SEND_OK;
}

/* Appends the whole frame of one block. */
static bool append_block(struct buffer *out, uint32_t txnr, const struct relp_block *block)
{
	size_t len = RELP_BLOCK_HEAD_LEN + block->payload.len;
	uint8_t *at = buffer_reserve(out, RELP_HEADER_LEN_MAX + len + 1);
	if (at == NULL)
		return false;
	size_t head = relp_header_write(txnr, BYTES("block"), len, at);
	relp_block_head_write(block, at + head);
	memcpy(at + head + RELP_BLOCK_HEAD_LEN, block->payload.at, block->payload.len);
	at[head + len] = '\n';
	buffer_commit(out, head + len + 1);
	return true;
}

enum relp_send_result relp_client_send_block(struct relp_client *session, const struct relp_block *block, uint64_t sequence,
                                             uint64_t now_ns, struct buffer *out)
{
	if (session->state != RELP_CLIENT_READY)
		return RELP_SEND_NOT_READY;
	assert(relp_client_takes_block(session, block->payload.len, block->unpacked_len));
	size_t size = RELP_BLOCK_HEAD_LEN + block->payload.len;
	if (!relp_window_has_room(&session->window, size))
		return RELP_SEND_WINDOW_FULL;
	if (!append_block(out, session->window.next_txnr, block))
		return RELP_SEND_BUFFER_FULL;
	relp_window_add(&session->window, sequence, size, now_ns);
	return RELP_SEND_OK;
}

void relp_client_note_full(struct relp_client *session, uint64_t now_ns)
{
	session->full_ns = now_ns;
}

bool relp_client_hint_lost(const struct relp_client *session, uint64_t records, struct buffer *out)
{
	uint8_t digits[DECIMAL_DIGITS_MAX];
	return session->ships_blocks && session->state < RELP_CLIENT_CLOSING &&
	       relp_frame_append(out, 0, BYTES("lost"), bytes_of(digits, decimal_write(records, digits)));
}

bool relp_client_close(struct relp_client *session, uint64_t now_ns, struct buffer *out)
{
	assert(session->state == RELP_CLIENT_READY || session->state == RELP_CLIENT_DRAINING);
	if (!relp_frame_append(out, session->window.next_txnr, BYTES("close"), BYTES("")))
		return false;
	session->close_txnr = session->window.next_txnr;
	session->waiting_since_ns = now_ns;
	move_to(session, RELP_CLIENT_CLOSING);
	return true;
}

static enum relp_client_event_kind fail(struct relp_client *session, struct relp_client_event *event,
                                        struct bytes frame, const char *reason)
{
	move_to(session, RELP_CLIENT_ENDED);
	event->reason = reason;
	event->offending = bytes_first(frame, RELP_OFFENDING_LEN_MAX);
	return event->kind = RELP_CLIENT_ERROR;
}

static enum relp_client_event_kind take_open_answer(struct relp_client *session, const struct relp_rsp *rsp,
                                                    struct relp_client_event *event, struct bytes octets)
{
	const char *reason;
	if (rsp->code != CODE_OK)
		return fail(session, event, octets, "the server refused to open the session");
	if (!relp_offers_read(rsp->command_data, &event->offers, &reason))
		return fail(session, event, octets, reason);
	if (event->offers.has_commands && !event->offers.syslog)
		return fail(session, event, octets, "the server does not offer the command syslog");
	/* A version that we do not know, or limits that nobody means: messages, as to everybody else. */
	session->ships_blocks = session->settings.offers_blocks && event->offers.block_command &&
	                        relp_block_answer_read(event->offers.block, &session->block) &&
	                        relp_block_counts_read(event->offers.block_counts, &session->block) &&
	                        session->block.max_octets <= RELP_BLOCK_COMMAND_MAX;
	move_to(session, RELP_CLIENT_READY);
	return event->kind = RELP_CLIENT_OPENED;
}

/* An answer to a message that is not a plain acknowledgement. */
static enum relp_client_event_kind take_refusal(struct relp_client *session, uint32_t txnr, const struct relp_rsp *rsp,
                                                struct relp_client_event *event, struct bytes octets)
{
	const struct relp_window_entry *entry = relp_window_find(&session->window, txnr);
	if (entry == NULL)
		return fail(session, event, octets, "an answer to a TXNR that is not outstanding");
	if (entry->answer != RELP_WINDOW_OUTSTANDING)
		return fail(session, event, octets, "a second answer to the same TXNR");
	if (rsp->code == 0)
		return fail(session, event, octets, "an answer without a code");
	event->sequence = entry->sequence;
	relp_window_answer(&session->window, txnr, RELP_WINDOW_REFUSED);
	if (session->state == RELP_CLIENT_READY)
		move_to(session, RELP_CLIENT_DRAINING);
	return event->kind = RELP_CLIENT_REFUSED;
}

static enum relp_client_event_kind take_answer(struct relp_client *session, const struct relp_frame *frame,
                                               struct relp_client_event *event, struct bytes octets)
{
	struct relp_rsp rsp;
	if (!relp_rsp_read(frame->data, &rsp))
		return fail(session, event, octets, "an answer that does not begin with a code of three digits");
	event->code = rsp.code;
	event->text = rsp.text;
	if (session->state == RELP_CLIENT_AWAIT_ANSWER && frame->txnr == OPEN_TXNR)
		return take_open_answer(session, &rsp, event, octets);
	if (session->state == RELP_CLIENT_CLOSING && frame->txnr == session->close_txnr) {
		move_to(session, RELP_CLIENT_ENDED);
		return event->kind = RELP_CLIENT_CLOSED;
	}
	return take_refusal(session, frame->txnr, &rsp, event, octets);
}

/* A frame that is not a plain acknowledgement. RELP_CLIENT_NOTHING: a hint, passed over. */
static enum relp_client_event_kind take_frame(struct relp_client *session, const struct relp_frame *frame,
                                              struct relp_client_event *event, struct bytes octets)
{
	if (bytes_equal(frame->command, BYTES("rsp")))
		return take_answer(session, frame, event, octets);
	if (bytes_equal(frame->command, BYTES("serverclose"))) {
		move_to(session, RELP_CLIENT_ENDED);
		return event->kind = RELP_CLIENT_SERVER_CLOSE;
	}
	if (frame->txnr == 0 && session->ships_blocks && bytes_equal(frame->command, BYTES("full")))
		return event->kind = RELP_CLIENT_FULL;
	if (frame->txnr == 0)
		return RELP_CLIENT_NOTHING;
	return fail(session, event, octets, "a command that a server does not send");
}

/* Takes note of a 200 for an outstanding message. False: the frame is something else, and nothing changed. */
static bool acknowledges(struct relp_client *session, const struct relp_frame *frame)
{
	struct relp_rsp rsp;
	return bytes_equal(frame->command, BYTES("rsp")) && relp_rsp_read(frame->data, &rsp) && rsp.code == CODE_OK &&
	       relp_window_answer(&session->window, frame->txnr, RELP_WINDOW_ACCEPTED);
}

/* Takes note of the plain acknowledgements that `in` begins with; their octets. */
static size_t take_acknowledgements(struct relp_client *session, struct bytes in)
{
	size_t taken = 0, len;
	uint32_t txnr;
	while ((len = relp_rsp_ok_read(bytes_after(in, taken), &txnr)) > 0 &&
	       relp_window_answer(&session->window, txnr, RELP_WINDOW_ACCEPTED))
		taken += len;
	return taken;
}

enum relp_client_event_kind relp_client_feed(struct relp_client *session, struct bytes in,
                                             struct relp_client_event *event)
{
	*event = (struct relp_client_event){.kind = RELP_CLIENT_NOTHING};
	while (session->state != RELP_CLIENT_ENDED) {
		struct relp_frame frame;
		event->consumed += take_acknowledgements(session, bytes_after(in, event->consumed));
		struct bytes octets = bytes_after(in, event->consumed);
		enum frame_result result = relp_frame_peek(octets, RELP_ANSWER_DATA_MAX, &frame);
		if (result == FRAME_COMPLETE && acknowledges(session, &frame)) {
			event->consumed += frame.consumed;
			continue;
		}
		if (relp_window_settle(&session->window, &event->sequence))
			return event->kind = RELP_CLIENT_ACKNOWLEDGED;
		if (result == FRAME_INCOMPLETE)
			return RELP_CLIENT_NOTHING;
		if (result == FRAME_INVALID)
			return fail(session, event, octets, frame.reason);
		event->consumed += frame.consumed;
		if (take_frame(session, &frame, event, octets) != RELP_CLIENT_NOTHING)
			return event->kind;
	}
	event->consumed = in.len;
	return RELP_CLIENT_NOTHING;
}

static uint64_t later(uint64_t since_ns, uint64_t by_ns)
{
	return since_ns > UINT64_MAX - by_ns ? UINT64_MAX : since_ns + by_ns;
}

uint64_t relp_client_deadline_ns(const struct relp_client *session)
{
	switch (session->state) {
	case RELP_CLIENT_NEW:
	case RELP_CLIENT_ENDED:
		return UINT64_MAX;
	case RELP_CLIENT_AWAIT_ANSWER:
		return later(session->waiting_since_ns, session->settings.open_timeout_ns);
	case RELP_CLIENT_CLOSING:
		return later(session->waiting_since_ns, session->settings.answer_timeout_ns);
	case RELP_CLIENT_READY:
	case RELP_CLIENT_DRAINING:
		break;
	}
	uint64_t timeout_ns = session->settings.answer_timeout_ns;
	uint64_t deadline = later(relp_window_oldest_ns(&session->window), timeout_ns);
	uint64_t patient = later(session->full_ns, timeout_ns > RELP_FULL_PATIENCE_NS ? timeout_ns : RELP_FULL_PATIENCE_NS);
	return session->full_ns > 0 && patient > deadline ? patient : deadline;
}

const char *relp_client_expired(const struct relp_client *session, uint64_t now_ns)
{
	uint64_t deadline = relp_client_deadline_ns(session);
	if (deadline == UINT64_MAX || now_ns < deadline)
		return NULL;
	if (session->state == RELP_CLIENT_AWAIT_ANSWER)
		return "open was not answered in time";
	return session->state == RELP_CLIENT_CLOSING ? "close was not answered in time"
	                                             : "a message was not answered in time";
}

bool relp_client_wants_reopen(const struct relp_client *session)
{
	return session->window.next_txnr >= RELP_TXNR_REOPEN;
}
