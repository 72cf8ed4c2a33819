/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks on UDP and TCP: what is on the wire, and peers that are away, slow, or take nothing; children and threads. */
#include "peer.h"

#include <pthread.h>
#include <sys/wait.h>

#define CALL_BOUND_US 200000 /* generous: 10 ms is meant; sanitizers and a busy machine */

START_TEST(udp_carries_a_syslog_msg_a_datagram)
{
	char address[32];
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	peer_use(slog_sink_udp(address, NULL));
	slog_err("t", "a", 1);
	const char *text = peer_read(peer);
	ck_assert_int_eq(strncmp(text, "<11>1 20", 8), 0);
	ck_assert_ptr_nonnull(strstr(text, " t [slog@32473 a=\"1\"]"));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(an_event_larger_than_a_datagram_should_be_is_cut_and_counted)
{
	static char large[4000];
	char address[32];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	peer_use(slog_sink_udp(address, NULL));
	uint64_t before = peer_counted().cut;
	slog_info("t", "a", 1, "large", large);
	ck_assert_uint_le(strlen(peer_read(peer)), SLOG_EVENT_BYTES_UDP);
	ck_assert_ptr_nonnull(strstr(peer_text, " t [slog@32473 a=\"1\" ~cut=\"1\"]"));
	ck_assert_uint_eq(peer_counted().cut - before, 1);
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_udp_port_that_nobody_had_is_used_when_somebody_has_it)
{
	char address[32];
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	int port = atoi(strchr(address, ':') + 1);
	close(peer);
	peer_use(slog_sink_udp(address, NULL));
	slog_info("one");
	slog_info("two");
	peer = peer_inet(SOCK_DGRAM, port, address);
	slog_info("three");
	if (strstr(peer_read(peer), " slog_loss ") != NULL) /* the system may have answered before "two" */
		peer_read(peer);
	ck_assert_ptr_nonnull(strstr(peer_text, " three "));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(tcp_counts_octets)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, &slog_encoder_json));
	slog_info("one");
	slog_info("two", "a", "line\nfeed");
	int peer = peer_accept(listener);
	usleep(100000);
	char *text = (char *)(size_t)peer_read(peer);
	for (int i = 0; i < 2; i++) {
		char *end;
		unsigned long length = strtoul(text, &end, 10);
		ck_assert_int_eq(*end, ' ');
		ck_assert_int_eq(end[1], '{');
		ck_assert_int_eq(end[length], '}');
		text = end + 1 + length;
	}
	ck_assert_int_eq(*text, '\0');
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_tcp_peer_that_takes_nothing_costs_a_bounded_wait_then_none)
{
	static char large[30000];
	memset(large, 'x', sizeof large - 1);
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	uint64_t before = peer_dropped_info();
	long longest = 0;
	for (int i = 0; i < 1000; i++) {
		long call = peer_now_us();
		slog_info("t", "large", large);
		if (peer_now_us() - call > longest)
			longest = peer_now_us() - call;
	}
	ck_assert_int_lt(longest, CALL_BOUND_US);
	ck_assert_uint_gt(peer_dropped_info() - before, 100);
	slog_close();
	close(listener);
}
END_TEST

/* Counts frames on a stream, without those that tell a loss; every one must be whole. */
static unsigned count_frames(int fd, size_t *left)
{
	static char buffer[1 << 22];
	static size_t length;
	unsigned frames = 0;
	while (peer_has_something(fd, 200)) {
		ssize_t more = read(fd, buffer + length, sizeof buffer - length);
		if (more <= 0)
			break;
		length += (size_t)more;
		for (;;) {
			char *space = memchr(buffer, ' ', length < 8 ? length : 8);
			if (space == NULL)
				break;
			size_t size = (size_t)(space - buffer) + 1 + strtoul(buffer, NULL, 10);
			ck_assert_int_eq(space[1], '<');
			if (size > length)
				break;
			ck_assert_int_eq(buffer[size - 1], ']');
			frames += memmem(buffer, size, " slog_loss ", 11) == NULL;
			length -= size;
			memmove(buffer, buffer + size, length);
		}
	}
	*left = length;
	return frames;
}

START_TEST(frames_that_a_slow_peer_took_in_part_are_finished_first)
{
	static char large[30000];
	memset(large, 'x', sizeof large - 1);
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	uint64_t before = peer_dropped_info();
	for (int i = 0; i < 1000; i++)
		slog_info("t", "large", large);
	int peer = peer_accept(listener);
	size_t left;
	unsigned frames = count_frames(peer, &left);
	usleep(1100000);
	slog_info("t", "large", large);
	frames += count_frames(peer, &left);
	ck_assert_uint_eq(frames + (peer_dropped_info() - before), 1001);
	ck_assert_uint_eq(left, 0);
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_tcp_peer_that_closed_gets_a_new_connection)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	slog_info("one");
	int peer = peer_accept(listener);
	peer_read(peer);
	close(peer);
	usleep(50000);
	slog_info("two");
	peer = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " two "));
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_child_has_a_tcp_connection_of_its_own)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	slog_info("parent");
	int peer = peer_accept(listener);
	peer_read(peer);
	pid_t child = fork();
	if (child == 0) {
		slog_info("child");
		_exit(0);
	}
	int second = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(second), " child "));
	waitpid(child, NULL, 0);
	slog_info("still");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " still "));
	slog_close();
	close(peer);
	close(second);
	close(listener);
}
END_TEST

START_TEST(a_host_name_is_not_looked_up_by_a_logging_call)
{
	peer_use(slog_sink_udp("localhost:514", NULL));
	uint64_t before = peer_dropped_info();
	slog_info("t");
	ck_assert_uint_eq(peer_dropped_info() - before, 1);
	ck_assert_int_eq(peer_counted().last_error, EDESTADDRREQ);
	slog_close();
}
END_TEST

START_TEST(what_is_no_address_is_no_sink)
{
	static const char *const wrong[] = {"",       ":514",   "host:", "host:port", "host:0", "192.0.2.1:65536",
	                                    "[::1", "[::1]x", "1:2:3"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		errno = 0;
		ck_assert_ptr_null(slog_sink_udp(wrong[i], NULL));
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_ptr_null(slog_sink_tcp(wrong[i], NULL));
	}
	ck_assert_ptr_null(slog_sink_syslog("", NULL));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static void *log_many(void *argument)
{
	for (int i = 0; i < 500; i++)
		slog_info("t", "i", i);
	return argument;
}

START_TEST(frames_of_several_threads_do_not_mix)
{
	char address[32];
	pthread_t threads[4];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	uint64_t before = peer_dropped_info();
	slog_info("t", "i", -1);
	int peer = peer_accept(listener);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, log_many, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	size_t left;
	ck_assert_uint_eq(count_frames(peer, &left) + (peer_dropped_info() - before), 2001);
	ck_assert_uint_eq(left, 0);
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_network");
	TCase *network = tcase_create("network");
	tcase_add_test(network, udp_carries_a_syslog_msg_a_datagram);
	tcase_add_test(network, an_event_larger_than_a_datagram_should_be_is_cut_and_counted);
	tcase_add_test(network, a_udp_port_that_nobody_had_is_used_when_somebody_has_it);
	tcase_add_test(network, tcp_counts_octets);
	tcase_add_test(network, a_tcp_peer_that_takes_nothing_costs_a_bounded_wait_then_none);
	tcase_add_test(network, frames_that_a_slow_peer_took_in_part_are_finished_first);
	tcase_add_test(network, a_tcp_peer_that_closed_gets_a_new_connection);
	tcase_add_test(network, a_child_has_a_tcp_connection_of_its_own);
	tcase_add_test(network, a_host_name_is_not_looked_up_by_a_logging_call);
	tcase_add_test(network, what_is_no_address_is_no_sink);
	tcase_add_test(network, frames_of_several_threads_do_not_mix);
	suite_add_tcase(suite, network);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
