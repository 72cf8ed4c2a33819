/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every single disk operation of the scripted life (spool_script.h) fails: with an I/O error, for want of space, or as a
 * short write; once, or from there on. The process then goes on, or says that the spool has failed and is restarted. In
 * either case the script's promises hold: after a restart that sees the page cache, and after a power cut right behind
 * it, which shows whether what recovery published is really on the disk.
 */
#include "support/spool_script.h"

#include <errno.h>

static uint64_t operations_of_script(unsigned ops)
{
	script_start();
	disk.fault_ops = ops;
	disk.cut_at = UINT64_MAX;
	play_script();
	uint64_t operations = disk.operations;
	memory_disk_free(&disk);
	return operations;
}

static void leave_without_closing(void)
{
	disk.off = true;
	spool_close(&rig.spool);
}

static void fail_at(unsigned ops, uint64_t at, unsigned count, int error, bool power_cut)
{
	script_start();
	disk.fault_ops = ops;
	disk.cut_at = UINT64_MAX;
	disk.fail_at = at;
	disk.fail_count = count;
	disk.fail_error = error;
	play_script();
	if (power_cut)
		memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, at);
	else
		memory_disk_kill(&disk);
	check_spool("failed at", at);
	leave_without_closing();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, at);
	check_spool("power cut after failed at", at);
	store_a_group(3);
	ck_assert(!spool_has_failed(rig.spool));
	spool_close(&rig.spool);
	memory_disk_kill(&disk);
	check_spool("going on after failed at", at);
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

static void fail_everywhere(unsigned ops, unsigned count, int error, bool power_cut)
{
	uint64_t operations = operations_of_script(ops);
	for (uint64_t at = 1; at <= operations; at++)
		fail_at(ops, at, count, error, power_cut);
}

START_TEST(nothing_acknowledged_is_lost_when_one_operation_fails)
{
	script_recent_least = (size_t)_i;
	fail_everywhere(MEMORY_DISK_ANY, 1, -EIO, false);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_one_operation_fails_and_then_the_power)
{
	script_recent_least = (size_t)_i;
	fail_everywhere(MEMORY_DISK_WRITE | MEMORY_DISK_SYNC, 1, -EIO, true);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_three_operations_find_no_space)
{
	script_recent_least = (size_t)_i;
	fail_everywhere(MEMORY_DISK_WRITE | MEMORY_DISK_SPACE | MEMORY_DISK_NAME, 3, -ENOSPC, false);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_a_write_is_short)
{
	script_recent_least = (size_t)_i;
	fail_everywhere(MEMORY_DISK_WRITE, 1, 0, false);
}
END_TEST

/* A short write alone is no reason to end: the segment is left, and the group goes into the next one (rule 24). */
START_TEST(after_a_short_write_the_group_is_stored_in_a_new_segment)
{
	script_recent_least = (size_t)_i;
	script_start();
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	ck_assert(put_block(3));
	uint64_t counter = rig.spool->writer.current.counter;
	disk.fault_ops = MEMORY_DISK_WRITE;
	disk.operations = 0;
	disk.fail_at = 1;
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(rig.spool->writer.current.counter, counter + 1);
	ck_assert_uint_eq(spool_stored(rig.spool), 3);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 3);
	ck_assert_uint_eq(rig.failed_events, 0);
	spool_check(rig.spool);
	leave_without_closing();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 3);
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}
END_TEST

/* The pages read as written, and the disk does not have them: nobody may be told "stored", now or later. */
START_TEST(after_a_failed_sync_nothing_is_published_any_more)
{
	script_recent_least = (size_t)_i;
	script_start();
	rig_open_ok(&rig);
	ck_assert(put_block(3) && writer_turn(rig.spool));
	ck_assert(put_block(3));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.operations = 0;
	disk.fail_at = 1;
	disk.fail_error = -EIO;
	ck_assert(!writer_turn(rig.spool));
	ck_assert_uint_eq(rig.failed_events, 1);
	ck_assert_ptr_nonnull(strstr(rig.spool->error, "cannot sync segment 1, at offset "));
	ck_assert_uint_eq(spool_stored(rig.spool), 3);
	ck_assert_uint_eq(spool_worker_stored(rig.spool, 0), 1);
	ck_assert_ptr_null(spool_take_block(rig.spool, 0, SPOOL_BLOCK_SHEDS, 0, 0));
	uint64_t syncs = disk.syncs;
	spool_close(&rig.spool);
	ck_assert_uint_eq(disk.syncs, syncs);
	memory_disk_free(&disk);
}
END_TEST

/*
 * Rule 23. A sync fails, the process ends and is started again; the page cache still shows the group. It is published,
 * because it is written again and synced. Without that, the power cut would take back what was acknowledged.
 */
START_TEST(blocks_that_a_failed_sync_left_in_the_page_cache_are_written_again)
{
	script_recent_least = (size_t)_i;
	script_start();
	rig_open_ok(&rig);
	ck_assert(put_block(3) && writer_turn(rig.spool));
	ck_assert(put_block(4));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.operations = 0;
	disk.fail_at = 1;
	disk.fail_error = -EIO;
	ck_assert(!writer_turn(rig.spool));
	leave_without_closing();
	memory_disk_kill(&disk);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.rewritten_blocks, 1); /* the first block is proven by the second */
	ck_assert_uint_eq(spool_stored(rig.spool), 7);
	leave_without_closing();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 7);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 7);
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool: failing disks");
	TCase *tests = tcase_create("at every operation");
	tcase_set_timeout(tests, 240);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_one_operation_fails, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_one_operation_fails_and_then_the_power, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_three_operations_find_no_space, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_a_write_is_short, 0, 2);
	tcase_add_loop_test(tests, after_a_short_write_the_group_is_stored_in_a_new_segment, 0, 2);
	tcase_add_loop_test(tests, after_a_failed_sync_nothing_is_published_any_more, 0, 2);
	tcase_add_loop_test(tests, blocks_that_a_failed_sync_left_in_the_page_cache_are_written_again, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
