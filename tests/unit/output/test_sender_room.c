/* SPDX-License-Identifier: Apache-2.0 */
/* The sender whose account is full, and what happens to the spool behind its back while it sends. */
#include "unit/output/sender_fixture.h"

#define WANTED "<11>1 2026-10-11T22:14:15.003Z host app - ID - wanted"
#define FILTERED "<14>1 2026-10-11T22:14:15.003Z host app - ID - filtered"

static void settle_taken(void *context)
{
	(void)context;
	if (taken_count > 0)
		sender_settle_through(sender, taken[taken_count - 1]);
}

/* A server that does not answer, and a filter: the account fills with blocks of which nothing is sent. */
START_TEST(what_was_lost_is_sent_again_though_the_account_is_full_of_blocks)
{
	common.filter = (struct output_filter_options){.present = true, .severity = "err"};
	open_sender(ACCOUNT_EACH, 8);
	put_text(WANTED);
	for (unsigned i = 0; i < 20; i++)
		put_text(FILTERED);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 1);
	for (unsigned i = 0; i < 3; i++) {
		lose(1);
		resume(1, 1000);
		ck_assert_uint_eq(taken_count, 2 + i);
		resume(0, 1); /* on to the blocks behind those that it knows */
	}
	settle(1);
	resume(100, 50);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 21);
	ck_assert_uint_eq(check_ledger().filtered, 20);
	close_sender();
	common.filter = (struct output_filter_options){0};
}
END_TEST

/* Nobody else would tell the sender to go on. */
START_TEST(a_full_account_is_settled_by_a_transport_that_depends_on_nobody)
{
	enum { MESSAGES = 100 };
	open_as((struct opening){.kind = ACCOUNT_THROUGH, .pending_max = 8, .settle = settle_taken});
	for (unsigned i = 0; i < MESSAGES; i++)
		put_text(WANTED);
	resume(MESSAGES, 1000);
	ck_assert_uint_eq(taken_count, MESSAGES);
	close_sender();
}
END_TEST

/* As a server that is back after a while in which nothing else was for this output. */
START_TEST(a_full_account_of_filtered_blocks_goes_on_when_its_one_message_is_gone)
{
	common.filter = (struct output_filter_options){.present = true, .severity = "err"};
	open_as((struct opening){.kind = ACCOUNT_THROUGH, .pending_max = 8, .settle = settle_taken});
	put_text(WANTED);
	for (unsigned i = 0; i < 20; i++)
		put_text(FILTERED);
	put_text(WANTED);
	resume(2, 1000);
	ck_assert_uint_eq(taken_count, 2);
	close_sender();
	common.filter = (struct output_filter_options){0};
}
END_TEST

static char long_text[60000];

/* While the first is being sent the spool fills, the keeper moves the cursor on and gives segments back. */
static bool take_slowly(void *context, uint64_t sequence, struct bytes message)
{
	bool is_first = taken_count == 0;
	if (!take(context, sequence, message))
		return false;
	for (unsigned i = 0; is_first && i < 600; i++)
		put_text(long_text);
	for (unsigned i = 0; is_first && i < 2000 && spool_first(spool) <= sequence + 1; i++)
		pause_ms(1);
	return true;
}

START_TEST(a_jump_within_a_turn_is_counted_as_such)
{
	close_spool();
	open_spool(SPOOL_DROP_OLDEST, (uint64_t)24 << 20);
	int len = snprintf(long_text, sizeof long_text, "%s", WANTED);
	memset(long_text + len, 'x', sizeof long_text - (size_t)len - 1);
	open_as((struct opening){.kind = ACCOUNT_THROUGH, .pending_max = 4096, .send = take_slowly, .flush = settle_taken});
	put_text(long_text);
	resume(TAKEN_MAX, 200);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_gt(totals.dropped_oldest, 0);
	ck_assert_uint_eq(totals.filtered, 0);
	ck_assert_uint_gt(passed, 0);
	close_sender();
}
END_TEST

static bool was_short;

static bool take_at_the_second_try(void *context, uint64_t sequence, struct bytes message)
{
	if (was_short)
		return take(context, sequence, message);
	was_short = true;
	sender_retry(sender);
	return false;
}

START_TEST(what_there_was_no_memory_for_is_given_again_a_second_later)
{
	was_short = false;
	open_as((struct opening){.kind = ACCOUNT_THROUGH, .pending_max = 8, .send = take_at_the_second_try});
	put_text(WANTED);
	resume(1, 20000);
	ck_assert_uint_eq(taken_count, 1);
	close_sender();
}
END_TEST

static void open_for_runs(void)
{
	open_as((struct opening){.kind = ACCOUNT_THROUGH, .pending_max = 8, .runs = true});
}

static void check_taken(const uint64_t *expected, size_t count)
{
	ck_assert_uint_eq(taken_count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(taken[i], expected[i]);
}

static void settle_all(uint64_t last)
{
	worker_call(worker, settle_taken, NULL);
	resume(0, 1);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), last);
}

START_TEST(what_of_a_run_found_no_room_is_given_again)
{
	enum { MESSAGES = 3 * SENDER_RUN_MAX };
	open_for_runs();
	put_messages(MESSAGES);
	resume(5, 1000);
	ck_assert_uint_eq(taken_count, 5);
	ck_assert_uint_eq(atomic_load(&base.sent), 5);
	resume(SENDER_RUN_MAX, 1000);
	ck_assert_uint_eq(taken_count, 5 + SENDER_RUN_MAX);
	resume(MESSAGES, 50);
	ck_assert_uint_eq(taken_count, MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++) {
		ck_assert_uint_eq(taken[i], i + 1);
		ck_assert_uint_eq(taken_number[i], i);
	}
	ck_assert_uint_eq(largest_run, SENDER_RUN_MAX);
	ck_assert_uint_eq(atomic_load(&base.sent), MESSAGES);
	ck_assert_uint_eq(atomic_load(&base.resent), 0);
	settle_all(MESSAGES);
	close_sender();
}
END_TEST

/* Twelve are sent, then all twenty: the run that brings them has some of both kinds. */
START_TEST(what_of_a_run_was_sent_before_is_counted_as_sent_again)
{
	open_for_runs();
	put_messages(20);
	resume(12, 1000);
	worker_call(worker, rewind_here, NULL);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 32);
	ck_assert_uint_eq(taken[12], 1);
	ck_assert_uint_eq(atomic_load(&base.sent), 20);
	ck_assert_uint_eq(atomic_load(&base.resent), 12);
	settle_all(20);
	ck_assert_uint_eq(check_ledger().delivered, 20);
	close_sender();
}
END_TEST

START_TEST(a_rule_that_comes_while_a_run_waits_holds_for_it)
{
	open_for_runs();
	put_messages(12); /* odd numbers, which have even sequences, are errors */
	resume(6, 1000);
	drop_by_rule("err");
	resume(100, 50);
	const uint64_t expected[] = {1, 2, 3, 4, 5, 6, 7, 9, 11};
	check_taken(expected, sizeof expected / sizeof expected[0]);
	settle_all(12);
	ck_assert_uint_eq(check_ledger().dropped_by_rule, 3);
	close_sender();
}
END_TEST

START_TEST(a_record_that_cannot_be_read_ends_a_run_and_the_next_one_begins_behind_it)
{
	struct envelope_context packing;
	struct spool_block *block = NULL;
	open_for_runs();
	for (unsigned i = 0; i < 9; i++) {
		block = put_record(block, &packing, WANTED, strlen(WANTED));
		if (i != 4)
			continue;
		memset(spool_block_reserve(block, 4), 0xFF, 4);
		spool_block_commit(block, 4);
	}
	spool_submit_block(spool, block);
	wait_stored(10);
	resume(100, 50);
	const uint64_t expected[] = {1, 2, 3, 4, 5, 7, 8, 9, 10};
	check_taken(expected, sizeof expected / sizeof expected[0]);
	settle_all(10);
	ck_assert_uint_eq(check_ledger().damaged, 1);
	close_sender();
}
END_TEST

static void open_for_rewritten_runs(void)
{
	open_as((struct opening){.kind = ACCOUNT_THROUGH, .pending_max = 64, .runs = true, .rfc5424 = true});
}

/* Some are written anew, some go on as they came, some are too long for a run; and the transport takes them as it likes. */
START_TEST(what_waits_of_a_run_stays_as_it_was_written)
{
	enum { MESSAGES = 3000, TEXT_MAX = 30000 };
	static const char *const heads[] = {
		"<13>Oct 11 22:14:15 h%u app[3]: ", "<13>1 2026-10-11T22:14:15.003Z h%u app - - - ", "text %u "};
	static char text[TEXT_MAX + 200];
	struct envelope_context packing;
	struct spool_block *block = NULL;
	open_for_rewritten_runs();
	for (unsigned i = 0; i < MESSAGES; i++) {
		unsigned fill = i % 47 == 0 ? i * 31 % TEXT_MAX : i * 7 % 90;
		int len = snprintf(text, sizeof text, heads[i * i % 7 % 3], i % 5);
		len += snprintf(text + len, sizeof text - (size_t)len, "%0*u n=%u", (int)fill, 0, i);
		block = put_record(block, &packing, text, (size_t)len);
	}
	spool_submit_block(spool, block);
	wait_stored(MESSAGES);
	for (unsigned i = 0; taken_count < MESSAGES && i < MESSAGES; i++) {
		resume(i * 13 % 100, 3);
		worker_call(worker, settle_taken, NULL);
	}
	ck_assert_uint_eq(taken_count, MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++)
		ck_assert(taken[i] == i + 1 && taken_number[i] == i);
	ck_assert_uint_gt(largest_run, 30);
	settle_all(MESSAGES);
	close_sender();
}
END_TEST

static void put_of_host(struct spool_block *block, struct envelope_context *packing, uint8_t host, bool cut)
{
	static const char text[] = "a text without HOSTNAME, so that the peer's address stands for it; longer than any numbers";
	struct parse_context context = {0};
	struct envelope envelope = {
		.received_ns = 1000, .peer = {.transport = TRANSPORT_UDP, .port = 514}, .raw = bytes_of_text(text)};
	memcpy(envelope.peer.address, (const uint8_t[16]){[10] = 255, [11] = 255, [12] = 10, [15] = host}, 16);
	parse_message(envelope.raw, &context, &envelope.message);
	uint8_t *at = spool_block_reserve(block, ENVELOPE_PACKED_MAX_BYTES + envelope.raw.len);
	size_t packed = envelope_pack(packing, &envelope, at);
	if (!cut)
		memcpy(at + packed, text, envelope.raw.len);
	spool_block_commit(block, packed + (cut ? 0 : envelope.raw.len));
}

/* It is looked at twice, in a run and to be counted, and has its peer in it. */
START_TEST(a_record_that_cannot_be_read_leaves_the_peers_of_those_behind_it)
{
	struct envelope_context packing;
	struct spool_block *block = spool_take_block(spool, 0, SPOOL_BLOCK_WAITS, (unsigned)input_index, 1000);
	envelope_context_start(&packing, 1000);
	open_for_rewritten_runs();
	put_of_host(block, &packing, 1, false);
	put_of_host(block, &packing, 2, true);
	put_of_host(block, &packing, 3, false);
	put_of_host(block, &packing, 3, false);
	spool_submit_block(spool, block);
	wait_stored(4);
	resume(100, 50);
	const uint64_t expected[] = {1, 3, 4};
	check_taken(expected, sizeof expected / sizeof expected[0]);
	ck_assert_msg(strstr(taken_text, " 10.0.0.3 ") != NULL, "%s", taken_text);
	settle_all(4);
	ck_assert_uint_eq(check_ledger().damaged, 1);
	close_sender();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sender_room");
	TCase *test = add_case(suite, "sender_room");
	tcase_add_test(test, what_was_lost_is_sent_again_though_the_account_is_full_of_blocks);
	tcase_add_test(test, a_full_account_is_settled_by_a_transport_that_depends_on_nobody);
	tcase_add_test(test, a_full_account_of_filtered_blocks_goes_on_when_its_one_message_is_gone);
	tcase_add_test(test, a_jump_within_a_turn_is_counted_as_such);
	tcase_add_test(test, what_there_was_no_memory_for_is_given_again_a_second_later);
	tcase_add_test(test, what_of_a_run_found_no_room_is_given_again);
	tcase_add_test(test, what_of_a_run_was_sent_before_is_counted_as_sent_again);
	tcase_add_test(test, a_rule_that_comes_while_a_run_waits_holds_for_it);
	tcase_add_test(test, a_record_that_cannot_be_read_ends_a_run_and_the_next_one_begins_behind_it);
	tcase_add_test(test, what_waits_of_a_run_stays_as_it_was_written);
	tcase_add_test(test, a_record_that_cannot_be_read_leaves_the_peers_of_those_behind_it);
	return run_suite(suite);
}
