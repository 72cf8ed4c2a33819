/* SPDX-License-Identifier: Apache-2.0 */
/* What is written late, or not at all: crashes, the backtrace, limits; and levels set where nothing may be waited for. */
#include "logged.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(void)
{
	logged_start(&slog_encoder_json);
}

static uint64_t dropped(enum slog_severity severity)
{
	struct slog_counters counters = {.size = sizeof counters};
	slog_stats(&counters);
	return counters.dropped[severity];
}

static size_t lines(const char *text)
{
	size_t n = *text != '\0' ? 1 : 0;
	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* ---- slog_crash --------------------------------------------------------------------------------------------------- */

static void last_words(int number)
{
	slog_crash("crashed", "signal", number, "where", (const char *)"parser", "ok", slog_bool(false));
	_exit(7);
}

/* A child dies inside a logging call, with its lane and the sink's lock taken, and still says why. */
static int write_and_crash(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink, (void)line, (void)length, (void)severity;
	raise(SIGSEGV);
	return 0;
}

START_TEST(a_crash_inside_a_call_is_told)
{
	static const struct slog_sink_driver driver = {.name = "crashing", .write = write_and_crash};
	static struct slog_sink crashing = {&driver, &slog_encoder_json, 65536};
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct sigaction action = {.sa_handler = last_words};
		sigaction(SIGSEGV, &action, NULL);
		slog_set_crash_fd(ends[1]);
		slog_set_sink(&slog_default_logger, &crashing);
		slog_info("fatal");
		_exit(1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	char text[4096];
	ssize_t length = read(ends[0], text, sizeof text - 1);
	ck_assert_int_gt(length, 0);
	text[length] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\"severity\":\"crit\""));
	ck_assert_ptr_nonnull(strstr(text, "\"msgid\":\"crashed\",\"signal\":11,\"where\":\"parser\",\"ok\":false}\n"));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_crash_line_that_is_too_large_loses_fields_and_is_sent_as_one_datagram)
{
	int pair[2];
	static char large[3000];
	memset(large, 'x', sizeof large - 1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	slog_set_crash_fd(pair[0]);
	slog_crash("crashed", "first", 1, "large", large);
	char text[4096];
	ssize_t length = recv(pair[1], text, sizeof text - 1, MSG_DONTWAIT);
	ck_assert_int_gt(length, 0);
	ck_assert_int_lt(length, SLOG_CRASH_BYTES);
	text[length] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\"first\":1,\"~cut\":1}"));
	slog_set_crash_fd(-1);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(a_crash_waits_for_nobody)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	char octets[4096] = {0};
	while (write(ends[1], octets, sizeof octets) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	uint64_t before = dropped(SLOG_CRIT);
	slog_set_crash_fd(ends[1]);
	errno = ENOENT;
	slog_crash("crashed");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_uint_eq(dropped(SLOG_CRIT), before + 1);
	slog_set_crash_fd(-1);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* ---- backtrace ---------------------------------------------------------------------------------------------------- */

START_TEST(events_below_the_level_come_out_before_an_error)
{
	ck_assert_int_eq(slog_set_backtrace(SLOG_BACKTRACE_BYTES_MIN, SLOG_DEBUG), 0);
	slog_debug("step", "n", 1);
	slog_info("seen");
	slog_trace("too_fine");
	slog_debug("step", "n", 2);
	const char *text = logged();
	ck_assert_uint_eq(lines(text), 1);
	ck_assert_ptr_nonnull(strstr(text, "seen"));
	slog_err("broken");
	text = logged();
	ck_assert_uint_eq(lines(text), 3);
	const char *first = strstr(text, "\"n\":1}");
	const char *second = strstr(text, "\"n\":2}");
	ck_assert(first != NULL && second != NULL && first < second && second < strstr(text, "broken"));
	slog_err("again");
	ck_assert_uint_eq(lines(logged()), 1);
	ck_assert_int_eq(slog_set_backtrace(0, 0), 0);
	slog_debug("step", "n", 3);
	slog_err("after");
	ck_assert_uint_eq(lines(logged()), 1);
}
END_TEST

START_TEST(the_backtrace_keeps_the_newest_whatever_their_lengths)
{
	static char text[200];
	memset(text, 'x', sizeof text - 1);
	ck_assert_int_eq(slog_set_backtrace(SLOG_BACKTRACE_BYTES_MIN, SLOG_DEBUG), 0);
	for (int i = 0; i < 1000; i++)
		slog_debug("step", "n", i, "text", slog_str(text, (size_t)(i * 7 % 199)));
	slog_err("broken");
	const char *out = logged();
	ck_assert_uint_ge(lines(out), 8);
	ck_assert_uint_le(lines(out), 40);
	int n = 1000 - (int)lines(out) + 1;
	for (const char *at = out; (at = strstr(at, "\"n\":")) != NULL; at++, n++)
		ck_assert_int_eq(atoi(at + 4), n);
	ck_assert_int_eq(n, 1000);
	ck_assert_int_eq(slog_set_backtrace(0, 0), 0);
}
END_TEST

START_TEST(a_logger_that_is_off_holds_nothing)
{
	struct slog_logger *quiet = slog_logger("quiet");
	slog_set_level(quiet, SLOG_OFF);
	ck_assert_int_eq(slog_set_backtrace(SLOG_BACKTRACE_BYTES_MIN, SLOG_TRACE), 0);
	slog_debug_to(quiet, "hidden");
	slog_err("broken");
	ck_assert_uint_eq(lines(logged()), 1);
	ck_assert_int_eq(slog_set_backtrace(0, 0), 0);
}
END_TEST

START_TEST(a_child_does_not_tell_its_parents_backtrace)
{
	ck_assert_int_eq(slog_set_backtrace(SLOG_BACKTRACE_BYTES_MIN, SLOG_DEBUG), 0);
	slog_debug("of_the_parent");
	pid_t child = fork();
	if (child == 0) {
		slog_err("broken");
		_exit(lines(logged()) == 1 ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	slog_err("broken");
	ck_assert_uint_eq(lines(logged()), 2);
	ck_assert_int_eq(slog_set_backtrace(0, 0), 0);
}
END_TEST

START_TEST(a_backtrace_that_makes_no_sense_is_refused)
{
	ck_assert_int_eq(slog_set_backtrace(100, SLOG_DEBUG), EINVAL);
	ck_assert_int_eq(slog_set_backtrace(SLOG_BACKTRACE_BYTES_MIN, SLOG_OFF), EINVAL);
}
END_TEST

/* ---- slog_limited ------------------------------------------------------------------------------------------------- */

static void flood(int i)
{
	slog_limited(5, SLOG_WARNING, "flood", "i", i);
}

START_TEST(what_a_limit_holds_back_is_counted_and_told)
{
	/* At the beginning of a second, so that the burst is within one. */
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	usleep((useconds_t)(1010000 - now.tv_nsec / 1000));
	for (int i = 0; i < 100; i++)
		flood(i);
	ck_assert_uint_eq(lines(logged()), 5);
	struct slog_counters counters = {.size = sizeof counters};
	slog_stats(&counters);
	ck_assert_uint_eq(counters.held_back, 95);
	usleep(1100000);
	flood(100);
	const char *text = logged();
	ck_assert_uint_eq(lines(text), 2);
	ck_assert_ptr_nonnull(strstr(text, "\"msgid\":\"slog_limited\",\"event\":\"flood\",\"held_back\":95,\"since\":\"2026-"));
	ck_assert_ptr_nonnull(strstr(text, "\"msgid\":\"flood\",\"i\":100}"));
}
END_TEST

START_TEST(a_limit_evaluates_nothing_when_the_level_is_off)
{
	int calls = 0;
	slog_limited(5, SLOG_DEBUG, "off", "calls", ++calls);
	ck_assert_int_eq(calls, 0);
	ck_assert_uint_eq(lines(logged()), 0);
}
END_TEST

/* ---- levels ------------------------------------------------------------------------------------------------------- */

static struct slog_logger *signalled;
static _Atomic bool stop;

static void on_signal(int number)
{
	(void)number;
	static int level = SLOG_INFO;
	level = level == SLOG_INFO ? SLOG_DEBUG : SLOG_INFO;
	slog_set_level(signalled, level);
}

static void *make_and_free(void *nothing)
{
	while (!atomic_load(&stop))
		slog_free(slog_with(signalled, "a", 1));
	return nothing;
}

START_TEST(a_signal_handler_sets_a_level_while_its_thread_holds_the_registry)
{
	signalled = slog_logger("signalled");
	struct slog_logger *bound = slog_with(signalled, "b", 2);
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, make_and_free, NULL), 0);
	for (int i = 0; i < 2001; i++) {
		pthread_kill(thread, SIGUSR1);
		usleep(20);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	ck_assert_int_eq(slog_enabled(bound, SLOG_DEBUG), slog_enabled(signalled, SLOG_DEBUG));
	slog_set_level(signalled, SLOG_DEBUG);
	ck_assert(slog_enabled(bound, SLOG_DEBUG));
	slog_free(bound);
}
END_TEST

START_TEST(a_child_forked_while_the_registry_is_held_finds_it_free)
{
	signalled = slog_logger("forking");
	struct slog_logger *bound = slog_with(signalled, "c", 3);
	atomic_store(&stop, false);
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, make_and_free, NULL), 0);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		if (child == 0) {
			/* Nothing is allocated here: the sanitizers' own allocator does not survive such a fork. */
			slog_set_level(slog_logger("forking"), SLOG_TRACE);
			_exit(slog_enabled(bound, SLOG_TRACE) ? 0 : 1);
		}
		int status;
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	slog_free(bound);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("after_the_fact");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, logged_stop);
	tcase_add_test(tcase, a_crash_inside_a_call_is_told);
	tcase_add_test(tcase, a_crash_line_that_is_too_large_loses_fields_and_is_sent_as_one_datagram);
	tcase_add_test(tcase, a_crash_waits_for_nobody);
	tcase_add_test(tcase, events_below_the_level_come_out_before_an_error);
	tcase_add_test(tcase, the_backtrace_keeps_the_newest_whatever_their_lengths);
	tcase_add_test(tcase, a_logger_that_is_off_holds_nothing);
	tcase_add_test(tcase, a_child_does_not_tell_its_parents_backtrace);
	tcase_add_test(tcase, a_backtrace_that_makes_no_sense_is_refused);
	tcase_add_test(tcase, what_a_limit_holds_back_is_counted_and_told);
	tcase_add_test(tcase, a_limit_evaluates_nothing_when_the_level_is_off);
	tcase_add_test(tcase, a_signal_handler_sets_a_level_while_its_thread_holds_the_registry);
	tcase_add_test(tcase, a_child_forked_while_the_registry_is_held_finds_it_free);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
