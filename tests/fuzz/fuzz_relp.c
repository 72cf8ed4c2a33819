/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides of a RELP session against any peer. Octet 0: our side (bit 0: client). Octet 1: the limit, or how many
 * messages the client sends. Octet 2: how the stream is split. The rest is what the peer sends. However it is split,
 * the same events and the same answers come out; the window's sums hold; a frame never needs more than its limit.
 */
#include "relp/relp_block_offer.h"
#include "relp/relp_client.h"
#include "relp/relp_server.h"
#include "stream_pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WINDOW = 16, OUT_MAX_BYTES = 1 << 24 };

static void note_reason(struct stream_pieces *pieces, uint64_t kind, const char *reason)
{
	FUZZ_CHECK(reason != NULL);
	stream_pieces_note(pieces, kind, bytes_of_text(reason));
}

static void note_server_event(struct stream_pieces *pieces, struct relp_server *session,
                              const struct relp_server_event *event, size_t limit)
{
	switch (event->kind) {
	case RELP_SERVER_BLOCKS:
	case RELP_SERVER_LOST:
	case RELP_SERVER_NOTHING:
		break;
	case RELP_SERVER_OPENED:
		stream_pieces_note(pieces, event->kind, event->offers.block);
		break;
	case RELP_SERVER_MESSAGE:
		FUZZ_CHECK(event->data.len <= limit);
		stream_pieces_note(pieces, event->kind | (uint64_t)event->truncated << 8, event->data);
		relp_server_stored(session, event->txnr);
		break;
	case RELP_SERVER_CLOSE_REQUESTED:
		stream_pieces_note(pieces, event->kind, BYTES(""));
		break;
	case RELP_SERVER_PROTOCOL_ERROR:
		FUZZ_CHECK(event->offending.len <= RELP_OFFENDING_LEN_MAX);
		note_reason(pieces, event->kind, event->reason);
		break;
	}
}

static uint64_t run_server(struct bytes stream, size_t limit, uint32_t seed)
{
	struct stream_pieces pieces = {.stream = stream, .seed = seed};
	struct relp_server session;
	struct relp_server_event event;
	struct buffer out = {0};
	buffer_init(&out, OUT_MAX_BYTES);
	relp_server_init(&session, limit, BYTES("fuzz"));
	while (stream_pieces_more(&pieces)) {
		do {
			relp_server_feed(&session, stream_pieces_look(&pieces), &event);
			stream_pieces_consume(&pieces, event.consumed);
			note_server_event(&pieces, &session, &event, limit);
		} while (event.kind != RELP_SERVER_NOTHING);
		FUZZ_CHECK(pieces.end - pieces.start <= limit + RELP_FRAME_OVERHEAD_MAX);
		FUZZ_CHECK(relp_server_write(&session, &out));
		FUZZ_CHECK(relp_server_pending(&session) <= 1);
	}
	relp_server_stop(&session);
	FUZZ_CHECK(relp_server_write(&session, &out));
	FUZZ_CHECK(relp_server_state(&session) == RELP_SERVER_CLOSED);
	stream_pieces_note(&pieces, 99, buffer_peek(&out));
	buffer_free(&out);
	stream_pieces_done(&pieces);
	return pieces.digest;
}

/* The client's side of a run: how far messages were acknowledged since that was last noted. */
struct client_run {
	struct relp_client session;
	struct relp_window_entry entries[WINDOW];
	struct buffer out;
	unsigned messages;
	uint64_t acknowledged;
	uint64_t noted;
};

static void note_acknowledged(struct stream_pieces *pieces, struct client_run *run)
{
	if (run->acknowledged > run->noted)
		stream_pieces_note(pieces, 50 + run->acknowledged, BYTES(""));
	run->noted = run->acknowledged;
}

static void send_messages(struct client_run *run)
{
	for (unsigned i = 1; i <= run->messages; i++)
		relp_client_send(&run->session, BYTES("message"), i, i, &run->out);
}

static void note_client_event(struct stream_pieces *pieces, struct client_run *run,
                              const struct relp_client_event *event)
{
	if (event->kind == RELP_CLIENT_ACKNOWLEDGED) {
		FUZZ_CHECK(event->sequence > run->acknowledged && event->sequence <= run->messages);
		run->acknowledged = event->sequence;
		return;
	}
	if (event->kind == RELP_CLIENT_NOTHING)
		return;
	note_acknowledged(pieces, run);
	stream_pieces_note(pieces, event->kind | (uint64_t)event->code << 8, event->text);
	if (event->kind == RELP_CLIENT_ERROR)
		note_reason(pieces, event->kind, event->reason);
	if (event->kind == RELP_CLIENT_OPENED)
		send_messages(run);
}

static uint64_t run_client(struct bytes stream, unsigned messages, uint32_t seed)
{
	struct stream_pieces pieces = {.stream = stream, .seed = seed};
	static struct client_run run;
	run = (struct client_run){.messages = messages};
	struct relp_client_settings settings = {
		.software = BYTES("fuzz"), .entries = run.entries, .window = WINDOW, .window_octets = 90};
	buffer_init(&run.out, OUT_MAX_BYTES);
	relp_client_init(&run.session, &settings);
	FUZZ_CHECK(relp_client_open(&run.session, 0, &run.out));
	while (stream_pieces_more(&pieces)) {
		struct relp_client_event event;
		do {
			relp_client_feed(&run.session, stream_pieces_look(&pieces), &event);
			stream_pieces_consume(&pieces, event.consumed);
			note_client_event(&pieces, &run, &event);
			relp_window_check(&run.session.window);
		} while (event.kind != RELP_CLIENT_NOTHING);
		FUZZ_CHECK(pieces.end - pieces.start <= RELP_CLIENT_INPUT_MAX);
	}
	note_acknowledged(&pieces, &run);
	stream_pieces_note(&pieces, 98, buffer_peek(&run.out));
	buffer_free(&run.out);
	stream_pieces_done(&pieces);
	return pieces.digest;
}

/* A block offer that is accepted is written back the same, but for leading zeros. */
static void check_block_offer(struct bytes value)
{
	uint8_t text[RELP_BLOCK_OFFER_MAX];
	struct relp_block_request request;
	if (relp_block_request_read(value, &request))
		FUZZ_CHECK(relp_block_request_write(&request, text) <= value.len);
	struct relp_block_answer answer;
	if (relp_block_answer_read(value, &answer))
		FUZZ_CHECK(relp_block_answer_write(&answer, text) <= value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct bytes stream = bytes_of(data + 3, size - 3);
	uint32_t seed = data[2] | 1u;
	if ((data[0] & 1) != 0)
		FUZZ_CHECK(run_client(stream, data[1], 0) == run_client(stream, data[1], seed));
	else
		FUZZ_CHECK(run_server(stream, 1 + (size_t)data[1], 0) == run_server(stream, 1 + (size_t)data[1], seed));
	check_block_offer(stream);
	return 0;
}
