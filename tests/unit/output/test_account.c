/* SPDX-License-Identifier: Apache-2.0 */
#include "output/account.h"

#include <check.h>
#include <stdlib.h>

static struct account account;

static const struct spool_output_totals nothing;

static void open_account(enum account_kind kind, size_t pending_max)
{
	ck_assert(account_open(&account, kind, pending_max, 100, &nothing));
}

static void tear_down(void)
{
	account_close(&account);
}

static void note_block(uint64_t first, uint64_t last)
{
	const struct spool_view view = {
		.first = first, .last = last, .count = (uint32_t)(last - first + 1), .payload_checksum = first * 1000};
	account_note_block(&account, &view);
}

/* Advances, checks the invariants, and gives the block that `delivered` ends in. */
static uint64_t advance(void)
{
	struct spool_view view = {0};
	account_advance(&account, &view);
	account_check(&account);
	return view.first;
}

START_TEST(delivered_moves_over_the_contiguous_prefix_only)
{
	open_account(ACCOUNT_EACH, 8);
	note_block(101, 105);
	for (uint64_t sequence = 101; sequence <= 105; sequence++)
		account_note(&account, sequence, OUTCOME_PENDING);
	ck_assert(account_settle(&account, 103));
	ck_assert(account_settle(&account, 102));
	ck_assert_uint_eq(advance(), 0);
	ck_assert_uint_eq(account.delivered, 100);
	ck_assert(account_settle(&account, 101));
	ck_assert_uint_eq(advance(), 101);
	ck_assert_uint_eq(account.delivered, 103);
	ck_assert_uint_eq(account.totals.delivered, 3);
	ck_assert_uint_eq(account.pending, 2);
}
END_TEST

START_TEST(filtered_and_damaged_count_in_their_place)
{
	open_account(ACCOUNT_EACH, 8);
	note_block(101, 110);
	account_note(&account, 104, OUTCOME_FILTERED);
	account_note(&account, 105, OUTCOME_PENDING);
	account_note(&account, 106, OUTCOME_FILTERED);
	account_note(&account, 110, OUTCOME_DAMAGED);
	advance();
	ck_assert_uint_eq(account.delivered, 104);
	ck_assert_uint_eq(account.totals.filtered, 4);
	ck_assert(account_settle(&account, 105));
	advance();
	ck_assert_uint_eq(account.delivered, 110);
	ck_assert_uint_eq(account.totals.filtered, 5);
	ck_assert_uint_eq(account.totals.damaged, 4);
	ck_assert_uint_eq(account.totals.delivered, 1);
}
END_TEST

START_TEST(the_block_told_is_the_one_that_delivered_lies_in)
{
	open_account(ACCOUNT_EACH, 8);
	struct spool_view view;
	note_block(101, 102);
	account_note(&account, 101, OUTCOME_PENDING);
	account_note(&account, 102, OUTCOME_PENDING);
	note_block(103, 104);
	account_note(&account, 103, OUTCOME_PENDING);
	account_note(&account, 104, OUTCOME_PENDING);
	account_settle(&account, 101);
	account_settle(&account, 102);
	ck_assert(account_advance(&account, &view));
	ck_assert_uint_eq(view.first, 101);
	ck_assert_uint_eq(view.payload_checksum, 101000);
	account_settle(&account, 103);
	ck_assert(account_advance(&account, &view));
	ck_assert_uint_eq(view.payload_checksum, 103000);
	ck_assert(!account_advance(&account, &view));
}
END_TEST

START_TEST(what_was_lost_is_pending_again_when_it_is_sent_again)
{
	open_account(ACCOUNT_EACH, 4);
	note_block(101, 104);
	for (uint64_t sequence = 101; sequence <= 104; sequence++)
		account_note(&account, sequence, OUTCOME_PENDING);
	ck_assert(!account_has_room(&account));
	ck_assert(account_lose(&account, 102));
	ck_assert(account_lose(&account, 104));
	ck_assert(account_has_room(&account));
	ck_assert_uint_eq(account_first_lost(&account), 102);
	ck_assert_int_eq(account_find(&account, 102), OUTCOME_LOST);
	ck_assert(!account_settle(&account, 102));
	account_check(&account);
	account_send_again(&account, 102);
	ck_assert_uint_eq(account_first_lost(&account), 104);
	account_send_again(&account, 104);
	ck_assert_uint_eq(account_first_lost(&account), 0);
	for (uint64_t sequence = 101; sequence <= 104; sequence++)
		ck_assert(account_settle(&account, sequence));
	advance();
	ck_assert_uint_eq(account.delivered, 104);
}
END_TEST

START_TEST(settling_twice_or_what_is_unknown_changes_nothing)
{
	open_account(ACCOUNT_EACH, 4);
	note_block(101, 102);
	account_note(&account, 101, OUTCOME_PENDING);
	account_note(&account, 102, OUTCOME_FILTERED);
	ck_assert(!account_settle(&account, 100));
	ck_assert(!account_settle(&account, 102));
	ck_assert(!account_settle(&account, 103));
	ck_assert(account_settle(&account, 101));
	ck_assert(!account_settle(&account, 101));
	advance();
	ck_assert_uint_eq(account.totals.delivered, 1);
	ck_assert(!account_settle(&account, 101));
}
END_TEST

START_TEST(settling_through_may_end_inside_a_run)
{
	open_account(ACCOUNT_THROUGH, 4);
	note_block(101, 120);
	account_note(&account, 110, OUTCOME_PENDING);
	account_note(&account, 112, OUTCOME_FILTERED);
	account_note(&account, 120, OUTCOME_PENDING);
	account_settle_through(&account, 105);
	advance();
	ck_assert_uint_eq(account.delivered, 105);
	ck_assert_uint_eq(account.totals.delivered, 5);
	account_settle_through(&account, 110);
	advance();
	ck_assert_uint_eq(account.delivered, 112);
	account_settle_through(&account, 115);
	advance();
	ck_assert_uint_eq(account.totals.delivered, 13);
	ck_assert_uint_eq(account.totals.filtered, 2);
	account_rewind(&account);
	account_check(&account);
	ck_assert_uint_eq(account.last, 115);
	note_block(101, 120);
	account_note(&account, 120, OUTCOME_PENDING);
	account_settle_through(&account, 120);
	ck_assert_uint_eq(advance(), 101);
	ck_assert_uint_eq(account.totals.delivered, 18);
}
END_TEST

START_TEST(a_jump_takes_the_totals_of_the_cursor)
{
	open_account(ACCOUNT_EACH, 8);
	note_block(101, 104);
	for (uint64_t sequence = 101; sequence <= 104; sequence++)
		account_note(&account, sequence, OUTCOME_PENDING);
	account_settle(&account, 103);
	account_lose(&account, 101);
	const struct spool_output_totals totals = {.delivered = 7, .dropped_oldest = 2};
	account_drop(&account, 102, &totals);
	account_check(&account);
	ck_assert_uint_eq(account.delivered, 102);
	ck_assert_uint_eq(account.lost, 0);
	ck_assert(!account_settle(&account, 102));
	advance();
	ck_assert_uint_eq(account.delivered, 103);
	ck_assert_uint_eq(account.totals.delivered, 8);
	const struct spool_output_totals later = {.delivered = 8, .dropped_oldest = 99};
	account_drop(&account, 200, &later);
	account_check(&account);
	ck_assert_uint_eq(account.delivered, 200);
	ck_assert_uint_eq(account.last, 200);
	ck_assert_uint_eq(account.pending, 0);
}
END_TEST

START_TEST(what_rules_drop_counts_by_rule_in_its_place)
{
	open_account(ACCOUNT_EACH, 8);
	account_set_rule(&account, 0, 11);
	account_set_rule(&account, 3, 12);
	note_block(101, 110);
	account_note_dropped(&account, 101, 0);
	account_note(&account, 102, OUTCOME_PENDING);
	account_note_dropped(&account, 103, 0);
	account_note_dropped(&account, 104, 0);
	account_note_dropped(&account, 105, 3);
	account_note(&account, 106, OUTCOME_PENDING);
	advance();
	ck_assert_uint_eq(account.delivered, 101);
	ck_assert_uint_eq(account.totals.dropped_by_rule, 1);
	account_settle(&account, 106);
	account_lose(&account, 102);
	account_drop_lost(&account, 102, 3);
	advance();
	ck_assert_uint_eq(account.delivered, 106);
	ck_assert_uint_eq(account.totals.delivered, 1);
	ck_assert_uint_eq(account.totals.dropped_by_rule, 5);
	ck_assert_uint_eq(account.totals.rule[0].dropped, 3);
	ck_assert_uint_eq(account.totals.rule[3].dropped, 2);
	account_set_rule(&account, 0, 11); /* the same one */
	account_set_rule(&account, 3, 13);
	ck_assert_uint_eq(account.totals.rule[0].dropped, 3);
	ck_assert_uint_eq(account.totals.rule[3].dropped, 0);
}
END_TEST

START_TEST(what_rules_leave_out_of_a_shipment_counts_when_it_is_settled)
{
	open_account(ACCOUNT_EACH, 8);
	note_block(101, 110);
	account_note_shipment(&account, 110, &(struct account_left_out){.filtered = 2, .dropped = {[1] = 3, [2] = 1}});
	note_block(111, 112);
	account_note_shipment(&account, 112, &(struct account_left_out){.filtered = 0});
	advance();
	ck_assert_uint_eq(account.totals.dropped_by_rule, 0);
	account_settle(&account, 112);
	account_settle(&account, 110);
	ck_assert_uint_eq(advance(), 111);
	ck_assert_uint_eq(account.totals.delivered, 4 + 2);
	ck_assert_uint_eq(account.totals.filtered, 2);
	ck_assert_uint_eq(account.totals.dropped_by_rule, 4);
	ck_assert_uint_eq(account.totals.rule[1].dropped, 3);
	ck_assert_uint_eq(account.totals.rule[2].dropped, 1);
}
END_TEST

/* The cursor jumps into a shipment: what of it lies behind the jump is counted, and never more. */
START_TEST(a_jump_into_a_shipment_counts_each_sequence_once)
{
	open_account(ACCOUNT_EACH, 8);
	note_block(101, 110);
	account_note_shipment(&account, 110, &(struct account_left_out){.filtered = 1, .dropped = {[1] = 4}});
	account_drop(&account, 107, &(struct spool_output_totals){.dropped_oldest = 7});
	account_settle(&account, 110);
	advance();
	const struct spool_output_totals *totals = &account.totals;
	ck_assert_uint_eq(account.delivered, 110);
	ck_assert_uint_eq(totals->delivered + totals->filtered + totals->dropped_by_rule + totals->dropped_oldest, 10);
}
END_TEST

/* Of a transport that settles through: the jump ends where we are already, and what the cursor says holds. */
START_TEST(a_jump_to_where_we_are_already_takes_the_totals_of_the_cursor)
{
	open_account(ACCOUNT_THROUGH, 8);
	note_block(101, 110);
	account_note(&account, 110, OUTCOME_PENDING);
	account_settle_through(&account, 105);
	account_drop(&account, 105, &(struct spool_output_totals){.dropped_oldest = 5});
	account_settle_through(&account, 110);
	advance();
	ck_assert_uint_eq(account.totals.delivered, 5);
	ck_assert_uint_eq(account.totals.dropped_oldest, 5);
}
END_TEST

START_TEST(room_ends_with_pending_sequences_blocks_and_runs)
{
	open_account(ACCOUNT_EACH, 3);
	note_block(101, 200);
	uint64_t sequence = 100;
	while (account_has_room(&account))
		account_note(&account, ++sequence, OUTCOME_PENDING);
	ck_assert_uint_eq(account.pending, 3);
	account_settle(&account, 101);
	advance();
	ck_assert(account_has_room(&account));
	account_settle(&account, 103);
	/* One pending sequence holds the prefix; settled ones behind it may not pile up without bound. */
	unsigned noted = 0;
	while (account_has_room(&account)) {
		account_note(&account, ++sequence, OUTCOME_PENDING);
		account_settle(&account, sequence);
		ck_assert_uint_lt(++noted, 100);
	}
	account_settle(&account, 102);
	advance();
	ck_assert_uint_eq(account.delivered, sequence);
	for (uint64_t first = 201; account_has_room(&account); first++) {
		note_block(first, first);
		ck_assert_uint_lt(first, 300);
	}
}
END_TEST

/* A long random run against a plain model: an array with the outcome of each sequence. */
START_TEST(any_order_of_answers_gives_the_same_totals)
{
	enum { SEQUENCES = 3000, BLOCK = 7 };
	static enum outcome model[SEQUENCES + 1];
	srand((unsigned)_i + 1);
	open_account(ACCOUNT_EACH, 16);
	uint64_t next = 101;
	while (account.delivered < 100 + SEQUENCES) {
		if (next <= 100 + SEQUENCES && account_has_room(&account) && account.lost == 0) {
			if ((next - 101) % BLOCK == 0)
				note_block(next, next + BLOCK - 1);
			model[next - 100] = rand() % 3 == 0 ? OUTCOME_FILTERED : OUTCOME_PENDING;
			account_note(&account, next, model[next - 100]);
			next++;
		}
		uint64_t any = account.delivered + 1 + (uint64_t)rand() % 24;
		if (rand() % 4 == 0)
			account_lose(&account, any);
		else
			account_settle(&account, any);
		if (account.lost > 0 && rand() % 2 == 0)
			account_send_again(&account, account_first_lost(&account));
		advance();
	}
	uint64_t filtered = 0;
	for (unsigned i = 1; i <= SEQUENCES; i++)
		filtered += model[i] == OUTCOME_FILTERED;
	ck_assert_uint_eq(account.totals.filtered, filtered);
	ck_assert_uint_eq(account.totals.delivered, SEQUENCES - filtered);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account");
	TCase *test = tcase_create("account");
	tcase_add_checked_fixture(test, NULL, tear_down);
	tcase_add_test(test, delivered_moves_over_the_contiguous_prefix_only);
	tcase_add_test(test, filtered_and_damaged_count_in_their_place);
	tcase_add_test(test, the_block_told_is_the_one_that_delivered_lies_in);
	tcase_add_test(test, what_was_lost_is_pending_again_when_it_is_sent_again);
	tcase_add_test(test, settling_twice_or_what_is_unknown_changes_nothing);
	tcase_add_test(test, settling_through_may_end_inside_a_run);
	tcase_add_test(test, a_jump_takes_the_totals_of_the_cursor);
	tcase_add_test(test, what_rules_drop_counts_by_rule_in_its_place);
	tcase_add_test(test, what_rules_leave_out_of_a_shipment_counts_when_it_is_settled);
	tcase_add_test(test, a_jump_into_a_shipment_counts_each_sequence_once);
	tcase_add_test(test, a_jump_to_where_we_are_already_takes_the_totals_of_the_cursor);
	tcase_add_test(test, room_ends_with_pending_sequences_blocks_and_runs);
	tcase_add_loop_test(test, any_order_of_answers_gives_the_same_totals, 0, 10);
	suite_add_tcase(suite, test);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
