/* SPDX-License-Identifier: Apache-2.0 */
/* Threads at a gate that come again without pause: none is shut out by the others. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "gate.h"

#define THREADS 8
#define ROUNDS 3
#define SHUT_OUT_MAX 60 /* hundreds without turns; a few where a busy machine stops a thread that holds the gate */
#define ROUND_US 700000
#define HELD_US 20
#define WAIT_MS 10

static struct slog_gate gate;
static _Atomic unsigned shut_out;
static _Atomic unsigned inside;

static void *come_again(void *unused)
{
	uint64_t until = slog_clock_monotonic_us() + ROUND_US;
	while (slog_clock_monotonic_us() < until) {
		if (slog_gate_take(&gate, WAIT_MS) == SLOG_GATE_BUSY) {
			shut_out++;
			continue;
		}
		ck_assert_uint_eq(inside++, 0);
		uint64_t leave_at = slog_clock_monotonic_us() + HELD_US;
		while (slog_clock_monotonic_us() < leave_at)
			;
		inside--;
		slog_gate_leave(&gate);
	}
	return unused;
}

START_TEST(no_thread_is_shut_out_by_those_that_come_again)
{
	unsigned best = SHUT_OUT_MAX;
	for (int round = 0; round < ROUNDS && best >= SHUT_OUT_MAX; round++) {
		pthread_t threads[THREADS];
		shut_out = 0;
		for (int i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, come_again, NULL), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		best = shut_out;
	}
	ck_assert_uint_lt(best, SHUT_OUT_MAX);
}
END_TEST

START_TEST(a_gate_that_is_held_is_busy_when_the_time_is_over)
{
	ck_assert_int_eq(slog_gate_take(&gate, 0), SLOG_GATE_TAKEN);
	ck_assert_int_eq(slog_gate_take(&gate, 0), SLOG_GATE_BUSY);
	for (int i = 0; i < 40; i++) {
		uint64_t start = slog_clock_monotonic_ms();
		ck_assert_int_eq(slog_gate_take(&gate, WAIT_MS), SLOG_GATE_BUSY);
		ck_assert_uint_ge(slog_clock_monotonic_ms() - start, WAIT_MS);
	}
	slog_gate_leave(&gate);
	ck_assert_int_eq(slog_gate_take(&gate, WAIT_MS), SLOG_GATE_TAKEN);
	slog_gate_leave(&gate);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate");
	TCase *threads = tcase_create("gate");
	tcase_set_timeout(threads, 60);
	tcase_add_test(threads, no_thread_is_shut_out_by_those_that_come_again);
	tcase_add_test(threads, a_gate_that_is_held_is_busy_when_the_time_is_over);
	suite_add_tcase(suite, threads);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
