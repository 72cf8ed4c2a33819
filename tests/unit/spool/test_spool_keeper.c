/* SPDX-License-Identifier: Apache-2.0 */
/* Space: preallocation ahead of the writer, the levels, outputs that are behind, disks that are full. */
#include "base/clock.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <errno.h>
#include <unistd.h>

static struct memory_disk disk;
static struct rig rig;

static void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
}

static void teardown(void)
{
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

/* Stores until nothing more is taken. */
static void fill(void)
{
	while (rig_store(&rig, 30))
		keeper_turn(rig.spool);
}

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

/* ---- rule 11 ---- */

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
	while (rig.spool->table.count < 4) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	ck_assert(!spool_cursor_jumped(cursor, &first, &last));
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

/* ---- rules 13, 18 and 19: what becomes of files, and when cursors reach the disk ---- */

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

/* ---- options ---- */

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
	tcase_add_test(tests, an_output_that_holds_holds_back_the_inputs_and_loses_nothing);
	tcase_add_test(tests, an_output_that_drops_the_oldest_keeps_the_spool_out_of_its_reserve);
	tcase_add_test(tests, an_output_that_drops_the_oldest_jumps_to_the_next_segment_and_the_range_is_counted);
	tcase_add_test(tests, max_lag_by_size_makes_it_drop_before_the_spool_is_full);
	tcase_add_test(tests, max_lag_by_time_makes_it_drop_what_is_too_old_and_nothing_else);
	tcase_add_test(tests, the_age_of_a_segment_is_read_while_nobody_waits_for_it);
	tcase_add_test(tests, released_files_are_written_again_instead_of_new_ones);
	tcase_add_test(tests, files_that_are_released_late_are_written_again_too);
	tcase_add_test(tests, released_files_that_max_size_does_not_allow_are_not_kept);
	tcase_add_test(tests, spares_that_a_lowered_max_size_does_not_allow_are_removed_but_those_that_are_needed_stay);
	tcase_add_test(tests, a_cursor_that_moved_is_on_the_disk_within_a_second);
	tcase_add_test(tests, a_file_system_that_is_full_does_not_stop_a_cursor);
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
