/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intake over a spool of the test's own: records and receipts, limits of messages, and when blocks are handed over
 * for a group. A spool that is full: test_intake_level.c; counts by source: test_intake_sources.c.
 */
#include "intake_rig.h"

/* --- records and receipts ---------------------------------------------------------------------------------------- */

START_TEST(a_message_is_read_once_and_kept_with_its_octets)
{
	ck_assert_int_eq(take(&waits, "<34>Oct 11 22:14:15 web01 su[231]: failed"), INTAKE_TAKEN);
	intake_flush(intake);
	struct envelope envelope = record(1, 0);
	assert_text(envelope.raw, "<34>Oct 11 22:14:15 web01 su[231]: failed");
	assert_text(envelope.message.app_name, "su");
	ck_assert_uint_eq(envelope.message.pri, 34);
	ck_assert_int_eq(envelope.received_ns, 1000000);
	ck_assert_uint_eq(envelope.peer.port, 7);
	ck_assert_uint_eq(envelope.peer.transport, TRANSPORT_TCP);
	ck_assert_int_eq(spool.submitted[0]->base_ns, 1000000);
}
END_TEST

START_TEST(the_receipt_is_the_ordinal_that_the_block_gets_later)
{
	take(&waits, "one");
	ck_assert_uint_eq(receipt, 1);
	take(&waits, "two");
	ck_assert_uint_eq(receipt, 1);
	intake_flush(intake);
	take(&waits, "three");
	ck_assert_uint_eq(receipt, 2);
	ck_assert_uint_eq(spool.submitted[0]->count, 2);
}
END_TEST

START_TEST(blocks_of_two_inputs_are_handed_over_in_the_order_in_which_they_were_taken)
{
	char filler[1000];
	memset(filler, 'x', sizeof filler - 1);
	filler[sizeof filler - 1] = '\0';
	take(&waits, "first");
	ck_assert_uint_eq(receipt, 1);
	take(&sheds, filler);
	ck_assert_uint_eq(receipt, 2);
	for (unsigned i = 0; i < 3; i++)
		take(&sheds, filler);
	/* The second input's block is full: the first input's part-filled one goes before it. */
	ck_assert_uint_eq(receipt, 3);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.submitted[0]->input, 1);
	ck_assert_uint_eq(spool.submitted[1]->input, 2);
	take(&waits, "later");
	ck_assert_uint_eq(receipt, 4);
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted[2]->input, 2);
	ck_assert_uint_eq(spool.submitted[3]->input, 1);
}
END_TEST

START_TEST(a_source_that_is_removed_hands_over_its_block)
{
	struct intake_source third;
	take(&waits, "first");
	add(&third, 9, SPOOL_BLOCK_WAITS);
	take(&third, "second");
	take(&sheds, "third");
	intake_remove_source(intake, &third);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.submitted[1]->input, 9);
	take(&sheds, "goes on");
	ck_assert_uint_eq(receipt, 3);
}
END_TEST

START_TEST(an_empty_message_is_a_record)
{
	ck_assert_int_eq(take(&waits, ""), INTAKE_TAKEN);
	intake_flush(intake);
	ck_assert_uint_eq(record(1, 0).raw.len, 0);
}
END_TEST

START_TEST(the_octets_may_be_changed_after_they_were_taken)
{
	char text[] = "<13>kept";
	take(&waits, text);
	memset(text, '?', sizeof text - 1);
	intake_flush(intake);
	assert_text(record(1, 0).raw, "<13>kept");
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------ */

START_TEST(a_message_over_the_limit_is_cut_on_a_character_border_flagged_and_counted)
{
	char text[1100];
	memset(text, 'a', sizeof text);
	memcpy(text, "<13>", 4);
	memcpy(text + 1023, "\xc3\xa4", 2); /* straddles the limit */
	ck_assert_int_eq(intake_take(intake, &waits, &peer, bytes_of(text, sizeof text), 0, 5, &receipt), INTAKE_TAKEN);
	intake_flush(intake);
	struct envelope envelope = record(1, 0);
	ck_assert_uint_eq(envelope.raw.len, 1023);
	ck_assert_uint_eq(envelope.message.flags & MESSAGE_TRUNCATED, MESSAGE_TRUNCATED);
	ck_assert_uint_eq(waits.truncated, 1);
}
END_TEST

START_TEST(a_message_of_exactly_the_limit_is_whole)
{
	char text[1024];
	memset(text, 'a', sizeof text);
	intake_take(intake, &waits, &peer, bytes_of(text, sizeof text), 0, 5, &receipt);
	intake_flush(intake);
	ck_assert_uint_eq(record(1, 0).raw.len, 1024);
	ck_assert_uint_eq(record(1, 0).message.flags & MESSAGE_TRUNCATED, 0);
	ck_assert_uint_eq(waits.truncated, 0);
}
END_TEST

START_TEST(what_the_transport_knows_to_be_cut_is_flagged_and_counted)
{
	intake_take(intake, &waits, &peer, BYTES("<13>x"), MESSAGE_TRUNCATED, 5, &receipt);
	intake_flush(intake);
	ck_assert_uint_eq(record(1, 0).message.flags & MESSAGE_TRUNCATED, MESSAGE_TRUNCATED);
	ck_assert_uint_eq(waits.truncated, 1);
}
END_TEST

/* --- groups ------------------------------------------------------------------------------------------------------ */

START_TEST(the_end_of_a_turn_hands_over_if_the_writer_would_start_a_group)
{
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	take(&waits, "x");
	take(&sheds, "y");
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	ck_assert_uint_eq(spool.submitted_count, 2);
}
END_TEST

START_TEST(the_end_of_a_turn_keeps_blocks_while_the_writer_is_busy_and_says_until_when)
{
	spool.would_start = false;
	take(&waits, "x");
	ck_assert_uint_eq(intake_turn_end(intake), 77);
	ck_assert_uint_eq(spool.submitted_count, 0);
	spool.would_start = true;
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	ck_assert_uint_eq(spool.submitted_count, 1);
}
END_TEST

START_TEST(the_writer_is_told_of_blocks_whose_senders_wait_for_an_answer_and_of_no_others)
{
	sheds.stored = NULL;
	take(&sheds, "y");
	ck_assert(intake_holds_blocks(intake));
	intake_flush(intake);
	ck_assert(!intake_holds_blocks(intake));
	ck_assert_uint_eq(spool.submitted_count, 1);
	ck_assert_uint_eq(spool.awaited_count, 0);
	take(&waits, "x");
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.awaited_count, 1);
}
END_TEST

START_TEST(news_of_a_group_is_awaited_only_for_sources_that_are_told)
{
	ck_assert(!intake_awaits_stored(intake));
	take(&waits, "x");
	intake_flush(intake);
	ck_assert(intake_awaits_stored(intake));
	waits.stored = sheds.stored = NULL;
	ck_assert(!intake_awaits_stored(intake));
	waits.stored = on_stored;
	spool.stored = 1;
	ck_assert(intake_awaits_stored(intake)); /* it has not been told yet */
	intake_stored(intake);
	ck_assert(!intake_awaits_stored(intake));
}
END_TEST

START_TEST(part_filled_blocks_do_not_pile_up_before_the_writer_has_begun)
{
	for (unsigned turn = 0; turn < 100; turn++) {
		ck_assert_int_eq(take(&sheds, "x"), INTAKE_TAKEN);
		uint64_t again = intake_turn_end(intake);
		ck_assert_int_eq(again != 0, turn > 0);
	}
	ck_assert_uint_eq(spool.submitted_count, 1);
	spool.stored = 1;
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.submitted[1]->count, 99);
}
END_TEST

START_TEST(every_source_is_told_once_for_each_group_what_is_stored)
{
	take(&waits, "x");
	intake_flush(intake);
	intake_stored(intake);
	ck_assert_uint_eq(told_count, 0);
	spool.stored = 1;
	intake_stored(intake);
	intake_stored(intake);
	ck_assert_uint_eq(told_count, 2);
	ck_assert_uint_eq(told_stored[0], 1);
	ck_assert_uint_eq(told_stored[1], 1);
}
END_TEST

START_TEST(every_source_is_told_of_room_and_who_took_of_it_comes_last_the_next_time)
{
	intake_room(intake);
	takes_room = &waits;
	intake_room(intake);
	intake_room(intake);
	ck_assert_uint_eq(room_count, 6);
	const struct intake_source *const order[] = {&waits, &sheds, &waits, &sheds, &sheds, &waits};
	ck_assert_mem_eq(told_of_room, order, sizeof order);
}
END_TEST

START_TEST(there_is_room_where_a_block_may_be_taken)
{
	ck_assert(intake_has_room(intake, &waits));
	spool.level = SPOOL_LEVEL_RESERVE;
	ck_assert(!intake_has_room(intake, &waits));
	spool.level = SPOOL_LEVEL_OPEN;
	spool.free_blocks = 1; /* for those that shed */
	ck_assert(!intake_has_room(intake, &waits));
	ck_assert(intake_has_room(intake, &sheds));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("intake");
	TCase *tests = tcase_create("intake");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_message_is_read_once_and_kept_with_its_octets);
	tcase_add_test(tests, the_receipt_is_the_ordinal_that_the_block_gets_later);
	tcase_add_test(tests, blocks_of_two_inputs_are_handed_over_in_the_order_in_which_they_were_taken);
	tcase_add_test(tests, a_source_that_is_removed_hands_over_its_block);
	tcase_add_test(tests, an_empty_message_is_a_record);
	tcase_add_test(tests, the_octets_may_be_changed_after_they_were_taken);
	tcase_add_test(tests, a_message_over_the_limit_is_cut_on_a_character_border_flagged_and_counted);
	tcase_add_test(tests, a_message_of_exactly_the_limit_is_whole);
	tcase_add_test(tests, what_the_transport_knows_to_be_cut_is_flagged_and_counted);
	tcase_add_test(tests, the_end_of_a_turn_hands_over_if_the_writer_would_start_a_group);
	tcase_add_test(tests, the_end_of_a_turn_keeps_blocks_while_the_writer_is_busy_and_says_until_when);
	tcase_add_test(tests, part_filled_blocks_do_not_pile_up_before_the_writer_has_begun);
	tcase_add_test(tests, the_writer_is_told_of_blocks_whose_senders_wait_for_an_answer_and_of_no_others);
	tcase_add_test(tests, news_of_a_group_is_awaited_only_for_sources_that_are_told);
	tcase_add_test(tests, every_source_is_told_once_for_each_group_what_is_stored);
	tcase_add_test(tests, every_source_is_told_of_room_and_who_took_of_it_comes_last_the_next_time);
	tcase_add_test(tests, there_is_room_where_a_block_may_be_taken);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
