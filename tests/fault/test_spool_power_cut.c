/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power goes at every single disk operation of the scripted life (spool_script.h), recovery included. What was not
 * synced is lost: all of it, none of it, or sector by sector. After each cut the script's promises must hold, and a
 * second cut right after opening must change nothing: what is published as stored is on the disk (rule 23). A recovery is
 * itself cut at each of its operations.
 */
#include "support/spool_script.h"

enum {
	TEARS = 2,         /* random ways in which unsynced writes are torn, at each operation */
	RECOVERY_STEP = 3, /* operations of the script from one recovery that is cut everywhere to the next: slow otherwise */
};

static void leave_without_closing(void)
{
	disk.off = true;
	spool_close(&rig.spool);
}

/* What a cut brings back from before the cursor is whole, and has no gaps: another output may begin there. */
static void check_delivered(uint64_t at)
{
	struct rig_read read = rig_read_all(&rig, spool_first(rig.spool));
	ck_assert_msg(read.damaged == 0, "cut at %llu: %llu damaged of what is delivered", (unsigned long long)at,
	              (unsigned long long)read.damaged);
}

static void cut_at(uint64_t at, enum memory_disk_keep keep, uint64_t seed)
{
	script_start();
	disk.cut_at = at;
	play_script();
	ck_assert(disk.off);
	memory_disk_power_cut(&disk, keep, seed);

	/* Opened, and cut at once; opened, written to, and cut; opened again. */
	check_spool("cut at", at);
	check_delivered(at);
	leave_without_closing();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, seed);
	check_spool("cut after opening", at);
	store_a_group(3);
	leave_without_closing();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_RANDOM, seed + 1);
	check_spool("cut after going on", at);
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

/* The power goes in the script, and once more at each operation of the recovery that follows. */
static void cut_recovery_at(uint64_t at, uint64_t seed)
{
	for (uint64_t second = 1;; second++) {
		script_start();
		disk.cut_at = at;
		play_script();
		memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_RANDOM, seed);
		disk.cut_at = second;
		enum spool_open_result result = rig_open(&rig);
		bool went = disk.off;
		ck_assert(went || result == SPOOL_OPENED);
		leave_without_closing();
		memory_disk_power_cut(&disk, second % 2 == 0 ? MEMORY_DISK_KEEP_RANDOM : MEMORY_DISK_KEEP_NONE, seed + second);
		check_spool("recovery cut, after a cut at", at);
		spool_close(&rig.spool);
		memory_disk_free(&disk);
		if (!went)
			return;
	}
}

static uint64_t operations_of_script(void)
{
	script_start();
	disk.cut_at = UINT64_MAX;
	play_script();
	ck_assert(!disk.off);
	uint64_t operations = disk.operations;
	ck_assert_ptr_null(rig.spool);
	/* The script is worth something only if it rotates, releases and reuses. */
	uint64_t counter = 0, first = 0;
	ck_assert(segment_name_parse(memory_disk_find(&disk, "segment-", 0), &counter, &first));
	ck_assert_uint_gt(counter, 5);
	ck_assert_uint_gt(first, 1000);
	memory_disk_free(&disk);
	return operations;
}

static void cut_everywhere(enum memory_disk_keep keep, unsigned seeds)
{
	uint64_t operations = operations_of_script();
	ck_assert_uint_gt(operations, 250);
	for (uint64_t at = 1; at <= operations; at++)
		for (unsigned i = 0; i < seeds; i++)
			cut_at(at, keep, at * 977 + i);
}

START_TEST(nothing_acknowledged_is_lost_when_unsynced_writes_are_forgotten)
{
	cut_everywhere(MEMORY_DISK_KEEP_NONE, 1);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_the_process_is_killed)
{
	cut_everywhere(MEMORY_DISK_KEEP_ALL, 1);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_unsynced_writes_are_torn_and_reordered)
{
	cut_everywhere(MEMORY_DISK_KEEP_RANDOM, TEARS);
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_the_recovery_is_cut_too)
{
	uint64_t operations = operations_of_script();
	for (uint64_t at = 1; at <= operations; at += RECOVERY_STEP)
		cut_recovery_at(at, at * 641);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool: power cuts");
	TCase *tests = tcase_create("at every operation");
	tcase_add_test(tests, nothing_acknowledged_is_lost_when_unsynced_writes_are_forgotten);
	tcase_add_test(tests, nothing_acknowledged_is_lost_when_the_process_is_killed);
	tcase_add_test(tests, nothing_acknowledged_is_lost_when_unsynced_writes_are_torn_and_reordered);
	tcase_add_test(tests, nothing_acknowledged_is_lost_when_the_recovery_is_cut_too);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
