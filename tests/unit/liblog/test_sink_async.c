/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous ring: order, refusal by severity and the event that tells of it, a sink that takes nothing, flushing
 * and its bound, threads, and a worker that sleeps when there is nothing to do. Children: test_sink_async_processes.c.
 */
#include "peer.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define LANE_SIZE 16384
#define CALL_BOUND_US 100000 /* generous: nothing is waited for; sanitizers and a busy machine */

/* A sink that takes events only while it is open, and remembers them. */
struct valve {
	struct slog_sink sink;
	_Atomic int error; /* what write() says while it is not 0 */
	_Atomic unsigned tries;
	_Atomic unsigned taken;
	_Atomic size_t length;
	char text[1 << 20];
};

static int write_valve(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct valve *valve = (struct valve *)sink;
	(void)severity;
	atomic_fetch_add(&valve->tries, 1);
	if (valve->error != 0)
		return valve->error;
	size_t at = valve->length;
	if (at + length < sizeof valve->text) {
		memcpy(valve->text + at, line, length);
		valve->length = at + length;
	}
	atomic_fetch_add(&valve->taken, 1);
	return 0;
}

static void close_valve(struct slog_sink *sink)
{
	(void)sink;
}

static const struct slog_sink_driver valve_driver = {
	.name = "valve", .line_feed = true, .write = write_valve, .close = close_valve,
};

static struct valve valve;

static struct slog_sink *make_valve(int error)
{
	memset(&valve, 0, sizeof valve);
	valve.sink.driver = &valve_driver;
	valve.sink.encoder = &slog_encoder_json;
	valve.sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	valve.error = error;
	return &valve.sink;
}

static void use_ring(int error, unsigned wait_ms)
{
	const struct slog_async_options options = {
		.size = sizeof options, .lane_size = LANE_SIZE, .lanes = 4, .wait_ms = wait_ms,
	};
	peer_use(slog_sink_async(make_valve(error), &options));
	slog_set_level(&slog_default_logger, SLOG_TRACE);
}

static unsigned lines_with(const char *what)
{
	unsigned n = 0;
	valve.text[valve.length] = '\0';
	for (const char *at = valve.text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

START_TEST(events_of_a_thread_arrive_whole_and_in_order)
{
	use_ring(0, 0);
	for (int i = 0; i < 20000; i++) {
		slog_info("t", "i", i);
		if (i % 20 == 19)
			ck_assert_int_eq(slog_flush(), 0);
		if (valve.length > sizeof valve.text / 2)
			break;
	}
	const char *at = valve.text;
	unsigned n = 0;
	for (char wanted[32]; (at = strstr(at, "\"i\":")) != NULL; at++, n++) {
		int length = snprintf(wanted, sizeof wanted, "\"i\":%u}\n", n);
		ck_assert_int_eq(strncmp(at, wanted, (size_t)length), 0);
	}
	ck_assert_uint_eq(n, valve.taken);
	ck_assert_uint_gt(n, 1000);
	slog_close();
}
END_TEST

/* 8.21: a full lane refuses debug first and err last, and takes nothing out. */
START_TEST(a_filling_lane_refuses_by_severity_and_removes_nothing)
{
	static const enum slog_severity order[] = {SLOG_DEBUG, SLOG_INFO, SLOG_WARNING, SLOG_ERR};
	static const unsigned percent[] = {50, 75, 90, 100};
	struct slog_counters before = peer_counted();
	unsigned taken = 0;
	use_ring(EAGAIN, 0);
	for (size_t i = 0; i < 4; i++) {
		unsigned of_this = 0;
		uint64_t dropped = peer_counted().dropped[order[i]];
		while (peer_counted().dropped[order[i]] == dropped) {
			slog_event(&slog_default_logger, order[i], "t", NULL, 0);
			of_this++;
		}
		taken += of_this - 1;
		ck_assert_uint_gt(of_this, 2);
		/* About 150 octets an event, of a lane of which half is kept for the loss event. */
		ck_assert_uint_lt(taken * 150, LANE_SIZE * percent[i] / 100);
		slog_event(&slog_default_logger, SLOG_DEBUG, "t", NULL, 0);
		ck_assert_uint_eq(peer_counted().dropped[SLOG_DEBUG] - before.dropped[SLOG_DEBUG], i + 2);
	}
	valve.error = 0;
	ck_assert_int_eq(slog_flush(), 0);
	ck_assert_uint_eq(lines_with("slog_loss"), 3); /* each severity that got in told what the last one lost */
	ck_assert_uint_eq(valve.taken, taken + 3);
	slog_close();
}
END_TEST

/* 8.21: the loss is told before the next event that gets through. */
/* 8.21: an empty lane has room for any event, wherever in its room the next one begins. */
START_TEST(an_empty_lane_refuses_nothing)
{
	static char text[4000];
	for (size_t length = 3000; length < sizeof text; length += 25) {
		struct slog_counters before = peer_counted();
		use_ring(0, 0);
		memset(text, 'x', length);
		text[length] = '\0';
		for (int i = 0; i < 20; i++) {
			slog_debug("t", "text", text);
			ck_assert_int_eq(slog_flush(), 0);
		}
		ck_assert_msg(peer_counted().dropped[SLOG_DEBUG] == before.dropped[SLOG_DEBUG], "texts of %zu octets", length);
		ck_assert_uint_eq(lines_with("\"msgid\":\"t\""), 20);
		slog_close();
	}
}
END_TEST

START_TEST(the_log_itself_tells_what_was_refused_before_the_next_event)
{
	use_ring(EAGAIN, 0);
	for (int i = 0; i < 400; i++)
		slog_info("early");
	for (int i = 0; i < 3; i++)
		slog_debug("early");
	uint64_t infos = peer_counted().dropped[SLOG_INFO];
	uint64_t debugs = peer_counted().dropped[SLOG_DEBUG];
	ck_assert_uint_gt(infos, 0);
	slog_err("late");
	valve.error = 0;
	ck_assert_int_eq(slog_flush(), 0);
	char wanted[128];
	snprintf(wanted, sizeof wanted, "\"dropped\":{\"info\":%llu,\"debug\":%llu}}\n", (unsigned long long)infos,
	         (unsigned long long)debugs);
	char *loss = strstr(valve.text, "\"msgid\":\"slog_loss\",\"sink\":\"valve\",\"since\":\"20");
	ck_assert_ptr_nonnull(loss);
	ck_assert_ptr_nonnull(strstr(loss, wanted));
	ck_assert_ptr_nonnull(strstr(loss, "\"late\""));
	ck_assert_ptr_null(strstr(loss, "\"early\""));
	ck_assert_uint_eq(lines_with("slog_loss"), 1);
	slog_close();
}
END_TEST

START_TEST(the_loss_is_told_at_close_if_no_event_follows)
{
	use_ring(EAGAIN, 0);
	for (int i = 0; i < 400; i++)
		slog_debug("t");
	valve.error = 0;
	slog_close();
	ck_assert_uint_eq(lines_with("slog_loss"), 1);
}
END_TEST

START_TEST(an_event_that_the_sink_can_never_take_is_counted_and_told)
{
	struct slog_counters before = peer_counted();
	use_ring(EMSGSIZE, 0);
	slog_info("t");
	ck_assert_int_eq(slog_flush(), 0);
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO] - before.dropped[SLOG_INFO], 1);
	valve.error = 0;
	slog_info("next");
	ck_assert_int_eq(slog_flush(), 0);
	ck_assert_uint_eq(lines_with("\"dropped\":{\"info\":1}"), 1);
	slog_close();
}
END_TEST

/* 8.20: behind a ring no call waits, and a sink that takes nothing cannot make it. */
START_TEST(a_dead_sink_makes_no_call_wait)
{
	use_ring(ECONNREFUSED, 0);
	long longest = 0;
	for (int i = 0; i < 5000; i++) {
		long call = peer_now_us();
		slog_err("t", "i", i);
		long took = peer_now_us() - call;
		longest = took > longest ? took : longest;
	}
	ck_assert_int_lt(longest, CALL_BOUND_US);
	ck_assert_uint_lt(valve.tries, 100);
	valve.error = 0;
	slog_close();
}
END_TEST

/* 8.21: waiting comes before refusal, for err and worse only, and 50 ms in a second at most. */
START_TEST(errors_may_wait_for_room_and_only_so_long)
{
	use_ring(EAGAIN, 10);
	long start = peer_now_us();
	for (int i = 0; i < 1000; i++)
		slog_info("t");
	ck_assert_int_lt(peer_now_us() - start, CALL_BOUND_US);
	start = peer_now_us();
	uint64_t before = peer_counted().dropped[SLOG_ERR];
	while (peer_counted().dropped[SLOG_ERR] < before + 100)
		slog_err("t");
	long took = peer_now_us() - start;
	ck_assert_int_ge(took, 9000);
	ck_assert_int_lt(took, 3 * CALL_BOUND_US);
	valve.error = 0;
	slog_close();
}
END_TEST

/* 8.20: flush at exit has a bound of a second, and what is left is counted. */
START_TEST(closing_over_a_dead_sink_takes_a_second_and_counts)
{
	use_ring(ECONNREFUSED, 0);
	struct slog_counters before = peer_counted();
	for (int i = 0; i < 10; i++)
		slog_info("t");
	long start = peer_now_us();
	slog_close();
	ck_assert_int_lt(peer_now_us() - start, 3000000);
	ck_assert_uint_eq(peer_counted().dropped[SLOG_INFO] - before.dropped[SLOG_INFO], 10);
}
END_TEST

static void *log_some(void *argument)
{
	for (int i = 0; i < 1000; i++) {
		slog_warning("t", "thread", (long)(size_t)argument, "i", i);
		if (i % 20 == 0)
			slog_flush();
	}
	return NULL;
}

START_TEST(more_threads_than_lanes_share_them)
{
	pthread_t threads[8];
	use_ring(0, 0);
	uint64_t before = peer_counted().dropped[SLOG_WARNING];
	for (size_t i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, log_some, (void *)i);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(slog_flush(), 0);
	uint64_t dropped = peer_counted().dropped[SLOG_WARNING] - before;
	ck_assert_uint_ge(valve.taken + dropped, 8000);
	ck_assert_uint_eq(valve.taken - lines_with("slog_loss") + dropped, 8000);
	slog_close();
}
END_TEST

/* How often the worker has gone to sleep: voluntary_ctxt_switches of the thread "liblog". */
static long sleeps_of_worker(void)
{
	char name[512], text[4096];
	long sleeps = -1;
	DIR *tasks = opendir("/proc/self/task");
	for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
		snprintf(name, sizeof name, "/proc/self/task/%s/status", task->d_name);
		FILE *file = fopen(name, "r");
		if (file == NULL)
			continue;
		text[fread(text, 1, sizeof text - 1, file)] = '\0';
		fclose(file);
		const char *line = strstr(text, "\nvoluntary_ctxt_switches:");
		if (strncmp(text, "Name:\tliblog\n", 13) == 0 && line != NULL)
			sleeps = atol(strchr(line, ':') + 1);
	}
	closedir(tasks);
	return sleeps;
}

START_TEST(an_idle_worker_is_never_woken)
{
	peer_use(slog_sink_async(slog_sink_memory(65536, NULL), NULL));
	slog_info("t");
	ck_assert_int_eq(slog_flush(), 0);
	usleep(100000);
	long before = sleeps_of_worker();
	ck_assert_int_gt(before, 0);
	usleep(1000000);
	ck_assert_int_eq(sleeps_of_worker(), before);
	slog_close();
}
END_TEST

static atomic_int handled_by;

static void note_thread(int number)
{
	(void)number;
	atomic_store(&handled_by, gettid());
}

START_TEST(signals_of_the_program_are_never_handled_by_the_worker)
{
	struct sigaction action = {.sa_handler = note_thread};
	sigset_t usr1, before;
	sigaction(SIGUSR1, &action, NULL);
	peer_use(slog_sink_async(slog_sink_memory(65536, NULL), NULL));
	slog_info("t");
	slog_flush();
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, &before);
	kill(getpid(), SIGUSR1);
	usleep(50000);
	ck_assert_int_eq(handled_by, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ck_assert_int_eq(handled_by, gettid());
	slog_close();
}
END_TEST

START_TEST(a_large_event_keeps_its_place_in_a_small_lane)
{
	static char large[3000];
	memset(large, 'x', sizeof large - 1);
	use_ring(0, 0);
	for (int i = 0; i < 300; i++) {
		slog_err("t", "large", slog_str(large, (size_t)(i * 37 % 3000)), "i", i);
		ck_assert_int_eq(slog_flush(), 0);
	}
	ck_assert_uint_eq(valve.taken, 300);
	slog_close();
}
END_TEST

START_TEST(no_sink_or_wrong_options_give_no_ring)
{
	const struct slog_async_options options = {.size = 1};
	ck_assert_ptr_null(slog_sink_async(NULL, NULL));
	ck_assert_ptr_null(slog_sink_async(slog_sink_memory(4096, NULL), &options));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_async");
	TCase *ring = tcase_create("ring");
	tcase_add_test(ring, events_of_a_thread_arrive_whole_and_in_order);
	tcase_add_test(ring, a_filling_lane_refuses_by_severity_and_removes_nothing);
	tcase_add_test(ring, an_empty_lane_refuses_nothing);
	tcase_add_test(ring, the_log_itself_tells_what_was_refused_before_the_next_event);
	tcase_add_test(ring, the_loss_is_told_at_close_if_no_event_follows);
	tcase_add_test(ring, an_event_that_the_sink_can_never_take_is_counted_and_told);
	tcase_add_test(ring, a_dead_sink_makes_no_call_wait);
	tcase_add_test(ring, errors_may_wait_for_room_and_only_so_long);
	tcase_add_test(ring, closing_over_a_dead_sink_takes_a_second_and_counts);
	tcase_add_test(ring, more_threads_than_lanes_share_them);
	tcase_add_test(ring, an_idle_worker_is_never_woken);
	tcase_add_test(ring, signals_of_the_program_are_never_handled_by_the_worker);
	tcase_add_test(ring, a_large_event_keeps_its_place_in_a_small_lane);
	tcase_add_test(ring, no_sink_or_wrong_options_give_no_ring);
	suite_add_tcase(suite, ring);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
