/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage that opening or a reader finds: exactly what lay there is lost, each sequence is counted once, and the octets
 * are set aside for a look at them. Starts that the power interrupts meanwhile: test_spool_recover_aside.c.
 */
#include "recover_fixture.h"

/* ---- damaged blocks ---- */

START_TEST(an_invalid_place_that_a_later_block_proves_synced_is_skipped_and_reported_exactly)
{
	struct spool_input_totals totals;
	store_blocks(6);
	damage_block(3, true);
	damage_block(2, true);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 1);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 20);
	ck_assert_uint_eq(rig.recovery.last_sequence, 60);
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.records, 40);
	ck_assert_uint_eq(read.ranges, 1);
	ck_assert_uint_eq(read.damage_first[0], 21);
	ck_assert_uint_eq(read.damage_last[0], 40);
	spool_check(rig.spool);
	/* Their input is lost with their headers: the sums say so. */
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, 40);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.unattributed), 20);
	/* The octets are kept for a look at them, and the sequences counted once. */
	keeper_turn(rig.spool);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "damaged-", 0));
	ck_assert_ptr_null(memory_disk_find(&disk, "damaged-", 1));
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_eq(usage.damaged_sequences, 20);
}
END_TEST

START_TEST(a_damaged_payload_is_found_by_the_reader_and_exactly_its_records_are_lost)
{
	store_blocks(6);
	damage_block(1, false);
	crash();
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	for (int i = 0; i < 2; i++) {
		struct rig_read read = rig_read_all(&rig, 1);
		ck_assert_uint_eq(read.records, 50);
		ck_assert_uint_eq(read.damage_first[0], 11);
		ck_assert_uint_eq(read.damage_last[0], 20);
		keeper_turn(rig.spool);
	}
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_eq(usage.damaged_sequences, 10); /* two readers, one damage */
	ck_assert_uint_eq(rig_read_all(&rig, 15).damage_first[0], 15);
	ck_assert_uint_eq(rig_read_all(&rig, 21).records, 40);
	spool_cursor_close(&cursor);
}
END_TEST

/* Damage up to what is proven, and right behind it a torn block: each is what it is. */
START_TEST(damage_that_touches_the_torn_tail_ends_where_the_synced_part_ends)
{
	store_blocks(4);
	for (int i = 0; i < 3; i++)
		ck_assert(rig_put(&rig, 10));
	ck_assert(writer_turn(rig.spool));
	damage_block(5, true); /* of the last group; searched first, while the headers before it are whole */
	damage_block(4, true);
	damage_block(3, true);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 10);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40);
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.damage_first[0], 31);
	ck_assert_uint_eq(read.damage_last[0], 40);
	ck_assert_uint_eq(read.records, 30);
	/* What is damaged is set aside, whole, though the segment was cut behind it. */
	keeper_turn(rig.spool);
	uint64_t size;
	ck_assert_ptr_nonnull(memory_disk_octets(&disk, memory_disk_find(&disk, "damaged-", 0), &size));
	ck_assert_uint_gt(size, 1000);
}
END_TEST

/* ---- damaged segments ---- */

START_TEST(a_newest_segment_without_a_readable_header_is_set_aside)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	while (rig.spool->writer.current.counter < 3) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	uint64_t first = rig.spool->writer.current.first;
	memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 2), &size)[33] ^= 1;
	spool_cursor_close(&cursor);
	uint64_t last = spool_stored(rig.spool);
	ck_assert_uint_gt(last, first);
	crash();
	rig_open_ok(&rig);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "damaged-", 0));
	/* What lay in it is known by its payloads: it is counted and reported, and its sequences are not used again. */
	ck_assert_uint_eq(rig.recovery.last_sequence, last);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, last + 1 - first);
	spool_check(rig.spool);
	ck_assert(rig_store(&rig, 10));
	for (unsigned i = 0; i < 2; i++) {
		struct rig_read read = rig_read_all(&rig, 1);
		ck_assert_uint_eq(read.records, first - 1 + 10 * (i + 1));
		ck_assert_uint_eq(read.ranges, 1);
		ck_assert_uint_eq(read.damage_first[0], first);
		ck_assert_uint_eq(read.damage_last[0], last);
		keeper_turn(rig.spool);
		ck_assert(rig_store(&rig, 10)); /* takes the count along */
		ck_assert_msg(atomic_load(&rig.spool->ledger.damaged) == last + 1 - first, "look %u", i);
		crash();
		rig_open_ok(&rig);
		spool_check(rig.spool);
	}
}
END_TEST

/* The last group of the segment before is written again; nothing is stored behind it before the next crash. */
START_TEST(what_a_segment_set_aside_had_is_counted_once_behind_blocks_that_are_written_again)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(2);
	memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 1), &size)[33] ^= 1;
	spool_cursor_close(&cursor);
	for (unsigned i = 0; i < 4; i++) {
		crash();
		rig_open_ok(&rig);
		ck_assert_uint_eq(rig.recovery.last_sequence, 60);
		ck_assert_uint_eq(rig.recovery.rewritten_blocks, i == 0 ? 1 : 0);
		ck_assert_uint_eq(spool_stored(rig.spool), 60);
		ck_assert_uint_eq(atomic_load(&rig.spool->ledger.unattributed), 20);
		spool_check(rig.spool);
		struct rig_read read = rig_read_all(&rig, 1);
		ck_assert_uint_eq(read.records, 40);
		ck_assert_uint_eq(read.ranges, 1);
		ck_assert_uint_eq(read.damage_first[0], 41);
		ck_assert_uint_eq(read.damage_last[0], 60);
	}
	ck_assert(rig_store(&rig, 10));
	ck_assert_uint_eq(spool_stored(rig.spool), 70);
	spool_check(rig.spool);
}
END_TEST

/* The only segment, with a block of it damaged, too: what is in front of it is known. The cursor is behind all of it. */
START_TEST(a_segment_that_is_set_aside_alone_says_what_it_shows_and_outputs_count_it)
{
	struct spool_output_totals totals;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	uint64_t size;
	store_blocks(6);
	rig_deliver(cursor, 15);
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	octets[33] ^= 1;
	uint8_t *text = memmem(octets, size, "record 45 ", 10);
	ck_assert_ptr_nonnull(text);
	text[2] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 40);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.damaged, 25);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 40);
	spool_cursor_close(&cursor);
	spool_check(rig.spool);
}
END_TEST

/* ---- counts ---- */

static uint64_t damaged_sequences(void)
{
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	return usage.damaged_sequences;
}

/* More places than there are notes for: each is still counted, and once, however many readers come past. */
START_TEST(every_damaged_sequence_is_counted_once_however_many_places_there_are)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(DAMAGE_NOTES_MAX + 30);
	for (unsigned n = 0; n < DAMAGE_NOTES_MAX + 20; n++)
		damage_block(n, false);
	for (int reader = 0; reader < 2; reader++) {
		ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10 * (DAMAGE_NOTES_MAX + 20));
		keeper_turn(rig.spool);
		ck_assert_uint_eq(damaged_sequences(), 10 * (DAMAGE_NOTES_MAX + 20));
	}
	/* When the segment is gone its notes are too, and there is room for news. */
	rig_deliver(cursor, spool_stored(rig.spool));
	ck_assert_int_eq(writer_rotate(rig.spool, spool_stored(rig.spool) + 1, spool_stored(rig.spool)), 0);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(rig.spool->table.count, 1);
	store_blocks(3);
	damage_block(1, false);
	ck_assert_uint_eq(rig_read_all(&rig, spool_first(rig.spool)).damaged, 10);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(damaged_sequences(), 10 * (DAMAGE_NOTES_MAX + 20) + 10);
	ck_assert_uint_eq(rig.spool->table.damages, 1);
	spool_cursor_close(&cursor);
}
END_TEST

/* Whether other messages come behind it, or nothing does and the writer is woken for the count alone. */
START_TEST(damage_that_was_counted_is_still_counted_after_a_crash)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(3);
	damage_block(1, false);
	ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10);
	keeper_turn(rig.spool);
	if (_i == 0)
		store_blocks(1);
	else
		ck_assert(atomic_load(&rig.spool->writer.nudged) && writer_turn(rig.spool));
	spool_cursor_close(&cursor);
	for (int i = 0; i < 2; i++) {
		crash();
		rig_open_ok(&rig);
		ck_assert_uint_eq(damaged_sequences(), 10);
		ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10);
		cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
		keeper_turn(rig.spool);
		ck_assert_uint_eq(damaged_sequences(), 10);
		spool_cursor_close(&cursor);
		spool_check(rig.spool);
	}
}
END_TEST

/* What is set aside has a limit for all of it together; a segment set aside whole may have gone beyond it. */
START_TEST(no_more_octets_are_set_aside_than_there_is_room_for)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	uint64_t size = 1;
	store_blocks(3);
	damage_block(1, false);
	rig.spool->table.set_aside_bytes = SET_ASIDE_MAX_BYTES + (_i == 0 ? 1 : -64);
	ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10);
	keeper_turn(rig.spool);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "damaged-", 0));
	memory_disk_octets(&disk, memory_disk_find(&disk, "damaged-", 0), &size);
	ck_assert_uint_eq(size, _i == 0 ? 0 : 64);
	ck_assert_uint_eq(damaged_sequences(), 10);
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_recover_damage");
	TCase *tests = tcase_create("damage");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_invalid_place_that_a_later_block_proves_synced_is_skipped_and_reported_exactly);
	tcase_add_test(tests, a_damaged_payload_is_found_by_the_reader_and_exactly_its_records_are_lost);
	tcase_add_test(tests, damage_that_touches_the_torn_tail_ends_where_the_synced_part_ends);
	tcase_add_test(tests, a_newest_segment_without_a_readable_header_is_set_aside);
	tcase_add_test(tests, what_a_segment_set_aside_had_is_counted_once_behind_blocks_that_are_written_again);
	tcase_add_test(tests, a_segment_that_is_set_aside_alone_says_what_it_shows_and_outputs_count_it);
	tcase_add_test(tests, every_damaged_sequence_is_counted_once_however_many_places_there_are);
	tcase_add_loop_test(tests, damage_that_was_counted_is_still_counted_after_a_crash, 0, 2);
	tcase_add_loop_test(tests, no_more_octets_are_set_aside_than_there_is_room_for, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
