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

int main(void)
{
	Suite *suite = suite_create("sender_room");
	TCase *test = add_case(suite, "sender_room");
	tcase_add_test(test, what_was_lost_is_sent_again_though_the_account_is_full_of_blocks);
	tcase_add_test(test, a_full_account_is_settled_by_a_transport_that_depends_on_nobody);
	tcase_add_test(test, a_full_account_of_filtered_blocks_goes_on_when_its_one_message_is_gone);
	tcase_add_test(test, a_jump_within_a_turn_is_counted_as_such);
	tcase_add_test(test, what_there_was_no_memory_for_is_given_again_a_second_later);
	return run_suite(suite);
}
