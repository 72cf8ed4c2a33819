/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs that are behind (spool-rules.md, rule 11): one that holds loses nothing, one that may drop jumps in time, and
 * how far behind it may be is told by size or by time.
 */
#include "base/clock.h"
#include "keeper_fixture.h"

START_TEST(an_output_that_holds_holds_back_the_inputs_and_loses_nothing)
{
	uint64_t first, last;
	rig_open_ok(&rig);
	struct spool_cursor *holds = rig_cursor(&rig, "holds", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	struct spool_cursor *drops = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	keeper_turn(rig.spool);
	fill();
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_FULL);
	/* Dropping would free nothing: the other output still needs the same segments. */
	ck_assert(!spool_cursor_jumped(drops, &first, &last));
	ck_assert_uint_eq(spool_first(rig.spool), 1);
	spool_cursor_close(&holds);
	spool_cursor_close(&drops);
}
END_TEST

START_TEST(an_output_that_drops_the_oldest_keeps_the_spool_out_of_its_reserve)
{
	uint64_t first, last;
	rig.options.reserve_bytes = 128 << 10;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	keeper_turn(rig.spool);
	for (int i = 0; i < 2000; i++) {
		ck_assert(rig_store(&rig, 30));
		/* Who cannot wait would be shed now, and who can would wait for ever. */
		for (int turn = 0; turn < 3; turn++)
			keeper_turn(rig.spool);
		ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	}
	ck_assert(spool_cursor_jumped(cursor, &first, &last));
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(an_output_that_drops_the_oldest_jumps_to_the_next_segment_and_the_range_is_counted)
{
	uint64_t first, last, passed = 0;
	struct spool_output_totals totals;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	keeper_turn(rig.spool);
	for (int i = 0; i < 2000; i++) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
		if (i % 100 != 0 || !spool_cursor_jumped(cursor, &first, &last))
			continue;
		ck_assert_uint_eq(first, passed + 1);
		ck_assert_uint_eq(last + 1, spool_first(rig.spool));
		passed = last;
	}
	ck_assert_uint_gt(passed, 10000);
	if (spool_cursor_jumped(cursor, &first, &last))
		passed = last;
	ck_assert(!spool_cursor_jumped(cursor, &first, &last));
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.dropped_oldest, passed);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), passed);
	/* An acknowledgement of something passed over is ignored; a later one keeps the count. */
	spool_cursor_deliver(cursor, passed - 5, NULL, &(struct spool_output_totals){.delivered = 1});
	ck_assert_uint_eq(spool_cursor_delivered(cursor), passed);
	spool_cursor_deliver(cursor, passed + 5, NULL, &(struct spool_output_totals){.delivered = 5});
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.dropped_oldest, passed);
	ck_assert_uint_eq(totals.delivered + totals.dropped_oldest, spool_cursor_delivered(cursor));
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(max_lag_by_size_makes_it_drop_before_the_spool_is_full)
{
	uint64_t first, last;
	struct spool_cursor_options options = {
		.name = "lags", .from = SPOOL_FROM_OLDEST, .when_behind = SPOOL_DROP_OLDEST, .max_lag_bytes = 1 << 20};
	rig_open_ok(&rig);
	struct spool_cursor *cursor = spool_cursor_open(rig.spool, &options, rig.error);
	keeper_turn(rig.spool);
	while (!spool_cursor_jumped(cursor, &first, &last)) {
		ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_le(usage.used_bytes, (1 << 20) + 2 * RIG_SEGMENT_BYTES);
	ck_assert_uint_ge(usage.used_bytes, (1 << 20) - RIG_SEGMENT_BYTES);
	spool_cursor_close(&cursor);
}
END_TEST

/* A message may not be older than an hour; a segment behind the cursor's was begun two hours ago. */
START_TEST(max_lag_by_time_makes_it_drop_what_is_too_old_and_nothing_else)
{
	uint64_t first, last;
	struct spool_cursor_options options = {.name = "lags", .from = SPOOL_FROM_OLDEST, .when_behind = SPOOL_DROP_OLDEST,
	                                       .max_lag_ns = 3600 * (uint64_t)CLOCK_NS_PER_SECOND};
	rig_open_ok(&rig);
	struct spool_cursor *cursor = spool_cursor_open(rig.spool, &options, rig.error);
	keeper_turn(rig.spool);
	ck_assert(!rig.spool->keeper.retry); /* no segment is behind it that could become too old */
	while (rig.spool->table.count < 4) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	ck_assert(!spool_cursor_jumped(cursor, &first, &last));
	ck_assert(rig.spool->keeper.retry);
	uint64_t third = rig.spool->table.entry[2].first;
	rig.spool->table.entry[0].begun_ns -= 3 * 3600 * CLOCK_NS_PER_SECOND;
	rig.spool->table.entry[1].begun_ns -= 2 * 3600 * CLOCK_NS_PER_SECOND;
	uint64_t second = rig.spool->table.entry[1].first;
	keeper_turn(rig.spool);
	ck_assert(spool_cursor_jumped(cursor, &first, &last));
	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(last + 1, second);
	ck_assert_uint_lt(last + 1, third);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	spool_cursor_close(&cursor);
}
END_TEST

static int64_t (*plain_read)(const struct disk *disk, int file, void *at, size_t len, uint64_t offset);
static unsigned reads_in_the_way;

/* Readers and the writer want the table for each refill and group: nobody may have it while the disk is asked. */
static int64_t watched_read(const struct disk *of, int file, void *at, size_t len, uint64_t offset)
{
	if (pthread_mutex_trylock(&rig.spool->table_lock) == 0)
		pthread_mutex_unlock(&rig.spool->table_lock);
	else
		reads_in_the_way++;
	return plain_read(of, file, at, len, offset);
}

/* Segments of an earlier run: how old they are stands on the disk only. */
START_TEST(the_age_of_a_segment_is_read_while_nobody_waits_for_it)
{
	uint64_t first, last;
	struct spool_cursor_options options = {.name = "lags", .from = SPOOL_FROM_OLDEST, .when_behind = SPOOL_DROP_OLDEST,
	                                       .max_lag_ns = 1};
	rig_open_ok(&rig);
	struct spool_cursor *cursor = spool_cursor_open(rig.spool, &options, rig.error);
	keeper_turn(rig.spool);
	spool_cursor_close(&cursor);
	cursor = rig_cursor(&rig, "holds", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	while (rig.spool->table.count < 4) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	ck_assert_int_eq(rig.spool->table.entry[1].begun_ns, 0);
	cursor = spool_cursor_open(rig.spool, &options, rig.error);
	plain_read = disk.disk.read;
	disk.disk.read = watched_read;
	keeper_turn(rig.spool);
	disk.disk.read = plain_read;
	ck_assert_uint_eq(reads_in_the_way, 0);
	ck_assert_int_ne(rig.spool->table.entry[1].begun_ns, 0);
	ck_assert(spool_cursor_jumped(cursor, &first, &last));
	ck_assert_uint_eq(first, 1);
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_keeper_behind");
	TCase *tests = tcase_create("behind");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_output_that_holds_holds_back_the_inputs_and_loses_nothing);
	tcase_add_test(tests, an_output_that_drops_the_oldest_keeps_the_spool_out_of_its_reserve);
	tcase_add_test(tests, an_output_that_drops_the_oldest_jumps_to_the_next_segment_and_the_range_is_counted);
	tcase_add_test(tests, max_lag_by_size_makes_it_drop_before_the_spool_is_full);
	tcase_add_test(tests, max_lag_by_time_makes_it_drop_what_is_too_old_and_nothing_else);
	tcase_add_test(tests, the_age_of_a_segment_is_read_while_nobody_waits_for_it);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
