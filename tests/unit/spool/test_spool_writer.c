/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups, and the threads together: workers that fill blocks, the writer, the keeper, readers that deliver. The spool is
 * so small that everything has to be released and reused many times over.
 */
#include "base/clock.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <unistd.h>

enum {
	WORKERS = 3,
	READERS = 2,
	RECORDS = 20000, /* of each worker */
};

static struct memory_disk disk;
static struct rig rig;

static void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
}

static void teardown(void)
{
	memory_disk_free(&disk);
}

/* ---- groups, stepped by hand ---- */

START_TEST(all_blocks_that_wait_are_one_group_with_one_sync)
{
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	writer_flush_ledger(rig.spool);
	uint64_t before = disk.syncs;
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_WRITE;
	for (int i = 0; i < 5; i++)
		ck_assert(rig_put(&rig, 10));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(disk.operations, 1); /* one vectored write */
	ck_assert_uint_eq(disk.syncs, before + 1);
	ck_assert_uint_eq(spool_stored(rig.spool), 50);
	ck_assert_uint_eq(rig.stored_events, 1);
	ck_assert(!writer_turn(rig.spool));
	spool_close(&rig.spool);
}
END_TEST

START_TEST(without_group_sync_stored_means_written)
{
	rig.options.sync = SPOOL_SYNC_OFF;
	rig_open_ok(&rig);
	uint64_t before = disk.syncs;
	ck_assert(rig_store(&rig, 10));
	ck_assert_uint_eq(disk.syncs, before);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(the_last_free_block_is_for_inputs_that_shed)
{
	rig_open_ok(&rig);
	struct spool_block *block[8];
	for (int i = 0; i < 7; i++)
		ck_assert_ptr_nonnull(block[i] = spool_take_block(rig.spool, 0, SPOOL_BLOCK_WAITS, 0, 0));
	ck_assert_ptr_null(spool_take_block(rig.spool, 0, SPOOL_BLOCK_WAITS, 0, 0));
	ck_assert_ptr_nonnull(block[7] = spool_take_block(rig.spool, 0, SPOOL_BLOCK_SHEDS, 0, 0));
	ck_assert_ptr_null(spool_take_block(rig.spool, 0, SPOOL_BLOCK_SHEDS, 0, 0));
	/* Whoever was refused is told when blocks come back; empty ones just go back. */
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(spool_submit_block(rig.spool, block[i]), 0);
	ck_assert_ptr_nonnull(block[0] = spool_take_block(rig.spool, 0, SPOOL_BLOCK_WAITS, 0, 0));
	spool_submit_block(rig.spool, block[0]);
	spool_check(rig.spool);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(a_worker_that_was_refused_is_told_when_blocks_come_back)
{
	rig_open_ok(&rig);
	unsigned put = 0;
	while (rig_put(&rig, 5))
		put++;
	ck_assert_uint_eq(put, 7);
	ck_assert_uint_eq(rig.room_events, 0);
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(rig.room_events, 1);
	ck_assert(rig_put(&rig, 5));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(rig.room_events, 1);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(an_idle_writer_starts_a_group_at_once_and_a_busy_one_within_a_millisecond)
{
	rig_open_ok(&rig);
	spool_start(rig.spool);
	usleep(3000);
	ck_assert(spool_would_start_group(rig.spool));
	ck_assert_uint_le(spool_next_group_ns(rig.spool), clock_monotonic_ns());
	ck_assert(rig_put(&rig, 1));
	for (int i = 0; i < 5000 && spool_stored(rig.spool) == 0; i++)
		usleep(100);
	ck_assert_uint_eq(spool_stored(rig.spool), 1);
	ck_assert_uint_le(spool_next_group_ns(rig.spool), clock_monotonic_ns() + GROUP_GATHER_UNAWAITED_NS);
	usleep(20 * 1000);
	ck_assert(spool_would_start_group(rig.spool)); /* idle again */
	spool_close(&rig.spool);
}
END_TEST

/* Waits until so much is stored, two seconds at the most. */
static bool is_stored(uint64_t sequence)
{
	for (int i = 0; i < 20000 && spool_stored(rig.spool) < sequence; i++)
		usleep(100);
	return spool_stored(rig.spool) >= sequence;
}

/* The last group is said to have started so late that the next one is due in a fifth of a second, or in nearly a second. */
START_TEST(a_small_group_waits_for_its_time_and_one_of_256_kib_does_not)
{
	const uint64_t due_ms = _i == 0 ? 200 : 990;
	rig.options.block_size_bytes = 64 << 10;
	rig.options.segment_size_bytes = 4 << 20;
	rig.options.max_size_bytes = 64 << 20;
	rig_open_ok(&rig);
	uint64_t begun = clock_monotonic_ns();
	atomic_store(&rig.spool->writer.group_started_ns, begun + due_ms * CLOCK_NS_PER_MS - GROUP_GATHER_UNAWAITED_NS);
	spool_start(rig.spool);
	ck_assert(rig_put(&rig, 1));
	ck_assert(!spool_would_start_group(rig.spool));
	usleep(50 * 1000);
	ck_assert_uint_eq(spool_stored(rig.spool), 0);
	if (_i == 0) {
		ck_assert(is_stored(1));
		ck_assert_uint_ge(clock_monotonic_ns() - begun, due_ms * CLOCK_NS_PER_MS);
	} else {
		for (int i = 0; i < 5; i++)
			ck_assert(rig_put(&rig, 10000));
		ck_assert(is_stored(rig.submitted));
		ck_assert_uint_lt(clock_monotonic_ns() - begun, due_ms * CLOCK_NS_PER_MS);
	}
	spool_close(&rig.spool);
}
END_TEST

/* The next group would be due in a second: who hands over, and whether it is late, decides how much sooner or later. */
START_TEST(a_group_that_nobody_waits_for_gathers_a_little_longer)
{
	bool is_late;
	rig_open_ok(&rig);
	uint64_t started = clock_monotonic_ns() + CLOCK_NS_PER_SECOND;
	atomic_store(&rig.spool->writer.group_started_ns, started);
	ck_assert_uint_eq(spool_next_group_ns(rig.spool), started + GROUP_GATHER_UNAWAITED_NS);
	ck_assert_uint_eq(spool_gathers_until_ns(rig.spool, &is_late), started + GROUP_GATHER_UNAWAITED_NS);
	ck_assert(!is_late);
	spool_await_group(rig.spool);
	ck_assert_uint_eq(spool_next_group_ns(rig.spool), started + GROUP_GATHER_NS);
	ck_assert_uint_eq(spool_gathers_until_ns(rig.spool, &is_late), started + GROUP_GATHER_NS);
	atomic_store(&rig.spool->writer.awaited_ns, clock_monotonic_ns() - GROUP_AWAITED_NS);
	ck_assert_uint_eq(spool_next_group_ns(rig.spool), started + GROUP_GATHER_UNAWAITED_NS);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(a_worker_may_rest_while_the_writer_gathers_or_is_at_work_and_not_before_an_idle_one)
{
	bool is_late;
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_gathers_until_ns(rig.spool, &is_late), 0);
	ck_assert(!is_late);
	uint64_t before = clock_monotonic_ns();
	ck_assert(rig_put(&rig, 1)); /* the writer is about to begin */
	ck_assert_uint_ge(spool_gathers_until_ns(rig.spool, &is_late), before + GROUP_GATHER_UNAWAITED_NS);
	ck_assert(!is_late);
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_gathers_until_ns(rig.spool, &is_late), 0);
	atomic_store(&rig.spool->writer.busy, true); /* a sync that takes longer than it gathers */
	ck_assert_uint_ge(spool_gathers_until_ns(rig.spool, &is_late), before + GROUP_GATHER_UNAWAITED_NS);
	ck_assert(is_late);
	atomic_store(&rig.spool->writer.busy, false);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(a_trickle_is_synced_a_thousand_times_a_second_at_the_most)
{
	rig_open_ok(&rig);
	spool_start(rig.spool);
	uint64_t begun = clock_monotonic_ns(), before = atomic_load(&rig.spool->writer.groups), now = begun, groups = 0;
	while (now - begun < 50 * CLOCK_NS_PER_MS || groups < 2) {
		(void)rig_put(&rig, 1); /* none while all blocks are on their way */
		groups = atomic_load(&rig.spool->writer.groups) - before;
		now = clock_monotonic_ns();
	}
	ck_assert_uint_le(groups, (now - begun) / GROUP_GATHER_NS + 2);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(what_waits_for_the_writer_is_packed_by_its_worker)
{
	rig.options.compression = SPOOL_COMPRESSION_ZSTD;
	rig_open_ok(&rig);
	ck_assert(rig_put(&rig, 30));
	uint64_t packed = atomic_load(&rig.spool->writer.waiting_bytes);
	spool_close(&rig.spool);
	rig.options.compression = SPOOL_COMPRESSION_NONE;
	rig_open_ok(&rig);
	ck_assert(rig_put(&rig, 30));
	ck_assert_uint_lt(2 * packed, atomic_load(&rig.spool->writer.waiting_bytes));
	spool_close(&rig.spool);
}
END_TEST

static void count_wake(void *context)
{
	++*(unsigned *)context;
}

START_TEST(a_reader_is_woken_once_for_a_group_and_not_at_all_while_it_is_behind)
{
	unsigned wakes = 0;
	struct spool_view view;
	rig_open_ok(&rig);
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	ck_assert(spool_reader_wait(reader, count_wake, &wakes));
	for (int i = 0; i < 5; i++)
		ck_assert(rig_put(&rig, 10));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(wakes, 1);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK); /* the first of five: it is behind */
	ck_assert(rig_store(&rig, 10));
	ck_assert(rig_store(&rig, 10));
	ck_assert_uint_eq(wakes, 1);
	ck_assert(!spool_reader_wait(reader, count_wake, &wakes)); /* nor may it wait */
	ck_assert_uint_eq(wakes, 1);
	spool_reader_close(&reader);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(what_was_submitted_before_closing_is_stored)
{
	rig_open_ok(&rig);
	spool_start(rig.spool);
	for (int i = 0; i < 6; i++)
		ck_assert(rig_put(&rig, 3));
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	ck_assert(rig.recovery.clean);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 18);
	spool_close(&rig.spool);
}
END_TEST

/* ---- all threads ---- */

struct worker {
	pthread_t thread;
	unsigned index;
	uint64_t refused;
};

struct reading {
	pthread_t thread;
	struct spool_cursor *cursor;
	uint64_t next[WORKERS];
	uint64_t records;
	atomic_bool woken;
};

static void *work(void *context)
{
	struct worker *worker = context;
	uint64_t number = 0, ordinal = 0;
	while (number < RECORDS) {
		struct spool_block *block = spool_take_block(rig.spool, worker->index, SPOOL_BLOCK_WAITS, 0, 0);
		if (block == NULL) {
			worker->refused++;
			usleep(200);
			continue;
		}
		unsigned wanted = 1 + (unsigned)(number % 37);
		uint8_t *room;
		while (number < RECORDS && spool_block_count(block) < wanted && (room = spool_block_reserve(block, 64)) != NULL) {
			int len = snprintf((char *)room, 64, "%u %llu", worker->index, (unsigned long long)number++);
			spool_block_commit(block, (size_t)len);
		}
		if (number % 100 == 0)
			spool_count_drop(rig.spool, worker->index, 0, SPOOL_DROP_EMPTY, 1);
		uint64_t now = spool_submit_block(rig.spool, block);
		ck_assert_uint_eq(now, ordinal + 1);
		ordinal = now;
		if (number % 512 == 0 && spool_would_start_group(rig.spool))
			(void)spool_next_group_ns(rig.spool);
	}
	while (spool_worker_stored(rig.spool, worker->index) < ordinal)
		usleep(200);
	return NULL;
}

static void check_numbers(struct reading *reading, const struct spool_view *view)
{
	struct bytes records = view->records, record;
	while (spool_record_next(&records, &record)) {
		char text[65] = "";
		unsigned worker;
		unsigned long long number;
		memcpy(text, record.at, record.len);
		ck_assert_int_eq(sscanf(text, "%u %llu", &worker, &number), 2);
		ck_assert_uint_lt(worker, WORKERS);
		ck_assert_uint_eq(number, reading->next[worker]);
		reading->next[worker]++;
		reading->records++;
	}
}

static void on_wake(void *context)
{
	atomic_store(&((struct reading *)context)->woken, true);
}

static void *read_on(void *context)
{
	struct reading *reading = context;
	struct spool_reader *reader = spool_reader_open(rig.spool, spool_cursor_delivered(reading->cursor) + 1);
	struct spool_output_totals totals = {0};
	struct spool_view view;
	while (reading->records < (uint64_t)WORKERS * RECORDS) {
		enum spool_read_result result = spool_read(reader, &view);
		if (result == SPOOL_READ_CAUGHT_UP) {
			atomic_store(&reading->woken, false);
			if (spool_reader_wait(reader, on_wake, reading))
				while (!atomic_load(&reading->woken))
					usleep(100);
			continue;
		}
		ck_assert_int_eq(result, SPOOL_READ_BLOCK);
		check_numbers(reading, &view);
		totals.delivered += view.count;
		spool_cursor_deliver(reading->cursor, view.last, &view, &totals);
	}
	spool_reader_close(&reader);
	return NULL;
}

START_TEST(workers_and_readers_together_lose_and_double_nothing)
{
	struct worker worker[WORKERS];
	struct reading reading[READERS];
	char name[16];
	rig.options.workers = WORKERS;
	rig.options.compression = _i == 0 ? SPOOL_COMPRESSION_NONE : SPOOL_COMPRESSION_ZSTD;
	rig_open_ok(&rig);
	memset(reading, 0, sizeof reading);
	for (unsigned i = 0; i < READERS; i++) {
		snprintf(name, sizeof name, "output%u", i);
		reading[i].cursor = rig_cursor(&rig, name, SPOOL_FROM_NEW, SPOOL_HOLD);
	}
	spool_start(rig.spool);
	for (unsigned i = 0; i < READERS; i++)
		pthread_create(&reading[i].thread, NULL, read_on, &reading[i]);
	for (unsigned i = 0; i < WORKERS; i++) {
		worker[i] = (struct worker){.index = i};
		pthread_create(&worker[i].thread, NULL, work, &worker[i]);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(worker[i].thread, NULL);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(reading[i].thread, NULL);

	struct spool_input_totals totals;
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, (uint64_t)WORKERS * RECORDS);
	ck_assert_uint_eq(spool_stored(rig.spool), (uint64_t)WORKERS * RECORDS);
	ck_assert_uint_eq(rig.failed_events, 0);
	spool_check(rig.spool);
	for (unsigned i = 0; i < READERS; i++) {
		struct spool_output_totals delivered;
		spool_cursor_totals(reading[i].cursor, &delivered);
		ck_assert_uint_eq(delivered.delivered, (uint64_t)WORKERS * RECORDS);
		spool_cursor_close(&reading[i].cursor);
	}
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	ck_assert(rig.recovery.clean);
	ck_assert_uint_eq(spool_stored(rig.spool), (uint64_t)WORKERS * RECORDS);
	spool_check(rig.spool);
	spool_close(&rig.spool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_writer");
	TCase *tests = tcase_create("groups");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_blocks_that_wait_are_one_group_with_one_sync);
	tcase_add_test(tests, without_group_sync_stored_means_written);
	tcase_add_test(tests, the_last_free_block_is_for_inputs_that_shed);
	tcase_add_test(tests, a_worker_that_was_refused_is_told_when_blocks_come_back);
	tcase_add_test(tests, an_idle_writer_starts_a_group_at_once_and_a_busy_one_within_a_millisecond);
	tcase_add_loop_test(tests, a_small_group_waits_for_its_time_and_one_of_256_kib_does_not, 0, 2);
	tcase_add_test(tests, a_trickle_is_synced_a_thousand_times_a_second_at_the_most);
	tcase_add_test(tests, a_group_that_nobody_waits_for_gathers_a_little_longer);
	tcase_add_test(tests, a_worker_may_rest_while_the_writer_gathers_or_is_at_work_and_not_before_an_idle_one);
	tcase_add_test(tests, what_waits_for_the_writer_is_packed_by_its_worker);
	tcase_add_test(tests, a_reader_is_woken_once_for_a_group_and_not_at_all_while_it_is_behind);
	tcase_add_test(tests, what_was_submitted_before_closing_is_stored);
	tcase_add_loop_test(tests, workers_and_readers_together_lose_and_double_nothing, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
