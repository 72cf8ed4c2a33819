/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An originator's octets against our side of the session: which events come out, and which answers go back. The inputs
 * are those at which librelp's server was observed; where we differ from it, the test's name says how.
 */
#include "relp/relp_server.h"

#include "relp_feed.h"

enum { LIMIT = 100 };

#define OPEN    "1 open 30 relp_version=0\ncommands=syslog\n"
#define OPEN_OK "1 rsp 62 200 OK\n" OUR_OFFERS "\n"
#define END     "0 serverclose 0\n"

struct server_test {
	struct relp_feed feed;
	struct relp_server session;
	struct buffer out;
	size_t limit;
	bool store_at_once;
	const char *events;
	const char *answers;
};

static void server_begin(void *context)
{
	struct server_test *test = context;
	relp_feed_reset(&test->feed);
	relp_server_init(&test->session, test->limit, BYTES(SOFTWARE));
	buffer_free(&test->out);
	buffer_init(&test->out, RELP_TEST_OUT_MAX);
}

static void put_event(struct server_test *test, const struct relp_server_event *event)
{
	switch (event->kind) {
	case RELP_SERVER_BLOCKS:
	case RELP_SERVER_LOST:
	case RELP_SERVER_NOTHING:
		break;
	case RELP_SERVER_OPENED:
		relp_feed_put(&test->feed, "opened;");
		break;
	case RELP_SERVER_MESSAGE:
		relp_feed_put(&test->feed, "%u [%.*s]%s;", event->txnr, (int)event->data.len, (const char *)event->data.at,
		              event->truncated ? "~" : "");
		break;
	case RELP_SERVER_CLOSE_REQUESTED:
		relp_feed_put(&test->feed, "close;");
		break;
	case RELP_SERVER_PROTOCOL_ERROR:
		relp_feed_put(&test->feed, "error: %s;", event->reason);
		ck_assert_uint_le(event->offending.len, RELP_OFFENDING_LEN_MAX);
		break;
	}
}

static bool server_step(struct server_test *test)
{
	struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(test->feed.pending, test->feed.pending_len));
	struct relp_server_event event;
	enum relp_server_event_kind kind = relp_server_feed(&test->session, guarded_bytes_view(&guarded), &event);
	ck_assert_int_eq(kind, event.kind);
	put_event(test, &event);
	if (kind == RELP_SERVER_MESSAGE && test->store_at_once)
		relp_server_stored(&test->session, event.txnr);
	guarded_bytes_free(&guarded);
	relp_feed_consume(&test->feed, event.consumed);
	return kind != RELP_SERVER_NOTHING;
}

static void server_piece(void *context, struct bytes piece)
{
	struct server_test *test = context;
	relp_feed_add(&test->feed, piece);
	while (server_step(test))
		;
	relp_feed_note_held(&test->feed);
	ck_assert(relp_server_write(&test->session, &test->out));
}

static void server_end(void *context)
{
	struct server_test *test = context;
	relp_feed_expect(&test->feed, test->events);
	relp_expect_bytes(buffer_peek(&test->out), test->answers);
}

static const struct feed_parser server_parser = {server_begin, server_piece, server_end};
static struct server_test shared;

/* Each message is stored as soon as it is there. The session's last state stays in `shared`. */
static void check_with_limit(size_t limit, struct bytes input, const char *events, const char *answers)
{
	shared = (struct server_test){.limit = limit, .store_at_once = true, .events = events, .answers = answers};
	feed_every_way(input, &server_parser, &shared);
	ck_assert_uint_le(shared.feed.held_most, limit + RELP_FRAME_OVERHEAD_MAX);
	buffer_free(&shared.out);
}

static void check_session(struct bytes input, const char *events, const char *answers)
{
	check_with_limit(LIMIT, input, events, answers);
}

/* Behind a good open, `input` is a protocol error: no answer but serverclose. */
static void check_error(struct bytes input, const char *reason)
{
	uint8_t all[512];
	char events[128];
	struct bytes open = BYTES(OPEN);
	ck_assert_uint_le(open.len + input.len, sizeof all);
	memcpy(all, open.at, open.len);
	memcpy(all + open.len, input.at, input.len);
	snprintf(events, sizeof events, "opened;error: %s;", reason);
	check_session(bytes_of(all, open.len + input.len), events, OPEN_OK END);
	ck_assert_int_eq(relp_server_state(&shared.session), RELP_SERVER_CLOSED);
}

/* For tests that go step by step. */
static void begin(struct server_test *test, bool store_at_once)
{
	*test = (struct server_test){.limit = LIMIT, .store_at_once = store_at_once};
	server_begin(test);
}

static void give(struct server_test *test, const char *text)
{
	relp_feed_add(&test->feed, bytes_of_text(text));
	while (server_step(test))
		;
}

/* Everything owed is written, and it is `expected`. */
static void expect_answers(struct server_test *test, const char *expected)
{
	ck_assert(relp_server_write(&test->session, &test->out));
	relp_expect_bytes(buffer_peek(&test->out), expected);
	buffer_consume(&test->out, buffer_len(&test->out));
}

START_TEST(session_from_open_to_close)
{
	check_session(BYTES(OPEN "2 syslog 27 <38>1 - h app - - - message\n3 syslog 4 <1>b\n4 close 0\n"),
	              "opened;2 [<38>1 - h app - - - message];3 [<1>b];close;",
	              OPEN_OK "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n" END);
	ck_assert_int_eq(relp_server_state(&shared.session), RELP_SERVER_CLOSED);
}
END_TEST

START_TEST(data_is_binary)
{
	check_session(BYTES(OPEN "2 syslog 5 a\nb\nc\n3 syslog 1 \n\n"), "opened;2 [a\nb\nc];3 [\n];",
	              OPEN_OK "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
}
END_TEST

START_TEST(open_without_version_is_accepted_and_answered_with_0)
{
	check_session(BYTES("1 open 15 commands=syslog\n"), "opened;", OPEN_OK);
}
END_TEST

START_TEST(open_with_version_1_is_answered_with_0)
{
	check_session(BYTES("1 open 30 relp_version=1\ncommands=syslog\n"), "opened;", OPEN_OK);
}
END_TEST

START_TEST(open_with_a_version_that_is_no_number_is_refused)
{
	check_session(BYTES("1 open 30 relp_version=x\ncommands=syslog\n"), "error: relp_version is not a number;",
	              "1 rsp 32 500 relp_version is not a number\n" END);
	check_session(BYTES("1 open 31 relp_version=0\r\ncommands=syslog\n"), "error: relp_version is not a number;",
	              "1 rsp 32 500 relp_version is not a number\n" END);
}
END_TEST

START_TEST(open_without_the_command_syslog_is_refused)
{
	const char *event = "error: the client does not offer the command syslog;";
	const char *answer = "1 rsp 44 500 required command not supported by client\n" END;
	check_session(BYTES("1 open 14 relp_version=0\n"), event, answer);
	check_session(BYTES("1 open 0\n"), event, answer);
	check_session(BYTES("1 open 29 relp_version=0\ncommands=block\n"), event, answer);
}
END_TEST

START_TEST(unknown_offers_are_passed_over_and_never_offered_back)
{
	check_session(BYTES("1 open 46 \nx=1\nrelp_version=0\ncommands=block,syslog\nfoo\n\n2 syslog 1 a\n"),
	              "opened;2 [a];", OPEN_OK "2 rsp 6 200 OK\n");
}
END_TEST

START_TEST(open_with_another_txnr_is_an_error)
{
	check_session(BYTES("5 open 30 relp_version=0\ncommands=syslog\n"), "error: open with another TXNR than 1;", END);
	check_session(BYTES("0 open 30 relp_version=0\ncommands=syslog\n"), "error: open with another TXNR than 1;", END);
}
END_TEST

START_TEST(txnr_that_does_not_follow_is_an_error)
{
	const char *reason = "TXNR is not the successor of the last";
	check_error(BYTES("3 syslog 1 a\n"), reason);
	check_error(BYTES("1 syslog 1 a\n"), reason);
	check_error(BYTES("0 syslog 1 a\n"), reason);
	check_error(BYTES("1000000000 syslog 1 a\n"), reason);
	check_session(BYTES(OPEN "2 syslog 1 a\n2 syslog 1 b\n"),
	              "opened;2 [a];error: TXNR is not the successor of the last;", OPEN_OK "2 rsp 6 200 OK\n" END);
}
END_TEST

START_TEST(ten_digits_in_txnr_are_an_error)
{
	check_error(BYTES("0000000002 syslog 1 a\n"), "no TXNR of 1 to 9 digits and SP");
	check_error(BYTES("2000000000 syslog 1 a\n"), "no TXNR of 1 to 9 digits and SP");
	check_error(BYTES("10000000000 syslog 1 a\n"), "no TXNR of 1 to 9 digits and SP");
}
END_TEST

START_TEST(leading_zeros_are_accepted)
{
	check_session(BYTES("001 open 000000030 relp_version=0\ncommands=syslog\n000000002 syslog 01 a\n"), "opened;2 [a];",
	              OPEN_OK "2 rsp 6 200 OK\n");
}
END_TEST

START_TEST(command_before_open_is_an_error)
{
	check_session(BYTES("1 syslog 1 a\n"), "error: a command before open;", END);
	check_session(BYTES("1 close 0\n"), "error: a command before open;", END);
}
END_TEST

START_TEST(second_open_is_an_error)
{
	check_error(BYTES("2 open 30 relp_version=0\ncommands=syslog\n"), "a second open");
}
END_TEST

START_TEST(unknown_commands_are_an_error)
{
	check_error(BYTES("2 SYSLOG 1 a\n"), "unknown command");
	check_error(BYTES("2 starttls 0\n"), "unknown command");
	check_error(BYTES("2 rsp 6 200 OK\n"), "unknown command");
	check_error(BYTES("2 serverclose 0\n"), "unknown command");
	check_error(BYTES("2 block 1 a\n"), "unknown command");
	check_error(BYTES("2 sys1og 1 a\n"), "no COMMAND of 1 to 32 letters and SP");
	check_error(BYTES("2 abcdefghijklmnopqrstuvwxyzabcdefg 1 a\n"), "no COMMAND of 1 to 32 letters and SP");
}
END_TEST

START_TEST(hints_are_ignored)
{
	check_session(BYTES("0 hello 0\n" OPEN "0 serverclose 0\n0 full 2 xx\n2 syslog 1 a\n"), "opened;2 [a];",
	              OPEN_OK "2 rsp 6 200 OK\n");
	check_error(BYTES("0 rsp 6 200 OK\n"), "TXNR is not the successor of the last");
}
END_TEST

START_TEST(empty_message_is_acknowledged)
{
	check_session(BYTES(OPEN "2 syslog 0\n"), "opened;2 [];", OPEN_OK "2 rsp 6 200 OK\n");
}
END_TEST

START_TEST(malformed_frames_are_an_error)
{
	check_error(BYTES("2 syslog 0 \n"), "no LF behind DATALEN 0");
	check_error(BYTES("2  syslog 1 a\n"), "no COMMAND of 1 to 32 letters and SP");
	check_error(BYTES("2 syslog  1 a\n"), "no DATALEN of 1 to 9 digits");
	check_error(BYTES("2 syslog 0000000001 a\n"), "no DATALEN of 1 to 9 digits");
	check_error(BYTES("2 syslog 1\na\n"), "no SP behind DATALEN");
	check_error(BYTES("2 syslog 1 ab\n"), "no LF behind DATA");
	check_error(BYTES("2 syslog 1 a\r\n"), "no LF behind DATA");
	check_error(BYTES("<38>Oct 11 22:14:15 h app: text\n"), "no TXNR of 1 to 9 digits and SP");
	check_error(BYTES("\n2 syslog 1 a\n"), "no TXNR of 1 to 9 digits and SP");
}
END_TEST

START_TEST(message_over_the_limit_is_cut_and_acknowledged)
{
	check_with_limit(5, BYTES(OPEN "2 syslog 20 abcdefghijklmnopqrst\n3 syslog 5 vwxyz\n"),
	                 "error: offers longer than the limit;", END);
	check_with_limit(30, BYTES(OPEN "2 syslog 50 0123456789012345678901234567890123456789012345678\n\n3 syslog 1 a\n"),
	                 "opened;2 [012345678901234567890123456789]~;3 [a];", OPEN_OK "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
	check_with_limit(30, BYTES(OPEN "2 syslog 31 0123456789012345678901234567890\n"),
	                 "opened;2 [012345678901234567890123456789]~;", OPEN_OK "2 rsp 6 200 OK\n");
	check_with_limit(30, BYTES(OPEN "2 syslog 30 012345678901234567890123456789\n"),
	                 "opened;2 [012345678901234567890123456789];", OPEN_OK "2 rsp 6 200 OK\n");
	check_with_limit(30,
	                 BYTES(OPEN "2 syslog 40 01234567890123456789012345678\xC3\xA9"
	                            "890123456\n"),
	                 "opened;2 [01234567890123456789012345678]~;", OPEN_OK "2 rsp 6 200 OK\n");
}
END_TEST

START_TEST(truncated_message_is_not_answered_before_its_last_octet)
{
	struct server_test test;
	begin(&test, true);
	give(&test, OPEN "2 syslog 200 ");
	char xs[201] = {0};
	memset(xs, 'x', 200);
	xs[199] = '\0';
	give(&test, xs);
	ck_assert_uint_eq(relp_server_pending(&test.session), 1);
	expect_answers(&test, OPEN_OK);
	give(&test, "x");
	expect_answers(&test, "");
	give(&test, "\n");
	expect_answers(&test, "2 rsp 6 200 OK\n");
	buffer_free(&test.out);
}
END_TEST

START_TEST(truncated_message_with_a_wrong_trailer_is_not_answered)
{
	check_with_limit(30, BYTES(OPEN "2 syslog 1 a\n3 syslog 40 0123456789012345678901234567890123456789X"),
	                 "opened;2 [a];3 [012345678901234567890123456789]~;error: no LF behind DATA;",
	                 OPEN_OK "2 rsp 6 200 OK\n" END);
}
END_TEST

START_TEST(only_the_truncated_message_itself_is_held_back)
{
	/* A long frame that is refused, a long hint that has not ended, a close with data: "a" is answered all the same. */
	check_with_limit(30, BYTES(OPEN "2 syslog 1 a\n9 syslog 40 0123456789012345678901234567890123456789"),
	                 "opened;2 [a];error: TXNR is not the successor of the last;", OPEN_OK "2 rsp 6 200 OK\n" END);
	check_with_limit(30, BYTES(OPEN "2 syslog 1 a\n0 hint 40 0123456789012345678901234567890123456789"),
	                 "opened;2 [a];", OPEN_OK "2 rsp 6 200 OK\n");
	check_with_limit(30, BYTES(OPEN "2 syslog 1 a\n3 close 40 0123456789012345678901234567890123456789"),
	                 "opened;2 [a];close;", OPEN_OK "2 rsp 6 200 OK\n3 rsp 0\n" END);
}
END_TEST

START_TEST(frames_behind_close_are_ignored)
{
	check_session(BYTES(OPEN "2 close 0\n3 syslog 1 a\ngarbage"), "opened;close;", OPEN_OK "2 rsp 0\n" END);
}
END_TEST

START_TEST(messages_are_answered_only_when_stored_and_in_order)
{
	struct server_test test;
	begin(&test, false);
	give(&test, OPEN "2 syslog 1 a\n3 syslog 1 b\n4 syslog 1 c\n");
	expect_answers(&test, OPEN_OK);
	relp_server_stored(&test.session, 3);
	ck_assert_uint_eq(relp_server_pending(&test.session), 3);
	expect_answers(&test, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
	ck_assert_uint_eq(relp_server_pending(&test.session), 1);
	expect_answers(&test, "");
	relp_server_stored(&test.session, 4);
	expect_answers(&test, "4 rsp 6 200 OK\n");
	ck_assert_uint_eq(relp_server_pending(&test.session), 0);
	buffer_free(&test.out);
}
END_TEST

START_TEST(close_is_answered_after_everything_before_it)
{
	struct server_test test;
	begin(&test, false);
	give(&test, OPEN "2 syslog 1 a\n3 syslog 1 b\n4 close 0\n");
	expect_answers(&test, OPEN_OK);
	ck_assert_int_eq(relp_server_state(&test.session), RELP_SERVER_CLOSING);
	relp_server_stored(&test.session, 2);
	expect_answers(&test, "2 rsp 6 200 OK\n");
	relp_server_stored(&test.session, 3);
	expect_answers(&test, "3 rsp 6 200 OK\n4 rsp 0\n" END);
	ck_assert_int_eq(relp_server_state(&test.session), RELP_SERVER_CLOSED);
	relp_server_stored(&test.session, 3);
	expect_answers(&test, "");
	buffer_free(&test.out);
}
END_TEST

START_TEST(our_stop_answers_what_gets_stored_then_closes)
{
	struct server_test test;
	begin(&test, false);
	give(&test, OPEN "2 syslog 1 a\n3 syslog 1 b\n");
	relp_server_stop(&test.session);
	relp_server_stop(&test.session);
	give(&test, "4 syslog 1 c\n");
	relp_feed_expect(&test.feed, "opened;2 [a];3 [b];");
	expect_answers(&test, OPEN_OK);
	relp_server_stored(&test.session, 3);
	expect_answers(&test, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n" END);
	buffer_free(&test.out);
}
END_TEST

START_TEST(what_is_given_up_stays_unanswered)
{
	struct server_test test;
	begin(&test, false);
	give(&test, OPEN "2 syslog 1 a\n3 syslog 1 b\n4 close 0\n");
	relp_server_stored(&test.session, 2);
	relp_server_give_up(&test.session);
	relp_server_stored(&test.session, 3);
	expect_answers(&test, OPEN_OK "2 rsp 6 200 OK\n"
	                              "4 rsp 0\n" END);
	buffer_free(&test.out);
}
END_TEST

START_TEST(giving_up_an_unfinished_message_answers_the_whole_ones_before_it)
{
	struct server_test test;
	begin(&test, false);
	give(&test, OPEN "2 syslog 1 a\n3 syslog 200 ");
	char xs[151] = {0};
	memset(xs, 'x', 150);
	give(&test, xs);
	ck_assert_uint_eq(relp_server_pending(&test.session), 2);
	relp_server_stored(&test.session, 2);
	relp_server_give_up(&test.session);
	expect_answers(&test, OPEN_OK "2 rsp 6 200 OK\n" END);
	buffer_free(&test.out);
}
END_TEST

START_TEST(error_behind_pending_messages_still_answers_them)
{
	struct server_test test;
	begin(&test, false);
	give(&test, OPEN "2 syslog 1 a\nnonsense");
	expect_answers(&test, OPEN_OK);
	relp_server_stored(&test.session, 2);
	expect_answers(&test, "2 rsp 6 200 OK\n" END);
	buffer_free(&test.out);
}
END_TEST

START_TEST(full_output_buffer_delays_answers_and_loses_none)
{
	struct server_test test;
	begin(&test, true);
	buffer_init(&test.out, strlen(OPEN_OK));
	give(&test, OPEN);
	char frame[32];
	for (int txnr = 2; txnr < 1002; txnr++) {
		snprintf(frame, sizeof frame, "%d syslog 1 a\n", txnr);
		test.feed.transcript_len = 0;
		give(&test, frame);
	}
	give(&test, "1002 close 0\n");
	char got[32768];
	size_t len = 0;
	for (bool done = false; !done;) {
		done = relp_server_write(&test.session, &test.out);
		struct bytes written = buffer_peek(&test.out);
		ck_assert_uint_lt(len + written.len, sizeof got);
		memcpy(got + len, written.at, written.len);
		len += written.len;
		ck_assert(done || written.len > 0);
		buffer_consume(&test.out, written.len);
	}
	got[len] = '\0';
	char *at = got + strlen(OPEN_OK);
	for (int txnr = 2; txnr < 1002; txnr++) {
		snprintf(frame, sizeof frame, "%d rsp 6 200 OK\n", txnr);
		ck_assert_mem_eq(at, frame, strlen(frame));
		at += strlen(frame);
	}
	ck_assert_str_eq(at, "1002 rsp 0\n" END);
	buffer_free(&test.out);
}
END_TEST

/* As if all TXNRs up to `txnr` had been received and answered. */
static void jump_to(struct server_test *test, uint32_t txnr)
{
	begin(test, false);
	give(test, OPEN);
	expect_answers(test, OPEN_OK);
	test->session.received_txnr = test->session.answered_txnr = txnr;
}

START_TEST(txnr_wraps_to_1_as_specified)
{
	struct server_test test;
	jump_to(&test, 999999997);
	give(&test, "999999998 syslog 1 a\n999999999 syslog 1 b\n1 syslog 1 c\n2 syslog 1 d\n");
	relp_feed_expect(&test.feed, "opened;999999998 [a];999999999 [b];1 [c];2 [d];");
	relp_server_stored(&test.session, 1);
	expect_answers(&test, "999999998 rsp 6 200 OK\n999999999 rsp 6 200 OK\n1 rsp 6 200 OK\n");
	relp_server_stored(&test.session, 2);
	expect_answers(&test, "2 rsp 6 200 OK\n");
	buffer_free(&test.out);
}
END_TEST

START_TEST(txnr_may_wrap_one_later_as_librelp_does)
{
	struct server_test test;
	jump_to(&test, 999999998);
	give(&test, "999999999 syslog 1 a\n1000000000 syslog 1 b\n1 syslog 1 c\n");
	relp_feed_expect(&test.feed, "opened;999999999 [a];1000000000 [b];1 [c];");
	relp_server_stored(&test.session, 1);
	expect_answers(&test, "999999999 rsp 6 200 OK\n1000000000 rsp 6 200 OK\n1 rsp 6 200 OK\n");
	buffer_free(&test.out);
}
END_TEST

START_TEST(client_that_never_waits_is_cut_off)
{
	struct server_test test;
	jump_to(&test, 1);
	test.session.pending = RELP_SERVER_PENDING_MAX;
	give(&test, "2 syslog 1 a\n");
	relp_feed_expect(&test.feed, "opened;error: too many messages without waiting for an answer;");
	buffer_free(&test.out);
}
END_TEST

START_TEST(error_shows_the_offending_octets)
{
	struct relp_server session;
	struct relp_server_event event;
	relp_server_init(&session, LIMIT, BYTES(SOFTWARE));
	struct bytes in = BYTES("GET / HTTP/1.1\r\nHost: a-name-that-is-longer-than-what-is-shown.example.net\r\n\r\n");
	ck_assert_int_eq(relp_server_feed(&session, in, &event), RELP_SERVER_PROTOCOL_ERROR);
	ck_assert(bytes_equal(event.offending, bytes_first(in, RELP_OFFENDING_LEN_MAX)));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		session_from_open_to_close,
		data_is_binary,
		open_without_version_is_accepted_and_answered_with_0,
		open_with_version_1_is_answered_with_0,
		open_with_a_version_that_is_no_number_is_refused,
		open_without_the_command_syslog_is_refused,
		unknown_offers_are_passed_over_and_never_offered_back,
		open_with_another_txnr_is_an_error,
		txnr_that_does_not_follow_is_an_error,
		ten_digits_in_txnr_are_an_error,
		leading_zeros_are_accepted,
		command_before_open_is_an_error,
		second_open_is_an_error,
		unknown_commands_are_an_error,
		hints_are_ignored,
		empty_message_is_acknowledged,
		malformed_frames_are_an_error,
		message_over_the_limit_is_cut_and_acknowledged,
		truncated_message_is_not_answered_before_its_last_octet,
		truncated_message_with_a_wrong_trailer_is_not_answered,
		only_the_truncated_message_itself_is_held_back,
		frames_behind_close_are_ignored,
		messages_are_answered_only_when_stored_and_in_order,
		close_is_answered_after_everything_before_it,
		our_stop_answers_what_gets_stored_then_closes,
		what_is_given_up_stays_unanswered,
		giving_up_an_unfinished_message_answers_the_whole_ones_before_it,
		error_behind_pending_messages_still_answers_them,
		full_output_buffer_delays_answers_and_loses_none,
		txnr_wraps_to_1_as_specified,
		txnr_may_wrap_one_later_as_librelp_does,
		client_that_never_waits_is_cut_off,
		error_shows_the_offending_octets,
	};
	return relp_run("relp_server", tests, sizeof tests / sizeof *tests);
}
