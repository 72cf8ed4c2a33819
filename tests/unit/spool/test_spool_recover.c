/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening after a kill or a power cut: what is torn is discarded and everything before it stays, nothing that only
 * looks like a block is taken for one, and no sequence is given out twice. What is damaged:
 * test_spool_recover_damage.c.
 */
#include "recover_fixture.h"

/* ---- the torn tail ---- */

START_TEST(a_last_group_that_is_torn_was_never_acknowledged_and_is_discarded)
{
	store_blocks(5);
	damage_block(4, _i == 0);
	crash();
	rig_open_ok(&rig);
	ck_assert(!rig.recovery.clean);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 40);
	store_blocks(2);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 60);
	spool_check(rig.spool);
}
END_TEST

/* Keeping the later block of a torn group would move a mark over a lost one. */
START_TEST(a_valid_block_behind_a_torn_one_of_the_same_group_is_discarded)
{
	store_blocks(3);
	for (int i = 0; i < 3; i++)
		ck_assert(rig_put(&rig, 10));
	ck_assert(writer_turn(rig.spool));
	damage_block(4, _i == 0);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40); /* the group's first block is whole and stays */
	ck_assert_uint_gt(rig.recovery.torn_octets, 2000);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 40);
}
END_TEST

/* Nothing is appended to a file of an earlier run: what was there behind its last good block is cut off. */
START_TEST(a_segment_of_the_run_before_ends_behind_its_last_good_block)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct block_header header;
	uint64_t offset, size;
	store_blocks(5);
	damage_block(4, true);
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.spool->writer.current.counter, 2);
	store_blocks(1);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	crash();
	(void)memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	ck_assert_uint_lt(size, RIG_SEGMENT_BYTES / 4);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	store_blocks(1);
	(void)find_block(0, &offset, &header);
	ck_assert_uint_gt(header.first, 40);
}
END_TEST

/* ---- what looks like a block and is none ---- */

/* A segment is reused; its new life is shorter, so that behind the torn tail whole blocks of its former life lie. */
START_TEST(blocks_of_the_files_earlier_life_are_never_taken_for_blocks)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	while (rig.spool->writer.current.counter < 12) {
		ck_assert(rig_store(&rig, 10));
		rig_deliver(cursor, spool_stored(rig.spool));
		keeper_turn(rig.spool);
	}
	store_blocks(3);
	uint64_t stored = spool_stored(rig.spool);
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, stored);
	ck_assert_uint_eq(rig.recovery.torn_octets, 0);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0);
	spool_check(rig.spool);
}
END_TEST

/* Somebody logs a block, made with all knowledge but the salt; the block that carries it is then damaged in front of it. */
START_TEST(a_log_message_that_looks_like_a_block_is_never_taken_for_one)
{
	store_blocks(2);
	struct spool_block *block = spool_take_block(rig.spool, 0, SPOOL_BLOCK_WAITS, 0, 0);
	for (int i = 0; i < 4; i++) {
		uint8_t *room = spool_block_reserve(block, 800);
		struct block_header forged = {
			.kind = BLOCK_RECORDS, .count = 10, .first = 21, .last = 30, .synced = 1000,
			.unpacked_len = 64, .stored_len = 64};
		memset(room, 0, 800);
		for (int at = 0; at + BLOCK_HEADER_BYTES <= 800; at++)
			if (((uintptr_t)(room + at) & 63) == 0)
				block_header_write(&forged, 0, room + at);
		spool_block_commit(block, 800);
	}
	spool_submit_block(rig.spool, block);
	ck_assert(writer_turn(rig.spool));
	rig.submitted += 4;
	damage_block(2, true);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 20);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0);
}
END_TEST

/* ---- cursors ahead ---- */

/* Without syncs a power cut takes back what an output has already delivered. Its sequences are not given out again. */
START_TEST(sequences_that_a_cursor_has_seen_are_never_used_again)
{
	spool_close(&rig.spool);
	rig.options.sync = SPOOL_SYNC_OFF;
	rig_open_ok(&rig);
	store_blocks(2);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(3);
	rig_deliver(cursor, 45);
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	spool_cursor_close(&cursor);
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 20);
	ck_assert_uint_eq(spool_stored(rig.spool), 45);
	spool_check(rig.spool);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	rig.submitted = 45;
	store_blocks(1);
	struct rig_read read = rig_read_all(&rig, 46);
	ck_assert_uint_eq(read.records, 10);
	ck_assert_uint_eq(read.damaged, 0);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	spool_check(rig.spool);
	ck_assert_uint_eq(spool_stored(rig.spool), 55);
}
END_TEST

/* ---- full disks ---- */

/* The relay stops with a full disk. It must come up again, or nothing could ever be delivered from it. */
START_TEST(a_spool_on_a_full_disk_can_be_opened_again_and_again)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	disk.capacity = 3 << 20;
	while (rig_store(&rig, 30))
		keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_FULL);
	uint64_t stored = spool_stored(rig.spool);
	spool_cursor_close(&cursor);
	disk.capacity = space_on_disk(rig.spool); /* somebody else has taken the rest */
	for (int i = 0; i < 9; i++) {
		if (i % 3 == 0)
			crash();
		else
			spool_close(&rig.spool);
		rig_open_ok(&rig);
		ck_assert_uint_eq(spool_stored(rig.spool), stored);
		ck_assert_uint_eq(rig_read_all(&rig, 1).records, stored);
		spool_check(rig.spool);
	}
	disk.capacity = 0;
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	rig_deliver(cursor, stored);
	keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert(rig_store(&rig, 30));
	spool_cursor_close(&cursor);
}
END_TEST

/* ---- an orderly stop ---- */

/* Where the newest segment begins. */
static uint64_t first_of_newest(void)
{
	uint64_t counter, first = 0;
	const char *name;
	for (unsigned n = 0; (name = memory_disk_find(&disk, "segment-", n)) != NULL; n++)
		ck_assert(segment_name_parse(name, &counter, &first));
	return first;
}

/* However much was written, the next start finds a checkpoint with nothing behind it; without records there is none more. */
START_TEST(a_long_segment_is_ended_at_the_stop_so_that_a_start_has_no_blocks_to_look_through)
{
	store_blocks(12);
	keeper_turn(rig.spool);
	uint64_t size, counter = rig.spool->writer.current.counter + 1;
	spool_close(&rig.spool);
	ck_assert_uint_eq(first_of_newest(), 121);
	(void)memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	ck_assert_uint_lt(size, RIG_SEGMENT_BYTES / 4); /* its rest is not kept: a restart costs no room */
	for (unsigned run = 0; run < 3; run++) {
		rig_open_ok(&rig);
		ck_assert(rig.recovery.clean && rig.recovery.last_sequence == 120);
		ck_assert_uint_eq(rig_read_all(&rig, 1).records, 120);
		ck_assert_uint_eq(rig.spool->writer.current.counter, ++counter);
		spool_check(rig.spool);
		spool_close(&rig.spool);
	}
	rig_open_ok(&rig);
}
END_TEST

/* That one is for the next start, on a disk that may be full by then. */
START_TEST(a_stop_leaves_the_last_spare)
{
	while (rig.spool->table.spares > 1)
		ck_assert_int_eq(writer_rotate(rig.spool, 1, 0), 0);
	store_blocks(12);
	spool_close(&rig.spool);
	ck_assert_uint_eq(first_of_newest(), 1);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "spare-", 0));
	rig_open_ok(&rig);
	ck_assert(rig.recovery.clean && rig.recovery.last_sequence == 120);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 120);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_recover");
	TCase *tests = tcase_create("after anything");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, a_last_group_that_is_torn_was_never_acknowledged_and_is_discarded, 0, 2);
	tcase_add_loop_test(tests, a_valid_block_behind_a_torn_one_of_the_same_group_is_discarded, 0, 2);
	tcase_add_test(tests, blocks_of_the_files_earlier_life_are_never_taken_for_blocks);
	tcase_add_test(tests, a_log_message_that_looks_like_a_block_is_never_taken_for_one);
	tcase_add_test(tests, a_segment_of_the_run_before_ends_behind_its_last_good_block);
	tcase_add_test(tests, sequences_that_a_cursor_has_seen_are_never_used_again);
	tcase_add_test(tests, a_long_segment_is_ended_at_the_stop_so_that_a_start_has_no_blocks_to_look_through);
	tcase_add_test(tests, a_stop_leaves_the_last_spare);
	tcase_add_test(tests, a_spool_on_a_full_disk_can_be_opened_again_and_again);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
