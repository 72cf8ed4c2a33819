/* SPDX-License-Identifier: Apache-2.0 */
/* So many lines an interval; what was held back is told by the next one. */
#include "base/rate_limit.h"

#include <check.h>
#include <stdlib.h>

START_TEST(the_burst_passes_and_the_rest_is_held_back)
{
	struct rate_limit limit = {.interval_ns = 100, .burst = 2};
	uint64_t held_back = 9;
	ck_assert(rate_limit_pass(&limit, 1000, &held_back));
	ck_assert_uint_eq(held_back, 0);
	ck_assert(rate_limit_pass(&limit, 1001, &held_back));
	ck_assert(!rate_limit_pass(&limit, 1002, &held_back));
	ck_assert(!rate_limit_pass(&limit, 1099, &held_back));
}
END_TEST

START_TEST(the_next_interval_says_how_many_were_held_back)
{
	struct rate_limit limit = {.interval_ns = 100, .burst = 1};
	uint64_t held_back = 9;
	ck_assert(rate_limit_pass(&limit, 1000, &held_back));
	for (int i = 0; i < 5; i++)
		ck_assert(!rate_limit_pass(&limit, 1010, &held_back));
	ck_assert(rate_limit_pass(&limit, 1100, &held_back));
	ck_assert_uint_eq(held_back, 5);
	ck_assert(rate_limit_pass(&limit, 1200, &held_back));
	ck_assert_uint_eq(held_back, 0);
}
END_TEST

START_TEST(a_burst_of_none_lets_nothing_pass)
{
	struct rate_limit limit = {.interval_ns = 100, .burst = 0};
	uint64_t held_back = 9;
	ck_assert(!rate_limit_pass(&limit, 1000, &held_back));
	ck_assert(!rate_limit_pass(&limit, 5000, &held_back));
	ck_assert_uint_eq(limit.held_back, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rate_limit");
	TCase *tests = tcase_create("rate_limit");
	tcase_add_test(tests, the_burst_passes_and_the_rest_is_held_back);
	tcase_add_test(tests, the_next_interval_says_how_many_were_held_back);
	tcase_add_test(tests, a_burst_of_none_lets_nothing_pass);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
