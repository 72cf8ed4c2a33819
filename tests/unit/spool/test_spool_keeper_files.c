/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of released segments' files (spool-rules.md, rules 13 and 18): they are written again instead of new
 * ones, and no more are kept than max_size allows.
 */
#include "keeper_fixture.h"

/* Once there are spares, files go round: none is allocated any more, however much passes through. */
START_TEST(released_files_are_written_again_instead_of_new_ones)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_SPACE;
	uint64_t before = 0;
	for (int i = 0; i < 600; i++) {
		ck_assert(rig_store(&rig, 30));
		rig_deliver(cursor, spool_stored(rig.spool));
		keeper_turn(rig.spool);
		if (i == 100)
			before = disk.operations;
	}
	ck_assert_uint_gt(rig.spool->writer.current.counter, 5);
	ck_assert_uint_eq(disk.operations, before);
	spool_cursor_close(&cursor);
}
END_TEST

/* The same when files come back late, after others were made in their place. */
START_TEST(files_that_are_released_late_are_written_again_too)
{
	enum { LATE = 150, TURNS = 1500 };
	uint64_t stored[LATE] = {0};
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_SPACE;
	uint64_t before = 0;
	for (int i = 0; i < TURNS; i++) {
		ck_assert(rig_store(&rig, 30));
		if (i % 7 == 0)
			rig_deliver(cursor, stored[i % LATE]);
		stored[i % LATE] = spool_stored(rig.spool);
		keeper_turn(rig.spool);
		if (i == TURNS / 2)
			before = disk.operations;
	}
	ck_assert_uint_gt(rig.spool->writer.current.counter, 10);
	ck_assert_uint_eq(disk.operations, before);
	spool_cursor_close(&cursor);
}
END_TEST

static uint64_t room_for_segments(unsigned segments)
{
	return cursors_file_bytes() + drops_file_bytes() + (uint64_t)segments * RIG_SEGMENT_BYTES;
}

/* An output that delivers all at once: what it frees is kept to be written again, but not beyond max_size. */
START_TEST(released_files_that_max_size_does_not_allow_are_not_kept)
{
	struct spool_usage usage;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	unsigned wanted = space_spares_wanted(rig.spool);
	keeper_turn(rig.spool);
	while (rig.spool->table.count < 8) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	/* As after a start with a smaller one: what outputs have not got stays. */
	rig.spool->options.max_size_bytes = room_for_segments(wanted + 2);
	rig_deliver(cursor, spool_stored(rig.spool));
	keeper_turn(rig.spool);
	spool_usage(rig.spool, &usage);
	ck_assert_uint_eq(rig.spool->table.count, 1);
	ck_assert_uint_eq(rig.spool->table.spares, wanted + 1);
	ck_assert_uint_le(usage.on_disk_bytes, rig.spool->options.max_size_bytes);
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(spares_that_a_lowered_max_size_does_not_allow_are_removed_but_those_that_are_needed_stay)
{
	struct spool_usage usage;
	rig_open_ok(&rig);
	unsigned wanted = space_spares_wanted(rig.spool);
	keeper_turn(rig.spool);
	while (rig.spool->table.spares < wanted + 4)
		ck_assert_int_eq(segment_make_spare(rig.spool), 0);
	rig.spool->options.max_size_bytes = room_for_segments(wanted + 2);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(rig.spool->table.spares, wanted + 1);
	spool_usage(rig.spool, &usage);
	ck_assert_uint_le(usage.on_disk_bytes, rig.spool->options.max_size_bytes);
	rig.spool->options.max_size_bytes = RIG_SEGMENT_BYTES;
	keeper_turn(rig.spool);
	ck_assert_uint_eq(rig.spool->table.spares, wanted);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "spare-", wanted - 1));
	ck_assert_ptr_null(memory_disk_find(&disk, "spare-", wanted));
	spool_check(rig.spool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_keeper_files");
	TCase *tests = tcase_create("files");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, released_files_are_written_again_instead_of_new_ones);
	tcase_add_test(tests, files_that_are_released_late_are_written_again_too);
	tcase_add_test(tests, released_files_that_max_size_does_not_allow_are_not_kept);
	tcase_add_test(tests, spares_that_a_lowered_max_size_does_not_allow_are_removed_but_those_that_are_needed_stay);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
