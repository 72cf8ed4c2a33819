/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections: when descriptors run out, and what waits in the kernel's queue at our stop. */
#include "rig.h"
#include "rig_senders.h"

#include <netinet/tcp.h>
#include <sys/resource.h>

static struct rig rig;

static void start(void)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
}

START_TEST(without_a_free_descriptor_connections_wait_for_a_second_and_are_taken_then)
{
	struct rlimit before, none;
	struct rusage begun, ended;
	start();
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig_port(&rig))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int lowest = dup(fd);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	getrusage(RUSAGE_SELF, &begun);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0); /* the kernel's queue has it */
	rig_send(fd, "<13>patience\n");
	RIG_WAIT(rig_status(&rig).accepts_failed == 1);
	usleep(500000);
	getrusage(RUSAGE_SELF, &ended);
	ck_assert_uint_eq(rig_status(&rig).accepts_failed, 1); /* it rests, and does not spin */
	ck_assert_int_lt(ended.ru_nvcsw + ended.ru_nivcsw - begun.ru_nvcsw - begun.ru_nivcsw, 1000);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	RIG_WAIT(rig_status(&rig).received == 1);
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* Peers must not be able to take what the spool needs for its next segment. */
START_TEST(the_last_descriptors_are_not_for_connections)
{
	enum { LIMIT = 256, RESERVED = 64 };
	struct rlimit before, few;
	int filled[LIMIT], count = 0;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = LIMIT;
	start();
	int first = rig_connect(&rig, SOCK_STREAM);
	RIG_WAIT(rig_status(&rig).connections == 1);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig_port(&rig))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int second = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	/* Twice: what the spool's keeper had open for a moment leaves a hole. */
	for (int pass = 0; pass < 2; pass++) {
		do {
			ck_assert_int_lt(count, LIMIT);
			filled[count] = dup(second);
		} while (filled[count++] < LIMIT - RESERVED - 1);
		usleep(300000);
	}
	ck_assert_int_eq(connect(second, (struct sockaddr *)&to, sizeof to), 0);
	rig_send(second, "<13>waited\n");
	RIG_WAIT(rig_status(&rig).accepts_failed == 1);
	ck_assert_uint_eq(rig_status(&rig).connections, 1);
	rig_send(first, "<13>still served\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	while (count > 0)
		close(filled[--count]);
	RIG_WAIT(rig_status(&rig).received == 2); /* it was kept waiting, not closed */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(first);
	close(second);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* The other end of `fd`, which is in this process too. */
static int other_end(int fd)
{
	struct sockaddr_in own, peer;
	socklen_t len = sizeof own;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	for (int other = 0; other < 1024; other++) {
		len = sizeof peer;
		if (getpeername(other, (struct sockaddr *)&peer, &len) == 0 && peer.sin_family == AF_INET &&
		    peer.sin_port == own.sin_port)
			return other;
	}
	ck_abort_msg("there is no other end");
}

/* A peer whose machine has gone is found out: its connection would count towards max_connections for good. */
START_TEST(connections_are_probed_when_they_are_silent)
{
	int on = 0, idle_seconds = 0;
	socklen_t len = sizeof on;
	start();
	int fd = rig_connect(&rig, SOCK_STREAM);
	RIG_WAIT(rig_status(&rig).connections == 1);
	int accepted = other_end(fd);
	ck_assert_int_eq(getsockopt(accepted, SOL_SOCKET, SO_KEEPALIVE, &on, &len), 0);
	ck_assert_int_eq(getsockopt(accepted, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, &len), 0);
	ck_assert_int_eq(on, 1);
	ck_assert_int_eq(idle_seconds, 60);
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

static void *stop_the_input(void *context)
{
	rig_stop(context);
	return NULL;
}

/* A sender that connects while we stop has its connection from the kernel, and may send and go before we know of it. */
START_TEST(connections_that_the_kernel_had_accepted_for_us_are_read_at_our_stop)
{
	pthread_t stopper;
	start();
	worker_post(rig.w[0].worker, rig_sleep, NULL);
	usleep(50000);
	pthread_create(&stopper, NULL, stop_the_input, &rig);
	usleep(50000); /* the stop waits for the worker, and it comes before the connections */
	for (unsigned i = 0; i < 3; i++) {
		int fd = rig_connect(&rig, SOCK_STREAM);
		rig_send(fd, "<13>just in time\n");
		close(fd);
	}
	pthread_join(stopper, NULL);
	ck_assert_uint_eq(rig_status(&rig).received, 3);
	RIG_WAIT(spool_stored(rig.spool) == 3);
	rig_close(&rig);
}
END_TEST

static void rest_behind_connections(void *context)
{
	struct rig_worker *w = context;
	rig_on_turn_end(w);
	if (rig_status(&rig).connections_refused > 0)
		worker_rest(w->worker, clock_monotonic_ns() + 20 * CLOCK_NS_PER_SECOND);
}

static void begin_rests(void *context)
{
	struct rig_worker *w = context;
	worker_at_turn_end(w->worker, rest_behind_connections, w);
}

/* Before the input is closed: its status is asked for. */
static void end_rests(void *context)
{
	struct rig_worker *w = context;
	worker_at_turn_end(w->worker, rig_on_turn_end, w);
}

/*
 * They come while the worker is busy, so that there are more than it accepts in one turn; and they are refused, so that
 * nothing but the listener has anything to do with them.
 */
START_TEST(nobody_rests_as_long_as_connections_may_wait)
{
	enum { CONNECTIONS = 100 };
	int fds[CONNECTIONS];
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "allowed_peers", "192.0.2.0/24", NULL);
	worker_call(rig.w[0].worker, begin_rests, &rig.w[0]);
	uint64_t begun_ns = clock_monotonic_ns();
	worker_post(rig.w[0].worker, rig_sleep, NULL);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		fds[i] = rig_connect(&rig, SOCK_STREAM);
	RIG_WAIT(rig_status(&rig).connections_refused == CONNECTIONS);
	ck_assert_uint_lt(clock_monotonic_ns() - begun_ns, 10 * CLOCK_NS_PER_SECOND);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
	worker_call(rig.w[0].worker, end_rests, &rig.w[0]);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tests = tcase_create("listener");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, without_a_free_descriptor_connections_wait_for_a_second_and_are_taken_then);
	tcase_add_test(tests, the_last_descriptors_are_not_for_connections);
	tcase_add_test(tests, connections_are_probed_when_they_are_silent);
	tcase_add_test(tests, connections_that_the_kernel_had_accepted_for_us_are_read_at_our_stop);
	tcase_add_test(tests, nobody_rests_as_long_as_connections_may_wait);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
