/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending end of a stream (spool-rules.md, rules 27, 28, 32 and 38) between a real spool and a server that claims
 * what the test wants. Each test is a sequence of events that loses or doubles something without its rule. Restored
 * servers: test_relp_stream_restored.c; filters and rules that drop: test_relp_stream_filter.c.
 */
#include "spool/segment.h"
#include "unit/output/relp_stream_fixture.h"

START_TEST(rule_27_what_the_server_stored_before_the_answer_was_lost_is_not_sent_again)
{
	lose_the_answer_of_one_block();
	claim_block(0);
	block_script_cut(script);
	wait_delivered(10);
	put_messages(5);
	wait_delivered(15);
	ck_assert_uint_eq(script->blocks, 2);
	ck_assert_uint_eq(script->block[1].first, 11);
	ck_assert_uint_eq(script->block[1].total, 15);
	ck_assert(is_same_stream());
	end();
}
END_TEST

START_TEST(rule_27_nobody_skips_on_a_mark_with_another_checksum_and_the_stream_gets_a_new_id)
{
	lose_the_answer_of_one_block();
	BLOCK_SCRIPT_SET(script, mark, 10); /* the spool was restored, and went another way */
	BLOCK_SCRIPT_SET(script, checksum, script->block[0].checksum + 1);
	block_script_cut(script);
	wait_sessions(2);
	BLOCK_SCRIPT_SET(script, mark, 0); /* the new stream is unknown there */
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 2);
	ck_assert_uint_eq(script->block[1].first, 1);
	ck_assert(!is_same_stream());
	end();
}
END_TEST

START_TEST(rule_27_a_mark_beyond_what_is_stored_here_is_a_fork)
{
	start();
	BLOCK_SCRIPT_SET(script, mark, 1000);
	put_messages(10);
	start_output();
	wait_sessions(1);
	BLOCK_SCRIPT_SET(script, mark, 0);
	wait_delivered(10);
	ck_assert(!is_same_stream());
	ck_assert_uint_eq(script->blocks, 1);
	end();
}
END_TEST

static void name_segment(const char *from, const char *to)
{
	char old[400], new[400];
	snprintf(old, sizeof old, "%s/spool/%s", directory, from);
	snprintf(new, sizeof new, "%s/spool/%s", directory, to);
	ck_assert_int_eq(rename(old, new), 0);
}

/* It is compared when the disk can be read again; a new id would have everything stored twice. */
START_TEST(rule_27_a_mark_that_cannot_be_compared_now_is_no_fork)
{
	char name[DISK_NAME_MAX_BYTES];
	segment_name(1, 1, name);
	lose_the_answer_of_one_block();
	claim_block(0);
	name_segment(name, "away");
	block_script_cut(script);
	wait_sessions(2);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	name_segment("away", name);
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 1);
	ck_assert(is_same_stream());
	end();
}
END_TEST

START_TEST(rule_28_a_server_that_is_behind_gets_what_comes_next_not_what_went_elsewhere)
{
	start_and_deliver(10);
	/* Another server takes over, which has never seen the stream. */
	BLOCK_SCRIPT_SET(script, spool[0], 8);
	block_script_cut(script);
	wait_sessions(2);
	put_messages(3);
	wait_delivered(13);
	ck_assert_uint_eq(script->request[1].next, 11);
	ck_assert_uint_eq(script->blocks, 2);
	ck_assert_uint_eq(script->block[1].first, 11);
	ck_assert_uint_eq(script->block[1].last, 13);
	end();
}
END_TEST

/* With balance blocks of one stream would go to several servers, none of which could tell what it has seen already. */
START_TEST(rule_28_with_balance_it_is_messages_that_are_sent)
{
	start();
	set("mode", "balance");
	put_messages(10);
	start_output();
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 0);
	ck_assert_uint_eq(script->messages, 10);
	end();
}
END_TEST

START_TEST(rule_32_a_block_beyond_the_limits_goes_as_messages_in_a_session_of_its_own)
{
	start_and_deliver(3);
	ck_assert_uint_eq(script->blocks, 1);
	claim_block(0);
	BLOCK_SCRIPT_SET(script, max_octets, 300);
	block_script_cut(script);
	wait_sessions(2);
	put_messages(50);
	wait_delivered(53);
	ck_assert_uint_eq(script->messages, 50);
	put_messages(1);
	wait_delivered(54);
	wait_sessions(4); /* blocks, messages, blocks again */
	put_messages(1);
	wait_delivered(55);
	ck_assert_uint_ge(script->blocks, 2);
	ck_assert_uint_eq(check_ledger().delivered, 55);
	end();
}
END_TEST

START_TEST(rule_32_a_server_without_blocks_gets_messages)
{
	start();
	BLOCK_SCRIPT_SET(script, max_octets, 0);
	put_messages(10);
	start_output();
	wait_delivered(10);
	ck_assert_uint_eq(script->blocks, 0);
	ck_assert_uint_eq(script->messages, 10);
	end();
}
END_TEST

/* Rule 38: a block is refused alone, too; then the messages go one by one, and only the one that is refused is put aside. */
START_TEST(rule_38_of_a_block_that_is_refused_for_ever_only_the_refused_message_goes_into_quarantine)
{
	char path[300];
	start();
	set("max_refusals", "1");
	script->poison = "n=14 poison";
	put_messages(10);
	start_output();
	wait_delivered(10);
	claim_block(0);
	struct envelope_context packing;
	struct spool_block *block = NULL;
	for (unsigned i = 10; i < 20; i++) {
		char text[100];
		int len = snprintf(text, sizeof text, "<14>1 - h app - - - n=%u%s", i, i == 14 ? " poison" : "");
		block = put_record(block, &packing, text, (size_t)len);
	}
	spool_submit_block(spool, block);
	wait_stored(20);
	wait_delivered(20);
	ck_assert_uint_eq(script->refused_blocks, 2);
	ck_assert_uint_eq(script->refused_messages, 1);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 19);
	ck_assert_uint_eq(totals.quarantined, 1);
	/* The rest of the block went as messages, each stored once by this server; then blocks again. */
	put_messages(10);
	wait_delivered(30);
	ck_assert_uint_eq(script->messages, 9);
	ck_assert_uint_eq(script->block[0].last, 10);
	ck_assert_uint_eq(script->block[script->blocks - 1].first, 21);
	ck_assert_uint_eq(script->blocks, 2);
	snprintf(path, sizeof path, "%s/spool/quarantine/out", directory);
	ck_assert_int_eq(access(path, F_OK), 0);
	end();
}
END_TEST

START_TEST(many_blocks_arrive_complete_and_in_order_though_the_connection_is_cut)
{
	start();
	start_output();
	for (unsigned i = 0; i < 20; i++) {
		put_messages(500);
		if (i % 5 == 4) {
			wait_delivered(500 * (i + 1));
			claim_block(script->blocks - 1);
			block_script_cut(script);
		}
	}
	put_messages(1);
	wait_delivered(10001);
	uint64_t next = 1;
	for (unsigned i = 0; i < script->blocks; i++) {
		ck_assert_uint_eq(script->block[i].first, next);
		next = script->block[i].last + 1;
	}
	ck_assert_uint_eq(next, 10002);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relp_stream");
	TCase *tests = add_case(suite, "streams");
	tcase_add_test(tests, rule_27_what_the_server_stored_before_the_answer_was_lost_is_not_sent_again);
	tcase_add_test(tests, rule_27_nobody_skips_on_a_mark_with_another_checksum_and_the_stream_gets_a_new_id);
	tcase_add_test(tests, rule_27_a_mark_beyond_what_is_stored_here_is_a_fork);
	tcase_add_test(tests, rule_27_a_mark_that_cannot_be_compared_now_is_no_fork);
	tcase_add_test(tests, rule_28_a_server_that_is_behind_gets_what_comes_next_not_what_went_elsewhere);
	tcase_add_test(tests, rule_28_with_balance_it_is_messages_that_are_sent);
	tcase_add_test(tests, rule_32_a_block_beyond_the_limits_goes_as_messages_in_a_session_of_its_own);
	tcase_add_test(tests, rule_32_a_server_without_blocks_gets_messages);
	tcase_add_test(tests, rule_38_of_a_block_that_is_refused_for_ever_only_the_refused_message_goes_into_quarantine);
	tcase_add_test(tests, many_blocks_arrive_complete_and_in_order_though_the_connection_is_cut);
	return run_suite(suite);
}
