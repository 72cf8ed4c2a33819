/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space ahead of the writer, the levels, disks that are full, and when cursors reach the disk (spool-rules.md, rules 7,
 * 8, 19).
 */
#include "keeper_fixture.h"

#include <errno.h>
#include <unistd.h>

/* ---- rule 7 ---- */

START_TEST(a_block_once_taken_always_has_its_place_even_if_the_disk_fills_up_now)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	keeper_turn(rig.spool);
	disk.capacity = 1; /* from now on nothing can grow */
	unsigned stored = 0;
	for (;;) {
		unsigned put = 0;
		while (rig_put(&rig, 30))
			put++;
		if (put == 0)
			break;
		ck_assert(writer_turn(rig.spool));
		stored += put;
		spool_check(rig.spool);
	}
	ck_assert_uint_gt(stored, 80);
	ck_assert_uint_eq(rig.failed_events, 0);
	ck_assert_uint_eq(spool_stored(rig.spool), rig.submitted);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN); /* the keeper has not yet found out */
	keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_FULL);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(spares_are_ready_before_the_writer_needs_them)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	for (int i = 0; i < 200; i++) {
		keeper_turn(rig.spool);
		ck_assert_uint_ge(rig.spool->table.spares, 3);
		ck_assert(rig_store(&rig, 30));
	}
	ck_assert_uint_gt(rig.spool->table.count, 2);
	spool_cursor_close(&cursor);
}
END_TEST

/* ---- rule 8 ---- */

START_TEST(the_level_goes_from_open_over_reserve_to_full_and_back_and_max_size_holds)
{
	struct spool_usage usage;
	rig.options.reserve_bytes = 1 << 20;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	int seen = SPOOL_LEVEL_OPEN;
	uint64_t used_at_reserve = 0;
	keeper_turn(rig.spool);
	while (rig_store(&rig, 30)) {
		keeper_turn(rig.spool);
		int level = spool_level(rig.spool);
		ck_assert(level == seen || level == seen + 1);
		spool_usage(rig.spool, &usage);
		if (level != seen && level == SPOOL_LEVEL_RESERVE)
			used_at_reserve = usage.used_bytes;
		seen = level;
		ck_assert_uint_le(usage.on_disk_bytes, RIG_MAX_BYTES);
	}
	ck_assert_int_eq(seen, SPOOL_LEVEL_FULL);
	spool_usage(rig.spool, &usage);
	ck_assert_uint_ge(usage.used_bytes - used_at_reserve, (1 << 20) - RIG_SEGMENT_BYTES);

	uint64_t room = rig.room_events;
	rig_deliver(cursor, spool_stored(rig.spool));
	keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert_uint_gt(rig.room_events, room);
	ck_assert(rig_store(&rig, 30));
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(with_a_full_file_system_nothing_is_lost_and_it_goes_on_when_there_is_space)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	disk.capacity = 2 << 20;
	keeper_turn(rig.spool);
	fill();
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_FULL);
	ck_assert(rig.spool->keeper.retry);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, rig.submitted);
	disk.capacity = 0;
	keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert(rig_store(&rig, 30));
	ck_assert_uint_eq(rig.failed_events, 0);
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
}
END_TEST

/* Then no spare is missing any more, and the level must not stay as it is: inputs that can wait would wait for ever. */
START_TEST(a_file_system_with_room_again_is_found_also_when_released_files_filled_up_the_spares)
{
	rig.options.reserve_bytes = 1 << 20;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	keeper_turn(rig.spool);
	disk.capacity = 1;
	while (rig.spool->table.count < 2)
		ck_assert(rig_store(&rig, 30));
	unsigned wanted = space_spares_wanted(rig.spool);
	keeper_turn(rig.spool);
	ck_assert_uint_lt(rig.spool->table.spares, wanted);
	ck_assert_int_ne(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	rig_deliver(cursor, spool_stored(rig.spool));
	keeper_turn(rig.spool);
	ck_assert_uint_eq(rig.spool->table.spares, wanted);
	ck_assert_int_ne(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert(rig.spool->keeper.retry);
	disk.capacity = 0;
	keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert(!rig.spool->keeper.retry);
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(a_file_system_that_was_full_has_no_say_once_there_are_as_many_spares_as_may_be)
{
	rig.options.max_size_bytes = 2 * (uint64_t)SPARES_MAX * RIG_SEGMENT_BYTES;
	rig_open_ok(&rig);
	while (rig.spool->table.spares < SPARES_MAX)
		ck_assert_int_eq(segment_make_spare(rig.spool), 0);
	rig.spool->table.file_system_full = true;
	keeper_turn(rig.spool);
	ck_assert(!rig.spool->table.file_system_full);
	ck_assert_uint_eq(rig.spool->table.spares, SPARES_MAX);
	spool_check(rig.spool);
}
END_TEST

/* A file system that shut itself down, or was remounted read-only, after an error: senders would wait for ever. */
START_TEST(a_disk_that_is_broken_is_not_taken_for_a_full_one)
{
	static const int errors[] = {-EIO, -EROFS};
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_NAME;
	disk.fail_at = 1;
	disk.fail_error = errors[_i];
	keeper_turn(rig.spool);
	ck_assert(spool_has_failed(rig.spool));
	ck_assert_uint_eq(rig.failed_events, 1);
	ck_assert_ptr_nonnull(strstr(rig.spool->error, "cannot make a file for a segment"));
	ck_assert_ptr_nonnull(strstr(rig.spool->error, strerror(-errors[_i])));
	memory_disk_heal(&disk);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(drops_counted_while_full_reach_the_disk_when_there_is_room_again)
{
	struct spool_input_totals totals;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	keeper_turn(rig.spool);
	fill();
	spool_count_drop(rig.spool, 0, (unsigned)rig.input, SPOOL_DROP_SPOOL_FULL, 12);
	rig_deliver(cursor, spool_stored(rig.spool));
	keeper_turn(rig.spool);
	ck_assert(rig_store(&rig, 1));
	spool_cursor_close(&cursor);
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	spool_input_totals(rig.spool, (unsigned)rig.input, &totals);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_SPOOL_FULL], 12);
}
END_TEST

/* ---- rule 19 ---- */

/* Nobody else has anything to do; the power goes a second behind the move. */
START_TEST(a_cursor_that_moved_is_on_the_disk_within_a_second)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 10));
	spool_start(rig.spool);
	usleep(50 * 1000); /* the keeper's first turn */
	rig_deliver(cursor, 7);
	usleep(1000 * 1000);
	spool_cursor_close(&cursor);
	pthread_mutex_lock(&disk.lock);
	disk.off = true;
	pthread_mutex_unlock(&disk.lock);
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 7);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(a_file_system_that_is_full_does_not_stop_a_cursor)
{
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	ck_assert(rig_store(&rig, 10));
	disk.capacity = 1; /* nothing can grow any more */
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	for (uint64_t delivered = 1; delivered <= 9; delivered++) {
		rig_deliver(cursor, delivered);
		keeper_turn(rig.spool);
		ck_assert(!spool_has_failed(rig.spool));
		ck_assert_uint_eq(cursors_released_to(rig.spool), delivered);
	}
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_keeper");
	TCase *tests = tcase_create("space");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_block_once_taken_always_has_its_place_even_if_the_disk_fills_up_now);
	tcase_add_test(tests, spares_are_ready_before_the_writer_needs_them);
	tcase_add_test(tests, the_level_goes_from_open_over_reserve_to_full_and_back_and_max_size_holds);
	tcase_add_test(tests, with_a_full_file_system_nothing_is_lost_and_it_goes_on_when_there_is_space);
	tcase_add_test(tests, a_file_system_with_room_again_is_found_also_when_released_files_filled_up_the_spares);
	tcase_add_test(tests, a_file_system_that_was_full_has_no_say_once_there_are_as_many_spares_as_may_be);
	tcase_add_loop_test(tests, a_disk_that_is_broken_is_not_taken_for_a_full_one, 0, 2);
	tcase_add_test(tests, drops_counted_while_full_reach_the_disk_when_there_is_room_again);
	tcase_add_test(tests, a_cursor_that_moved_is_on_the_disk_within_a_second);
	tcase_add_test(tests, a_file_system_that_is_full_does_not_stop_a_cursor);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
