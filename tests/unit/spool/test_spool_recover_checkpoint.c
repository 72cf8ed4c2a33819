/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opening takes from checkpoints: nothing older is read while the newest one is whole, and when it is damaged the
 * one before it and its blocks give the same marks and totals.
 */
#include "recover_fixture.h"

START_TEST(with_a_damaged_newest_checkpoint_the_previous_one_and_its_blocks_hold)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_input_totals totals;
	uint64_t size;
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 7);
	while (rig.spool->writer.current.counter < 4) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	store_blocks(3);
	uint64_t stored = spool_stored(rig.spool);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 3), &size);
	octets[SEGMENT_HEADER_BYTES + BLOCK_HEADER_BYTES + 3] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, stored);
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, stored);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_KERNEL], 7);
	ck_assert_str_eq(spool_input_name(rig.spool, 0), "udp");
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.records, stored);
	spool_check(rig.spool);
}
END_TEST

/* The first segments are gone, and what they held is counted in checkpoints only: so one of those must be found. */
START_TEST(with_a_damaged_newest_checkpoint_what_was_released_is_still_counted)
{
	static const unsigned places[] = {3, 27}; /* flags of the first section, and the records stored */
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_input_totals totals;
	uint64_t size;
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 7);
	while (rig.spool->writer.current.counter < 5) {
		ck_assert(rig_store(&rig, 30));
		if (rig.spool->writer.current.counter <= 2)
			rig_deliver(cursor, spool_stored(rig.spool));
		keeper_turn(rig.spool);
	}
	store_blocks(3);
	uint64_t stored = spool_stored(rig.spool), first = spool_first(rig.spool);
	ck_assert_uint_gt(first, 1);
	unsigned newest = 0;
	while (memory_disk_find(&disk, "segment-", newest + 1) != NULL)
		newest++;
	ck_assert_uint_ge(newest, 2);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", newest), &size);
	octets[SEGMENT_HEADER_BYTES + BLOCK_HEADER_BYTES + places[_i]] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, stored);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_KERNEL], 7);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.unattributed), 0);
	ck_assert_uint_eq(rig_read_all(&rig, first).next, stored + 1);
	spool_check(rig.spool);
}
END_TEST

/* The time that opening takes does not depend on the backlog, because it reads none of it. */
START_TEST(older_segments_are_not_read_when_the_newest_checkpoint_is_whole)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	while (rig.spool->writer.current.counter < 6) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	store_blocks(1);
	uint64_t stored = spool_stored(rig.spool);
	for (unsigned n = 0; n < 5; n++) {
		uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", n), &size);
		memset(octets, 0x5a, (size_t)size);
	}
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, stored);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0); /* a reader will find it */
	ck_assert_uint_eq(spool_first(rig.spool), 1);
	spool_check(rig.spool);
}
END_TEST

/* The checkpoint was synced before the segment had its name: damage to it does not make the blocks behind it a torn tail. */
START_TEST(a_damaged_checkpoint_takes_no_group_with_it_that_was_acknowledged)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(1);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 1), &size);
	octets[SEGMENT_HEADER_BYTES + (_i == 0 ? 40 : BLOCK_HEADER_BYTES + 3)] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 50);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	spool_check(rig.spool);
}
END_TEST

/* Restarts without a message between them leave segments without a block; they have nothing to write again. */
START_TEST(a_damaged_checkpoint_behind_empty_segments_does_not_keep_the_spool_from_opening)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_input_totals totals;
	uint64_t size;
	unsigned newest = 0;
	store_blocks(4);
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 7);
	writer_flush_ledger(rig.spool);
	spool_cursor_close(&cursor);
	for (int i = 0; i < 3; i++) {
		if (_i == 0)
			crash();
		else
			spool_close(&rig.spool);
		rig_open_ok(&rig);
		keeper_turn(rig.spool);
		spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 1);
		writer_flush_ledger(rig.spool);
	}
	store_blocks(1);
	while (memory_disk_find(&disk, "segment-", newest + 1) != NULL)
		newest++;
	memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", newest), &size)[SEGMENT_HEADER_BYTES + 40] ^= 1;
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 50);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, 50);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_KERNEL], 10);
	spool_check(rig.spool);
}
END_TEST

START_TEST(what_was_released_is_known_after_a_crash)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(1);
	rig_deliver(cursor, 45);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.released), 40);
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.released), 40);
	ck_assert_uint_eq(spool_first(rig.spool), 41);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_recover_checkpoint");
	TCase *tests = tcase_create("checkpoints");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, with_a_damaged_newest_checkpoint_the_previous_one_and_its_blocks_hold);
	tcase_add_loop_test(tests, a_damaged_checkpoint_takes_no_group_with_it_that_was_acknowledged, 0, 2);
	tcase_add_loop_test(tests, a_damaged_checkpoint_behind_empty_segments_does_not_keep_the_spool_from_opening, 0, 2);
	tcase_add_loop_test(tests, with_a_damaged_newest_checkpoint_what_was_released_is_still_counted, 0, 2);
	tcase_add_test(tests, older_segments_are_not_read_when_the_newest_checkpoint_is_whole);
	tcase_add_test(tests, what_was_released_is_known_after_a_crash);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
