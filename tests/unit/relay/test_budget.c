/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of the outage budget. */
#include "relay/budget.h"

#include <check.h>
#include <stdlib.h>

#define SECOND_NS UINT64_C(1000000000)

static const struct budget_sample then = {.at_ns = SECOND_NS, .messages = 100, .octets = 10000, .delivered = 40};

START_TEST(the_spool_lasts_as_long_as_its_room_at_the_rate_of_what_comes)
{
	const struct budget_sample now = {.at_ns = 11 * SECOND_NS, .messages = 1100, .octets = 210000, .delivered = 40};
	struct budget_rates rates = budget_rates_of(&then, &now, 72000000, 1060);
	ck_assert_uint_eq(rates.messages_per_s, 100);
	ck_assert_uint_eq(rates.octets_per_s, 20000);
	ck_assert(rates.covers);
	ck_assert_uint_eq(rates.covers_s, 3600);
	ck_assert(!rates.drains);
}
END_TEST

START_TEST(an_output_catches_up_by_what_it_delivers_beyond_what_comes)
{
	const struct budget_sample now = {.at_ns = 11 * SECOND_NS, .messages = 1100, .octets = 20000, .delivered = 3040};
	struct budget_rates rates = budget_rates_of(&then, &now, 0, 8000);
	ck_assert_uint_eq(rates.delivered_per_s, 300);
	ck_assert(rates.drains);
	ck_assert_uint_eq(rates.drains_s, 40);
	ck_assert_uint_eq(rates.covers_s, 0);
}
END_TEST

START_TEST(as_much_as_comes_never_catches_up_but_nothing_pending_has)
{
	const struct budget_sample now = {.at_ns = 11 * SECOND_NS, .messages = 1100, .octets = 20000, .delivered = 1040};
	ck_assert(!budget_rates_of(&then, &now, 0, 1).drains);
	ck_assert(budget_rates_of(&then, &now, 0, 0).drains);
}
END_TEST

START_TEST(nothing_comes_or_no_time_has_passed)
{
	struct budget_rates rates = budget_rates_of(&then, &then, 1000, 5);
	ck_assert(!rates.covers && !rates.drains);
	ck_assert_uint_eq(rates.messages_per_s, 0);
	const struct budget_sample now = {.at_ns = 11 * SECOND_NS, .messages = 100, .octets = 10000, .delivered = 60};
	rates = budget_rates_of(&then, &now, 1000, 10);
	ck_assert(!rates.covers);
	ck_assert_uint_eq(rates.drains_s, 5);
}
END_TEST

/* A message has its sequence a little before it is written: nobody knows how large messages are. */
START_TEST(messages_that_are_not_written_yet_say_nothing_of_the_room)
{
	const struct budget_sample now = {.at_ns = 11 * SECOND_NS, .messages = 101, .octets = 10000, .delivered = 40};
	struct budget_rates rates = budget_rates_of(&then, &now, 1000, 5);
	ck_assert(!rates.covers);
	ck_assert_uint_eq(rates.covers_s, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("budget");
	TCase *tests = tcase_create("rates");
	tcase_add_test(tests, the_spool_lasts_as_long_as_its_room_at_the_rate_of_what_comes);
	tcase_add_test(tests, an_output_catches_up_by_what_it_delivers_beyond_what_comes);
	tcase_add_test(tests, as_much_as_comes_never_catches_up_but_nothing_pending_has);
	tcase_add_test(tests, nothing_comes_or_no_time_has_passed);
	tcase_add_test(tests, messages_that_are_not_written_yet_say_nothing_of_the_room);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
