/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector's octets against our side of the session: how far messages are acknowledged, and how a session ends. The
 * messages sent here have the sequences 10, 20, 30 and so on under the TXNRs 2, 3, 4.
 */
#include "relp/relp_client.h"

#include "relp_feed.h"

enum { WINDOW = 8, WINDOW_OCTETS = 100 };

#define SECOND_NS ((uint64_t)1000 * 1000 * 1000)
#define OPEN      "1 open 55 " OUR_OFFERS "\n"
#define OPEN_OK   "1 rsp 62 200 OK\n" OUR_OFFERS "\n"

struct client_test {
	struct relp_feed feed;
	struct relp_client session;
	struct relp_window_entry entries[WINDOW];
	struct buffer out;
	unsigned messages; /* sent when the session is open */
	bool close;        /* then `close` is sent too */
	uint64_t acknowledged;
	bool any_acknowledged;
	const char *events;
};

/* Acknowledgements that follow each other are one: how many there are depends on how the octets came. */
static void put_acknowledged(struct client_test *test)
{
	if (test->any_acknowledged)
		relp_feed_put(&test->feed, "acknowledged %u;", (unsigned)test->acknowledged);
	test->any_acknowledged = false;
}

static void send_messages(struct client_test *test)
{
	for (unsigned i = 1; i <= test->messages; i++) {
		enum relp_send_result result = relp_client_send(&test->session, BYTES("text"), i * 10, SECOND_NS, &test->out);
		ck_assert_int_eq(result, RELP_SEND_OK);
	}
	if (test->close)
		ck_assert(relp_client_close(&test->session, SECOND_NS, &test->out));
}

static void put_event(struct client_test *test, const struct relp_client_event *event)
{
	if (event->kind == RELP_CLIENT_ACKNOWLEDGED) {
		ck_assert(!test->any_acknowledged || event->sequence > test->acknowledged);
		test->acknowledged = event->sequence;
		test->any_acknowledged = true;
		return;
	}
	if (event->kind == RELP_CLIENT_NOTHING)
		return;
	put_acknowledged(test);
	if (event->kind == RELP_CLIENT_OPENED)
		relp_feed_put(&test->feed, "opened;");
	else if (event->kind == RELP_CLIENT_REFUSED)
		relp_feed_put(&test->feed, "refused %u: %u %.*s;", (unsigned)event->sequence, event->code, (int)event->text.len,
		              (const char *)event->text.at);
	else if (event->kind == RELP_CLIENT_SERVER_CLOSE)
		relp_feed_put(&test->feed, "serverclose;");
	else if (event->kind == RELP_CLIENT_CLOSED)
		relp_feed_put(&test->feed, "closed;");
	else
		relp_feed_put(&test->feed, "error: %s;", event->reason);
}

static bool client_step(struct client_test *test)
{
	struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(test->feed.pending, test->feed.pending_len));
	struct relp_client_event event;
	enum relp_client_event_kind kind = relp_client_feed(&test->session, guarded_bytes_view(&guarded), &event);
	ck_assert_int_eq(kind, event.kind);
	put_event(test, &event);
	guarded_bytes_free(&guarded);
	relp_feed_consume(&test->feed, event.consumed);
	relp_window_check(&test->session.window);
	if (kind == RELP_CLIENT_OPENED)
		send_messages(test);
	return kind != RELP_CLIENT_NOTHING;
}

static void client_begin(void *context)
{
	struct client_test *test = context;
	relp_feed_reset(&test->feed);
	test->any_acknowledged = false;
	test->acknowledged = 0;
	buffer_free(&test->out);
	buffer_init(&test->out, RELP_TEST_OUT_MAX);
	struct relp_client_settings settings = {
		.software = BYTES(SOFTWARE), .entries = test->entries, .window = WINDOW, .window_octets = WINDOW_OCTETS};
	relp_client_init(&test->session, &settings);
	ck_assert(relp_client_open(&test->session, 0, &test->out));
}

static void client_piece(void *context, struct bytes piece)
{
	struct client_test *test = context;
	relp_feed_add(&test->feed, piece);
	while (client_step(test))
		;
	relp_feed_note_held(&test->feed);
}

static void client_end(void *context)
{
	struct client_test *test = context;
	put_acknowledged(test);
	relp_feed_expect(&test->feed, test->events);
}

static const struct feed_parser client_parser = {client_begin, client_piece, client_end};
static struct client_test shared;

/* The server sends `input`; we send `messages` when it has opened the session. The last state stays in `shared`. */
static void check(unsigned messages, bool close, const char *input, const char *events)
{
	shared = (struct client_test){.messages = messages, .close = close, .events = events};
	feed_every_way(bytes_of_text(input), &client_parser, &shared);
	ck_assert_uint_le(shared.feed.held_most, RELP_CLIENT_INPUT_MAX);
	buffer_free(&shared.out);
}

static void check_error(const char *input, const char *reason)
{
	char all[512], events[256];
	snprintf(all, sizeof all, "%s%s", OPEN_OK, input);
	snprintf(events, sizeof events, "opened;error: %s;", reason);
	check(3, false, all, events);
	ck_assert_int_eq(relp_client_state(&shared.session), RELP_CLIENT_ENDED);
}

/* For tests that go step by step: an open session with nothing sent. */
static void begin(struct client_test *test)
{
	*test = (struct client_test){.messages = 0};
	client_begin(test);
	client_piece(test, BYTES(OPEN_OK));
	ck_assert_int_eq(relp_client_state(&test->session), RELP_CLIENT_READY);
	buffer_consume(&test->out, buffer_len(&test->out));
}

static enum relp_send_result send_one(struct client_test *test, uint64_t sequence, uint64_t now_ns)
{
	return relp_client_send(&test->session, BYTES("text"), sequence, now_ns, &test->out);
}

START_TEST(open_offers_version_0_our_name_and_syslog)
{
	struct client_test test = {0};
	client_begin(&test);
	relp_expect_bytes(buffer_peek(&test.out), OPEN);
	ck_assert_int_eq(send_one(&test, 1, 0), RELP_SEND_NOT_READY);
	buffer_free(&test.out);
}
END_TEST

START_TEST(messages_and_close_are_numbered_from_2)
{
	struct client_test test;
	begin(&test);
	ck_assert_int_eq(send_one(&test, 10, 0), RELP_SEND_OK);
	ck_assert_int_eq(relp_client_send(&test.session, BYTES(""), 20, 0, &test.out), RELP_SEND_OK);
	ck_assert(relp_client_close(&test.session, 0, &test.out));
	relp_expect_bytes(buffer_peek(&test.out), "2 syslog 4 text\n3 syslog 0\n4 close 0\n");
	ck_assert_int_eq(send_one(&test, 30, 0), RELP_SEND_NOT_READY);
	buffer_free(&test.out);
}
END_TEST

START_TEST(answers_in_order_acknowledge)
{
	check(3, false, OPEN_OK "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n", "opened;acknowledged 30;");
	ck_assert_uint_eq(relp_client_unacknowledged(&shared.session), 0);
	ck_assert_uint_eq(shared.session.window.octets, 0);
}
END_TEST

START_TEST(answers_that_come_together_make_one_event)
{
	struct client_test test;
	begin(&test);
	for (uint64_t i = 1; i <= 3; i++)
		send_one(&test, i * 10, 0);
	struct relp_client_event event;
	struct bytes in = BYTES("2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 2");
	ck_assert_int_eq(relp_client_feed(&test.session, in, &event), RELP_CLIENT_ACKNOWLEDGED);
	ck_assert_uint_eq(event.sequence, 20);
	ck_assert_uint_eq(event.consumed, 30);
	buffer_free(&test.out);
}
END_TEST

START_TEST(answers_out_of_order_wait_for_the_gap_to_close)
{
	check(3, false, OPEN_OK "3 rsp 6 200 OK\n4 rsp 6 200 OK\n", "opened;");
	ck_assert_uint_eq(relp_client_unacknowledged(&shared.session), 3);
	check(3, false, OPEN_OK "4 rsp 6 200 OK\n2 rsp 6 200 OK\n3 rsp 6 200 OK\n", "opened;acknowledged 30;");
}
END_TEST

START_TEST(answer_without_text_is_accepted)
{
	check(1, false, OPEN_OK "2 rsp 3 200\n", "opened;acknowledged 10;");
}
END_TEST

START_TEST(open_answer_without_version_or_commands_is_accepted)
{
	check(0, false, "1 rsp 6 200 OK\n", "opened;");
	check(0, false, "1 rsp 22 200 OK\ncommands=syslog\n", "opened;");
	check(0, false, "1 rsp 49 200 OK\n\nrelp_version=1\nx\ncommands=block,syslog,z\n\n", "opened;");
}
END_TEST

START_TEST(open_answer_without_syslog_among_commands_is_an_error)
{
	check(0, false, "1 rsp 21 200 OK\ncommands=block\n", "error: the server does not offer the command syslog;");
}
END_TEST

START_TEST(open_that_is_not_answered_with_200_is_an_error)
{
	const char *event = "error: the server refused to open the session;";
	check(0, false, "1 rsp 26 500 error 10021 on connect\n0 serverclose 0\n", event);
	check(0, false, "1 rsp 0\n", event);
	check(0, false, "0 serverclose 0\n", "serverclose;");
	check(0, false, "2 rsp 6 200 OK\n", "error: an answer to a TXNR that is not outstanding;");
}
END_TEST

START_TEST(answer_to_an_unknown_txnr_is_an_error)
{
	check_error("5 rsp 6 200 OK\n", "an answer to a TXNR that is not outstanding");
	check_error("1 rsp 6 200 OK\n", "an answer to a TXNR that is not outstanding");
	check_error("0 rsp 6 200 OK\n", "an answer to a TXNR that is not outstanding");
	check(3, false, OPEN_OK "2 rsp 6 200 OK\n2 rsp 6 200 OK\n",
	      "opened;acknowledged 10;error: an answer to a TXNR that is not outstanding;");
	check_error("3 rsp 6 200 OK\n3 rsp 6 200 OK\n", "a second answer to the same TXNR");
}
END_TEST

START_TEST(malformed_answers_are_an_error)
{
	check_error("2 rsp 6 200_OK\n", "an answer that does not begin with a code of three digits");
	check_error("2 rsp 2 20\n", "an answer that does not begin with a code of three digits");
	check_error("2 rsp 4 2000\n", "an answer that does not begin with a code of three digits");
	check_error("2 rsp 0\n", "an answer without a code");
	check_error("2 rsp 6 200 OK\r\n", "no LF behind DATA");
	check_error("2 rsp 99999 200 OK", "DATALEN is above the limit");
	check_error("2 syslog 1 a\n", "a command that a server does not send");
	check_error("HTTP/1.1 400 Bad Request\r\n", "no TXNR of 1 to 9 digits and SP");
}
END_TEST

START_TEST(what_was_answered_before_an_error_is_acknowledged_first)
{
	check(3, false, OPEN_OK "2 rsp 6 200 OK\nnonsense",
	      "opened;acknowledged 10;error: no TXNR of 1 to 9 digits and SP;");
}
END_TEST

START_TEST(refused_message_is_named_and_stops_the_sending)
{
	check(3, false, OPEN_OK "2 rsp 6 200 OK\n3 rsp 14 500 disk full!\n4 rsp 6 200 OK\n",
	      "opened;acknowledged 10;refused 20: 500 disk full!;");
	ck_assert_int_eq(relp_client_state(&shared.session), RELP_CLIENT_DRAINING);
	ck_assert_uint_eq(relp_client_unacknowledged(&shared.session), 2);
	ck_assert_int_eq(send_one(&shared, 40, 0), RELP_SEND_NOT_READY);
}
END_TEST

START_TEST(answers_before_a_refused_message_still_count)
{
	check(3, false, OPEN_OK "3 rsp 5 500 x\n2 rsp 6 200 OK\n", "opened;refused 20: 500 x;acknowledged 10;");
	check(3, false, OPEN_OK "3 rsp 5 500 x\n3 rsp 6 200 OK\n",
	      "opened;refused 20: 500 x;error: a second answer to the same TXNR;");
}
END_TEST

START_TEST(serverclose_ends_the_session)
{
	check(2, false, OPEN_OK "2 rsp 6 200 OK\n0 serverclose 0\nwhatever", "opened;acknowledged 10;serverclose;");
	ck_assert_int_eq(relp_client_state(&shared.session), RELP_CLIENT_ENDED);
	ck_assert_uint_eq(relp_client_unacknowledged(&shared.session), 1);
}
END_TEST

START_TEST(other_hints_are_passed_over)
{
	check(1, false, "0 hello 0\n" OPEN_OK "0 full 0\n2 rsp 6 200 OK\n", "opened;acknowledged 10;");
}
END_TEST

START_TEST(close_is_answered_without_data_or_with_a_code)
{
	check(1, true, OPEN_OK "2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n", "opened;acknowledged 10;closed;");
	check(0, true, OPEN_OK "2 rsp 6 200 OK\n", "opened;closed;");
	check(1, true, OPEN_OK "3 rsp 0\n", "opened;closed;");
	ck_assert_uint_eq(relp_client_unacknowledged(&shared.session), 1);
}
END_TEST

START_TEST(window_is_bounded_by_count)
{
	struct client_test test;
	begin(&test);
	for (uint64_t i = 1; i <= WINDOW; i++)
		ck_assert_int_eq(send_one(&test, i, 0), RELP_SEND_OK);
	ck_assert_int_eq(send_one(&test, 99, 0), RELP_SEND_WINDOW_FULL);
	client_piece(&test, BYTES("2 rsp 6 200 OK\n"));
	ck_assert_int_eq(send_one(&test, 99, 0), RELP_SEND_OK);
	ck_assert_int_eq(send_one(&test, 100, 0), RELP_SEND_WINDOW_FULL);
	buffer_free(&test.out);
}
END_TEST

START_TEST(window_is_bounded_in_octets_but_takes_one_message_of_any_size)
{
	static uint8_t large[WINDOW_OCTETS + 1];
	struct client_test test;
	begin(&test);
	struct bytes message = bytes_of(large, sizeof large);
	ck_assert_int_eq(relp_client_send(&test.session, message, 1, 0, &test.out), RELP_SEND_OK);
	ck_assert_int_eq(send_one(&test, 2, 0), RELP_SEND_WINDOW_FULL);
	client_piece(&test, BYTES("2 rsp 6 200 OK\n"));
	ck_assert_int_eq(send_one(&test, 2, 0), RELP_SEND_OK);
	message.len = WINDOW_OCTETS - 4;
	ck_assert_int_eq(relp_client_send(&test.session, message, 3, 0, &test.out), RELP_SEND_OK);
	ck_assert_int_eq(relp_client_send(&test.session, BYTES("x"), 4, 0, &test.out), RELP_SEND_WINDOW_FULL);
	relp_window_check(&test.session.window);
	buffer_free(&test.out);
}
END_TEST

START_TEST(full_output_buffer_changes_nothing)
{
	struct client_test test;
	begin(&test);
	struct buffer small = {0};
	buffer_init(&small, 10);
	ck_assert_int_eq(relp_client_send(&test.session, BYTES("text"), 1, 0, &small), RELP_SEND_BUFFER_FULL);
	ck_assert_uint_eq(buffer_len(&small), 0);
	ck_assert_uint_eq(relp_client_unacknowledged(&test.session), 0);
	ck_assert_int_eq(send_one(&test, 1, 0), RELP_SEND_OK);
	relp_expect_bytes(buffer_peek(&test.out), "2 syslog 4 text\n");
	buffer_free(&small);
	buffer_free(&test.out);
}
END_TEST

START_TEST(open_times_out_after_10_seconds)
{
	struct client_test test = {0};
	client_begin(&test);
	ck_assert_uint_eq(relp_client_deadline_ns(&test.session), 10 * SECOND_NS);
	ck_assert_ptr_null(relp_client_expired(&test.session, 10 * SECOND_NS - 1));
	ck_assert_str_eq(relp_client_expired(&test.session, 10 * SECOND_NS), "open was not answered in time");
	buffer_free(&test.out);
}
END_TEST

START_TEST(oldest_unanswered_message_times_out_after_90_seconds)
{
	struct client_test test;
	begin(&test);
	ck_assert_uint_eq(relp_client_deadline_ns(&test.session), UINT64_MAX);
	ck_assert_ptr_null(relp_client_expired(&test.session, UINT64_MAX));
	send_one(&test, 1, 5 * SECOND_NS);
	send_one(&test, 2, 7 * SECOND_NS);
	ck_assert_uint_eq(relp_client_deadline_ns(&test.session), 95 * SECOND_NS);
	/* An answer out of order does not help the oldest. */
	client_piece(&test, BYTES("3 rsp 6 200 OK\n"));
	ck_assert_str_eq(relp_client_expired(&test.session, 95 * SECOND_NS), "a message was not answered in time");
	client_piece(&test, BYTES("2 rsp 6 200 OK\n"));
	ck_assert_ptr_null(relp_client_expired(&test.session, 1000 * SECOND_NS));
	buffer_free(&test.out);
}
END_TEST

START_TEST(close_times_out)
{
	struct client_test test;
	begin(&test);
	ck_assert(relp_client_close(&test.session, 3 * SECOND_NS, &test.out));
	ck_assert_str_eq(relp_client_expired(&test.session, 93 * SECOND_NS), "close was not answered in time");
	buffer_free(&test.out);
}
END_TEST

START_TEST(session_is_reopened_long_before_the_last_txnr)
{
	struct client_test test;
	begin(&test);
	ck_assert(!relp_client_wants_reopen(&test.session));
	relp_window_init(&test.session.window, test.entries, WINDOW, WINDOW_OCTETS, RELP_TXNR_REOPEN - 1);
	send_one(&test, 1, 0);
	ck_assert(relp_client_wants_reopen(&test.session));
	ck_assert_int_eq(send_one(&test, 2, 0), RELP_SEND_OK);
	/* Who does not listen is stopped: the last TXNR is for close. */
	relp_window_init(&test.session.window, test.entries, WINDOW, WINDOW_OCTETS, RELP_TXNR_MAX - 1);
	buffer_consume(&test.out, buffer_len(&test.out));
	ck_assert_int_eq(send_one(&test, 3, 0), RELP_SEND_OK);
	ck_assert_int_eq(send_one(&test, 4, 0), RELP_SEND_WINDOW_FULL);
	ck_assert(relp_client_close(&test.session, 0, &test.out));
	relp_expect_bytes(buffer_peek(&test.out), "999999998 syslog 4 text\n999999999 close 0\n");
	buffer_free(&test.out);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		open_offers_version_0_our_name_and_syslog,
		messages_and_close_are_numbered_from_2,
		answers_in_order_acknowledge,
		answers_that_come_together_make_one_event,
		answers_out_of_order_wait_for_the_gap_to_close,
		answer_without_text_is_accepted,
		open_answer_without_version_or_commands_is_accepted,
		open_answer_without_syslog_among_commands_is_an_error,
		open_that_is_not_answered_with_200_is_an_error,
		answer_to_an_unknown_txnr_is_an_error,
		malformed_answers_are_an_error,
		what_was_answered_before_an_error_is_acknowledged_first,
		refused_message_is_named_and_stops_the_sending,
		answers_before_a_refused_message_still_count,
		serverclose_ends_the_session,
		other_hints_are_passed_over,
		close_is_answered_without_data_or_with_a_code,
		window_is_bounded_by_count,
		window_is_bounded_in_octets_but_takes_one_message_of_any_size,
		full_output_buffer_changes_nothing,
		open_times_out_after_10_seconds,
		oldest_unanswered_message_times_out_after_90_seconds,
		close_times_out,
		session_is_reopened_long_before_the_last_txnr,
	};
	return relp_run("relp_client", tests, sizeof tests / sizeof *tests);
}
