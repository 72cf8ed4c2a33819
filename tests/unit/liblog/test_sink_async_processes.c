/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous ring between processes: a program that exits, forks or becomes a daemon, and daemons that come late
 * or whose name is looked up first.
 */
#include "peer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define CALL_BOUND_US 100000 /* generous: nothing is waited for; sanitizers and a busy machine */

START_TEST(a_program_that_exits_without_closing_loses_nothing)
{
	pid_t child = fork();
	if (child == 0) {
		peer_use(slog_sink_async(slog_sink_file(peer_path, NULL), NULL));
		for (int i = 0; i < 1000; i++)
			slog_info("t", "i", i);
		exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	FILE *file = fopen(peer_path, "r");
	ck_assert_ptr_nonnull(file);
	peer_text[fread(peer_text, 1, PEER_BYTES, file)] = '\0';
	fclose(file);
	ck_assert_ptr_nonnull(strstr(peer_text, "\"i\":0}"));
	ck_assert_ptr_nonnull(strstr(peer_text, "\"i\":999}"));
}
END_TEST

/*
 * The address sanitizer of this compiler does not look after its own locks at a fork: a child of a process whose other
 * threads allocate or start just then may get no thread any more. So only with it, threads rest before a fork that
 * counts, and a few children may end with a flush that was not done in time. None may hang.
 */
#ifdef __SANITIZE_ADDRESS__
enum { LATE_CHILDREN_MAX = 5, REST_US = 100000 };
#else
enum { LATE_CHILDREN_MAX = 0, REST_US = 0 };
#endif

/* 8.22: what is queued at a fork is the parent's, once; the child's worker is its own. */
START_TEST(a_fork_duplicates_no_event_and_loses_none)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_async(slog_sink_syslog(peer_path, NULL), NULL));
	slog_info("before");
	usleep(REST_US);
	pid_t child = fork();
	if (child == 0) {
		slog_info("child");
		_exit(slog_flush());
	}
	slog_info("parent");
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(slog_flush(), 0);
	unsigned before = 0, of_child = 0, of_parent = 0;
	for (int i = 0; i < 3; i++) {
		const char *text = peer_read(peer);
		before += strstr(text, "\"before\"") != NULL;
		of_child += strstr(text, "\"child\"") != NULL;
		of_parent += strstr(text, "\"parent\"") != NULL;
	}
	ck_assert_uint_eq(before + 10 * of_child + 100 * of_parent, 111);
	ck_assert(!peer_has_something(peer, 100));
	slog_close();
	close(peer);
}
END_TEST

static atomic_bool keep_logging;

static void *log_for_ever(void *argument)
{
	while (atomic_load(&keep_logging))
		slog_info("t", "some", "text");
	return argument;
}

/* 8.22: no lock is inherited locked, whatever the other threads were doing. */
START_TEST(forks_among_logging_threads_hang_no_child)
{
	pthread_t threads[3];
	int late = 0;
	peer_use(slog_sink_async(slog_sink_memory(65536, NULL), NULL));
	atomic_store(&keep_logging, true);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, log_for_ever, NULL);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();
		if (child == 0) {
			alarm(20);
			slog_info("child");
			_exit(slog_flush());
		}
		int status;
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ETIMEDOUT));
		late += WEXITSTATUS(status) != 0;
	}
	ck_assert_int_le(late, LATE_CHILDREN_MAX);
	atomic_store(&keep_logging, false);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	slog_close();
}
END_TEST

START_TEST(daemon_gets_a_worker_of_its_own)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_async(slog_sink_syslog(peer_path, NULL), NULL));
	pid_t child = fork();
	if (child == 0) {
		slog_info("early");
		slog_flush();
		if (daemon(1, 0) != 0)
			_exit(1);
		slog_info("daemon");
		exit(0);
	}
	waitpid(child, NULL, 0);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"early\""));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"daemon\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(an_event_is_there_soon_without_a_flush)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_async(slog_sink_syslog(peer_path, NULL), NULL));
	slog_info("first");
	peer_read(peer);
	long start = peer_now_us();
	slog_info("second");
	peer_read(peer);
	ck_assert_int_lt(peer_now_us() - start, CALL_BOUND_US);
	slog_close();
	close(peer);
}
END_TEST

START_TEST(events_queued_for_an_absent_daemon_arrive_when_it_comes)
{
	peer_use(slog_sink_async(slog_sink_syslog(peer_path, NULL), NULL));
	for (int i = 0; i < 100; i++)
		slog_info("t", "i", i);
	usleep(50000);
	int peer = peer_unix(SOCK_DGRAM);
	for (int i = 0; i < 100; i++) {
		char wanted[32];
		snprintf(wanted, sizeof wanted, "\"i\":%d}", i);
		ck_assert_ptr_nonnull(strstr(peer_read(peer), wanted));
	}
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_host_name_is_looked_up_by_the_worker)
{
	char address[32], named[32];
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	snprintf(named, sizeof named, "localhost%s", strchr(address, ':'));
	peer_use(slog_sink_async(slog_sink_udp(named, NULL), NULL));
	slog_info("hello");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " hello "));
	slog_close();
	close(peer);
}
END_TEST

/* Four rings whose peers are away: the second is one for all of them, not one each. */
START_TEST(a_program_with_several_dead_sinks_ends_in_a_second)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	char address[32];
	int status;
	close(peer_inet(SOCK_STREAM, 0, address));
	long start = peer_now_us();
	pid_t child = fork();
	if (child == 0) {
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			slog_set_sink(slog_logger(names[i]), slog_sink_async(slog_sink_tcp(address, NULL), NULL));
			slog_info_to(slog_logger(names[i]), "t");
		}
		exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_lt(peer_now_us() - start, 2000000);
}
END_TEST

enum { LARGE_EVENTS = 150, LARGE_OCTETS = 7001 };

static void log_large_events(int standard_error)
{
	static char text[LARGE_OCTETS + 1];
	const struct slog_async_options options = {.size = sizeof options, .lane_size = 1 << 22};
	memset(text, 'x', LARGE_OCTETS);
	dup2(standard_error, STDERR_FILENO);
	peer_use(slog_sink_async(slog_sink_syslog(peer_path, NULL), &options));
	for (int i = 0; i < LARGE_EVENTS; i++)
		slog_info("t", "text", text);
}

/* Events that came whole: each ends with a NUL. */
static unsigned long long count_whole(int connection)
{
	unsigned long long whole = 0;
	for (ssize_t length; (length = read(connection, peer_text, PEER_BYTES)) > 0;)
		for (ssize_t i = 0; i < length; i++)
			whole += peer_text[i] == '\0';
	return whole;
}

/*
 * A peer takes events until its buffer is full, in the middle of one; then the program ends, by exit() or after closing.
 * What did not come whole, the torn event too, is what is told, and what is counted.
 */
START_TEST(what_has_not_come_whole_when_a_program_ends_is_told_and_counted)
{
	int listener = peer_unix(SOCK_STREAM);
	int standard_error[2];
	int status;
	ck_assert_int_eq(pipe(standard_error), 0);
	pid_t child = fork();
	if (child == 0) {
		log_large_events(standard_error[1]);
		if (_i == 0)
			exit(0);
		slog_close();
		dprintf(STDERR_FILENO, "counted %llu", (unsigned long long)peer_dropped_info());
		_exit(0);
	}
	close(standard_error[1]);
	int connection = peer_accept(listener);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	unsigned long long left = LARGE_EVENTS - count_whole(connection);
	char wanted[128];
	int length = snprintf(wanted, sizeof wanted, "liblog: syslog: %llu events were not written at the end\n", left);
	if (_i != 0)
		snprintf(wanted + length, sizeof wanted - (size_t)length, "counted %llu", left);
	ck_assert_uint_gt(left, 0);
	ck_assert_str_eq(peer_read(standard_error[0]), wanted);
	close(connection);
	close(listener);
	close(standard_error[0]);
}
END_TEST

/* A sink that hangs, and one that must not be closed. */
static int hang(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink, (void)line, (void)length, (void)severity;
	pause();
	return 0;
}

static void end_with_failure(struct slog_sink *sink)
{
	(void)sink;
	_exit(EXIT_FAILURE);
}

static const struct slog_sink_driver hanging_driver = {.name = "hanging", .write = hang, .close = end_with_failure};

static struct slog_sink *make_hanging_ring(void)
{
	static struct slog_sink sink = {
		.driver = &hanging_driver, .encoder = &slog_encoder_json, .max_size = SLOG_EVENT_BYTES_DEFAULT,
	};
	return slog_sink_async(&sink, NULL);
}

static atomic_bool is_exiting;

static void note_exit(void)
{
	atomic_store(&is_exiting, true);
}

static void *close_during_exit(void *ring)
{
	struct slog_sink *sink = ring;
	while (!atomic_load(&is_exiting))
		usleep(1000);
	usleep(50000);
	slog_sink_close(&sink);
	return NULL;
}

/*
 * Exit goes through all rings, and takes longer than a second where several hang. A thread that closes another ring
 * meanwhile does not get it off the list in time: then it must leave it where it is.
 */
START_TEST(a_ring_that_is_closed_during_exit_is_not_freed_under_it)
{
	static const char *const names[] = {"a", "b", "c"};
	int status;
	pid_t child = fork();
	if (child == 0) {
		pthread_t closer;
		pthread_create(&closer, NULL, close_during_exit, make_hanging_ring());
		pthread_detach(closer);
		/* Newer rings come first. */
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			slog_set_sink(slog_logger(names[i]), make_hanging_ring());
			slog_info_to(slog_logger(names[i]), "t");
		}
		atexit(note_exit);
		exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_async_processes");
	TCase *processes = tcase_create("processes");
	tcase_add_checked_fixture(processes, peer_make_folder, peer_remove_folder);
	tcase_add_test(processes, a_program_that_exits_without_closing_loses_nothing);
	tcase_add_test(processes, a_fork_duplicates_no_event_and_loses_none);
	tcase_add_test(processes, forks_among_logging_threads_hang_no_child);
	tcase_add_test(processes, daemon_gets_a_worker_of_its_own);
	tcase_add_test(processes, an_event_is_there_soon_without_a_flush);
	tcase_add_test(processes, events_queued_for_an_absent_daemon_arrive_when_it_comes);
	tcase_add_test(processes, a_program_with_several_dead_sinks_ends_in_a_second);
	tcase_add_test(processes, a_host_name_is_looked_up_by_the_worker);
	tcase_add_loop_test(processes, what_has_not_come_whole_when_a_program_ends_is_told_and_counted, 0, 2);
	tcase_add_test(processes, a_ring_that_is_closed_during_exit_is_not_freed_under_it);
	suite_add_tcase(suite, processes);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
