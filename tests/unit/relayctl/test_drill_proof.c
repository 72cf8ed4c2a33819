/* SPDX-License-Identifier: Apache-2.0 */
/* What a drill's findings prove: each that contradicts is a loss or a double, each that is missing leaves it unproved. */
#include "relayctl/drill_proof.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct drill_facts good = {
	.finished = true,
	.drained = true,
	.confirmed = true,
	.knows_dropped = true,
	.tried = 40,
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
	ck_assert_int_eq(WITH(f->unstored = 1, f->stored = f->stored_copies = 39), DRILL_LOST);
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

START_TEST(what_may_be_at_another_server_is_not_proved_and_no_loss)
{
	ck_assert_int_eq(WITH(f->other_server = true), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->other_server = true, f->arrived = f->arrived_copies = 39, f->missing = 1), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->other_server = true, f->hop = DRILL_HOP_LESS, f->hop_difference = 3), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->other_server = true, f->put_aside = 1), DRILL_LOST);
	ck_assert_int_eq(WITH(f->other_server = true, f->hop = DRILL_HOP_MORE, f->hop_difference = 20), DRILL_DOUBLED);
	ck_assert_int_eq(WITH(f->other_server = true, f->arrived_copies = 41), DRILL_DOUBLED);
}
END_TEST

/* Whether the findings on these facts have the words. */
static bool says(const struct drill_facts *facts, const char *words)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	drill_judge(facts, out);
	fclose(out);
	bool found = strstr(text, words) != NULL;
	free(text);
	return found;
}

START_TEST(what_came_twice_is_excused_by_another_server_only_if_there_is_one)
{
	struct drill_facts facts = good;
	facts.hop = DRILL_HOP_MORE;
	facts.hop_difference = 20;
	ck_assert(says(&facts, "20 more came to the next relay than were sent\n"));
	facts.other_server = true;
	ck_assert(says(&facts, "20 more came to the next relay than were sent: perhaps what was on its way at the cut"));
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
	ck_assert_int_eq(WITH(f->complete = false, f->unstored = 1, f->stored = f->stored_copies = 39), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->next_complete = false, f->arrived = f->arrived_copies = 39, f->missing = 1), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->arrived = f->arrived_copies = 39), DRILL_UNPROVED); /* it is not delivered yet */
}
END_TEST

START_TEST(what_the_inputs_dropped_is_lost_and_must_be_known)
{
	ck_assert_int_eq(WITH(f->dropped = 1), DRILL_LOST);
	ck_assert_int_eq(WITH(f->knows_dropped = false), DRILL_UNPROVED);
}
END_TEST

START_TEST(what_the_output_gave_up_is_lost_also_without_the_next_relay)
{
	ck_assert_int_eq(WITH(f->has_next = false, f->put_aside = 1), DRILL_LOST);
}
END_TEST

START_TEST(probes_that_nobody_took_are_not_proved_and_hide_none_that_is_lost)
{
	ck_assert_int_eq(WITH(f->sent = 39, f->stored = f->stored_copies = f->arrived = f->arrived_copies = 39), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->sent = 39), DRILL_UNPROVED); /* without an answer, and stored all the same */
	ck_assert_int_eq(WITH(f->sent = 0, f->stored = f->stored_copies = f->arrived = f->arrived_copies = 0), DRILL_UNPROVED);
	/* As many stored as were taken, but not the same ones. */
	ck_assert_int_eq(WITH(f->sent = 39, f->unstored = 1, f->stored = f->stored_copies = 39), DRILL_LOST);
}
END_TEST

START_TEST(an_equal_hop_says_how_exactly_and_proves_nothing_if_that_is_too_wide)
{
	ck_assert_int_eq(WITH(f->hop_slack = 10, f->came_in = 1000), DRILL_PROVED);
	ck_assert_int_eq(WITH(f->hop_slack = 11, f->came_in = 1000), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->hop_slack = 1, f->came_in = 40), DRILL_UNPROVED);
	ck_assert_uint_eq(drill_hop_slack((struct drill_bounds){3, 3}, (struct drill_bounds){3, 3}), 0);
	ck_assert_uint_eq(drill_hop_slack((struct drill_bounds){0, 5}, (struct drill_bounds){-2, 4}), 7);
	ck_assert_uint_eq(drill_hop_slack((struct drill_bounds){0, 5}, (struct drill_bounds){4, 9}), 9);
	char said[4096] = "";
	FILE *out = fmemopen(said, sizeof said - 1, "w");
	struct drill_facts facts = good;
	facts.hop_slack = 10;
	facts.came_in = 1000;
	ck_assert_int_eq(drill_judge(&facts, out), DRILL_PROVED);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(said, "of all messages, the next relay received what this one sent, to within 10\n"));
}
END_TEST

START_TEST(blocks_that_agree_prove_nothing_of_what_went_otherwise)
{
	ck_assert_int_eq(WITH(f->hop_by_stream = true), DRILL_PROVED);
	ck_assert_int_eq(WITH(f->hop_by_stream = true, f->elsewhere = 1), DRILL_UNPROVED);
	ck_assert_int_eq(WITH(f->elsewhere = 1), DRILL_PROVED); /* the input counts them all */
}
END_TEST

START_TEST(a_cut_holds_until_somebody_ends_it_or_the_spool_would_be_full)
{
	ck_assert_int_eq(drill_cut_stands(20, 20, false, 0), DRILL_CUT_HOLDS);
	ck_assert_int_eq(drill_cut_stands(20, 20, true, 20), DRILL_CUT_HOLDS);
	ck_assert_int_eq(drill_cut_stands(20, 20, true, 19), DRILL_CUT_NO_ROOM);
	ck_assert_int_eq(drill_cut_stands(0, 2, true, 100), DRILL_CUT_ENDED);
	ck_assert_int_eq(drill_cut_stands(0, 2, true, 0), DRILL_CUT_ENDED);
	ck_assert_int_eq(drill_cut_stands(0, 1, true, 0), DRILL_CUT_HOLDS); /* its time is over there by a moment earlier */
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
	tcase_add_test(cases, what_may_be_at_another_server_is_not_proved_and_no_loss);
	tcase_add_test(cases, what_came_twice_is_excused_by_another_server_only_if_there_is_one);
	tcase_add_test(cases, what_nobody_knows_is_not_proved_and_no_loss);
	tcase_add_test(cases, what_the_inputs_dropped_is_lost_and_must_be_known);
	tcase_add_test(cases, what_the_output_gave_up_is_lost_also_without_the_next_relay);
	tcase_add_test(cases, probes_that_nobody_took_are_not_proved_and_hide_none_that_is_lost);
	tcase_add_test(cases, an_equal_hop_says_how_exactly_and_proves_nothing_if_that_is_too_wide);
	tcase_add_test(cases, blocks_that_agree_prove_nothing_of_what_went_otherwise);
	tcase_add_test(cases, a_cut_holds_until_somebody_ends_it_or_the_spool_would_be_full);
	tcase_add_test(cases, a_look_knows_the_difference_between_two_bounds);
	tcase_add_test(cases, a_hop_differs_only_by_what_both_bounds_rule_out);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
