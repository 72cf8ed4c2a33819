/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that are cancelled while they log. A thread with a cancellation pending ends in the first system call of its
 * event that may do so: whatever it holds there must not be closed to the others for ever.
 */
#include "peer.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <pty.h>

/* The address sanitizer takes away a signal stack of its own where the stack of a cancelled thread is still marked. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

static void *log_when_cancelled(void *severity)
{
	int before;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(before, &before);
	if (*(enum slog_severity *)severity == SLOG_ERR)
		slog_err("cancelled");
	else
		slog_info("cancelled");
	pthread_testcancel();
	return NULL;
}

static void *log_large_when_cancelled(void *text)
{
	int before;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(before, &before);
	slog_info("cancelled", "text", (const char *)text);
	return NULL;
}

static void *log_large_for_ever(void *text)
{
	for (;; pthread_testcancel())
		slog_info("again", "text", (const char *)text);
	return text;
}

static void log_in_a_cancelled_thread(enum slog_severity severity)
{
	pthread_t thread;
	void *outcome;
	ck_assert_int_eq(pthread_create(&thread, NULL, log_when_cancelled, &severity), 0);
	ck_assert_int_eq(pthread_join(thread, &outcome), 0);
	ck_assert_ptr_eq(outcome, PTHREAD_CANCELED);
}

START_TEST(a_cancelled_thread_does_not_close_a_stream_to_the_others)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	slog_info("first");
	int peer = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " first "));
	log_in_a_cancelled_thread(SLOG_INFO);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " cancelled "));
	slog_info("second");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " second "));
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

static void *log_for_ever(void *argument)
{
	for (;;)
		slog_info("again");
	return argument;
}

START_TEST(a_thread_that_only_logs_to_a_stream_can_be_cancelled)
{
	char address[32];
	pthread_t thread;
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	ck_assert_int_eq(pthread_create(&thread, NULL, log_for_ever, NULL), 0);
	int peer = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " again "));
	pthread_cancel(thread);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_cancelled_thread_does_not_close_a_socket_that_it_repairs_to_the_others)
{
	peer_use(slog_sink_syslog(peer_path, NULL));
	int peer = peer_unix(SOCK_DGRAM);
	log_in_a_cancelled_thread(SLOG_INFO);
	slog_info("second");
	const char *text = peer_read(peer);
	if (strstr(text, "\"cancelled\"") != NULL)
		text = peer_read(peer);
	ck_assert_ptr_nonnull(strstr(text, "\"second\""));
	slog_close();
	close(peer);
}
END_TEST

/* Room that a large event needed is given back, also if the thread ends before the call does. */
START_TEST(a_cancelled_thread_leaves_no_memory_behind)
{
	static char large[60001];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_unix(SOCK_DGRAM);
	struct slog_sink *sink = slog_sink_syslog(peer_path, NULL);
	ck_assert_ptr_nonnull(sink);
	sink->max_size = SLOG_EVENT_BYTES_DEFAULT;
	peer_use(sink);
	size_t before = 0;
	for (int i = 0; i < 40; i++) {
		pthread_t thread;
		ck_assert_int_eq(pthread_create(&thread, NULL, log_large_when_cancelled, large), 0);
		pthread_join(thread, NULL);
		if (i == 20)
			before = mallinfo2().uordblks + mallinfo2().hblkhd;
	}
	ck_assert_uint_lt(mallinfo2().uordblks + mallinfo2().hblkhd, before + 10 * sizeof large);
	slog_close();
	close(peer);
}
END_TEST

static const char *file_text(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t length = read(fd, peer_text, PEER_BYTES);
	ck_assert_int_ge(length, 0);
	peer_text[length] = '\0';
	close(fd);
	return peer_text;
}

START_TEST(a_cancelled_thread_does_not_keep_a_file_from_being_opened_again)
{
	char rotated[sizeof peer_path + 2];
	snprintf(rotated, sizeof rotated, "%s.1", peer_path);
	peer_use(slog_sink_file(peer_path, NULL));
	slog_info("first");
	ck_assert_int_eq(rename(peer_path, rotated), 0);
	slog_reopen();
	log_in_a_cancelled_thread(SLOG_INFO);
	slog_info("second");
	ck_assert_ptr_null(strstr(file_text(rotated), "\"second\""));
	ck_assert_ptr_nonnull(strstr(file_text(peer_path), "\"second\""));
	slog_close();
	unlink(rotated);
}
END_TEST

/* What is too large for a datagram goes by a descriptor of ours. */
START_TEST(a_cancelled_thread_leaves_no_descriptor_open)
{
	static char large[1000001];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_journald(peer_path));
	int before = dup(peer);
	close(before);
	for (unsigned i = 0; i < 100; i++) {
		pthread_t thread;
		ck_assert_int_eq(pthread_create(&thread, NULL, log_large_for_ever, large), 0);
		usleep(i * 20);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	ck_assert_int_eq(dup(peer), before);
	close(before);
	slog_close();
	close(peer);
}
END_TEST

/* Fills the pipe, loses an event to it, reads it empty again, and waits until the sink is tried again. */
static void lose_an_event(const int ends[2])
{
	static char filler[4096];
	while (write(ends[1], filler, sizeof filler) > 0 || write(ends[1], filler, 1) > 0)
		;
	slog_info("lost");
	while (read(ends[0], filler, sizeof filler) > 0)
		;
	usleep(1100000);
}

START_TEST(a_cancelled_thread_does_not_keep_the_others_from_telling_losses)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	peer_use(slog_sink_fd(ends[1], NULL));
	lose_an_event(ends);
	log_in_a_cancelled_thread(SLOG_INFO);
	lose_an_event(ends);
	slog_info("second");
	ck_assert_ptr_nonnull(strstr(peer_read(ends[0]), "\"slog_loss\""));
	slog_close();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_cancelled_thread_does_not_keep_the_others_from_the_backtrace)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	peer_use(slog_sink_fd(ends[1], NULL));
	ck_assert_int_eq(slog_set_backtrace(SLOG_BACKTRACE_BYTES_MIN, SLOG_DEBUG), 0);
	slog_debug("held");
	log_in_a_cancelled_thread(SLOG_ERR);
	slog_debug("held_too");
	slog_err("second");
	ck_assert_ptr_nonnull(strstr(peer_read(ends[0]), "\"held_too\""));
	ck_assert_int_eq(slog_set_backtrace(0, 0), 0);
	slog_close();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_cancelled_thread_does_not_leave_others_without_the_zone)
{
	int ends[2];
	setenv("TZ", "Asia/Kolkata", 1);
	ck_assert_int_eq(pipe(ends), 0);
	peer_use(slog_sink_fd(ends[1], &slog_encoder_console));
	log_in_a_cancelled_thread(SLOG_INFO);
	time_t now = time(NULL);
	slog_info("second");
	char wanted[16];
	struct tm local;
	strftime(wanted, sizeof wanted, "%H:", localtime_r(&now, &local));
	ck_assert_msg(strstr(peer_read(ends[0]), wanted) != NULL || now % 3600 == 1799, "%s", peer_text);
	slog_close();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* The event is written to its end, and then nothing of ours keeps the terminal. */
START_TEST(a_cancelled_thread_leaves_no_terminal_open)
{
	int master;
	int terminal;
	char octet;
	ck_assert_int_eq(openpty(&master, &terminal, NULL, NULL, NULL), 0);
	peer_use(slog_sink_fd(terminal, NULL));
	log_in_a_cancelled_thread(SLOG_INFO);
	ck_assert_ptr_nonnull(strstr(peer_read(master), "cancelled"));
	close(terminal);
	ck_assert_int_eq(read(master, &octet, 1), -1);
	ck_assert_int_eq(errno, EIO);
	slog_close();
	close(master);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cancel");
	TCase *cancelled = tcase_create("cancelled");
	tcase_add_checked_fixture(cancelled, peer_make_folder, peer_remove_folder);
	tcase_set_timeout(cancelled, 20);
	tcase_add_test(cancelled, a_cancelled_thread_does_not_close_a_stream_to_the_others);
	tcase_add_test(cancelled, a_thread_that_only_logs_to_a_stream_can_be_cancelled);
	tcase_add_test(cancelled, a_cancelled_thread_does_not_close_a_socket_that_it_repairs_to_the_others);
	tcase_add_test(cancelled, a_cancelled_thread_leaves_no_memory_behind);
	tcase_add_test(cancelled, a_cancelled_thread_does_not_keep_a_file_from_being_opened_again);
	tcase_add_test(cancelled, a_cancelled_thread_leaves_no_descriptor_open);
	tcase_add_test(cancelled, a_cancelled_thread_does_not_keep_the_others_from_telling_losses);
	tcase_add_test(cancelled, a_cancelled_thread_does_not_keep_the_others_from_the_backtrace);
	tcase_add_test(cancelled, a_cancelled_thread_does_not_leave_others_without_the_zone);
	tcase_add_test(cancelled, a_cancelled_thread_leaves_no_terminal_open);
	suite_add_tcase(suite, cancelled);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
