/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all outputs share, seen through a transport of the test's own: order, room, resending, filters by input, damage,
 * jumps of the cursor, restarts. The transport lives on the worker's thread, as a driver does.
 */
#include "unit/output/sender_fixture.h"

START_TEST(a_message_that_found_no_room_is_given_again)
{
	open_sender(ACCOUNT_EACH, 100);
	put_messages(10);
	resume(3, 1000);
	ck_assert_uint_eq(taken_count, 3);
	resume(20, 50);
	ck_assert_uint_eq(taken_count, 10);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(taken[i], i + 1);
	ck_assert_uint_ge(flushes, 2);
	close_sender();
}
END_TEST

START_TEST(no_more_than_pending_max_are_out_at_a_time)
{
	open_sender(ACCOUNT_EACH, 4);
	put_messages(10);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 4);
	settle(2);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	settle(1);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 2);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 6);
	close_sender();
}
END_TEST

START_TEST(only_what_was_lost_is_sent_again)
{
	open_sender(ACCOUNT_EACH, 8);
	put_messages(20);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 8);
	settle(2);
	lose(3);
	lose(1);
	settle(5);
	resume(100, 50);
	ck_assert_uint_ge(taken_count, 10);
	ck_assert_uint_eq(taken[8], 1);
	ck_assert_uint_eq(taken[9], 3);
	ck_assert_uint_eq(atomic_load(&base.resent), 2);
	for (uint64_t sequence = 1; sequence <= 8; sequence++)
		settle(sequence);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 8);
	resume(100, 50);
	for (unsigned i = 10; i < taken_count; i++)
		ck_assert_uint_eq(taken[i], i - 1);
	close_sender();
}
END_TEST

START_TEST(something_new_wakes_a_sender_that_had_caught_up)
{
	open_sender(ACCOUNT_THROUGH, 8);
	resume(1000, 10);
	put_messages(5);
	for (unsigned i = 0; i < 1000 && atomic_load(&taken_count) < 5; i++)
		pause_ms(1);
	ck_assert_uint_eq(taken_count, 5);
	close_sender();
}
END_TEST

START_TEST(a_filter_by_input_matches_its_name)
{
	static char *wanted[] = {"i*"}, *unwanted[] = {"other"};
	common.filter = (struct output_filter_options){.present = true, .input = {_i ? unwanted : wanted, 1}};
	open_sender(ACCOUNT_EACH, 8);
	put_messages(5);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, _i ? 0 : 5);
	ck_assert_uint_eq(check_ledger().filtered, _i ? 5 : 0);
	close_sender();
	common.filter = (struct output_filter_options){0};
}
END_TEST

START_TEST(a_new_sender_goes_on_behind_the_cursor)
{
	open_sender(ACCOUNT_EACH, 100);
	put_messages(50);
	resume(20, 1000);
	for (uint64_t sequence = 1; sequence <= 15; sequence++)
		settle(sequence);
	close_sender();
	open_sender(ACCOUNT_EACH, 100);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 35);
	ck_assert_uint_eq(taken[0], 16);
	ck_assert_uint_eq(check_ledger().delivered, 15);
	close_sender();
}
END_TEST

/* A record that no envelope can be read from: counted, and the ones around it arrive. */
START_TEST(a_record_that_cannot_be_read_is_counted_as_damaged)
{
	open_sender(ACCOUNT_EACH, 100);
	put_messages(3);
	struct spool_block *block = spool_take_block(spool, 0, SPOOL_BLOCK_WAITS, (unsigned)input_index, 1000);
	memset(spool_block_reserve(block, 4), 0xFF, 4);
	spool_block_commit(block, 4);
	spool_submit_block(spool, block);
	wait_stored(4);
	put_messages(3);
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 6);
	ck_assert_uint_eq(taken[3], 5);
	for (uint64_t sequence = 1; sequence <= 7; sequence++)
		settle(sequence);
	ck_assert_uint_eq(check_ledger().damaged, 1);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 7);
	close_sender();
}
END_TEST

/*
 * The spool is full because of this output, which drops its oldest: the range is counted, and late settling is
 * ignored.
 */
static void settle_through_here(void *context)
{
	sender_settle_through(sender, *(uint64_t *)context);
	sender_publish(sender);
	sender_check(sender);
}

/* A rule comes while messages are out: what is out stays out; what waits for room and what was lost is looked at again. */
START_TEST(a_rule_drops_what_was_not_given_yet_and_what_was_lost)
{
	open_sender(ACCOUNT_EACH, 100);
	put_messages(20); /* odd numbers, which have even sequences, are errors */
	resume(6, 1000);
	drop_by_rule("err");
	put_messages(4); /* of these it says nothing */
	settle(1);
	settle(2);
	lose(4);
	lose(5);
	resume(100, 50);
	/* 1 to 6; then 5 again, and of the rest those that are no errors, and what came later. */
	const uint64_t expected[] = {1, 2, 3, 4, 5, 6, 5, 7, 9, 11, 13, 15, 17, 19, 21, 22, 23, 24};
	ck_assert_uint_eq(taken_count, sizeof expected / sizeof expected[0]);
	ck_assert_mem_eq(taken, expected, sizeof expected);
	for (uint64_t sequence = 3; sequence <= 24; sequence++)
		settle(sequence);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 24);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 16);
	ck_assert_uint_eq(totals.dropped_by_rule, 8);
	ck_assert_uint_eq(totals.rule[0].dropped, 8);
	close_sender();
}
END_TEST

static void cut_off_here(void *context)
{
	(void)context;
	sender_cut_off(sender);
	sender_resume(sender);
}

static void end_the_wait_here(void *context)
{
	(void)context;
	sender->ask_until_ns = 1;
	sender_resume(sender);
}

START_TEST(a_rule_does_not_wait_for_ever_for_a_next_hop_that_cannot_be_asked)
{
	open_as((struct opening){.kind = ACCOUNT_EACH, .pending_max = 100, .blocks = true});
	put_messages(10);
	resume(1, 1000);
	ck_assert_uint_eq(taken_count, 1);
	worker_call(worker, cut_off_here, NULL);
	drop_by_rule("debug");
	resume(0, 0);
	ck_assert_uint_eq(check_ledger().dropped_by_rule, 0);
	worker_call(worker, end_the_wait_here, NULL);
	ck_assert_uint_eq(check_ledger().dropped_by_rule, 10);
	close_sender();
}
END_TEST

START_TEST(a_rule_wakes_a_sender_that_has_no_room)
{
	open_sender(ACCOUNT_EACH, 100);
	put_messages(20);
	resume(1, 1000);
	settle(1);
	drop_by_rule("debug");
	ck_assert(wait_delivered_for(20, 5000));
	ck_assert_uint_eq(taken_count, 1);
	ck_assert_uint_eq(check_ledger().dropped_by_rule, 19);
	close_sender();
}
END_TEST

START_TEST(a_rule_of_a_transport_that_settles_through_counts_once_though_it_is_read_twice)
{
	open_sender(ACCOUNT_THROUGH, 100);
	put_messages(20);
	drop_by_rule("err");
	resume(100, 50);
	ck_assert_uint_eq(taken_count, 10);
	worker_call(worker, rewind_here, NULL);
	resume(100, 50);
	worker_call(worker, settle_through_here, &(uint64_t){20});
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 20);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, 10);
	ck_assert_uint_eq(totals.dropped_by_rule, 10);
	ck_assert_uint_eq(totals.rule[0].dropped, 10);
	close_sender();
}
END_TEST

/* The keeper moves the cursor in the moment in which a transport that settles through has come just as far, or farther. */
START_TEST(a_jump_that_meets_what_is_settled_through_counts_each_message_once)
{
	for (uint64_t to = 4; to <= 8; to++) {
		uint64_t before = spool_cursor_delivered(cursor);
		open_sender(ACCOUNT_THROUGH, 100);
		put_messages(10);
		resume(10, 1000);
		cursor_jump(cursor, before + 6);
		worker_call(worker, settle_through_here, &(uint64_t){before + to});
		worker_call(worker, settle_through_here, &(uint64_t){before + 10});
		ck_assert_uint_eq(spool_cursor_delivered(cursor), before + 10);
		check_ledger();
		close_sender();
	}
}
END_TEST

START_TEST(a_jump_of_the_cursor_is_followed_and_counted)
{
	close_spool();
	open_spool(SPOOL_DROP_OLDEST, (uint64_t)24 << 20);
	static char text[60000];
	int len = snprintf(text, sizeof text, "<13>1 2026-10-11T22:14:15.003Z host app - ID - ");
	memset(text + len, 'x', sizeof text - (size_t)len - 1);
	open_sender(ACCOUNT_EACH, 8);
	put_text(text);
	resume(100, 20);
	for (unsigned i = 0; i < 600; i++)
		put_text(text);
	ck_assert_uint_gt(spool_cursor_delivered(cursor), 0);
	settle(1);
	resume(100, 50);
	uint64_t jumped_to = check_ledger().dropped_oldest;
	ck_assert_uint_gt(jumped_to, 8);
	ck_assert_uint_ge(passed, 8);
	ck_assert_uint_eq(taken[taken_count - 8], spool_cursor_delivered(cursor) + 1);
	while (spool_cursor_delivered(cursor) < 601) {
		settle(spool_cursor_delivered(cursor) + 1);
		check_ledger();
		resume(8, 1);
	}
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered + totals.dropped_oldest, 601);
	close_sender();
}
END_TEST

/* One octet of a block's payload is turned over on the disk: exactly its sequences are damaged, the rest arrives. */
/* One octet of the text in the segment that holds it becomes another one. */
static void damage(const char *text)
{
	char file[400], find[512];
	snprintf(find, sizeof find, "grep -rlUa '%s' '%s/spool'", text, directory);
	FILE *found = popen(find, "r");
	ck_assert_ptr_nonnull(fgets(file, sizeof file, found));
	pclose(found);
	file[strcspn(file, "\n")] = '\0';
	static char octets[8 << 20];
	int fd = open(file, O_RDWR | O_CLOEXEC);
	ssize_t len = pread(fd, octets, sizeof octets, 0);
	char *at = memmem(octets, (size_t)len, text, strlen(text));
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(pwrite(fd, "T", 1, at - octets), 1);
	close(fd);
}

START_TEST(damage_on_the_disk_is_counted_exactly)
{
	put_messages(10);
	put_text("<13>1 2026-10-11T22:14:15.003Z host app - ID - turn me over");
	put_messages(10);
	damage("turn me over");
	open_sender(ACCOUNT_EACH, 100);
	resume(20, 1000);
	ck_assert_uint_eq(taken_count, 20);
	ck_assert_uint_eq(taken[9], 10);
	ck_assert_uint_eq(taken[10], 12);
	for (uint64_t sequence = 1; sequence <= 21; sequence++)
		settle(sequence);
	ck_assert_uint_eq(check_ledger().damaged, 1);
	ck_assert_uint_eq(check_ledger().delivered, 20);
	close_sender();
}
END_TEST

/* It was sent, the session broke, and when it is to be sent again the disk does not have it any more: the output goes on. */
START_TEST(damage_of_what_is_to_be_sent_again_is_counted_exactly)
{
	put_messages(10);
	put_text("<13>1 2026-10-11T22:14:15.003Z host app - ID - turn me over");
	put_messages(10);
	open_sender(ACCOUNT_EACH, 100);
	resume(21, 1000);
	damage("turn me over");
	for (uint64_t sequence = 1; sequence <= 21; sequence++)
		lose(sequence);
	resume(20, 1000);
	for (uint64_t sequence = 1; sequence <= 21; sequence++)
		settle(sequence);
	ck_assert_uint_eq(check_ledger().damaged, 1);
	ck_assert_uint_eq(check_ledger().delivered, 20);
	close_sender();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sender");
	TCase *test = add_case(suite, "sender");
	tcase_add_test(test, a_message_that_found_no_room_is_given_again);
	tcase_add_test(test, no_more_than_pending_max_are_out_at_a_time);
	tcase_add_test(test, only_what_was_lost_is_sent_again);
	tcase_add_test(test, something_new_wakes_a_sender_that_had_caught_up);
	tcase_add_loop_test(test, a_filter_by_input_matches_its_name, 0, 2);
	tcase_add_test(test, a_new_sender_goes_on_behind_the_cursor);
	tcase_add_test(test, a_record_that_cannot_be_read_is_counted_as_damaged);
	tcase_add_test(test, a_rule_drops_what_was_not_given_yet_and_what_was_lost);
	tcase_add_test(test, a_rule_does_not_wait_for_ever_for_a_next_hop_that_cannot_be_asked);
	tcase_add_test(test, a_rule_wakes_a_sender_that_has_no_room);
	tcase_add_test(test, a_rule_of_a_transport_that_settles_through_counts_once_though_it_is_read_twice);
	tcase_add_test(test, a_jump_that_meets_what_is_settled_through_counts_each_message_once);
	tcase_add_test(test, a_jump_of_the_cursor_is_followed_and_counted);
	tcase_add_test(test, damage_on_the_disk_is_counted_exactly);
	tcase_add_test(test, damage_of_what_is_to_be_sent_again_is_counted_exactly);
	return run_suite(suite);
}
