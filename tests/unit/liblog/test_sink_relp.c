/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RELP sink against a server played by the test, which answers late, in disorder, with 500, or dies in the middle.
 * Against the real relay it runs in tests/system.
 */
#include "peer.h"

#include <pthread.h>
#include <sys/wait.h>

#include "relp_answer.h"

static int session; /* the accepted connection */

static void answer(const char *text)
{
	ck_assert_int_eq(write(session, text, strlen(text)), (ssize_t)strlen(text));
}

/* The next command, cut out of the stream: "2 syslog 10 0123456789\n". */
static const char *next_command(void)
{
	static char frame[8192];
	size_t length = 0;
	unsigned spaces = 0;
	while (spaces < 3 && (length == 0 || frame[length - 1] != '\n')) {
		ck_assert(peer_has_something(session, PEER_WAIT_MS));
		ck_assert_int_eq(read(session, frame + length, 1), 1);
		spaces += frame[length++] == ' ';
	}
	frame[length] = '\0';
	unsigned data = 0;
	sscanf(frame, "%*u %*s %u", &data);
	for (size_t wanted = length + data + (spaces == 3 ? 1 : 0); length < wanted;) {
		ck_assert(peer_has_something(session, PEER_WAIT_MS));
		ssize_t more = read(session, frame + length, wanted - length);
		ck_assert_int_gt(more, 0);
		length += (size_t)more;
	}
	frame[length] = '\0';
	return frame;
}

static void open_session(int listener)
{
	session = peer_accept(listener);
	const char *command = next_command();
	ck_assert_int_eq(strncmp(command, "1 open ", 7), 0);
	ck_assert_ptr_nonnull(strstr(command, " relp_version=0\nrelp_software=liblog,"));
	ck_assert_ptr_nonnull(strstr(command, "\ncommands=syslog\n"));
	answer("1 rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n");
}

static int start(void)
{
	int listener = peer_unix(SOCK_STREAM);
	peer_use(slog_sink_relp(peer_path, NULL, NULL));
	return listener;
}

static void expect_event(const char *txnr, const char *what)
{
	const char *command = next_command();
	char head[64];
	snprintf(head, sizeof head, "%s syslog ", txnr);
	ck_assert_msg(strncmp(command, head, strlen(head)) == 0, "%s is not %s", command, head);
	ck_assert_ptr_nonnull(strstr(command, what));
	ck_assert_ptr_nonnull(strstr(command, "<14>1 20"));
}

START_TEST(an_event_is_delivered_when_it_is_answered)
{
	int listener = start();
	slog_info("one");
	slog_info("two");
	open_session(listener);
	expect_event("2", " one -");
	expect_event("3", " two -");
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), ETIMEDOUT);
	answer("3 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	ck_assert_str_eq(next_command(), "4 close 0\n");
	close(session);
	close(listener);
}
END_TEST

START_TEST(what_a_lost_session_did_not_answer_is_sent_again)
{
	int listener = start();
	slog_info("one");
	slog_info("two");
	slog_info("three");
	open_session(listener);
	expect_event("2", " one -");
	expect_event("3", " two -");
	answer("2 rsp 6 200 OK\n");
	usleep(50000);
	close(session);
	open_session(listener);
	expect_event("2", " two -");
	expect_event("3", " three -");
	answer("2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	close(session);
	close(listener);
}
END_TEST

START_TEST(answers_in_disorder_release_the_oldest_first)
{
	struct slog_counters before = peer_counted();
	int listener = start();
	for (int i = 0; i < 3; i++)
		slog_info("t");
	open_session(listener);
	for (int i = 0; i < 3; i++)
		next_command();
	answer("4 rsp 6 200 OK\n3 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), ETIMEDOUT);
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO], before.dropped[SLOG_INFO]);
	close(session);
	close(listener);
}
END_TEST

START_TEST(an_event_answered_500_is_sent_again_after_a_while)
{
	int listener = start();
	slog_info("one");
	open_session(listener);
	expect_event("2", " one -");
	answer("2 rsp 7 500 bad\n");
	long start_us = peer_now_us();
	open_session(listener);
	ck_assert_int_ge(peer_now_us() - start_us, 500000);
	expect_event("2", " one -");
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	close(session);
	close(listener);
}
END_TEST

/* Nothing comes for a while. */
static void expect_no_event(void)
{
	ck_assert(!peer_has_something(session, 300));
}

/* The server's disk is not full, it just does not like this one: what is behind it must not wait for ever. */
START_TEST(an_event_refused_three_times_is_given_up_and_what_is_behind_it_goes_on)
{
	struct slog_counters before = peer_counted();
	int listener = start();
	slog_info("one");
	slog_info("two");
	slog_info("three");
	open_session(listener);
	expect_event("2", " one -");
	expect_event("3", " two -");
	expect_event("4", " three -");
	answer("3 rsp 7 500 bad\n");
	/* What is before it goes with it, and nothing of what is behind it. */
	open_session(listener);
	expect_event("2", " one -");
	expect_event("3", " two -");
	expect_no_event();
	answer("2 rsp 6 200 OK\n3 rsp 7 500 bad\n");
	open_session(listener);
	expect_event("2", " two -");
	expect_no_event();
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO], before.dropped[SLOG_INFO]);
	answer("2 rsp 7 500 bad\n");
	open_session(listener);
	expect_event("2", " three -");
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO], before.dropped[SLOG_INFO] + 1);
	ck_assert_int_eq(peer_counted().last_error, EBADMSG);
	slog_info("four");
	const char *loss = next_command();
	ck_assert_msg(strncmp(loss, "3 syslog ", 9) == 0 && strstr(loss, " slog_loss [") != NULL, "%s", loss);
	ck_assert_ptr_nonnull(strstr(loss, " sink=\"relp\" "));
	ck_assert_ptr_nonnull(strstr(loss, " dropped/info=\"1\""));
	expect_event("4", " four -");
	answer("3 rsp 6 200 OK\n4 rsp 6 200 OK\n");
	slog_close();
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO], before.dropped[SLOG_INFO] + 1);
	close(session);
	close(listener);
}
END_TEST

static void *log_other(void *argument)
{
	slog_info("other");
	return argument;
}

/* Each refusal counts for one event, and only in a row; other threads' events wait too, and go on when it is accepted. */
START_TEST(an_event_that_is_accepted_after_refusals_holds_nothing_any_more)
{
	struct slog_counters before = peer_counted();
	pthread_t thread;
	int listener = start();
	slog_info("one");
	for (int times = 0; times < 2; times++) {
		open_session(listener);
		expect_event("2", " one -");
		answer("2 rsp 7 500 bad\n");
	}
	pthread_create(&thread, NULL, log_other, NULL);
	pthread_join(thread, NULL);
	open_session(listener);
	expect_event("2", " one -");
	expect_no_event();
	answer("2 rsp 6 200 OK\n");
	expect_event("3", " other -");
	answer("3 rsp 7 500 bad\n");
	open_session(listener);
	expect_event("2", " other -");
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO], before.dropped[SLOG_INFO]);
	close(session);
	close(listener);
}
END_TEST

START_TEST(what_is_no_relp_ends_the_session_and_nothing_else)
{
	int listener = start();
	slog_info("one");
	session = peer_accept(listener);
	next_command();
	answer("HTTP/1.1 400 Bad Request\n");
	close(session);
	open_session(listener);
	expect_event("2", " one -");
	answer("77 rsp 6 200 OK\n");
	open_session(listener);
	expect_event("2", " one -");
	answer("2 rsp 6 200 OK\n0 serverclose 0\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_info("two");
	open_session(listener);
	expect_event("2", " two -");
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	close(listener);
}
END_TEST

START_TEST(no_more_than_the_window_is_unanswered)
{
	int listener = start();
	for (int i = 0; i < 300; i++)
		slog_info("t", "i", i);
	open_session(listener);
	for (int i = 0; i < 128; i++)
		next_command();
	ck_assert(!peer_has_something(session, 300));
	answer("2 rsp 6 200 OK\n");
	expect_event("130", "i=\"128\"");
	ck_assert(!peer_has_something(session, 300));
	for (int txnr = 3; txnr < 302; txnr++) {
		char text[32];
		snprintf(text, sizeof text, "%d rsp 6 200 OK\n", txnr);
		answer(text);
		if (txnr + 128 < 302)
			next_command();
	}
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	close(session);
	close(listener);
}
END_TEST

/* 8.22: queued and unacknowledged share one limit: a relay that never answers costs no more memory than that. */
START_TEST(queued_and_unacknowledged_share_one_limit)
{
	const struct slog_async_options small = {.size = sizeof small, .lane_size = 16384, .lanes = 1};
	int listener = peer_unix(SOCK_STREAM);
	peer_use(slog_sink_relp(peer_path, NULL, &small));
	struct slog_counters before = peer_counted();
	slog_err("t");
	open_session(listener);
	next_command();
	for (int i = 0; i < 1000; i++)
		slog_err("t");
	uint64_t dropped = peer_counted().dropped[SLOG_ERR] - before.dropped[SLOG_ERR];
	ck_assert_uint_gt(dropped, 800);
	ck_assert_uint_lt(dropped, 1000);
	slog_close();
	ck_assert_uint_eq(peer_counted().dropped[SLOG_ERR] - before.dropped[SLOG_ERR], 1001);
	close(session);
	close(listener);
}
END_TEST

/* 8.22: unacknowledged events of the parent are not the child's, nor is its session. */
START_TEST(a_child_has_a_session_of_its_own_and_sends_nothing_of_its_parent)
{
	int listener = start();
	slog_info("parent");
	open_session(listener);
	expect_event("2", " parent -");
	int of_parent = session;
	pid_t child = fork();
	if (child == 0) {
		close(of_parent);
		slog_info("child");
		_exit(slog_flush());
	}
	open_session(listener);
	expect_event("2", " child -");
	answer("2 rsp 6 200 OK\n");
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	session = of_parent;
	answer("2 rsp 6 200 OK\n");
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	close(session);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_relp");
	TCase *tests = tcase_create("sink_relp");
	tcase_add_checked_fixture(tests, peer_make_folder, peer_remove_folder);
	tcase_add_test(tests, an_event_is_delivered_when_it_is_answered);
	tcase_add_test(tests, what_a_lost_session_did_not_answer_is_sent_again);
	tcase_add_test(tests, answers_in_disorder_release_the_oldest_first);
	tcase_add_test(tests, an_event_answered_500_is_sent_again_after_a_while);
	tcase_add_test(tests, an_event_refused_three_times_is_given_up_and_what_is_behind_it_goes_on);
	tcase_add_test(tests, an_event_that_is_accepted_after_refusals_holds_nothing_any_more);
	tcase_add_test(tests, what_is_no_relp_ends_the_session_and_nothing_else);
	tcase_add_test(tests, no_more_than_the_window_is_unanswered);
	tcase_add_test(tests, queued_and_unacknowledged_share_one_limit);
	tcase_add_test(tests, a_child_has_a_session_of_its_own_and_sends_nothing_of_its_parent);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
