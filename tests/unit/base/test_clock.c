/* SPDX-License-Identifier: Apache-2.0 */
/* Both clocks run, in nanoseconds, from where they should. */
#include "base/clock.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

START_TEST(monotonic_time_never_goes_back)
{
	uint64_t before = clock_monotonic_ns();
	for (int i = 0; i < 10000; i++) {
		uint64_t now = clock_monotonic_ns();
		ck_assert_uint_ge(now, before);
		before = now;
	}
	ck_assert_uint_gt(before, 0);
}
END_TEST

START_TEST(wall_time_is_that_of_the_c_library)
{
	int64_t seconds = (int64_t)time(NULL);
	int64_t wall = clock_wall_ns() / CLOCK_NS_PER_SECOND;
	ck_assert_int_ge(wall, seconds - 1);
	ck_assert_int_le(wall, seconds + 60);
}
END_TEST

START_TEST(a_sleep_takes_its_time)
{
	uint64_t before = clock_monotonic_ns();
	nanosleep(&(struct timespec){.tv_nsec = 5 * CLOCK_NS_PER_MS}, NULL);
	ck_assert_uint_ge(clock_monotonic_ns() - before, 5 * CLOCK_NS_PER_MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tests = tcase_create("clock");
	tcase_add_test(tests, monotonic_time_never_goes_back);
	tcase_add_test(tests, wall_time_is_that_of_the_c_library);
	tcase_add_test(tests, a_sleep_takes_its_time);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
