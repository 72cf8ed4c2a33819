/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of `relayctl spool drop`: their file, over restarts and power cuts, and when they go. */
#include "base/little_endian.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <errno.h>
#include <xxhash.h>

static struct memory_disk disk;
static struct rig rig;
static struct spool_cursor *a, *b;

static void open_cursors(void)
{
	a = rig_cursor(&rig, "a", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	b = rig_cursor(&rig, "b", SPOOL_FROM_OLDEST, SPOOL_HOLD);
}

static void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	open_cursors();
	ck_assert(rig_store(&rig, 10));
}

static void close_rig(void)
{
	spool_cursor_close(&a);
	spool_cursor_close(&b);
	spool_close(&rig.spool);
}

static void teardown(void)
{
	close_rig();
	memory_disk_free(&disk);
}

static void reopen(void)
{
	close_rig();
	rig_open_ok(&rig);
	open_cursors();
}

static void crash(void)
{
	disk.off = true;
	close_rig();
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	open_cursors();
}

static bool add(const char *output, uint64_t to, const char *filter)
{
	struct spool_drop_rule rule = {.to = to, .uid = 7};
	strcpy(rule.output, output);
	strcpy(rule.filter, filter);
	return spool_drop_add(rig.spool, &rule, rig.error);
}

static void check(unsigned place, uint64_t id, uint64_t to, const char *output, const char *filter)
{
	struct spool_drop_rule rule;
	ck_assert(spool_drop_at(rig.spool, place, &rule));
	ck_assert_uint_eq(rule.id, id);
	ck_assert_uint_eq(rule.to, to);
	ck_assert_uint_eq(rule.uid, 7);
	ck_assert_str_eq(rule.output, output);
	ck_assert_str_eq(rule.filter, filter);
}

static unsigned count(void)
{
	struct spool_drop_rule rule;
	unsigned found = 0;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++)
		found += spool_drop_at(rig.spool, i, &rule);
	return found;
}

/* As an output does that has dropped so many by the rule at the place. */
static void pass(struct spool_cursor *cursor, uint64_t sequence, unsigned place, uint64_t id, uint64_t dropped)
{
	struct spool_output_totals totals;
	spool_cursor_totals(cursor, &totals);
	totals.delivered += sequence - spool_cursor_delivered(cursor) - dropped;
	totals.dropped_by_rule += dropped;
	totals.rule[place].dropped = dropped + (totals.rule[place].id == id ? totals.rule[place].dropped : 0);
	totals.rule[place].id = id;
	spool_cursor_deliver(cursor, sequence, NULL, &totals);
}

START_TEST(a_rule_is_on_the_disk_when_it_was_made)
{
	uint64_t version = spool_drop_version(rig.spool);
	ck_assert(add("a", 10, "{}"));
	ck_assert_uint_gt(spool_drop_version(rig.spool), version);
	crash();
	ck_assert_uint_eq(count(), 1);
	check(0, 1, 10, "a", "{}");
}
END_TEST

static int give(const struct spool *spool, int file)
{
	(void)spool;
	ck_assert_int_ge(file, 0);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "drops.new", 0));
	ck_assert_str_eq(memory_disk_find(&disk, "drops", 0), "drops.new"); /* not with its own name yet */
	return -EPERM;
}

/* A kill behind the name would leave a file that the spool's owner cannot open. */
START_TEST(the_file_of_rules_is_its_owners_before_it_has_its_name)
{
	close_rig();
	struct spool bare = {.path = (char *)"spool", .disk = &disk.disk};
	drops_init(&bare.drops);
	bare.directory = disk.disk.open_directory(&disk.disk, "spool");
	ck_assert_int_eq(disk.disk.unlink(&disk.disk, bare.directory, "drops"), 0);
	ck_assert_int_eq(drops_create(&bare, give), -EPERM);
	ck_assert_ptr_null(memory_disk_find(&disk, "drops", 0));
	drops_close(&bare);
}
END_TEST

START_TEST(rules_have_places_and_ids_that_grow)
{
	char filter[SPOOL_DROP_FILTER_MAX_BYTES + 1];
	memset(filter, 'x', sizeof filter - 1);
	filter[sizeof filter - 1] = '\0';
	ck_assert(add("", 3, filter));
	ck_assert(add("b", 4, "{}"));
	reopen();
	check(0, 1, 3, "", filter);
	check(1, 2, 4, "b", "{}");
	pass(a, 3, 0, 1, 0);
	pass(b, 3, 0, 1, 0);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(count(), 1);
	ck_assert(add("a", 5, "{}"));
	check(0, 3, 5, "a", "{}");
	reopen();
	check(0, 3, 5, "a", "{}");
	check(1, 2, 4, "b", "{}");
}
END_TEST

START_TEST(a_rule_of_an_output_that_is_not_there_is_refused)
{
	ck_assert(!add("none", 10, "{}"));
	ck_assert(strstr(rig.error, "has no place of an output \"none\"") != NULL);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(there_are_so_many_places)
{
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++)
		ck_assert(add("", 10, "{}"));
	ck_assert(!add("", 10, "{}"));
	ck_assert(strstr(rig.error, "as many rules as it can remember") != NULL);
	reopen();
	ck_assert_uint_eq(count(), SPOOL_DROP_RULES_MAX);
}
END_TEST

/* A cursor that a power cut takes back behind the sequence needs the rule again. */
START_TEST(a_rule_goes_when_every_output_is_past_it_for_certain)
{
	ck_assert(add("", 6, "{}"));
	pass(a, 6, 0, 1, 2);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(spool_drop_count(rig.spool, 0, 1), 2);
	pass(b, 5, 0, 1, 1);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(count(), 1);
	reopen();
	ck_assert_uint_eq(spool_drop_count(rig.spool, 0, 1), 3);
	pass(b, 6, 0, 1, 1);
	ck_assert_uint_eq(spool_drop_count(rig.spool, 0, 1), 4);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(count(), 0);
	crash();
	ck_assert_uint_eq(count(), 0);
	struct spool_output_totals totals;
	spool_cursor_totals(a, &totals);
	ck_assert_uint_eq(totals.dropped_by_rule, 2);
}
END_TEST

START_TEST(a_rule_of_one_output_goes_when_that_one_is_past_it)
{
	ck_assert(add("b", 6, "{}"));
	pass(b, 6, 0, 1, 2);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* A count that a cursor keeps of a rule that is gone must not be taken for that of a new one. */
START_TEST(an_id_is_never_used_again)
{
	ck_assert(add("a", 6, "{}"));
	pass(a, 6, 0, 1, 5);
	keeper_turn(rig.spool);
	reopen();
	ck_assert(add("a", 8, "{}"));
	check(0, 2, 8, "a", "{}");
	ck_assert_uint_eq(spool_drop_count(rig.spool, 0, 2), 0);
}
END_TEST

/* Sequences that a torn tail gives back are given to other records: a rule must not speak of these. */
START_TEST(a_rule_is_lowered_to_what_a_power_cut_has_left)
{
	close_rig();
	rig.options.sync = SPOOL_SYNC_OFF;
	rig_open_ok(&rig);
	open_cursors();
	keeper_turn(rig.spool);
	ck_assert(rig_store(&rig, 5));
	ck_assert(add("", 15, "{}"));
	crash();
	uint64_t stored = spool_stored(rig.spool);
	ck_assert_uint_lt(stored, 15);
	check(0, 1, stored, "", "{}");
	ck_assert(rig_store(&rig, 5));
	reopen();
	check(0, 1, stored, "", "{}");
}
END_TEST

START_TEST(a_rule_follows_an_output_that_gets_another_name_and_goes_with_one_that_is_forgotten)
{
	ck_assert(add("a", 10, "{}"));
	ck_assert(add("b", 10, "{}"));
	close_rig();
	rig_open_ok(&rig);
	ck_assert(spool_rename_cursor(rig.spool, "a", "c", rig.error));
	check(0, 1, 10, "c", "{}");
	ck_assert(spool_forget_cursor(rig.spool, "b", rig.error));
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	ck_assert_uint_eq(count(), 1);
	check(0, 1, 10, "c", "{}");
}
END_TEST

static bool has_cursor(const char *name)
{
	struct spool_orphan orphans[SPOOL_CURSORS_MAX];
	unsigned count = spool_orphans(rig.spool, orphans, SPOOL_CURSORS_MAX);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(orphans[i].name, name) == 0)
			return true;
	return false;
}

static void check_renamed(const char *name)
{
	ck_assert(has_cursor(name));
	ck_assert(!has_cursor(name[0] == 'a' ? "c" : "a"));
	check(0, 1, 4, name, "{\"one\":1}");
	check(1, 2, 4, "b", "{}");
	check(2, 3, 5, name, "{\"two\":2}");
	check(3, 4, 4, "", "{}");
	ck_assert_uint_eq(count(), 4);
}

/* The start behind it is cut, too, at its operation `second`. False if it came to its end before. */
static bool cut_rename(const struct memory_disk *from, uint64_t at, uint64_t second, enum memory_disk_keep keep, bool *went)
{
	memory_disk_copy(&disk, from);
	rig_open_ok(&rig);
	disk.fault_ops = MEMORY_DISK_ANY;
	disk.operations = 0;
	disk.cut_at = at;
	bool done = spool_rename_cursor(rig.spool, "a", "c", rig.error);
	*went = disk.off;
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, keep, at);
	disk.cut_at = second;
	(void)rig_open(&rig);
	bool start_went = disk.off;
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, keep, second);
	for (unsigned i = 0; i < 2; i++) {
		rig_open_ok(&rig);
		ck_assert(!done || has_cursor("c"));
		check_renamed(has_cursor("c") ? "c" : "a");
		spool_close(&rig.spool);
	}
	memory_disk_free(&disk);
	return start_went;
}

/* No output has its place but not its rules; and another one of the old name has none of them. */
START_TEST(a_power_cut_while_an_output_is_renamed_leaves_its_rules_with_it)
{
	struct memory_disk from;
	ck_assert(add("a", 4, "{\"one\":1}") && add("b", 4, "{}") && add("a", 5, "{\"two\":2}") && add("", 4, "{}"));
	close_rig();
	memory_disk_copy(&from, &disk);
	memory_disk_free(&disk);
	for (enum memory_disk_keep keep = MEMORY_DISK_KEEP_NONE; keep <= MEMORY_DISK_KEEP_RANDOM; keep++) {
		bool went = true;
		uint64_t at = 0;
		while (went)
			for (uint64_t second = (at++, 1); cut_rename(&from, at, second, keep, &went); second++)
				;
		ck_assert_uint_eq(at, 9); /* cursor, two rules, cursor: each written and synced */
	}
	memory_disk_copy(&disk, &from);
	memory_disk_free(&from);
	rig_open_ok(&rig);
}
END_TEST

/* The power goes at any operation of making a rule: it is there whole, or not at all; if it was made, it is there. */
START_TEST(a_power_cut_while_a_rule_is_made_leaves_it_whole_or_not_at_all)
{
	for (uint64_t at = 1; at <= 4; at++) {
		ck_assert(add("a", 5, "{\"old\":1}"));
		memory_disk_heal(&disk);
		disk.fault_ops = MEMORY_DISK_ANY;
		disk.cut_at = at;
		bool made = add("b", 6, "{\"new\":1}");
		disk.off = true;
		close_rig();
		memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_RANDOM, at);
		rig_open_ok(&rig);
		open_cursors();
		struct spool_drop_rule rule;
		bool there = false;
		for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++)
			there |= spool_drop_at(rig.spool, i, &rule) && strcmp(rule.filter, "{\"new\":1}") == 0;
		ck_assert(!made || there);
		ck_assert_uint_ge(count(), 1);
		teardown();
		setup();
	}
}
END_TEST

/* Any operation fails: the command says so, no output acts on the rule, and what was there before stays. */
START_TEST(a_rule_that_cannot_be_written_is_said_and_is_none)
{
	ck_assert(add("a", 5, "{}"));
	for (uint64_t at = 1; at <= 2; at++) {
		memory_disk_heal(&disk);
		disk.fault_ops = MEMORY_DISK_ANY;
		disk.fail_at = at;
		disk.fail_error = -EIO;
		ck_assert(!add("b", 6, "{}"));
		ck_assert(strstr(rig.error, "drops: cannot be written: Input/output error") != NULL);
		ck_assert_uint_eq(count(), 1);
	}
	memory_disk_heal(&disk);
	ck_assert(add("b", 7, "{}"));
	reopen();
	check(0, 1, 5, "a", "{}");
	ck_assert_uint_eq(count(), 2);
}
END_TEST

/* While a spool runs, a rule that may or may not be on the disk is a lie at the next start: so it ends, as for any sync. */
START_TEST(a_rule_that_cannot_be_synced_ends_a_spool_that_runs)
{
	spool_start(rig.spool);
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.fail_at = 1;
	disk.fail_error = -EIO;
	ck_assert(!add("b", 6, "{}"));
	ck_assert_uint_eq(rig.failed_events, 1);
	memory_disk_heal(&disk);
}
END_TEST

START_TEST(a_damaged_rule_is_none)
{
	ck_assert(add("a", 5, "{}"));
	ck_assert(add("b", 6, "{}"));
	close_rig();
	uint64_t size;
	uint8_t *octets = memory_disk_octets(&disk, "drops", &size);
	for (uint64_t at = 0; at < 2 * SLOT_BYTES; at++)
		octets[at] ^= octets[at] != 0 ? 1 : 0;
	memory_disk_settle(&disk, "drops");
	rig_open_ok(&rig);
	open_cursors();
	ck_assert_uint_eq(count(), 1);
	check(1, 2, 6, "b", "{}");
}
END_TEST

START_TEST(a_spool_with_a_rule_of_a_newer_version_is_refused)
{
	ck_assert(add("a", 5, "{}"));
	close_rig();
	uint64_t size;
	uint8_t *octets = memory_disk_octets(&disk, "drops", &size);
	for (unsigned slot = 0; slot < 2; slot++) {
		uint8_t *at = octets + slot * SLOT_BYTES;
		if (le32_load(at) != DROP_MAGIC)
			continue;
		at[4] = FORMAT_MAJOR + 1;
		uint8_t *cursors = memory_disk_octets(&disk, "cursors", &size);
		le64_store(at + SLOT_BYTES - 8, XXH3_64bits_withSeed(at, SLOT_BYTES - 8, le64_load(cursors + 8)));
	}
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
}
END_TEST

/* A full file system is when an operator wants to drop something: the file is there in full from the start. */
START_TEST(a_rule_is_made_on_a_full_disk)
{
	uint64_t size;
	ck_assert_ptr_nonnull(memory_disk_octets(&disk, "drops", &size));
	ck_assert_uint_eq(size, drops_file_bytes());
	disk.capacity = 1;
	ck_assert(add("a", 5, "{}"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_drops");
	TCase *tests = tcase_create("rules");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_rule_is_on_the_disk_when_it_was_made);
	tcase_add_test(tests, the_file_of_rules_is_its_owners_before_it_has_its_name);
	tcase_add_test(tests, rules_have_places_and_ids_that_grow);
	tcase_add_test(tests, a_rule_of_an_output_that_is_not_there_is_refused);
	tcase_add_test(tests, there_are_so_many_places);
	tcase_add_test(tests, a_rule_goes_when_every_output_is_past_it_for_certain);
	tcase_add_test(tests, a_rule_of_one_output_goes_when_that_one_is_past_it);
	tcase_add_test(tests, an_id_is_never_used_again);
	tcase_add_test(tests, a_rule_is_lowered_to_what_a_power_cut_has_left);
	tcase_add_test(tests, a_rule_follows_an_output_that_gets_another_name_and_goes_with_one_that_is_forgotten);
	tcase_add_test(tests, a_power_cut_while_an_output_is_renamed_leaves_its_rules_with_it);
	tcase_add_test(tests, a_power_cut_while_a_rule_is_made_leaves_it_whole_or_not_at_all);
	tcase_add_test(tests, a_rule_that_cannot_be_written_is_said_and_is_none);
	tcase_add_test(tests, a_rule_that_cannot_be_synced_ends_a_spool_that_runs);
	tcase_add_test(tests, a_damaged_rule_is_none);
	tcase_add_test(tests, a_spool_with_a_rule_of_a_newer_version_is_refused);
	tcase_add_test(tests, a_rule_is_made_on_a_full_disk);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
