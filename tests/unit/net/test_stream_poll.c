/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel tells once of what has come: nothing of it may be left lying behind a read that stopped early, and no
 * stream is woken for what it does not want. What comes in a test comes while the worker is in a call, so that its
 * streams find all of it with one event.
 */
#include "base/clock.h"
#include "net/stream_internal.h"
#include "net/worker_internal.h"
#include "plain_pair.h"

#include <sys/resource.h>

enum { MANY = 1500 }; /* more than are served in a turn */

static void open_ready(struct tester *tester, int fd)
{
	tester_open(tester, worker, fd);
	TESTER_WAIT(tester, tester->readies == 1);
}

/* Until the kernel has the octets at the other end of the connection. */
static void wait_until_there(int fd, size_t len)
{
	char octets[64];
	ck_assert_uint_le(len, sizeof(octets));
	for (int i = 0; i < 1000 && recv(fd, octets, sizeof(octets), MSG_PEEK | MSG_DONTWAIT) < (ssize_t)len; i++)
		tester_sleep_ms(1);
}

/* --- what is left behind a read that stopped early --------------------------------------------------------------- */

static void send_with_urgent(void *context)
{
	const struct tester *tester = context;
	tester_write(fds[1], "one\n", 4);
	ck_assert_int_eq(send(fds[1], "!", 1, MSG_OOB), 1);
	tester_write(fds[1], "two\n", 4);
	wait_until_there(stream_fd(tester->stream), 4);
	tester_sleep_ms(10);
}

START_TEST(what_lies_behind_urgent_data_is_read_with_what_lies_before_it)
{
	struct tester tester = {.use = USE_ALL};
	open_ready(&tester, fds[0]);
	worker_call(worker, send_with_urgent, &tester);
	TESTER_WAIT(&tester, tester.len == 8);
	ck_assert_mem_eq(tester.bytes, "one\ntwo\n", 8);
	tester_close(&tester);
}
END_TEST

static void send_and_end(void *context)
{
	const struct tester *tester = context;
	tester_write(fds[1], "last\n", 5);
	ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
	wait_until_there(stream_fd(tester->stream), 5);
	tester_sleep_ms(10);
}

START_TEST(an_end_that_came_with_the_last_octets_is_told)
{
	struct tester tester = {.use = USE_ALL};
	open_ready(&tester, fds[0]);
	worker_call(worker, send_and_end, &tester);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_uint_eq(tester.len, 5);
	ck_assert_int_eq(tester.end, STREAM_END_EOF);
	tester_close(&tester);
}
END_TEST

static void reset_in_call(void *context)
{
	(void)context;
	reset_peer();
	tester_sleep_ms(10);
}

START_TEST(a_reset_is_told)
{
	struct tester tester = {.use = USE_ALL};
	open_ready(&tester, fds[0]);
	worker_call(worker, reset_in_call, NULL);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_RESET);
	tester_close(&tester);
}
END_TEST

enum { MUCH = 600 * 1024 }; /* more than two reads take */

static void send_much(void *context)
{
	(void)context;
	static const char octets[MUCH];
	tester_write(fds[1], octets, MUCH);
}

START_TEST(what_lies_behind_a_read_that_filled_its_room_is_read)
{
	const int room = 2 * MUCH;
	struct tester tester = {.use = USE_ALL};
	ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	open_ready(&tester, fds[0]);
	worker_call(worker, send_much, NULL);
	TESTER_WAIT(&tester, tester.len == MUCH);
	tester_close(&tester);
}
END_TEST

/* A read of a Unix socket stops behind octets with which descriptors were sent. */
static void send_with_descriptor(int fd, char *text)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec octets = {.iov_base = text, .iov_len = strlen(text)};
	struct msghdr message = {
		.msg_iov = &octets, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void send_descriptors(void *context)
{
	const int *fd = context;
	char lines[2][5] = {"one\n", "two\n"};
	send_with_descriptor(*fd, lines[0]);
	send_with_descriptor(*fd, lines[1]);
	tester_write(*fd, "three\n", 6);
}

START_TEST(what_lies_behind_descriptors_on_a_unix_socket_is_read)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct tester tester = {.use = USE_ALL};
	open_ready(&tester, pair[0]);
	worker_call(worker, send_descriptors, &pair[1]);
	TESTER_WAIT(&tester, tester.len == 14);
	ck_assert_mem_eq(tester.bytes, "one\ntwo\nthree\n", 14);
	tester_close(&tester);
	close(pair[1]);
	close(fds[0]);
}
END_TEST

/* --- several streams --------------------------------------------------------------------------------------------- */

struct pair {
	struct stream *streams[2];
	int calls;
};

static size_t close_both(void *context, struct bytes bytes)
{
	struct pair *pair = context;
	pair->calls++;
	stream_close(&pair->streams[0]);
	stream_close(&pair->streams[1]);
	return bytes.len;
}

static void no_end(void *context, enum stream_end end, const char *detail, struct bytes rest)
{
	(void)context, (void)end, (void)detail, (void)rest;
	ck_abort_msg("a closed stream was told something");
}

struct closing {
	struct pair pair;
	int ours[2], peers[2];
};

static void adopt_both(void *context)
{
	struct closing *closing = context;
	for (int i = 0; i < 2; i++) {
		const struct stream_options options = {
			.worker = worker,
			.output_cap_bytes = 1024,
			.pending_max_bytes = 1024,
			.events = {.bytes = close_both, .end = no_end},
			.context = &closing->pair,
		};
		closing->pair.streams[i] = stream_adopt(&closing->ours[i], &options);
		ck_assert_ptr_nonnull(closing->pair.streams[i]);
	}
}

static void send_to_both(void *context)
{
	const struct closing *closing = context;
	for (int i = 0; i < 2; i++) {
		tester_write(closing->peers[i], "octets", 6);
		wait_until_there(stream_fd(closing->pair.streams[i]), 6);
	}
}

static void count_closed(void *context)
{
	int *so_many = context;
	*so_many = 0;
	LIST_FOR_EACH (link, &(*worker_stream_pool(worker))->closed)
		++*so_many;
}

START_TEST(a_stream_that_anothers_callback_closes_in_the_same_turn_is_told_nothing_and_freed)
{
	int other[2];
	tester_tcp_pair(other);
	struct closing closing = {.ours = {fds[0], other[0]}, .peers = {fds[1], other[1]}};
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(fcntl(closing.ours[i], F_SETFL, O_NONBLOCK), 0);
	worker_call(worker, adopt_both, &closing);
	worker_call(worker, send_to_both, &closing);
	char octet;
	ck_assert_int_le(recv(other[1], &octet, 1, 0), 0); /* its end: it is closed */
	int not_freed = -1;
	for (int i = 0; i < 1000 && not_freed != 0; i++)
		worker_call(worker, count_closed, &not_freed);
	ck_assert_int_eq(not_freed, 0);
	ck_assert_int_eq(closing.pair.calls, 1);
	close(other[1]);
}
END_TEST

struct crowd {
	struct tester testers[MANY];
	int peers[MANY];
};

static void rest_behind_the_first(void *context)
{
	const struct crowd *crowd = context;
	if (crowd->testers[0].calls > 0)
		worker_rest(worker, clock_monotonic_ns() + 10 * CLOCK_NS_PER_SECOND);
}

/* From the first read on each turn ends in a long rest, if nothing refuses it. */
static void send_to_all(void *context)
{
	const struct crowd *crowd = context;
	worker_at_turn_end(worker, rest_behind_the_first, context);
	for (int i = 0; i < MANY; i++)
		tester_write(crowd->peers[i], "octets", 6);
}

START_TEST(more_streams_than_are_served_in_a_turn_are_all_served)
{
	static struct crowd crowd;
	struct rlimit limit = {.rlim_cur = 2 * MANY + 100, .rlim_max = 2 * MANY + 100};
	struct rlimit before;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_max < limit.rlim_cur)
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	else if (before.rlim_cur < limit.rlim_cur)
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit.rlim_cur, before.rlim_max}), 0);
	for (int i = 0; i < MANY; i++) {
		int pair[2];
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		crowd.testers[i] = (struct tester){.use = USE_ALL};
		crowd.peers[i] = pair[1];
		open_ready(&crowd.testers[i], pair[0]);
	}
	worker_call(worker, send_to_all, &crowd);
	uint64_t begun_ns = clock_monotonic_ns();
	for (int i = 0; i < MANY; i++)
		TESTER_WAIT(&crowd.testers[i], crowd.testers[i].len == 6);
	ck_assert_uint_lt(clock_monotonic_ns() - begun_ns, 5 * CLOCK_NS_PER_SECOND);
	for (int i = 0; i < MANY; i++) {
		tester_close(&crowd.testers[i]);
		close(crowd.peers[i]);
	}
	close(fds[0]);
}
END_TEST

/* --- no wake-ups for nothing ------------------------------------------------------------------------------------- */

static void ask_turn(void *context)
{
	uint64_t *turn = context;
	*turn = worker_turn(worker);
}

static uint64_t turns_so_far(void)
{
	uint64_t turn = 0;
	worker_call(worker, ask_turn, &turn);
	return turn;
}

START_TEST(a_paused_stream_is_not_woken_for_what_comes)
{
	enum { PIECES = 50, TURNS_OF_THE_TEST = 4 };
	struct tester tester = {.use = USE_ALL};
	open_ready(&tester, fds[0]);
	tester_pause(&tester);
	uint64_t before = turns_so_far();
	for (int i = 0; i < PIECES; i++) {
		tester_write(fds[1], "a piece\n", 8);
		tester_sleep_ms(1);
	}
	ck_assert_uint_le(turns_so_far() - before, TURNS_OF_THE_TEST);
	tester_resume(&tester);
	TESTER_WAIT(&tester, tester.len == 8 * PIECES);
	tester_close(&tester);
}
END_TEST

/* A peer that is gone makes a socket ready for good: nobody goes round for that while the owner holds the end back. */
START_TEST(a_paused_stream_is_woken_once_at_the_most_when_its_peer_is_gone)
{
	enum { TURNS_OF_THE_TEST = 6 };
	struct tester tester = {.use = USE_ALL};
	if (_i == 1) {
		close(fds[0]);
		close(fds[1]);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	}
	open_ready(&tester, fds[0]);
	tester_pause(&tester);
	uint64_t before = turns_so_far();
	worker_call(worker, reset_in_call, NULL);
	tester_sleep_ms(50);
	ck_assert_uint_le(turns_so_far() - before, TURNS_OF_THE_TEST);
	ck_assert_int_eq(tester.ends, 0);
	tester_resume(&tester);
	TESTER_WAIT(&tester, tester.ends == 1);
	tester_close(&tester);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream_poll");
	TCase *tests = tcase_create("stream_poll");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, what_lies_behind_urgent_data_is_read_with_what_lies_before_it);
	tcase_add_test(tests, an_end_that_came_with_the_last_octets_is_told);
	tcase_add_test(tests, a_reset_is_told);
	tcase_add_test(tests, what_lies_behind_a_read_that_filled_its_room_is_read);
	tcase_add_test(tests, what_lies_behind_descriptors_on_a_unix_socket_is_read);
	tcase_add_test(tests, a_stream_that_anothers_callback_closes_in_the_same_turn_is_told_nothing_and_freed);
	tcase_add_test(tests, more_streams_than_are_served_in_a_turn_are_all_served);
	tcase_add_test(tests, a_paused_stream_is_not_woken_for_what_comes);
	tcase_add_loop_test(tests, a_paused_stream_is_woken_once_at_the_most_when_its_peer_is_gone, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
