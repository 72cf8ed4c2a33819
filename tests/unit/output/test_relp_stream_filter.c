/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a stream of which filters or rules of `relayctl spool drop` leave out some (spool-rules.md, rules 31 and
 * 39): each is known by what it was when it was shipped, and every message is counted where it is left out.
 */
#include "unit/output/relp_stream_fixture.h"

START_TEST(rule_31_a_filtered_block_covers_its_whole_range_and_counts_what_is_left)
{
	start();
	want_errors_only();
	put_messages(10); /* every second one is an error */
	start_output();
	wait_delivered(10);
	ck_assert_uint_eq(script->block[0].first, 1);
	ck_assert_uint_eq(script->block[0].last, 10);
	ck_assert_uint_eq(script->block[0].records, 5);
	ck_assert_uint_eq(script->block[0].total, 5);
	put_text("<14>1 - - - - - - nothing of this block is left");
	wait_delivered(11);
	ck_assert_uint_eq(script->blocks, 1);
	put_text("<11>1 - - - - - - an error");
	wait_delivered(12);
	ck_assert_uint_eq(script->block[1].first, 12);
	ck_assert_uint_eq(script->block[1].total, 6);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 6);
	ck_assert_uint_eq(totals.filtered, 6);
	end();
}
END_TEST

START_TEST(rule_31_a_filtered_block_whose_answer_was_lost_is_known_by_its_checksum)
{
	start();
	want_errors_only();
	atomic_store(&script->silent, true);
	put_messages(10);
	start_output();
	wait_blocks(1);
	atomic_store(&script->silent, false);
	claim_block(0);
	block_script_cut(script);
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 1);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 5);
	ck_assert_uint_eq(totals.filtered, 5);
	end();
}
END_TEST

/* The server stored the block, its answer was lost, and then a rule came by which the block would be another one. */
START_TEST(rule_39_a_block_that_was_shipped_before_the_rule_came_is_known_and_counted_as_delivered)
{
	lose_the_answer_of_one_block();
	claim_block(0);
	drop_by_rule("err");
	block_script_cut(script);
	wait_delivered(10);
	put_messages(10);
	wait_delivered(20);
	ck_assert_uint_eq(script->blocks, 2);
	ck_assert_uint_eq(script->block[1].first, 11);
	ck_assert_uint_eq(script->block[1].records, 10);
	ck_assert(is_same_stream());
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 20);
	ck_assert_uint_eq(totals.dropped_by_rule, 0);
	end();
}
END_TEST

/* The same with a block that was shipped under an older rule, and after a restart: nobody remembers when the rules came. */
START_TEST(rule_39_a_block_that_was_shipped_between_two_rules_is_known)
{
	struct envelope_context packing;
	struct spool_block *block = NULL;
	start();
	atomic_store(&script->silent, true);
	for (unsigned i = 0; i < 9; i++) {
		static const char *const texts[] = {
			"<11>1 - h app - - - err", "<12>1 - h app - - - warning", "<14>1 - h app - - - info"};
		block = put_record(block, &packing, texts[i % 3], strlen(texts[i % 3]));
	}
	spool_submit_block(spool, block);
	wait_stored(9);
	drop_by_rule("err");
	start_output();
	wait_blocks(1);
	ck_assert_uint_eq(script->block[0].records, 6);
	claim_block(0);
	drop_by_rule("warning");
	stop_output();
	atomic_store(&script->silent, false);
	start_output();
	wait_delivered(9);
	ck_assert_uint_eq(script->blocks, 1);
	ck_assert(is_same_stream());
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 6);
	ck_assert_uint_eq(totals.dropped_by_rule, 3);
	ck_assert_uint_eq(totals.rule[0].dropped, 3);
	end();
}
END_TEST

/*
 * Two blocks are on their way when a rule comes, and a third one goes without what it drops. The server stores all three,
 * and only its answer to the first one arrives.
 */
START_TEST(rule_39_of_blocks_that_were_shipped_before_and_behind_the_rule_each_is_counted_as_it_was_shipped)
{
	start();
	set("window", "2");
	atomic_store(&script->silent, true);
	start_output();
	for (unsigned i = 1; i <= 3; i++) {
		put_messages(10);
		wait_blocks(i < 3 ? i : 2);
	}
	drop_by_rule("err");
	static const char answer[] = "2 rsp 6 200 OK\n";
	ck_assert_int_eq(send(script->connection, answer, sizeof answer - 1, 0), sizeof answer - 1);
	wait_blocks(3);
	ck_assert_uint_eq(script->block[1].records, 10);
	ck_assert_uint_eq(script->block[2].records, 5);
	claim_block(2);
	atomic_store(&script->silent, false);
	block_script_cut(script);
	wait_delivered(30);
	ck_assert_uint_eq(script->blocks, 3);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 25);
	ck_assert_uint_eq(totals.dropped_by_rule, 5);
	end();
}
END_TEST

/* Nothing at all would be left of the block; but the server has it, and cannot be asked at once. */
START_TEST(rule_39_a_block_of_which_a_rule_leaves_nothing_waits_until_the_server_was_asked)
{
	lose_the_answer_of_one_block();
	claim_block(0);
	pthread_mutex_lock(&script->lock); /* it does not answer `open` */
	block_script_cut(script);
	wait_sessions(2);
	drop_by_rule("debug");
	ck_assert(!wait_delivered_for(1, 300));
	pthread_mutex_unlock(&script->lock);
	wait_delivered(10);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 10);
	ck_assert_uint_eq(totals.dropped_by_rule, 0);
	end();
}
END_TEST

START_TEST(rule_39_what_the_server_has_not_is_shipped_without_what_is_dropped)
{
	lose_the_answer_of_one_block();
	drop_by_rule("err");
	block_script_cut(script);
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 2);
	ck_assert_uint_eq(script->block[1].first, 1);
	ck_assert_uint_eq(script->block[1].last, 10);
	ck_assert_uint_eq(script->block[1].records, 5);
	ck_assert_uint_eq(script->block[1].total, 5);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.rule[0].dropped, 5); /* as long as its place is not another one's */
	drop_by_rule("debug"); /* behind it: drops nothing */
	put_messages(10);
	wait_delivered(20);
	ck_assert_uint_eq(script->block[2].records, 10);
	ck_assert_uint_eq(script->block[2].total, 15);
	totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 15);
	ck_assert_uint_eq(totals.dropped_by_rule, 5);
	end();
}
END_TEST

/* A filter that is new in the configuration makes other blocks, too. */
START_TEST(rule_31_a_block_that_was_shipped_before_there_was_a_filter_is_known)
{
	lose_the_answer_of_one_block();
	stop_output();
	claim_block(0);
	want_errors_only();
	start_output();
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 1);
	ck_assert(is_same_stream());
	ck_assert_uint_eq(check_ledger().delivered, 10);
	end();
}
END_TEST

/* A rule that drops the message that makes a block be refused sets the others free. */
START_TEST(rule_39_a_block_that_is_refused_goes_without_what_is_dropped)
{
	start();
	set("on_refused", "hold");
	script->poison = "n=3";
	put_messages(10); /* 3 is an error, as every second one is */
	start_output();
	for (unsigned i = 0; i < 20000 && atomic_load(&script->refused_messages) == 0; i++)
		pause_ms(1);
	ck_assert(wait_delivered_for(3, 1000));
	drop_by_rule("err");
	wait_delivered(10);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered + totals.dropped_by_rule, 10);
	ck_assert_uint_ge(totals.dropped_by_rule, 1);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relp_stream_filter");
	TCase *tests = add_case(suite, "filter");
	tcase_add_test(tests, rule_31_a_filtered_block_covers_its_whole_range_and_counts_what_is_left);
	tcase_add_test(tests, rule_31_a_filtered_block_whose_answer_was_lost_is_known_by_its_checksum);
	tcase_add_test(tests, rule_31_a_block_that_was_shipped_before_there_was_a_filter_is_known);
	tcase_add_test(tests, rule_39_a_block_that_was_shipped_before_the_rule_came_is_known_and_counted_as_delivered);
	tcase_add_test(tests, rule_39_a_block_that_was_shipped_between_two_rules_is_known);
	tcase_add_test(tests, rule_39_of_blocks_that_were_shipped_before_and_behind_the_rule_each_is_counted_as_it_was_shipped);
	tcase_add_test(tests, rule_39_a_block_of_which_a_rule_leaves_nothing_waits_until_the_server_was_asked);
	tcase_add_test(tests, rule_39_what_the_server_has_not_is_shipped_without_what_is_dropped);
	tcase_add_test(tests, rule_39_a_block_that_is_refused_goes_without_what_is_dropped);
	return run_suite(suite);
}
