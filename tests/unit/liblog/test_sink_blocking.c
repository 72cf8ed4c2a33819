/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that belong to the program, and whose reader stalls: terminals, pipes that threads share, a standard error
 * that leads elsewhere from one event to the next. Whoever hangs is ended by the test's time limit.
 */
#include "peer.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>

#include "clock.h"
#include "patience.h"

#define EVENTS 2000
#define MIXED_BYTES (16 << 20)
#define THREADS 4
#define ROUNDS 40
#define NOBODY 65534
#define LIMIT_S 30

static int ends[2]; /* of a pipe, or of a terminal: [0] is read, [1] written */

static void make_pipe(void)
{
	ck_assert_int_eq(pipe(ends), 0);
}

static void make_terminal(void)
{
	ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
}

static void close_ends(void)
{
	close(ends[0]);
	close(ends[1]);
}

/* What lies there to be read, at most size - 1 octets. */
static const char *read_end(int fd)
{
	static char text[1 << 20];
	size_t length = 0;
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	while (poll(&poller, 1, 50) > 0) {
		ssize_t n = read(fd, text + length, sizeof text - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	return text;
}

/* Many events, which nobody reads: they are dropped, in a small part of the time that it takes to wait for each. */
static void log_in_vain(void)
{
	uint64_t before = peer_dropped_info();
	uint64_t start = slog_clock_monotonic_ms();
	for (int i = 0; i < EVENTS; i++)
		slog_info("t", "i", i, "text", "as much as events have that are neither long nor short: a hundred octets");
	ck_assert_uint_lt(slog_clock_monotonic_ms() - start, EVENTS * SLOG_WAIT_CALL_MS / 4);
	ck_assert_uint_gt(peer_dropped_info(), before + EVENTS / 4);
	ck_assert_int_eq(peer_counted().last_error, EAGAIN);
}

/* ---- terminals --------------------------------------------------------------------------------------------------- */

START_TEST(a_terminal_that_nobody_reads_costs_a_bounded_wait)
{
	make_terminal();
	peer_use(slog_sink_fd(ends[1], NULL));
	log_in_vain();
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	read_end(ends[0]);
	usleep(1100000);
	slog_info("again");
	ck_assert_ptr_nonnull(strstr(read_end(ends[0]), "again"));
	slog_close();
	close_ends();
}
END_TEST

/* The worker asks a terminal that says that it is ready, and takes nothing, now and then: it does not spin. */
START_TEST(a_ring_before_a_terminal_that_nobody_reads_rests_and_ends)
{
	make_terminal();
	peer_use(slog_sink_async(slog_sink_fd(ends[1], &slog_encoder_json), NULL));
	for (int i = 0; i < 500; i++)
		slog_info("t", "i", i, "text", "as much as events have that are neither long nor short: a hundred octets");
	usleep(50000);
	clock_t before = clock();
	usleep(500000);
	ck_assert_int_lt(clock() - before, CLOCKS_PER_SEC / 4);
	uint64_t start = slog_clock_monotonic_ms();
	slog_close();
	ck_assert_uint_lt(slog_clock_monotonic_ms() - start, 2000);
	close_ends();
}
END_TEST

START_TEST(a_crash_waits_for_no_terminal)
{
	make_terminal();
	slog_set_crash_fd(ends[1]);
	uint64_t before = peer_counted().dropped[SLOG_CRIT];
	for (int i = 0; i < 200; i++)
		slog_crash("crashed", "text", "as much as events have that are neither long nor short: a hundred octets");
	ck_assert_uint_gt(peer_counted().dropped[SLOG_CRIT], before + 50);
	ck_assert_ptr_nonnull(strstr(read_end(ends[0]), "\"msgid\":\"crashed\""));
	slog_set_crash_fd(-1);
	close_ends();
}
END_TEST

/* As after a change of user: what was given to the program open it may not open, and writes all the same. */
START_TEST(a_terminal_that_may_not_be_opened_gets_events)
{
	make_terminal();
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(NOBODY), 0);
	peer_use(slog_sink_fd(ends[1], &slog_encoder_json));
	slog_info("one");
	ck_assert_ptr_nonnull(strstr(read_end(ends[0]), "\"msgid\":\"one\""));
	slog_close();
	ck_assert_int_eq(seteuid(getuid()), 0);
	close_ends();
}
END_TEST

/* ---- pipes ------------------------------------------------------------------------------------------------------- */

static void *log_large(void *unused)
{
	static char large[3200];
	pthread_barrier_t *all = unused;
	memset(large, 'x', sizeof large - 1);
	pthread_barrier_wait(all);
	for (int i = 0; i < 40; i++)
		slog_info("t", "text", large);
	return NULL;
}

static void *log_very_large(void *unused)
{
	static const struct timespec pause = {0, 1000000};
	char large[50001];
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	pthread_barrier_wait((pthread_barrier_t *)unused);
	for (int i = 0; i < 20; i++) {
		slog_info("t", "text", large);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* Each of them sees room, and another one takes it. */
START_TEST(threads_that_share_a_pipe_do_not_wait_for_ever)
{
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		pthread_barrier_t all;
		make_pipe();
		peer_use(slog_sink_fd(ends[1], NULL));
		pthread_barrier_init(&all, NULL, THREADS);
		for (int i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, log_large, &all), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_destroy(&all);
		slog_close();
		close_ends();
	}
}
END_TEST

static void *read_slowly(void *text)
{
	size_t length = 0;
	for (ssize_t n = 1; n > 0; length += n > 0 ? (size_t)n : 0) {
		n = read(ends[0], (char *)text + length, length + 4096 < MIXED_BYTES ? 4096 : 0);
		usleep(50);
	}
	((char *)text)[length] = '\0';
	return NULL;
}

/*
 * A descriptor takes a long line in parts, and a terminal a short one too: no other line gets between them, or what is
 * behind it would begin a line with what somebody gave as a value. A line may have no end.
 */
START_TEST(lines_of_threads_do_not_mix)
{
	static char text[MIXED_BYTES + 1];
	pthread_t threads[THREADS];
	pthread_t reader;
	pthread_barrier_t all;
	if (_i == 0)
		make_pipe();
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	peer_use(slog_sink_fd(ends[1], &slog_encoder_logfmt));
	ck_assert_int_eq(pthread_create(&reader, NULL, read_slowly, text), 0);
	pthread_barrier_init(&all, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_very_large, &all), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&all);
	slog_close();
	close(ends[1]);
	pthread_join(reader, NULL);
	unsigned lines = 0;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
		ck_assert_int_eq(strncmp(line, "timestamp=", 10), 0);
		ck_assert_ptr_null(strstr(line + 1, "timestamp="));
	}
	ck_assert_uint_gt(lines, 0);
	close(ends[0]);
}
END_TEST

/* Nothing of ours keeps it: when the program lets go of a pipe its reader sees the end. */
START_TEST(the_reader_of_a_pipe_sees_its_end_when_the_program_closes_it)
{
	char octet;
	make_pipe();
	peer_use(slog_sink_fd(ends[1], NULL));
	slog_info("t");
	close(ends[1]);
	read_end(ends[0]);
	ck_assert_int_eq(read(ends[0], &octet, 1), 0);
	slog_close();
	close(ends[0]);
}
END_TEST

/* As after `program 2>&1 | head`. A SIGPIPE that the program itself waits for is left to it. */
START_TEST(a_pipe_whose_reader_is_gone_does_not_end_the_program)
{
	sigset_t pipe_signal;
	sigset_t pending;
	make_pipe();
	close(ends[0]);
	peer_use(slog_sink_fd(ends[1], NULL));
	slog_set_crash_fd(ends[1]);
	uint64_t before = peer_dropped_info();
	slog_info("t");
	ck_assert_uint_eq(peer_dropped_info(), before + 1);
	ck_assert_int_eq(peer_counted().last_error, EPIPE);
	slog_crash("crashed");
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
	for (int i = 0; i < 2; i++) {
		slog_info("t");
		sigpending(&pending);
		ck_assert_int_eq(sigismember(&pending, SIGPIPE), i);
		raise(SIGPIPE);
	}
	ck_assert_uint_eq(peer_dropped_info(), before + 3);
	slog_set_crash_fd(-1);
	slog_close();
	close(ends[1]);
}
END_TEST

/* ---- standard error ---------------------------------------------------------------------------------------------- */

/* The first event goes to a file; then, as in a daemon, standard error becomes a pipe of which nobody reads. */
static void turn_from_a_file_to_a_pipe(int flags)
{
	int file = open(peer_path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	dup2(file, STDERR_FILENO);
	slog_info("started");
	ck_assert_int_eq(pipe2(ends, flags), 0);
	dup2(ends[1], STDERR_FILENO);
	log_in_vain();
	close(file);
	close_ends();
}

START_TEST(a_standard_error_that_becomes_a_pipe_is_not_waited_for)
{
	turn_from_a_file_to_a_pipe(_i == 0 ? 0 : O_NONBLOCK);
}
END_TEST

/* Two programs write through one description that was opened without O_APPEND: neither overwrites the other. */
START_TEST(a_file_is_written_where_others_left_off)
{
	int file = open(peer_path, O_CREAT | O_RDWR | O_TRUNC, 0600);
	peer_use(slog_sink_fd(file, &slog_encoder_console));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(write(file, "theirs\n", 7), 7);
		slog_info("ours");
	}
	char text[256] = "";
	ck_assert_int_gt(pread(file, text, sizeof text - 1, 0), 0);
	ck_assert_int_eq(strncmp(text, "theirs\n", 7), 0);
	ck_assert_ptr_nonnull(strstr(text, "ours\ntheirs\n"));
	ck_assert_str_eq(text + strlen(text) - 5, "ours\n");
	slog_close();
	close(file);
}
END_TEST

START_TEST(what_takes_everything_gets_every_event)
{
	uint64_t before = peer_dropped_info();
	int null = open("/dev/null", O_WRONLY);
	peer_use(slog_sink_fd(null, NULL));
	slog_info("t");
	slog_close();
	close(null);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	peer_use(slog_sink_fd(ends[1], NULL));
	slog_info("t");
	ck_assert_ptr_nonnull(strstr(read_end(ends[0]), "\"msgid\":\"t\"}\n"));
	ck_assert_uint_eq(peer_dropped_info(), before);
	log_in_vain();
	slog_close();
	close_ends();
}
END_TEST

int main(void)
{
	TCase *terminals = tcase_create("terminals");
	tcase_add_test(terminals, a_terminal_that_nobody_reads_costs_a_bounded_wait);
	tcase_add_test(terminals, a_ring_before_a_terminal_that_nobody_reads_rests_and_ends);
	tcase_add_test(terminals, a_crash_waits_for_no_terminal);
	tcase_add_test(terminals, a_terminal_that_may_not_be_opened_gets_events);
	TCase *pipes = tcase_create("pipes");
	tcase_add_test(pipes, threads_that_share_a_pipe_do_not_wait_for_ever);
	tcase_add_loop_test(pipes, lines_of_threads_do_not_mix, 0, 2);
	tcase_add_test(pipes, the_reader_of_a_pipe_sees_its_end_when_the_program_closes_it);
	tcase_add_test(pipes, a_pipe_whose_reader_is_gone_does_not_end_the_program);
	TCase *standard_error = tcase_create("standard error");
	tcase_add_checked_fixture(standard_error, peer_make_folder, peer_remove_folder);
	tcase_add_loop_test(standard_error, a_standard_error_that_becomes_a_pipe_is_not_waited_for, 0, 2);
	tcase_add_test(standard_error, a_file_is_written_where_others_left_off);
	tcase_add_test(standard_error, what_takes_everything_gets_every_event);
	Suite *suite = suite_create("sink_blocking");
	tcase_set_timeout(terminals, LIMIT_S);
	tcase_set_timeout(pipes, LIMIT_S);
	tcase_set_timeout(standard_error, LIMIT_S);
	suite_add_tcase(suite, terminals);
	suite_add_tcase(suite, pipes);
	suite_add_tcase(suite, standard_error);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
