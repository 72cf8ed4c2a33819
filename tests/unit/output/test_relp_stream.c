/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending end of a stream (spool-rules.md, rules 25 to 32) between a real spool and a server that claims what the test
 * wants. Each test is a sequence of events that loses or doubles something without its rule.
 */
#include "output/link.h"
#include "spool/segment.h"
#include "spool/spool_stream.h"
#include "unit/output/block_script.h"
#include "unit/output/output_fixture.h"

static struct block_script *script;

static void start(void)
{
	link_pauses = (struct backoff){.min_ns = 10 * CLOCK_NS_PER_MS, .max_ns = 100 * CLOCK_NS_PER_MS};
	char address[40];
	script = calloc(1, sizeof *script);
	memset(script->answer.spool, 7, sizeof script->answer.spool);
	block_script_start(script);
	new_settings(&output_relp);
	snprintf(address, sizeof address, "127.0.0.1:%u", script->port);
	set("servers", address);
}

static void want_errors_only(void)
{
	struct output_common *common = settings; /* the first member of every driver's settings */
	common->filter.present = true;
	common->filter.severity = strdup("err");
}

/* The first so many messages, in one block, are delivered. */
static void start_and_deliver(unsigned count)
{
	start();
	put_messages(count);
	start_output();
	wait_delivered(count);
}

/* From the next session on the server's mark is where this block ends, counted in the order in which they came. */
static void claim_block(unsigned index)
{
	BLOCK_SCRIPT_SET(script, mark, script->block[index].last);
	BLOCK_SCRIPT_SET(script, checksum, script->block[index].checksum);
}

/* Whether the newest session is of the stream of the first one. */
static bool is_same_stream(void)
{
	return memcmp(script->request[0].stream, script->request[script->sessions - 1].stream, RELP_BLOCK_ID_LEN) == 0;
}

static void end(void)
{
	stop_output();
	block_script_stop(script);
	free(script);
}

static void wait_blocks(unsigned count)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&script->blocks) < count; i++)
		pause_ms(1);
	ck_assert_uint_ge(atomic_load(&script->blocks), count);
}

static void wait_sessions(unsigned count)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&script->sessions) < count; i++)
		pause_ms(1);
	ck_assert_uint_ge(atomic_load(&script->sessions), count);
	pause_ms(200); /* for what would be sent wrongly */
}

/* Waits until the server was told that it lost so many. */
static void wait_lost(uint64_t lost)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&script->lost) != lost; i++)
		pause_ms(1);
	ck_assert_uint_eq(atomic_load(&script->lost), lost);
}

/* What the cursor knows of the server whose spool's id begins so. */
static void assert_server(uint8_t first, uint64_t records, uint64_t lost)
{
	struct spool_stream_server server;
	uint8_t id[SPOOL_STREAM_ID_BYTES];
	memset(id, 7, sizeof id);
	id[0] = first;
	ck_assert(spool_cursor_server(cursor, id, &server));
	ck_assert_uint_eq(server.records, records);
	ck_assert_uint_eq(server.lost, lost);
}

/* Ships one block with 10 messages, which the server keeps to itself; then the connection breaks. */
static void lose_the_answer_of_one_block(void)
{
	start();
	atomic_store(&script->silent, true);
	put_messages(10);
	start_output();
	wait_blocks(1);
	ck_assert_uint_eq(script->block[0].first, 1);
	ck_assert_uint_eq(script->block[0].last, 10);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&script->silent, false);
}

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
	tcase_add_test(tests, rule_31_a_filtered_block_covers_its_whole_range_and_counts_what_is_left);
	tcase_add_test(tests, rule_31_a_filtered_block_whose_answer_was_lost_is_known_by_its_checksum);
	tcase_add_test(tests, rule_32_a_block_beyond_the_limits_goes_as_messages_in_a_session_of_its_own);
	tcase_add_test(tests, rule_32_a_server_without_blocks_gets_messages);
	tcase_add_test(tests, rule_31_a_block_that_was_shipped_before_there_was_a_filter_is_known);
	tcase_add_test(tests, rule_38_of_a_block_that_is_refused_for_ever_only_the_refused_message_goes_into_quarantine);
	tcase_add_test(tests, rule_39_a_block_that_was_shipped_before_the_rule_came_is_known_and_counted_as_delivered);
	tcase_add_test(tests, rule_39_a_block_that_was_shipped_between_two_rules_is_known);
	tcase_add_test(tests, rule_39_of_blocks_that_were_shipped_before_and_behind_the_rule_each_is_counted_as_it_was_shipped);
	tcase_add_test(tests, rule_39_a_block_of_which_a_rule_leaves_nothing_waits_until_the_server_was_asked);
	tcase_add_test(tests, rule_39_what_the_server_has_not_is_shipped_without_what_is_dropped);
	tcase_add_test(tests, rule_39_a_block_that_is_refused_goes_without_what_is_dropped);
	tcase_add_test(tests, many_blocks_arrive_complete_and_in_order_though_the_connection_is_cut);
	return run_suite(suite);
}
