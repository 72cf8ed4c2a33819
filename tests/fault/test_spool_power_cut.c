/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power goes at every single disk operation of the scripted life (spool_script.h), recovery included. What was not
 * synced is lost: all of it, none of it, or in part. Every part that a torn or a reordered write can leave is tried: torn
 * behind each sector, each sector missing that lies before others, each sector there that lies behind others; names and
 * sizes of files likewise. After each cut the script's promises must hold, the ledger's equations among them, and a second
 * cut right after opening must change nothing: what is published as stored is on the disk (rule 23). A recovery is itself
 * cut at each of its operations. Nothing of this is a sample; each test says how many cases there were. All of it is done
 * for groups that are written as they are, and for groups that are written in whole pages (spool/recent.h).
 */
#include "support/spool_script.h"

#include <malloc.h>

static unsigned cases;

static void print_cases(const char *what)
{
	printf("%u cases, groups %s: %s\n", cases, script_recent_least > 0 ? "in whole pages" : "as they are", what);
	fflush(stdout);
}

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
	cases++;
}

/* The disk as the power left it, with what was not synced still undecided, and what had been told. */
static struct memory_disk left;
static struct script_told told;

static void play_until(uint64_t at)
{
	script_start();
	disk.cut_at = at;
	play_script();
	ck_assert(disk.off);
	memory_disk_copy(&left, &disk);
	memory_disk_free(&disk);
	told = script_told();
}

static void go_back(void)
{
	memory_disk_copy(&disk, &left);
	script_tell(&told);
}

static void check_part(uint64_t at, enum memory_disk_pick pick, unsigned n)
{
	go_back();
	memory_disk_power_cut_picking(&disk, pick, n);
	check_spool("in part, cut at", at);
	check_delivered(at);
	leave_without_closing();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, n);
	check_spool("cut after opening", at);
	leave_without_closing();
	memory_disk_free(&disk);
	cases++;
}

static void leave_every_part(uint64_t at)
{
	play_until(at);
	unsigned unsynced = memory_disk_unsynced(&left);
	for (unsigned n = 0; n <= unsynced; n++)
		check_part(at, MEMORY_DISK_PICK_FIRST, n);
	for (unsigned n = 0; n + 1 < unsynced; n++)
		check_part(at, MEMORY_DISK_PICK_ALL_BUT, n);
	for (unsigned n = 1; n < unsynced; n++)
		check_part(at, MEMORY_DISK_PICK_ONLY, n);
	memory_disk_free(&left);
}

/* The power goes in the script, and once more at each operation of the recovery that follows. */
static void cut_recovery_at(uint64_t at, uint64_t seed)
{
	bool went = true;
	play_until(at);
	for (uint64_t second = 1; went; second++) {
		go_back();
		memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_RANDOM, seed);
		disk.cut_at = second;
		enum spool_open_result result = rig_open(&rig);
		went = disk.off;
		ck_assert(went || result == SPOOL_OPENED);
		leave_without_closing();
		memory_disk_power_cut(&disk, second % 2 == 0 ? MEMORY_DISK_KEEP_RANDOM : MEMORY_DISK_KEEP_NONE, seed + second);
		check_spool("recovery cut, after a cut at", at);
		leave_without_closing();
		memory_disk_free(&disk);
		cases++;
	}
	memory_disk_free(&left);
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

static void cut_everywhere(enum memory_disk_keep keep, const char *what)
{
	uint64_t operations = operations_of_script();
	ck_assert_uint_gt(operations, 250);
	for (uint64_t at = 1; at <= operations; at++)
		cut_at(at, keep, at * 977);
	print_cases(what);
}

START_TEST(nothing_acknowledged_is_lost_when_unsynced_writes_are_forgotten)
{
	script_recent_least = (size_t)_i;
	cut_everywhere(MEMORY_DISK_KEEP_NONE, "all that is not synced is forgotten, at each operation");
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_the_process_is_killed)
{
	script_recent_least = (size_t)_i;
	cut_everywhere(MEMORY_DISK_KEEP_ALL, "a kill at each operation");
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_unsynced_writes_are_mixed)
{
	script_recent_least = (size_t)_i;
	cut_everywhere(MEMORY_DISK_KEEP_RANDOM, "sectors, names and sizes at random, at each operation");
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_unsynced_writes_are_torn_and_reordered)
{
	script_recent_least = (size_t)_i;
	uint64_t operations = operations_of_script();
	for (uint64_t at = 1; at <= operations; at++)
		leave_every_part(at);
	print_cases("torn behind each sector, and each sector by itself before or behind the others, at each operation");
}
END_TEST

START_TEST(nothing_acknowledged_is_lost_when_the_recovery_is_cut_too)
{
	script_recent_least = (size_t)_i;
	uint64_t operations = operations_of_script();
	for (uint64_t at = 1; at <= operations; at++)
		cut_recovery_at(at, at * 641);
	print_cases("a second cut, at each operation of each recovery");
}
END_TEST

int main(void)
{
	/* Disks are copied thousands of times: their memory is kept, not given back to the kernel each time. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20); /* as much as there may be */
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	Suite *suite = suite_create("spool: power cuts");
	TCase *tests = tcase_create("at every operation");
	tcase_set_timeout(tests, 240);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_unsynced_writes_are_forgotten, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_the_process_is_killed, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_unsynced_writes_are_mixed, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_unsynced_writes_are_torn_and_reordered, 0, 2);
	tcase_add_loop_test(tests, nothing_acknowledged_is_lost_when_the_recovery_is_cut_too, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
