/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks over RELP: the data of the command, and both sides of a session that ships them. */
#include "relp/relp_block.h"

#include "relp/relp_client.h"
#include "relp/relp_server.h"
#include "relp_feed.h"

#define SECOND_NS ((uint64_t)1000 * 1000 * 1000)

static const struct relp_block sample = {
	.codec = 1, .unpacked_len = 4000, .records = 70, .first = 101, .last = 180, .total = 170,
	.base_ns = -5, .checksum = 0xfedcba9876543210u,
};

static void assert_same(const struct relp_block *got, const struct relp_block *want)
{
	ck_assert_uint_eq(got->codec, want->codec);
	ck_assert_uint_eq(got->unpacked_len, want->unpacked_len);
	ck_assert_uint_eq(got->records, want->records);
	ck_assert_uint_eq(got->first, want->first);
	ck_assert_uint_eq(got->last, want->last);
	ck_assert_uint_eq(got->total, want->total);
	ck_assert_int_eq(got->base_ns, want->base_ns);
	ck_assert_uint_eq(got->checksum, want->checksum);
	ck_assert(bytes_equal(got->payload, want->payload));
}

static size_t write_block(uint8_t *out, struct bytes payload)
{
	struct relp_block block = sample;
	block.payload = payload;
	relp_block_head_write(&block, out);
	memcpy(out + RELP_BLOCK_HEAD_LEN, payload.at, payload.len);
	return RELP_BLOCK_HEAD_LEN + payload.len;
}

/* ---- the data ---- */

START_TEST(blocks_behind_each_other_are_read_back)
{
	uint8_t data[1000];
	size_t len = write_block(data, BYTES("first payload"));
	len += write_block(data + len, BYTES("second"));
	struct bytes rest = bytes_of(data, len);
	struct relp_block block, want = sample;
	ck_assert(relp_block_next(&rest, &block));
	want.payload = BYTES("first payload");
	assert_same(&block, &want);
	ck_assert(relp_block_next(&rest, &block));
	want.payload = BYTES("second");
	assert_same(&block, &want);
	ck_assert(!relp_block_next(&rest, &block));
	ck_assert_uint_eq(rest.len, 0);
}
END_TEST

static void read_prefix(void *context, struct bytes prefix)
{
	size_t whole = *(const size_t *)context;
	struct relp_block block;
	struct bytes rest = prefix;
	bool found = relp_block_next(&rest, &block);
	ck_assert_int_eq(found, prefix.len == whole);
	ck_assert_uint_eq(rest.len, found ? 0 : prefix.len);
}

START_TEST(no_prefix_of_a_block_is_a_block)
{
	uint8_t data[200];
	size_t len = write_block(data, BYTES("payload"));
	feed_every_prefix(bytes_of(data, len), read_prefix, &len);
}
END_TEST

START_TEST(a_length_beyond_the_data_is_no_block)
{
	uint8_t data[200];
	size_t len = write_block(data, BYTES("payload"));
	struct relp_block block;
	memset(data + 8, 0xff, 4);
	struct bytes rest = bytes_of(data, len);
	ck_assert(!relp_block_next(&rest, &block));
	ck_assert_uint_eq(rest.len, len);
}
END_TEST

/* ---- both sides ---- */

struct session {
	struct relp_client client;
	struct relp_window_entry entries[8];
	struct relp_server server;
	struct buffer to_server, to_client;
};

static const struct relp_block_answer granted = {
	.spool = {7}, .mark = 100, .checksum = 55, .max_octets = 5000, .max_unpacked = 9000,
	.records = 90, .lost = 4};

static void begin(struct session *session, bool offers)
{
	struct relp_client_settings settings = {.software = BYTES(SOFTWARE), .entries = session->entries, .window = 8,
		.window_octets = 100000, .offers_blocks = offers, .block = {.stream = {1, 2, 3}, .next = 101}};
	memset(session, 0, sizeof *session);
	settings.entries = session->entries;
	buffer_init(&session->to_server, RELP_TEST_OUT_MAX);
	buffer_init(&session->to_client, RELP_TEST_OUT_MAX);
	relp_client_init(&session->client, &settings);
	relp_server_init(&session->server, 1000, BYTES(SOFTWARE));
	ck_assert(relp_client_open(&session->client, SECOND_NS, &session->to_server));
}

static void end(struct session *session)
{
	buffer_free(&session->to_server);
	buffer_free(&session->to_client);
}

static struct relp_server_event server_takes(struct session *session)
{
	struct relp_server_event event;
	relp_server_feed(&session->server, buffer_peek(&session->to_server), &event);
	return event;
}

static struct relp_client_event client_takes(struct session *session)
{
	struct relp_client_event event;
	relp_client_feed(&session->client, buffer_peek(&session->to_client), &event);
	return event;
}

static void grant(struct session *session)
{
	struct relp_server_event event = server_takes(session);
	struct relp_block_request request;
	ck_assert_int_eq(event.kind, RELP_SERVER_OPENED);
	ck_assert(event.offers.block_command);
	ck_assert(relp_block_request_read(event.offers.block, &request));
	ck_assert_uint_eq(request.next, 101);
	buffer_consume(&session->to_server, event.consumed);
	relp_server_hold_open(&session->server);
	ck_assert(relp_server_write(&session->server, &session->to_client));
	ck_assert_uint_eq(buffer_len(&session->to_client), 0);
	relp_server_grant_blocks(&session->server, &granted);
	ck_assert(relp_server_write(&session->server, &session->to_client));
	struct relp_client_event opened = client_takes(session);
	ck_assert_int_eq(opened.kind, RELP_CLIENT_OPENED);
	buffer_consume(&session->to_client, opened.consumed);
}

START_TEST(a_block_is_shipped_and_answered_when_it_is_stored)
{
	struct session session;
	begin(&session, true);
	grant(&session);
	const struct relp_block_answer *answer = relp_client_ships_blocks(&session.client);
	ck_assert_ptr_nonnull(answer);
	ck_assert_uint_eq(answer->mark, 100);
	ck_assert_uint_eq(answer->checksum, 55);
	ck_assert(relp_client_takes_block(&session.client, 5000 - RELP_BLOCK_HEAD_LEN, 9000));
	ck_assert(!relp_client_takes_block(&session.client, 5001 - RELP_BLOCK_HEAD_LEN, 9000));
	ck_assert(!relp_client_takes_block(&session.client, 100, 9001));
	uint8_t payload[4000]; /* longer than a message may be */
	memset(payload, 'x', sizeof payload);
	struct relp_block block = sample;
	block.payload = bytes_of(payload, sizeof payload);
	ck_assert_int_eq(relp_client_send_block(&session.client, &block, 180, SECOND_NS, &session.to_server), RELP_SEND_OK);
	struct relp_server_event event = server_takes(&session);
	ck_assert_int_eq(event.kind, RELP_SERVER_BLOCKS);
	ck_assert_uint_eq(event.txnr, 2);
	struct bytes rest = event.data;
	struct relp_block got;
	ck_assert(relp_block_next(&rest, &got));
	assert_same(&got, &block);
	buffer_consume(&session.to_server, event.consumed);
	ck_assert_uint_eq(buffer_len(&session.to_server), 0);
	ck_assert(relp_server_write(&session.server, &session.to_client));
	ck_assert_uint_eq(buffer_len(&session.to_client), 0);
	relp_server_stored(&session.server, 2);
	ck_assert(relp_server_write(&session.server, &session.to_client));
	struct relp_client_event answered = client_takes(&session);
	ck_assert_int_eq(answered.kind, RELP_CLIENT_ACKNOWLEDGED);
	ck_assert_uint_eq(answered.sequence, 180);
	end(&session);
}
END_TEST

START_TEST(a_server_that_says_nothing_of_blocks_gets_messages)
{
	struct session session;
	begin(&session, true);
	struct relp_server_event event = server_takes(&session);
	buffer_consume(&session.to_server, event.consumed);
	ck_assert(relp_server_write(&session.server, &session.to_client));
	ck_assert_int_eq(client_takes(&session).kind, RELP_CLIENT_OPENED);
	ck_assert_ptr_null(relp_client_ships_blocks(&session.client));
	end(&session);
}
END_TEST

START_TEST(a_block_from_a_client_that_was_not_granted_any_is_an_error)
{
	struct session session;
	begin(&session, false);
	struct relp_server_event event = server_takes(&session);
	buffer_consume(&session.to_server, event.consumed);
	ck_assert(relp_frame_append(&session.to_server, 2, BYTES("block"), BYTES("x")));
	event = server_takes(&session);
	ck_assert_int_eq(event.kind, RELP_SERVER_PROTOCOL_ERROR);
	ck_assert_str_eq(event.reason, "unknown command");
	end(&session);
}
END_TEST

START_TEST(a_block_command_beyond_what_was_offered_is_an_error)
{
	struct session session;
	begin(&session, true);
	grant(&session);
	uint8_t data[5001] = {0};
	ck_assert(relp_frame_append(&session.to_server, 2, BYTES("block"), bytes_of(data, sizeof data)));
	struct relp_server_event event = server_takes(&session);
	ck_assert_int_eq(event.kind, RELP_SERVER_PROTOCOL_ERROR);
	ck_assert_str_eq(event.reason, "a block command longer than we said that we take");
	end(&session);
}
END_TEST

START_TEST(a_refused_stream_is_told_why_and_the_session_ends)
{
	struct session session;
	begin(&session, true);
	struct relp_server_event event = server_takes(&session);
	buffer_consume(&session.to_server, event.consumed);
	relp_server_hold_open(&session.server);
	relp_server_refuse_open(&session.server, "the stream belongs to another peer");
	ck_assert(relp_server_write(&session.server, &session.to_client));
	ck_assert_int_eq(relp_server_state(&session.server), RELP_SERVER_CLOSED);
	struct relp_client_event answer = client_takes(&session);
	ck_assert_int_eq(answer.kind, RELP_CLIENT_ERROR);
	ck_assert_uint_eq(answer.code, 500);
	ck_assert(bytes_equal(answer.text, BYTES("the stream belongs to another peer")));
	end(&session);
}
END_TEST

START_TEST(a_full_server_is_not_taken_for_a_dead_one)
{
	struct session session;
	begin(&session, true);
	ck_assert(!relp_server_hint_full(&session.server, &session.to_client));
	grant(&session);
	struct relp_block block = sample;
	block.payload = BYTES("payload");
	ck_assert_int_eq(relp_client_send_block(&session.client, &block, 180, SECOND_NS, &session.to_server), RELP_SEND_OK);
	ck_assert_uint_eq(relp_client_deadline_ns(&session.client), SECOND_NS + RELP_ANSWER_TIMEOUT_NS);
	ck_assert(relp_server_hint_full(&session.server, &session.to_client));
	relp_expect_bytes(buffer_peek(&session.to_client), "0 full 0\n");
	ck_assert_int_eq(client_takes(&session).kind, RELP_CLIENT_FULL);
	relp_client_note_full(&session.client, 60 * SECOND_NS);
	ck_assert_ptr_null(relp_client_expired(&session.client, 100 * SECOND_NS));
	ck_assert_uint_eq(relp_client_deadline_ns(&session.client), 60 * SECOND_NS + RELP_ANSWER_TIMEOUT_NS);
	end(&session);
}
END_TEST

START_TEST(a_full_server_that_says_so_every_ten_seconds_is_waited_for_however_short_the_time_out_is)
{
	struct session session;
	begin(&session, true);
	session.client.settings.answer_timeout_ns = 2 * SECOND_NS;
	grant(&session);
	struct relp_block block = sample;
	block.payload = BYTES("payload");
	ck_assert_int_eq(relp_client_send_block(&session.client, &block, 180, SECOND_NS, &session.to_server), RELP_SEND_OK);
	ck_assert_uint_eq(relp_client_deadline_ns(&session.client), 3 * SECOND_NS);
	for (uint64_t at = 2; at < 600; at += 10) {
		relp_client_note_full(&session.client, at * SECOND_NS);
		ck_assert_ptr_null(relp_client_expired(&session.client, (at + 10) * SECOND_NS));
	}
	/* Then nothing more is heard of it. */
	ck_assert_ptr_null(relp_client_expired(&session.client, 621 * SECOND_NS));
	ck_assert_str_eq(relp_client_expired(&session.client, 622 * SECOND_NS), "a message was not answered in time");
	end(&session);
}
END_TEST

START_TEST(the_counts_of_the_stream_come_with_the_answer_and_without_them_there_are_no_blocks)
{
	struct session session;
	begin(&session, true);
	grant(&session);
	ck_assert_uint_eq(relp_client_ships_blocks(&session.client)->records, 90);
	ck_assert_uint_eq(relp_client_ships_blocks(&session.client)->lost, 4);
	end(&session);
	begin(&session, true);
	const char *data = "200 OK\nrelp_version=0\ncommands=syslog,block\n"
	                   "block=1,07000000000000000000000000000000,0,0000000000000000,9,9";
	ck_assert(relp_frame_append(&session.to_client, 1, BYTES("rsp"), bytes_of_text(data)));
	ck_assert_int_eq(client_takes(&session).kind, RELP_CLIENT_OPENED);
	ck_assert_ptr_null(relp_client_ships_blocks(&session.client));
	end(&session);
}
END_TEST

START_TEST(a_server_is_told_how_much_it_lost_once_blocks_were_granted)
{
	struct session session;
	begin(&session, true);
	ck_assert(!relp_client_hint_lost(&session.client, 12, &session.to_server));
	grant(&session);
	ck_assert(relp_client_hint_lost(&session.client, 12, &session.to_server));
	relp_expect_bytes(buffer_peek(&session.to_server), "0 lost 2 12\n");
	struct relp_server_event event = server_takes(&session);
	ck_assert_int_eq(event.kind, RELP_SERVER_LOST);
	ck_assert_uint_eq(event.lost, 12);
	buffer_consume(&session.to_server, event.consumed);
	/* What is no number is a hint that means nothing. */
	ck_assert(relp_frame_append(&session.to_server, 0, BYTES("lost"), BYTES("12x")));
	ck_assert(relp_frame_append(&session.to_server, 0, BYTES("lost"), BYTES("")));
	ck_assert(relp_frame_append(&session.to_server, 0, BYTES("lost"), BYTES("99999999999999999999")));
	ck_assert_int_eq(server_takes(&session).kind, RELP_SERVER_NOTHING);
	end(&session);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		blocks_behind_each_other_are_read_back,
		no_prefix_of_a_block_is_a_block,
		a_length_beyond_the_data_is_no_block,
		a_block_is_shipped_and_answered_when_it_is_stored,
		a_server_that_says_nothing_of_blocks_gets_messages,
		a_block_from_a_client_that_was_not_granted_any_is_an_error,
		a_block_command_beyond_what_was_offered_is_an_error,
		a_refused_stream_is_told_why_and_the_session_ends,
		a_full_server_is_not_taken_for_a_dead_one,
		a_full_server_that_says_so_every_ten_seconds_is_waited_for_however_short_the_time_out_is,
		the_counts_of_the_stream_come_with_the_answer_and_without_them_there_are_no_blocks,
		a_server_is_told_how_much_it_lost_once_blocks_were_granted,
	};
	return relp_run("relp_block", tests, sizeof tests / sizeof *tests);
}
