/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's mailbox, wakers, turn ends, clocks and stop, with real threads. */
#include "net/worker.h"

#include "base/clock.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

struct order {
	struct worker *worker;
	int numbers[8];
	int count;
};

struct numbered {
	struct order *order;
	int number;
};

static void note_number(void *context)
{
	struct numbered *numbered = context;
	ck_assert(worker_is_current(numbered->order->worker));
	numbered->order->numbers[numbered->order->count++] = numbered->number;
}

static void nothing(void *context)
{
	(void)context;
}

START_TEST(posts_are_carried_out_in_order_on_the_workers_thread)
{
	struct order order = {.worker = worker_start("test")};
	struct numbered letters[5];
	ck_assert(!worker_is_current(order.worker));
	for (int i = 0; i < 5; i++) {
		letters[i] = (struct numbered){&order, i};
		ck_assert(worker_post(order.worker, note_number, &letters[i]));
	}
	ck_assert(worker_call(order.worker, nothing, NULL));
	ck_assert_int_eq(order.count, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(order.numbers[i], i);
	worker_stop(&order.worker);
	ck_assert_ptr_null(order.worker);
}
END_TEST

START_TEST(what_was_posted_before_the_stop_is_carried_out)
{
	struct order order = {.worker = worker_start("test")};
	struct numbered letters[8];
	struct worker *worker = order.worker;
	for (int i = 0; i < 8; i++) {
		letters[i] = (struct numbered){&order, i};
		ck_assert(worker_post(worker, note_number, &letters[i]));
	}
	worker_stop(&worker);
	ck_assert_int_eq(order.count, 8);
}
END_TEST

struct refused {
	struct worker *worker;
	atomic_bool is_refused;
};

static void post_until_refused(void *context)
{
	struct refused *refused = context;
	/* Posts again and again from the worker itself: the stop comes in between and ends it. */
	if (!worker_post(refused->worker, post_until_refused, refused))
		atomic_store(&refused->is_refused, true);
}

START_TEST(a_stopping_worker_refuses_posts)
{
	struct refused refused = {.worker = worker_start("test")};
	struct worker *worker = refused.worker;
	ck_assert(worker_post(worker, post_until_refused, &refused));
	worker_stop(&worker);
	ck_assert(atomic_load(&refused.is_refused));
}
END_TEST

START_TEST(stopping_no_worker_is_harmless)
{
	struct worker *none = NULL;
	worker_stop(&none);
	ck_assert_ptr_null(none);
}
END_TEST

/* Four threads count up and wake; the worker sees the last count, in far fewer calls than wake-ups. */
struct woken {
	struct worker *worker;
	struct waker *waker;
	atomic_int asked;
	int seen;
	int plain; /* written before the only wake-up of a test, without any lock */
	int calls;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static void on_wake(void *context)
{
	struct woken *woken = context;
	pthread_mutex_lock(&woken->lock);
	woken->seen = atomic_load(&woken->asked);
	woken->calls++;
	pthread_cond_broadcast(&woken->changed);
	pthread_mutex_unlock(&woken->lock);
}

static void open_waker(void *context)
{
	struct woken *woken = context;
	woken->waker = waker_open(woken->worker, on_wake, woken);
	ck_assert_ptr_nonnull(woken->waker);
}

static void close_waker(void *context)
{
	struct woken *woken = context;
	waker_close(&woken->waker);
	ck_assert_ptr_null(woken->waker);
	waker_close(&woken->waker);
}

enum { WAKES_EACH = 2000, WAKING_THREADS = 4 };

static void *wake_often(void *context)
{
	struct woken *woken = context;
	for (int i = 0; i < WAKES_EACH; i++) {
		atomic_fetch_add(&woken->asked, 1);
		waker_wake(woken->waker);
	}
	return NULL;
}

START_TEST(the_call_after_the_last_wake_up_is_never_missed)
{
	struct woken woken = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	woken.worker = worker_start("test");
	worker_call(woken.worker, open_waker, &woken);
	pthread_t threads[WAKING_THREADS];
	for (int i = 0; i < WAKING_THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, wake_often, &woken), 0);
	for (int i = 0; i < WAKING_THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_lock(&woken.lock);
	while (woken.seen < WAKES_EACH * WAKING_THREADS)
		pthread_cond_wait(&woken.changed, &woken.lock);
	ck_assert_int_le(woken.calls, WAKES_EACH * WAKING_THREADS);
	pthread_mutex_unlock(&woken.lock);
	worker_call(woken.worker, close_waker, &woken);
	worker_stop(&woken.worker);
}
END_TEST

static void read_plain(void *context)
{
	struct woken *woken = context;
	int plain = woken->plain;
	pthread_mutex_lock(&woken->lock);
	woken->seen = plain;
	pthread_cond_broadcast(&woken->changed);
	pthread_mutex_unlock(&woken->lock);
}

static void open_plain_waker(void *context)
{
	struct woken *woken = context;
	woken->waker = waker_open(woken->worker, read_plain, woken);
}

START_TEST(what_was_written_before_a_wake_up_is_seen_by_the_call)
{
	/* Under ThreadSanitizer this fails if the wake-up does not order the memory. */
	struct woken woken = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	woken.worker = worker_start("test");
	worker_call(woken.worker, open_plain_waker, &woken);
	woken.plain = 42;
	waker_wake(woken.waker);
	pthread_mutex_lock(&woken.lock);
	while (woken.seen != 42)
		pthread_cond_wait(&woken.changed, &woken.lock);
	pthread_mutex_unlock(&woken.lock);
	worker_call(woken.worker, close_waker, &woken);
	worker_stop(&woken.worker);
}
END_TEST

struct turns {
	struct worker *worker;
	int ends;
	int seen; /* as read by a call on the worker's thread */
	bool call_was_before;
	bool call_was_before_seen;
	bool was_called;
	uint64_t now_ns;
	int64_t wall_ns;
	bool clock_stood_still;
};

static void on_turn_end(void *context)
{
	struct turns *turns = context;
	turns->ends++;
	turns->call_was_before = turns->was_called;
}

static void watch_turns(void *context)
{
	struct turns *turns = context;
	worker_at_turn_end(turns->worker, on_turn_end, turns);
}

static void read_clocks_twice(void *context)
{
	struct turns *turns = context;
	turns->was_called = true;
	turns->now_ns = worker_now_ns(turns->worker);
	turns->wall_ns = worker_wall_ns(turns->worker);
	sleep_ms(2);
	turns->clock_stood_still =
		worker_now_ns(turns->worker) == turns->now_ns && worker_wall_ns(turns->worker) == turns->wall_ns;
}

static void read_ends(void *context)
{
	struct turns *turns = context;
	turns->seen = turns->ends;
	turns->call_was_before_seen = turns->call_was_before;
}

START_TEST(the_turn_ends_after_what_happened_in_it_and_an_idle_worker_has_no_turns)
{
	struct turns turns = {.worker = worker_start("test")};
	worker_call(turns.worker, watch_turns, &turns);
	worker_call(turns.worker, read_clocks_twice, &turns);
	sleep_ms(300);
	worker_call(turns.worker, read_ends, &turns);
	ck_assert(turns.call_was_before_seen);
	int before = turns.seen;
	sleep_ms(300);
	worker_call(turns.worker, read_ends, &turns);
	/* The turn of the first call ended; there was none in between. */
	ck_assert_int_eq(turns.seen - before, 1);
	worker_stop(&turns.worker);
}
END_TEST

START_TEST(the_clocks_stand_still_within_a_turn_and_move_between_turns)
{
	struct turns turns = {.worker = worker_start("test")};
	uint64_t before_ns = clock_monotonic_ns();
	worker_call(turns.worker, read_clocks_twice, &turns);
	ck_assert(turns.clock_stood_still);
	ck_assert(turns.now_ns >= before_ns && turns.now_ns <= clock_monotonic_ns());
	ck_assert_int_le(llabs(clock_wall_ns() - turns.wall_ns), CLOCK_NS_PER_SECOND);
	uint64_t first_ns = turns.now_ns;
	sleep_ms(5);
	worker_call(turns.worker, read_clocks_twice, &turns);
	ck_assert(turns.now_ns > first_ns + CLOCK_NS_PER_MS);
	worker_stop(&turns.worker);
}
END_TEST

/* A pipe that the worker's loop watches, and what happened when. */
struct rests {
	struct worker *worker;
	struct waker *waker;
	uv_poll_t poll;
	uv_timer_t timer;
	int pipe[2];
	uint64_t rest_ns; /* for how long it asks for rest */
	bool stays;
	uint64_t timer_ms; /* when the timer is to fire behind that; 0: not */
	uint64_t asked_ns;
	_Atomic uint64_t read_ns, woken_ns;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct rests *rests = poll->data;
	char octet;
	(void)status;
	(void)events;
	ck_assert_int_eq(read(rests->pipe[0], &octet, 1), 1);
	atomic_store(&rests->read_ns, clock_monotonic_ns());
}

static void on_rest_wake(void *context)
{
	struct rests *rests = context;
	atomic_store(&rests->woken_ns, clock_monotonic_ns());
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
}

static void open_rests(void *context)
{
	struct rests *rests = context;
	ck_assert_int_eq(pipe(rests->pipe), 0);
	rests->waker = waker_open(rests->worker, on_rest_wake, rests);
	uv_poll_init(worker_loop(rests->worker), &rests->poll, rests->pipe[0]);
	uv_timer_init(worker_loop(rests->worker), &rests->timer);
	rests->poll.data = rests->timer.data = rests;
	uv_poll_start(&rests->poll, UV_READABLE, on_readable);
}

static void close_rests(void *context)
{
	struct rests *rests = context;
	waker_close(&rests->waker);
	uv_close((uv_handle_t *)&rests->poll, NULL);
	uv_close((uv_handle_t *)&rests->timer, NULL);
	close(rests->pipe[0]);
	close(rests->pipe[1]);
}

/* The octet is there before the rest begins. */
static void ask_for_rest(void *context)
{
	struct rests *rests = context;
	rests->asked_ns = clock_monotonic_ns();
	worker_rest(rests->worker, rests->asked_ns + rests->rest_ns + CLOCK_NS_PER_SECOND);
	worker_rest(rests->worker, rests->asked_ns + rests->rest_ns);
	worker_rest(rests->worker, rests->asked_ns + rests->rest_ns + CLOCK_NS_PER_SECOND);
	if (rests->stays)
		worker_stay(rests->worker);
	if (rests->timer_ms > 0) {
		uv_update_time(worker_loop(rests->worker));
		uv_timer_start(&rests->timer, on_timer, rests->timer_ms, 0);
	}
	ck_assert_int_eq(write(rests->pipe[1], "x", 1), 1);
}

static void rest_once(struct rests *rests, uint64_t rest_ns)
{
	rests->rest_ns = rest_ns;
	atomic_store(&rests->read_ns, 0);
	worker_call(rests->worker, ask_for_rest, rests);
}

static uint64_t wait_until_read(struct rests *rests)
{
	while (atomic_load(&rests->read_ns) == 0)
		sleep_ms(1);
	return atomic_load(&rests->read_ns) - rests->asked_ns;
}

#define LONG_NS (20 * CLOCK_NS_PER_SECOND)

START_TEST(a_resting_worker_leaves_its_sockets_alone_until_the_earliest_time_asked_for)
{
	struct rests rests = {.worker = worker_start("test")};
	worker_call(rests.worker, open_rests, &rests);
	rest_once(&rests, 30 * CLOCK_NS_PER_MS);
	ck_assert_uint_ge(wait_until_read(&rests), 30 * CLOCK_NS_PER_MS);
	worker_call(rests.worker, close_rests, &rests);
	worker_stop(&rests.worker);
}
END_TEST

START_TEST(a_waker_a_letter_and_a_timer_end_a_rest)
{
	struct rests rests = {.worker = worker_start("test")};
	worker_call(rests.worker, open_rests, &rests);

	rest_once(&rests, LONG_NS);
	sleep_ms(20);
	ck_assert_uint_eq(atomic_load(&rests.read_ns), 0);
	waker_wake(rests.waker);
	ck_assert_uint_lt(wait_until_read(&rests), LONG_NS);
	while (atomic_load(&rests.woken_ns) == 0)
		sleep_ms(1);

	rest_once(&rests, LONG_NS);
	sleep_ms(20);
	ck_assert_uint_eq(atomic_load(&rests.read_ns), 0);
	worker_call(rests.worker, nothing, NULL);
	ck_assert_uint_lt(wait_until_read(&rests), LONG_NS);

	rests.timer_ms = 30;
	rest_once(&rests, LONG_NS);
	ck_assert_uint_lt(wait_until_read(&rests), LONG_NS);
	ck_assert_uint_ge(atomic_load(&rests.read_ns) - rests.asked_ns, 20 * CLOCK_NS_PER_MS);

	worker_call(rests.worker, close_rests, &rests);
	worker_stop(&rests.worker);
}
END_TEST

static void begin_watch(void *context)
{
	worker_begin_watch(context);
}

static void end_watch(void *context)
{
	worker_end_watch(context);
}

START_TEST(who_stays_or_watches_does_not_rest_and_each_turn_asks_anew)
{
	struct rests rests = {.worker = worker_start("test"), .stays = true};
	worker_call(rests.worker, open_rests, &rests);
	rest_once(&rests, LONG_NS);
	ck_assert_uint_lt(wait_until_read(&rests), LONG_NS);

	rests.stays = false;
	worker_call(rests.worker, begin_watch, rests.worker);
	rest_once(&rests, LONG_NS);
	ck_assert_uint_lt(wait_until_read(&rests), LONG_NS);

	worker_call(rests.worker, end_watch, rests.worker);
	rest_once(&rests, 30 * CLOCK_NS_PER_MS);
	ck_assert_uint_ge(wait_until_read(&rests), 30 * CLOCK_NS_PER_MS);
	worker_call(rests.worker, close_rests, &rests);
	worker_stop(&rests.worker);
}
END_TEST

START_TEST(no_wake_up_is_missed_by_a_worker_that_rests_again_and_again)
{
	struct rests rests = {.worker = worker_start("test")};
	worker_call(rests.worker, open_rests, &rests);
	for (int i = 0; i < 1000; i++) {
		atomic_store(&rests.woken_ns, 0);
		rest_once(&rests, LONG_NS);
		waker_wake(rests.waker); /* before the rest, in it, or in between */
		while (atomic_load(&rests.woken_ns) == 0)
			sched_yield();
		ck_assert_uint_lt(atomic_load(&rests.woken_ns) - rests.asked_ns, LONG_NS);
	}
	worker_call(rests.worker, close_rests, &rests);
	worker_stop(&rests.worker);
}
END_TEST

static void read_mask(void *context)
{
	pthread_sigmask(SIG_SETMASK, NULL, context);
}

START_TEST(a_worker_takes_no_signals_and_survives_a_closed_pipe)
{
	struct worker *worker = worker_start("test");
	sigset_t mask;
	worker_call(worker, read_mask, &mask);
	ck_assert_int_eq(sigismember(&mask, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&mask, SIGHUP), 1);
	ck_assert_int_eq(sigismember(&mask, SIGPIPE), 1);
	ck_assert_int_eq(sigismember(&mask, SIGSEGV), 0);
	sigset_t ours;
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	ck_assert_int_eq(sigismember(&ours, SIGTERM), 0);
	worker_stop(&worker);
}
END_TEST

static void leak_timer(void *context)
{
	static uv_timer_t timer;
	uv_timer_init(worker_loop(context), &timer);
	uv_timer_start(&timer, NULL, 1000000, 0);
}

static void note_nice(void *context)
{
	int *nice_value = context;
	*nice_value = getpriority(PRIO_PROCESS, (id_t)gettid());
}

START_TEST(only_the_worker_that_gives_way_becomes_nicer)
{
	struct worker *polite = worker_start("polite"), *other = worker_start("other");
	int before = getpriority(PRIO_PROCESS, 0), seen[2];
	worker_give_way(polite);
	worker_call(polite, note_nice, &seen[0]);
	worker_call(other, note_nice, &seen[1]);
	ck_assert_int_eq(seen[0], before + 10 < 19 ? before + 10 : 19);
	ck_assert_int_eq(seen[1], before);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), before);
	worker_stop(&polite);
	worker_stop(&other);
}
END_TEST

START_TEST(a_handle_left_open_ends_the_process)
{
	struct worker *worker = worker_start("test");
	worker_call(worker, leak_timer, worker);
	worker_stop(&worker);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/worker");
	TCase *tests = tcase_create("worker");
	tcase_add_test(tests, posts_are_carried_out_in_order_on_the_workers_thread);
	tcase_add_test(tests, what_was_posted_before_the_stop_is_carried_out);
	tcase_add_test(tests, a_stopping_worker_refuses_posts);
	tcase_add_test(tests, stopping_no_worker_is_harmless);
	tcase_add_test(tests, the_call_after_the_last_wake_up_is_never_missed);
	tcase_add_test(tests, a_resting_worker_leaves_its_sockets_alone_until_the_earliest_time_asked_for);
	tcase_add_test(tests, a_waker_a_letter_and_a_timer_end_a_rest);
	tcase_add_test(tests, who_stays_or_watches_does_not_rest_and_each_turn_asks_anew);
	tcase_add_test(tests, no_wake_up_is_missed_by_a_worker_that_rests_again_and_again);
	tcase_add_test(tests, what_was_written_before_a_wake_up_is_seen_by_the_call);
	tcase_add_test(tests, the_turn_ends_after_what_happened_in_it_and_an_idle_worker_has_no_turns);
	tcase_add_test(tests, the_clocks_stand_still_within_a_turn_and_move_between_turns);
	tcase_add_test(tests, a_worker_takes_no_signals_and_survives_a_closed_pipe);
	tcase_add_test(tests, only_the_worker_that_gives_way_becomes_nicer);
	tcase_add_test_raise_signal(tests, a_handle_left_open_ends_the_process, SIGABRT);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
