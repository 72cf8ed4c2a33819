/* SPDX-License-Identifier: Apache-2.0 */
/* What a drill's findings prove: each that contradicts is a loss or a double, each that is missing leaves it unproved. */
#include "relayctl/drill_proof.h"

#include <check.h>
#include <stdlib.h>

static const struct drill_facts good = {
	.finished = true,
	.drained = true,
	.confirmed = true,
	.sent = 40,
	.stored = 40,
	.stored_copies = 40,
	.complete = true,
	.has_next = true,
	.arrived = 40,
	.arrived_copies = 40,
	.next_complete = true,
	.hop = DRILL_HOP_EQUAL,
};

static enum drill_verdict with(struct drill_facts facts)
{
	return drill_judge(&facts, NULL);
}

#define WITH(...) with(({ struct drill_facts facts = good; struct drill_facts *f = &facts; __VA_ARGS__; *f; }))

START_TEST(accounts_that_all_agree_prove_it)
{
	ck_assert_int_eq(with(good), DRILL_PROVED);
	ck_assert_int_eq(WITH(f->confirmed = false), DRILL_PROVED); /* the next relay's word is as good */
}
END_TEST

START_TEST(each_account_that_lacks_something_has_lost)
{
	ck_assert_int_eq(WITH(f->stored = 39), DRILL_LOST);
	ck_assert_int_eq(WITH(f->arrived = 39, f->missing = 1), DRILL_LOST);
	ck_assert_int_eq(WITH(f->put_aside = 1), DRILL_LOST);
	ck_assert_int_eq(WITH(f->hop = DRILL_HOP_LESS, f->hop_difference = 3), DRILL_LOST);
	ck_assert_int_eq(WITH(f->next_replaced = true), DRILL_LOST);
}
END_TEST

START_TEST(what_is_there_twice_came_twice_and_a_loss_is_worse)
{
	ck_assert_int_eq(WITH(f->arrived_copies = 41), DRILL_DOUBLED);
	ck_assert_int_eq(WITH(f->stored_copies = 41), DRILL_DOUBLED);
	ck_assert_int_eq(WITH(f->hop = DRILL_HOP_MORE, f->hop_difference = 1), DRILL_DOUBLED);
	ck_assert_int_eq(WITH(f->arrived_copies = 41, f->put_aside = 1), DRILL_LOST);
}
END_TEST

START_TEST(what_nobody_knows_is_not_proved_and_no_loss)
{
	ck_assert_int_eq(WITH(f->finished = false), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->drained = false), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->has_next = false), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->wrong = 1), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->next_wrong = 1), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->hop = DRILL_HOP_UNKNOWN), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->complete = false, f->stored = f->stored_copies = 39), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->next_complete = false, f->arrived = f->arrived_copies = 39, f->missing = 1), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->arrived = f->arrived_copies = 39), DRILL_UNPROVED); /* it is not delivered yet */
}
END_TEST

START_TEST(a_look_knows_the_difference_between_two_bounds)
{
	struct drill_bounds bounds = drill_bounds_of(100, 107, 104, 6);
	ck_assert_int_eq(bounds.low, -3);
	ck_assert_int_eq(bounds.high, 7);
	drill_bounds_meet(&bounds, (struct drill_bounds){-1, 9});
	ck_assert_int_eq(bounds.low, -1);
	ck_assert_int_eq(bounds.high, 7);
	/* Looks that contradict each other prove nothing that only one of them says. */
	drill_bounds_meet(&bounds, (struct drill_bounds){8, 12});
	ck_assert_int_eq(bounds.low, -1);
	ck_assert_int_eq(bounds.high, 12);
}
END_TEST

START_TEST(a_hop_differs_only_by_what_both_bounds_rule_out)
{
	uint64_t difference;
	struct drill_bounds before = {5, 7};
	ck_assert_int_eq(drill_hop_compare(before, (struct drill_bounds){5, 5}, &difference), DRILL_HOP_EQUAL);
	ck_assert_int_eq(drill_hop_compare(before, (struct drill_bounds){7, 20}, &difference), DRILL_HOP_EQUAL);
	ck_assert_uint_eq(difference, 0);
	ck_assert_int_eq(drill_hop_compare(before, (struct drill_bounds){1, 4}, &difference), DRILL_HOP_LESS);
	ck_assert_uint_eq(difference, 1);
	ck_assert_int_eq(drill_hop_compare(before, (struct drill_bounds){10, 12}, &difference), DRILL_HOP_MORE);
	ck_assert_uint_eq(difference, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relayctl/drill_proof");
	TCase *cases = tcase_create("proof");
	tcase_add_test(cases, accounts_that_all_agree_prove_it);
	tcase_add_test(cases, each_account_that_lacks_something_has_lost);
	tcase_add_test(cases, what_is_there_twice_came_twice_and_a_loss_is_worse);
	tcase_add_test(cases, what_nobody_knows_is_not_proved_and_no_loss);
	tcase_add_test(cases, a_look_knows_the_difference_between_two_bounds);
	tcase_add_test(cases, a_hop_differs_only_by_what_both_bounds_rule_out);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
