/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a spool that cannot work are refused, and with the least that is taken it works: it is always open to
 * outputs that keep up, and can be recovered when it is full.
 */
#include "keeper_fixture.h"

START_TEST(options_that_cannot_work_are_refused_with_what_would_be_enough)
{
	rig.options.max_size_bytes = 1 << 20;
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "are the least"));
	rig.options.max_size_bytes = RIG_MAX_BYTES;
	rig.options.segment_size_bytes = 32 << 10;
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "segment of 32768 octets is too small"));
}
END_TEST

/* As much as the check says to be the least. */
static uint64_t least_size(void)
{
	rig.options.max_size_bytes = 1;
	ck_assert(!spool_options_are_sound(&rig.options, rig.error));
	const char *said = strstr(rig.error, "too small: ");
	ck_assert_ptr_nonnull(said);
	return strtoull(said + strlen("too small: "), NULL, 10);
}

/* Whether the level is always open for an output that is a segment behind, over so many segments. */
static bool stays_open(struct spool_cursor *cursor, unsigned segments)
{
	const struct segment_table *table = &rig.spool->table;
	uint64_t end = rig.spool->writer.current.counter + segments;
	while (rig.spool->writer.current.counter < end) {
		if (spool_level(rig.spool) != SPOOL_LEVEL_OPEN || !rig_store(&rig, 30))
			return false;
		uint64_t to = table->count > 1 ? table->entry[table->count - 2].first : 0;
		if (to > spool_cursor_delivered(cursor))
			rig_deliver(cursor, to);
		keeper_turn(rig.spool);
	}
	return true;
}

/* With as many inputs as there may be: what the checkpoints need is not left for messages. */
static struct spool_cursor *open_with_size(uint64_t max_size_bytes)
{
	char name[16];
	rig_open_ok(&rig);
	for (unsigned i = 1; i < SPOOL_INPUTS_MAX; i++) {
		snprintf(name, sizeof name, "input-%u", i);
		ck_assert_int_eq(spool_register_input(rig.spool, name), (int)i);
	}
	rig.spool->options.max_size_bytes = max_size_bytes;
	keeper_turn(rig.spool);
	return rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
}

/* With the least size a spool writes, reads and recovers; with an octet less it would not be open all the time. */
START_TEST(the_least_size_is_the_one_that_a_spool_can_work_with)
{
	static const struct {
		uint32_t segment, block;
		unsigned workers, blocks;
		uint64_t reserve;
	} sizes[] = {
		{RIG_SEGMENT_BYTES, 4096, 1, 8, 0},
		{RIG_SEGMENT_BYTES, 4096, 2, 32, 1 << 20},
		{2 * RIG_SEGMENT_BYTES, 4096, 2, 32, 100000},
		{2 * RIG_SEGMENT_BYTES, 16384, 3, 16, 1 << 20},
		{RIG_SEGMENT_BYTES, 4096, 1, 4, 8 << 20},
	};
	rig.options.segment_size_bytes = sizes[_i].segment;
	rig.options.block_size_bytes = sizes[_i].block;
	rig.options.workers = sizes[_i].workers;
	rig.options.blocks_per_worker = sizes[_i].blocks;
	rig.options.reserve_bytes = sizes[_i].reserve;
	uint64_t least = least_size();
	rig.options.max_size_bytes = least - 1;
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	rig.options.max_size_bytes = least;

	struct spool_cursor *cursor = open_with_size(least);
	ck_assert(stays_open(cursor, 8));
	fill();
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_FULL);
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_le(usage.on_disk_bytes, least);
	uint64_t stored = spool_stored(rig.spool);
	spool_cursor_close(&cursor);
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_kill(&disk);

	cursor = open_with_size(least);
	ck_assert_uint_eq(spool_stored(rig.spool), stored);
	ck_assert_uint_eq(rig_read_all(&rig, 1).next, stored + 1);
	rig_deliver(cursor, stored);
	keeper_turn(rig.spool);
	ck_assert(stays_open(cursor, 8));
	spool_cursor_close(&cursor);
	teardown();

	/* As if the check did not refuse it. */
	memory_disk_init(&disk);
	cursor = open_with_size(least - 1);
	ck_assert(!stays_open(cursor, 8));
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(more_blocks_than_can_have_their_place_ahead_are_refused_whatever_the_size)
{
	rig.options.max_size_bytes = (uint64_t)1 << 40;
	rig.options.workers = SPOOL_WORKERS_MAX;
	rig.options.blocks_per_worker = 64;
	ck_assert(!spool_options_are_sound(&rig.options, rig.error));
	ck_assert_msg(strstr(rig.error, "kept ready, and 64 are the most") != NULL, "%s", rig.error);
	rig.options.segment_size_bytes = 1 << 20;
	ck_assert(spool_options_are_sound(&rig.options, rig.error));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_options");
	TCase *tests = tcase_create("options");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, options_that_cannot_work_are_refused_with_what_would_be_enough);
	tcase_add_loop_test(tests, the_least_size_is_the_one_that_a_spool_can_work_with, 0, 5);
	tcase_add_test(tests, more_blocks_than_can_have_their_place_ahead_are_refused_whatever_the_size);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
