/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the writer waits for, and when it does not. */
#include "spool/followers.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { LEN = 1000, ENDLESS_NS = 1000 * 1000 * 1000 };

static struct followers followers;
static struct follower one, other;
static _Atomic int is_over;

static void setup(void)
{
	ck_assert(followers_init(&followers, ENDLESS_NS));
	follower_join(&followers, &one);
	follower_join(&followers, &other);
	is_over = 0;
}

static void teardown(void)
{
	followers_free(&followers);
}

static void *await_in_thread(void *context)
{
	followers_await(&followers, 100, 200, LEN);
	is_over = 1;
	return context;
}

/* Lets a thread wait that fills 100..199, until it is seen to. */
static pthread_t begin_await(void)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, await_in_thread, NULL), 0);
	while (!followers.awaited)
		usleep(100);
	return thread;
}

static void check_over(pthread_t thread)
{
	pthread_join(thread, NULL);
	ck_assert_int_eq(is_over, 1);
	ck_assert(!followers.awaited);
}

START_TEST(nobody_in_the_way_is_waited_for)
{
	followers_await(&followers, 100, 200, LEN); /* both are nowhere yet */
	follower_note(&followers, &one, 99);
	follower_note(&followers, &other, 200);
	followers_await(&followers, 100, 200, LEN);
	followers_await(&followers, 200, 200, LEN);
	follower_note(&followers, &one, 150);
	follower_leave(&followers, &one);
	followers_await(&followers, 100, 200, LEN);
}
END_TEST

START_TEST(the_slowest_is_waited_for_until_it_has_passed)
{
	follower_note(&followers, &one, 100);
	follower_note(&followers, &other, 199);
	pthread_t thread = begin_await();
	follower_note(&followers, &other, 250);
	follower_note(&followers, &one, 199);
	usleep(20000);
	ck_assert_int_eq(is_over, 0);
	follower_note(&followers, &one, 200);
	check_over(thread);
}
END_TEST

START_TEST(one_that_leaves_or_goes_to_the_disk_ends_the_waiting)
{
	follower_note(&followers, &one, 150);
	pthread_t thread = begin_await();
	if (_i == 0)
		follower_note(&followers, &one, FOLLOWER_NOWHERE);
	else
		follower_leave(&followers, &one);
	check_over(thread);
}
END_TEST

START_TEST(one_that_does_not_read_is_waited_for_as_long_as_so_many_octets_allow)
{
	followers.patience_ns = 10000;
	follower_note(&followers, &one, 150);
	uint64_t begun_ns = clock_monotonic_ns();
	followers_await(&followers, 100, 200, LEN);
	ck_assert_uint_ge(clock_monotonic_ns() - begun_ns, (uint64_t)10000 * LEN);
	followers_await(&followers, 200, 300, 1 << 30); /* it is out: hours otherwise */
}
END_TEST

START_TEST(without_patience_nobody_is_waited_for)
{
	followers.patience_ns = 0;
	follower_note(&followers, &one, 150);
	followers_await(&followers, 100, 200, SIZE_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool: followers");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, nobody_in_the_way_is_waited_for);
	tcase_add_test(all, the_slowest_is_waited_for_until_it_has_passed);
	tcase_add_loop_test(all, one_that_leaves_or_goes_to_the_disk_ends_the_waiting, 0, 2);
	tcase_add_test(all, one_that_does_not_read_is_waited_for_as_long_as_so_many_octets_allow);
	tcase_add_test(all, without_patience_nobody_is_waited_for);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
