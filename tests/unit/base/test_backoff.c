/* SPDX-License-Identifier: Apache-2.0 */
/* Delays between attempts: doubling, jitter in the upper half, and the start over. */
#include "base/backoff.h"

#include <check.h>
#include <stdlib.h>

START_TEST(delays_double_up_to_the_maximum)
{
	struct backoff backoff = {.min_ns = 100, .max_ns = 1000};
	static const uint64_t steps[] = {100, 200, 400, 800, 1000, 1000, 1000};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct backoff same = backoff;
		ck_assert_uint_eq(backoff_next(&same, 0), steps[i] - steps[i] / 2);
		uint64_t most = backoff_next(&backoff, UINT32_MAX);
		ck_assert_uint_ge(most, steps[i] - 1);
		ck_assert_uint_le(most, steps[i]);
	}
}
END_TEST

START_TEST(delays_are_spread_over_the_upper_half)
{
	struct backoff backoff = {.min_ns = 1000, .max_ns = 1000};
	ck_assert_uint_eq(backoff_next(&backoff, 0), 500);
	ck_assert_uint_eq(backoff_next(&backoff, 1u << 31), 750);
}
END_TEST

START_TEST(a_reset_starts_over)
{
	struct backoff backoff = {.min_ns = 100, .max_ns = 1000};
	for (int i = 0; i < 10; i++)
		backoff_next(&backoff, 0);
	backoff_reset(&backoff);
	ck_assert_uint_eq(backoff_next(&backoff, 0), 50);
}
END_TEST

START_TEST(the_largest_limits_do_not_overflow)
{
	struct backoff backoff = {.min_ns = UINT64_MAX / 2 + 1, .max_ns = UINT64_MAX};
	ck_assert_uint_ge(backoff_next(&backoff, UINT32_MAX), UINT64_MAX / 4);
	ck_assert_uint_eq(backoff.step_ns, UINT64_MAX);
	ck_assert_uint_ge(backoff_next(&backoff, UINT32_MAX), UINT64_MAX / 2);
	ck_assert_uint_eq(backoff.step_ns, UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tests = tcase_create("backoff");
	tcase_add_test(tests, delays_double_up_to_the_maximum);
	tcase_add_test(tests, delays_are_spread_over_the_upper_half);
	tcase_add_test(tests, a_reset_starts_over);
	tcase_add_test(tests, the_largest_limits_do_not_overflow);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
