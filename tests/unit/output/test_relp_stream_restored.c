/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that was restored and lacks what it had acknowledged (spool-rules.md, rule 29): what is still here is sent
 * again, what is not is counted and told, and what went elsewhere is not sent.
 */
#include "unit/output/relp_stream_fixture.h"

START_TEST(rule_29_a_restored_server_gets_again_what_it_had_acknowledged_and_is_reported)
{
	start_and_deliver(10);
	put_messages(10);
	wait_delivered(20);
	claim_block(0); /* its disk was restored from before the second block */
	BLOCK_SCRIPT_SET(script, records, 10);
	block_script_cut(script);
	wait_blocks(3);
	ck_assert_uint_eq(script->block[2].first, 11);
	ck_assert_uint_eq(script->block[2].last, 20);
	put_messages(1);
	wait_delivered(21);
	ck_assert_uint_eq(script->blocks, 4);
	ck_assert_uint_eq(script->block[3].first, 21);
	ck_assert_uint_eq(check_ledger().delivered, 21);
	assert_server(7, 21, 0); /* all of it was still here */
	ck_assert_uint_eq(atomic_load(&script->lost), 0);
	end();
}
END_TEST

START_TEST(rule_29_what_a_restored_server_lost_and_is_not_here_any_more_is_counted_and_told_to_it)
{
	struct spool_stream_server server;
	start_and_deliver(10);
	put_messages(10);
	wait_delivered(20);
	/* It once acknowledged 40 messages more, which this spool has given back since. */
	spool_cursor_server(cursor, script->answer.spool, &server);
	server.records += 40;
	spool_cursor_set_server(cursor, &server);
	claim_block(0);
	BLOCK_SCRIPT_SET(script, records, 10);
	block_script_cut(script);
	wait_blocks(3);
	wait_lost(40);
	assert_server(7, 60, 40);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 40);
	/* The hint did not come to last: the server is told in each session until it knows. */
	claim_block(2);
	BLOCK_SCRIPT_SET(script, records, 20);
	atomic_store(&script->lost, 0);
	block_script_cut(script);
	wait_lost(40);
	BLOCK_SCRIPT_SET(script, lost, 40);
	atomic_store(&script->lost, 0);
	block_script_cut(script);
	wait_sessions(4);
	ck_assert_uint_eq(atomic_load(&script->lost), 0);
	end();
}
END_TEST

START_TEST(rule_29_a_loss_that_a_crash_forgot_is_found_out_again_by_the_counts)
{
	start_and_deliver(20);
	claim_block(script->blocks - 1); /* it was restored, and got again what was left; then this relay was killed */
	BLOCK_SCRIPT_SET(script, records, 15);
	block_script_cut(script);
	wait_lost(5);
	assert_server(7, 20, 5);
	/* The other way round: it was told, and only we forgot. */
	BLOCK_SCRIPT_SET(script, records, 11);
	BLOCK_SCRIPT_SET(script, lost, 9);
	atomic_store(&script->lost, 0);
	block_script_cut(script);
	wait_sessions(3);
	assert_server(7, 20, 9);
	ck_assert_uint_eq(atomic_load(&script->lost), 0);
	end();
}
END_TEST

START_TEST(rule_29_a_server_that_claims_more_than_there_ever_was_is_not_believed)
{
	start_and_deliver(20);
	claim_block(script->blocks - 1);
	BLOCK_SCRIPT_SET(script, records, 11);
	BLOCK_SCRIPT_SET(script, lost, 1000000);
	block_script_cut(script);
	wait_sessions(2);
	assert_server(7, 20, 9);
	BLOCK_SCRIPT_SET(script, records, 1000000);
	block_script_cut(script);
	wait_sessions(3);
	ck_assert_uint_le(spool_cursor_lost_by_peer(cursor), 20);
	end();
}
END_TEST

START_TEST(rule_29_a_restored_server_does_not_get_what_went_to_another_one)
{
	start_and_deliver(10);
	BLOCK_SCRIPT_SET(script, spool[0], 8); /* another server */
	block_script_cut(script);
	wait_sessions(2);
	put_messages(3);
	wait_delivered(13);
	BLOCK_SCRIPT_SET(script, spool[0], 7); /* the first one again, which has lost everything */
	block_script_cut(script);
	wait_sessions(3);
	put_messages(2);
	wait_delivered(15);
	ck_assert_uint_eq(script->blocks, 4);
	ck_assert_uint_eq(script->block[2].first, 1);
	ck_assert_uint_eq(script->block[2].last, 10);
	ck_assert_uint_eq(script->block[3].first, 14);
	assert_server(7, 12, 0);
	assert_server(8, 3, 0);
	end();
}
END_TEST

/* Three blocks are delivered; then the server is restored from before the second one, which has 10 messages. */
static void deliver_and_restore(void)
{
	static const unsigned counts[] = {3, 10, 3};
	for (unsigned i = 0, sum = 0; i < 3; i++) {
		put_messages(counts[i]);
		wait_delivered(sum += counts[i]);
	}
	claim_block(0);
	BLOCK_SCRIPT_SET(script, records, 3);
}

/* The server has got the third block again, and next comes what is new. */
static void assert_only_the_second_block_is_lost(void)
{
	put_messages(1);
	wait_delivered(17);
	wait_lost(10);
	assert_server(7, 17, 10);
	ck_assert_uint_eq(script->blocks, 5);
	ck_assert_uint_eq(script->block[3].first, 14);
	ck_assert_uint_eq(script->block[4].first, 17);
	ck_assert_uint_eq(check_ledger().delivered, 17);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 10);
}

/* It has a message in it that the server does not like any more. */
START_TEST(rule_29_a_block_that_a_restored_server_refuses_is_given_up_and_counted)
{
	start();
	start_output();
	deliver_and_restore();
	script->poison = "n=7";
	block_script_cut(script);
	assert_only_the_second_block_is_lost();
	ck_assert_uint_eq(script->refused_blocks, 3); /* max_refusals */
	ck_assert_uint_eq(script->messages, 0);
	end();
}
END_TEST

START_TEST(rule_29_a_block_that_a_restored_server_refuses_holds_if_the_operator_wants_that)
{
	start();
	set("on_refused", "hold");
	start_output();
	deliver_and_restore();
	script->poison = "n=7";
	block_script_cut(script);
	wait_state("held: message 13 is refused");
	ck_assert_uint_eq(script->refused_blocks, 3);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 0);
	end();
}
END_TEST

/* It is likely to be ill itself: not all that it lost is given up. */
START_TEST(rule_29_a_restored_server_that_refuses_block_after_block_is_tried_more_often)
{
	start();
	set("max_refusals", "1");
	start_output();
	for (unsigned i = 1; i <= 5; i++) {
		put_messages(3);
		wait_delivered(3 * i);
	}
	script->poison = "n=";
	BLOCK_SCRIPT_SET(script, records, 0); /* it has nothing */
	block_script_cut(script);
	/* Three blocks are given up, the fourth is not: it is refused a third time. */
	for (unsigned i = 0; i < 60000 && script->refused_blocks < 3 * 2 + 3; i++)
		pause_ms(1);
	wait_state("held: message 12 is refused");
	ck_assert_uint_eq(script->refused_blocks, 3 * 2 + 3);
	end();
}
END_TEST

START_TEST(rule_29_a_block_that_a_restored_server_has_no_room_for_is_given_up_and_counted)
{
	start();
	start_output();
	deliver_and_restore();
	BLOCK_SCRIPT_SET(script, max_octets, 400);
	block_script_cut(script);
	assert_only_the_second_block_is_lost();
	ck_assert_uint_eq(script->messages, 0);
	end();
}
END_TEST

/* Nothing comes behind it whose answer could end the matter: it is given up while the third one is on its way. */
START_TEST(rule_29_what_is_lost_is_counted_though_the_last_block_is_given_up_and_nothing_follows)
{
	start();
	start_output();
	put_messages(3);
	wait_delivered(3);
	put_messages(3);
	wait_delivered(6);
	put_messages(10);
	wait_delivered(16);
	claim_block(0);
	BLOCK_SCRIPT_SET(script, records, 3);
	BLOCK_SCRIPT_SET(script, max_octets, 400);
	block_script_cut(script);
	wait_lost(10);
	assert_server(7, 16, 10);
	ck_assert_uint_eq(script->blocks, 4);
	ck_assert_uint_eq(script->block[3].first, 4);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 10);
	/* It has the same in the next session: nothing more is lost, and nothing is sent. */
	claim_block(1);
	BLOCK_SCRIPT_SET(script, records, 6);
	BLOCK_SCRIPT_SET(script, lost, 10);
	block_script_cut(script);
	wait_sessions(3);
	ck_assert_uint_eq(script->blocks, 4);
	assert_server(7, 16, 10);
	put_messages(1);
	wait_delivered(17);
	assert_server(7, 17, 10);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 10);
	end();
}
END_TEST

START_TEST(rule_29_what_went_elsewhere_is_not_sent_behind_a_block_that_is_given_up)
{
	start_and_deliver(10);
	BLOCK_SCRIPT_SET(script, spool[0], 8); /* another server */
	block_script_cut(script);
	wait_sessions(2);
	put_messages(3);
	wait_delivered(13);
	BLOCK_SCRIPT_SET(script, spool[0], 7); /* the first one again, which has lost everything and takes less */
	BLOCK_SCRIPT_SET(script, max_octets, 400);
	block_script_cut(script);
	wait_lost(10);
	put_messages(1);
	wait_delivered(14);
	ck_assert_uint_eq(script->blocks, 3);
	ck_assert_uint_eq(script->block[2].first, 14);
	assert_server(7, 11, 10);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relp_stream_restored");
	TCase *tests = add_case(suite, "restored");
	tcase_add_test(tests, rule_29_a_restored_server_gets_again_what_it_had_acknowledged_and_is_reported);
	tcase_add_test(tests, rule_29_what_a_restored_server_lost_and_is_not_here_any_more_is_counted_and_told_to_it);
	tcase_add_test(tests, rule_29_a_loss_that_a_crash_forgot_is_found_out_again_by_the_counts);
	tcase_add_test(tests, rule_29_a_server_that_claims_more_than_there_ever_was_is_not_believed);
	tcase_add_test(tests, rule_29_a_restored_server_does_not_get_what_went_to_another_one);
	tcase_add_test(tests, rule_29_a_block_that_a_restored_server_refuses_is_given_up_and_counted);
	tcase_add_test(tests, rule_29_a_block_that_a_restored_server_refuses_holds_if_the_operator_wants_that);
	tcase_add_test(tests, rule_29_a_restored_server_that_refuses_block_after_block_is_tried_more_often);
	tcase_add_test(tests, rule_29_a_block_that_a_restored_server_has_no_room_for_is_given_up_and_counted);
	tcase_add_test(tests, rule_29_what_is_lost_is_counted_though_the_last_block_is_given_up_and_nothing_follows);
	tcase_add_test(tests, rule_29_what_went_elsewhere_is_not_sent_behind_a_block_that_is_given_up);
	return run_suite(suite);
}
