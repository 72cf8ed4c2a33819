/* SPDX-License-Identifier: Apache-2.0 */
/* Which cuts of an output are safe. */
#include "relay/cut.h"

#include <check.h>
#include <stdlib.h>

static const struct cut_plan safe = {.seconds = 60, .level = SPOOL_LEVEL_OPEN, .covers = true, .covers_s = 120};
static char error[CUT_ERROR_MAX_BYTES];

START_TEST(the_spool_must_cover_twice_the_time)
{
	struct cut_plan plan = safe;
	ck_assert(cut_is_safe(&plan, error));
	plan.seconds = 61;
	ck_assert(!cut_is_safe(&plan, error));
	ck_assert_str_eq(error, "at the rate of the last minute the spool covers an outage of 120 s, and a drill may use half "
	                        "of it: 60 s at the most");
	plan.covers = false; /* nothing comes */
	ck_assert(cut_is_safe(&plan, error));
}
END_TEST

START_TEST(a_cut_lasts_from_a_second_to_an_hour)
{
	struct cut_plan plan = {.level = SPOOL_LEVEL_OPEN};
	static const uint64_t seconds[] = {0, 1, 3600, 3601, UINT64_MAX};
	static const bool good[] = {false, true, true, false, false};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		plan.seconds = seconds[i];
		ck_assert_int_eq(cut_is_safe(&plan, error), good[i]);
	}
}
END_TEST

START_TEST(a_spool_that_is_nearly_full_cuts_nothing)
{
	struct cut_plan plan = safe;
	plan.level = SPOOL_LEVEL_RESERVE;
	ck_assert(!cut_is_safe(&plan, error));
	plan.level = SPOOL_LEVEL_FULL;
	ck_assert(!cut_is_safe(&plan, error));
}
END_TEST

START_TEST(an_output_that_passes_over_what_is_old_must_have_time_for_it)
{
	struct cut_plan plan = safe;
	plan.max_lag_ns = UINT64_C(119000000000);
	ck_assert(cut_is_safe(&plan, error)); /* it holds: the limit means nothing */
	plan.drops_oldest = true;
	ck_assert(!cut_is_safe(&plan, error));
	plan.max_lag_ns = UINT64_C(120000000000);
	ck_assert(cut_is_safe(&plan, error));
}
END_TEST

START_TEST(an_output_that_passes_over_what_is_too_much_must_have_room_for_it)
{
	struct cut_plan plan = safe;
	plan.drops_oldest = true;
	plan.octets_per_s = 100;
	plan.used_octets = 1000;
	plan.max_lag_octets = 13000;
	ck_assert(cut_is_safe(&plan, error));
	plan.max_lag_octets--;
	ck_assert(!cut_is_safe(&plan, error));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay/cut");
	TCase *cases = tcase_create("cut");
	tcase_add_test(cases, the_spool_must_cover_twice_the_time);
	tcase_add_test(cases, a_cut_lasts_from_a_second_to_an_hour);
	tcase_add_test(cases, a_spool_that_is_nearly_full_cuts_nothing);
	tcase_add_test(cases, an_output_that_passes_over_what_is_old_must_have_time_for_it);
	tcase_add_test(cases, an_output_that_passes_over_what_is_too_much_must_have_room_for_it);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
