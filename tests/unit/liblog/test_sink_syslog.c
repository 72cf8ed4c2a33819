/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/log: what is on the wire, and daemons that are full, away, back again, or of another kind. */
#include "peer.h"

#include <sys/ioctl.h>

#define CALL_BOUND_US 200000 /* generous: 10 ms is meant; sanitizers and a busy machine */
#define LARGE_EVENTS 20

START_TEST(dev_log_gets_an_rfc3164_header_and_cee_json)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_set_facility(&slog_default_logger, SLOG_AUTH);
	slog_info("login", "user", "root", "port", 22);
	const char *text = peer_read(peer);
	char head[16];
	int day, hour, minute, second, pid, length = 0;
	ck_assert_int_eq(sscanf(text, "<38>%3s %2d %2d:%2d:%2d app[%d]: @cee: %n", head, &day, &hour, &minute, &second, &pid,
	                        &length), 6);
	ck_assert_int_gt(length, 0);
	ck_assert_int_eq(pid, getpid());
	ck_assert_int_eq(text[length], '{');
	ck_assert_ptr_nonnull(strstr(text, "\"msgid\":\"login\",\"user\":\"root\",\"port\":22}"));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_full_dev_log_costs_a_bounded_wait_then_none)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	uint64_t before = peer_dropped_info();
	long longest = 0;
	long start = peer_now_us();
	for (int i = 0; i < 3000; i++) {
		long call = peer_now_us();
		slog_info("t", "i", i);
		if (peer_now_us() - call > longest)
			longest = peer_now_us() - call;
	}
	ck_assert_int_lt(longest, CALL_BOUND_US);
	ck_assert_int_lt(peer_now_us() - start, 5 * CALL_BOUND_US);
	ck_assert_uint_gt(peer_dropped_info() - before, 1000);
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_dev_log_that_is_read_again_gets_events_again)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	for (int i = 0; i < 3000; i++)
		slog_info("t", "i", i);
	while (peer_has_something(peer, 0))
		peer_read(peer);
	usleep(1100000);
	slog_info("again");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"slog_loss\""));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"again\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_syslog_daemon_that_comes_back_is_found_by_the_next_event_and_told_what_it_missed)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("one");
	peer_read(peer);
	close(peer);
	unlink(peer_path);
	uint64_t before = peer_dropped_info();
	slog_info("lost");
	ck_assert_uint_eq(peer_dropped_info() - before, 1);
	peer = peer_unix(SOCK_DGRAM);
	slog_info("two");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"msgid\":\"slog_loss\",\"sink\":\"syslog\",\"since\":\"20"));
	ck_assert_ptr_nonnull(strstr(peer_text, "\"dropped\":{\"info\":1}}"));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"two\""));
	slog_info("three");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"three\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_syslog_daemon_that_starts_after_us_is_found)
{
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("lost");
	int peer = peer_unix(SOCK_DGRAM);
	slog_info("found");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"slog_loss\""));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"found\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_stream_dev_log_gets_records_ended_by_nul)
{
	int listener = peer_unix(SOCK_STREAM);
	peer_use(slog_sink_syslog(peer_path, &slog_encoder_rfc5424));
	slog_info("one");
	slog_info("two");
	int peer = peer_accept(listener);
	const char *text = peer_read(peer);
	ck_assert_str_eq(text + strlen(text) - 5, "one -");
	text += strlen(text) + 1;
	ck_assert_str_eq(text + strlen(text) - 5, "two -");
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

static char long_text[60001];

static struct slog_sink *sink_for_large_events(void)
{
	struct slog_sink *sink = slog_sink_syslog(peer_path, &slog_encoder_json);
	ck_assert_ptr_nonnull(sink);
	sink->max_size = SLOG_EVENT_BYTES_DEFAULT;
	return sink;
}

/* The socket takes a part of one event. That is finished while the sink is closed, or counted as those behind it are. */
START_TEST(an_event_that_a_stream_took_in_part_is_finished_or_counted_at_the_end)
{
	memset(long_text, 'x', sizeof long_text - 1);
	int listener = peer_unix(SOCK_STREAM);
	struct slog_sink *sink = sink_for_large_events();
	peer_use(_i == 0 ? sink : slog_sink_async(sink, NULL));
	uint64_t before = peer_dropped_info();
	for (int i = 0; i < LARGE_EVENTS; i++) {
		slog_info("t", "text", long_text);
		if (_i == 1)
			usleep(10000);
	}
	slog_close();
	int peer = peer_accept(listener);
	size_t whole = 0;
	ssize_t length;
	while ((length = read(peer, peer_text, PEER_BYTES)) > 0)
		for (ssize_t i = 0; i < length; i++)
			whole += peer_text[i] == '\0';
	ck_assert_uint_gt(whole, 0);
	ck_assert_uint_eq(whole + (peer_dropped_info() - before), LARGE_EVENTS);
	close(peer);
	close(listener);
}
END_TEST

/* A ring's worker does not leave it at that until another event comes, and a flush does not say that it is out. */
START_TEST(an_event_that_a_stream_took_in_part_is_finished_without_another_one)
{
	memset(long_text, 'x', sizeof long_text - 1);
	int listener = peer_unix(SOCK_STREAM);
	struct slog_sink *sink = sink_for_large_events();
	peer_use(slog_sink_async(sink, NULL));
	int peer = -1;
	int first = 0;
	int octets = 0;
	int logged = 0;
	int error;
	do {
		slog_info("t", "text", long_text);
		error = slog_flush();
		logged++;
		if (peer < 0)
			peer = peer_accept(listener);
		ck_assert_int_eq(ioctl(peer, FIONREAD, &octets), 0);
		if (first == 0)
			first = octets;
	} while (octets >= logged * first - 64 && logged < LARGE_EVENTS);
	ck_assert_int_ne(error, 0);
	while (logged > 0) {
		ck_assert(peer_has_something(peer, PEER_WAIT_MS));
		ssize_t length = read(peer, peer_text, 4096);
		for (ssize_t i = 0; i < length; i++)
			logged -= peer_text[i] == '\0';
	}
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_daemon_that_changes_from_datagrams_to_a_stream_and_back_is_followed)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("datagram");
	peer_read(peer);
	close(peer);
	int listener = peer_unix(SOCK_STREAM);
	slog_info("stream");
	peer = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"stream\""));
	close(peer);
	close(listener);
	peer = peer_unix(SOCK_DGRAM);
	slog_info("again");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"again\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(an_event_larger_than_dev_log_takes_is_cut_and_counted)
{
	static char large[20000];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	uint64_t before = peer_counted().cut;
	slog_info("t", "a", 1, "large", large);
	ck_assert_uint_le(strlen(peer_read(peer)), SLOG_EVENT_BYTES_SYSLOG);
	ck_assert_ptr_nonnull(strstr(peer_text, "\"a\":1,\"~cut\":1}"));
	ck_assert_uint_eq(peer_counted().cut - before, 1);
	slog_close();
	close(peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_syslog");
	TCase *local = tcase_create("local");
	tcase_add_checked_fixture(local, peer_make_folder, peer_remove_folder);
	tcase_add_test(local, dev_log_gets_an_rfc3164_header_and_cee_json);
	tcase_add_test(local, a_full_dev_log_costs_a_bounded_wait_then_none);
	tcase_add_test(local, a_dev_log_that_is_read_again_gets_events_again);
	tcase_add_test(local, a_syslog_daemon_that_comes_back_is_found_by_the_next_event_and_told_what_it_missed);
	tcase_add_test(local, a_syslog_daemon_that_starts_after_us_is_found);
	tcase_add_test(local, a_stream_dev_log_gets_records_ended_by_nul);
	tcase_add_loop_test(local, an_event_that_a_stream_took_in_part_is_finished_or_counted_at_the_end, 0, 2);
	tcase_add_test(local, an_event_that_a_stream_took_in_part_is_finished_without_another_one);
	tcase_add_test(local, a_daemon_that_changes_from_datagrams_to_a_stream_and_back_is_followed);
	tcase_add_test(local, an_event_larger_than_dev_log_takes_is_cut_and_counted);
	suite_add_tcase(suite, local);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
