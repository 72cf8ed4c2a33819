/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a sink makes its callers wait: all threads together, in any second. What counts is what liblog asks for, since a
 * busy machine makes each wait longer.
 */
#include "peer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "clock.h"
#include "patience.h"

#define THREADS 16
#define READERS_THREADS 4
#define ROUNDS 5
#define ROUND_US 900000
#define PAUSE_US 500
#define WAITED_US_MAX 50000
#define NAPPED_US_MAX 150000 /* at gates, where a busy machine may stop who holds one: of some rounds the best one counts */
#define EVENTS 400
#define MS 1000

enum stuck { PIPE, SOCKET_PAIR, UNIX_STREAM, TCP, KINDS };

/* ---- the reckoning ----------------------------------------------------------------------------------------------- */

START_TEST(what_is_promised_to_some_is_not_promised_to_others)
{
	struct slog_patience patience = {0};
	struct slog_wait waits[7];
	unsigned sum = 0;
	for (int i = 0; i < 4; i++) {
		ck_assert(slog_patience_begin(&patience, 12 * MS, &waits[i]));
		ck_assert_uint_eq(waits[i].granted_us, 12 * MS);
	}
	ck_assert(slog_patience_begin(&patience, 12 * MS, &waits[4]));
	ck_assert_uint_eq(waits[4].granted_us, 2 * MS);
	ck_assert(!slog_patience_begin(&patience, 12 * MS, &waits[5]));
	for (int i = 0; i < 5; i++)
		sum += slog_patience_end(&patience, &waits[i], false);
	ck_assert(slog_patience_begin(&patience, 50 * MS, &waits[5]));
	ck_assert_uint_eq(waits[5].granted_us, 50 * MS - sum);
	ck_assert(slog_patience_may_try(&patience));
}
END_TEST

/* Not of each second of some clock. */
START_TEST(what_was_waited_counts_for_a_whole_second)
{
	struct slog_patience patience = {0};
	struct slog_wait wait;
	uint64_t ended = 0;
	while (slog_clock_monotonic_us() % 500000 < 430000)
		usleep(1000);
	while (slog_patience_begin(&patience, 10 * MS, &wait)) {
		usleep(wait.granted_us);
		slog_patience_end(&patience, &wait, false);
		ended = slog_clock_monotonic_us();
	}
	while (slog_clock_monotonic_us() - ended < 900000) {
		ck_assert(!slog_patience_begin(&patience, 10 * MS, &wait) || slog_clock_monotonic_us() - ended > 900000);
		usleep(20000);
	}
	usleep(700000);
	ck_assert(slog_patience_begin(&patience, 10 * MS, &wait));
}
END_TEST

/* Waits in vain until nothing is left, as so many threads do that come at the same time. */
static void use_up(struct slog_patience *patience)
{
	struct slog_wait waits[5];
	for (int i = 0; i < 5; i++)
		ck_assert(slog_patience_begin(patience, 10 * MS, &waits[i]));
	usleep(10 * MS);
	for (int i = 0; i < 5; i++)
		slog_patience_end(patience, &waits[i], true);
}

START_TEST(a_sink_is_stalled_when_it_has_taken_nothing_for_as_long_as_one_thread_waits)
{
	struct slog_patience patience = {0};
	struct slog_wait wait;
	use_up(&patience);
	uint64_t ended = slog_clock_monotonic_us();
	bool is_stalled = false;
	while (!is_stalled) {
		ck_assert(!slog_patience_begin(&patience, 10 * MS, &wait));
		is_stalled = !slog_patience_may_try(&patience);
		ck_assert(!is_stalled || slog_clock_monotonic_us() - ended > 45 * MS);
		usleep(1000);
	}
	slog_patience_restore(&patience);
	ck_assert(slog_patience_may_try(&patience));
}
END_TEST

START_TEST(a_sink_that_takes_what_is_tried_is_not_stalled)
{
	struct slog_patience patience = {0};
	struct slog_wait wait;
	use_up(&patience);
	for (int i = 0; i < 40; i++) {
		ck_assert(!slog_patience_begin(&patience, 10 * MS, &wait));
		ck_assert(slog_patience_may_try(&patience));
		slog_patience_restore(&patience);
		usleep(2000);
	}
}
END_TEST

/* ---- threads, and a peer that takes nothing ---------------------------------------------------------------------- */

static int ends[2];   /* [0] is the peer's, [1] ours, if the program has it */
static int listener;
static atomic_bool is_measured;
static _Atomic long waited_us;
static _Atomic long napped_us;

/* As libc's, for all of this program. */
int poll(struct pollfd *pollers, nfds_t n, int timeout_ms)
{
	const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	long start = peer_now_us();
	int ready = ppoll(pollers, n, timeout_ms >= 0 ? &timeout : NULL, NULL);
	long took_us = peer_now_us() - start;
	if (is_measured && timeout_ms > 0)
		waited_us += took_us < timeout_ms * MS ? took_us : timeout_ms * MS;
	return ready;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	if (is_measured)
		napped_us += time->tv_nsec / 1000;
	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);
	return errno == 0 ? 0 : -1;
}

static struct slog_sink *open_sink(int kind)
{
	char address[32];
	switch (kind) {
	case PIPE:
		ck_assert_int_eq(pipe(ends), 0);
		return slog_sink_fd(ends[1], NULL);
	case SOCKET_PAIR:
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		return slog_sink_fd(ends[1], NULL);
	case UNIX_STREAM:
		listener = peer_unix(SOCK_STREAM);
		return slog_sink_syslog(peer_path, &slog_encoder_json);
	default:
		listener = peer_inet(SOCK_STREAM, 0, address);
		return slog_sink_tcp(address, &slog_encoder_json);
	}
}

static void use_kind(int kind)
{
	peer_make_folder();
	ends[0] = ends[1] = listener = -1;
	peer_use(open_sink(kind));
	slog_info("first");
	if (listener >= 0)
		ends[0] = peer_accept(listener);
}

static void stop_using(void)
{
	slog_close();
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	if (listener >= 0)
		close(listener);
	peer_remove_folder();
}

static void in_threads(int n, void *(*run)(void *), void *argument)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run, argument), 0);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void *log_for_a_round(void *until)
{
	while (peer_now_us() < *(long *)until) {
		slog_info("t", "text", "as much as events have that are neither long nor short: a hundred octets");
		usleep(PAUSE_US);
	}
	return NULL;
}

/* To the first event for which there is no room, and until the wait for it is forgotten. */
static void fill(void)
{
	uint64_t before = peer_dropped_info();
	while (peer_dropped_info() == before)
		slog_info("fill", "text", "as much as events have that are neither long nor short: a hundred octets");
	usleep(1600000);
}

START_TEST(threads_wait_together_no_longer_than_is_promised)
{
	long best_us = NAPPED_US_MAX;
	for (int round = 0; round < ROUNDS && best_us >= NAPPED_US_MAX; round++) {
		use_kind(_i);
		fill();
		uint64_t before = peer_dropped_info();
		long until = peer_now_us() + ROUND_US;
		waited_us = napped_us = 0;
		is_measured = true;
		in_threads(THREADS, log_for_a_round, &until);
		is_measured = false;
		ck_assert_uint_gt(peer_dropped_info(), before);
		ck_assert_int_le(waited_us, WAITED_US_MAX);
		ck_assert_int_gt(waited_us, WAITED_US_MAX / 5);
		best_us = napped_us;
		stop_using();
	}
	ck_assert_int_lt(best_us, NAPPED_US_MAX);
}
END_TEST

/* ---- threads, and a peer that pauses ----------------------------------------------------------------------------- */

static _Atomic size_t octets_read;
static atomic_bool is_over;

/* Lets it come to the point where nothing has room, and then goes on. */
static void *read_with_pauses(void *argument)
{
	static char octets[1 << 16];
	struct pollfd poller = {.fd = ends[0], .events = POLLIN};
	while (poll(&poller, 1, 20) > 0 || !is_over) {
		ssize_t n = poller.revents != 0 ? read(ends[0], octets, sizeof octets) : 0;
		octets_read += n > 0 ? (size_t)n : 0;
		usleep(2000);
	}
	return argument;
}

static void *log_large(void *argument)
{
	static char text[3000];
	memset(text, 'x', sizeof text - 1);
	for (int i = 0; i < EVENTS / READERS_THREADS; i++) {
		slog_info("t", "text", text);
		usleep(PAUSE_US);
	}
	return argument;
}

START_TEST(threads_lose_nothing_to_a_peer_that_pauses)
{
	uint64_t lost = EVENTS;
	for (int round = 0; round < ROUNDS && lost > 0; round++) {
		pthread_t reader;
		use_kind(_i);
		uint64_t before = peer_dropped_info();
		is_over = false;
		octets_read = 0;
		ck_assert_int_eq(pthread_create(&reader, NULL, read_with_pauses, NULL), 0);
		in_threads(READERS_THREADS, log_large, NULL);
		is_over = true;
		pthread_join(reader, NULL);
		lost = peer_dropped_info() - before;
		ck_assert(lost > 0 || octets_read > EVENTS * 3000);
		stop_using();
	}
	ck_assert_uint_eq(lost, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("patience");
	TCase *patience = tcase_create("patience");
	tcase_set_timeout(patience, 60);
	tcase_add_test(patience, what_is_promised_to_some_is_not_promised_to_others);
	tcase_add_test(patience, what_was_waited_counts_for_a_whole_second);
	tcase_add_test(patience, a_sink_is_stalled_when_it_has_taken_nothing_for_as_long_as_one_thread_waits);
	tcase_add_test(patience, a_sink_that_takes_what_is_tried_is_not_stalled);
	tcase_add_loop_test(patience, threads_wait_together_no_longer_than_is_promised, 0, KINDS);
	tcase_add_loop_test(patience, threads_lose_nothing_to_a_peer_that_pauses, 0, KINDS);
	suite_add_tcase(suite, patience);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
