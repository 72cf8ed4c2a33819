/* SPDX-License-Identifier: Apache-2.0 */
/* The window of recent groups: what goes in, where it lies in the file, what comes out, and for how long. */
#include "spool/recent.h"

#include "base/clock.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
	WINDOW_BYTES = 16 * DISK_PAGE_BYTES,
	LEAST_BYTES = 1000,
	FILE_BYTES = 64 * DISK_PAGE_BYTES,
};

static struct memory_disk disk;
static struct recent recent;
static struct follower follower;
static int file;
static uint8_t whole[FILE_BYTES]; /* what the file is to have */
static uint64_t end;

static void setup(void)
{
	memory_disk_init(&disk);
	int directory = disk.disk.open_directory(&disk.disk, "d");
	file = disk.disk.open(&disk.disk, directory, "segment-", DISK_OPEN_CREATE);
	recent_init(&recent, WINDOW_BYTES - 1, 0);
	follower_join(&recent.followers, &follower);
	recent.least = LEAST_BYTES;
	memset(whole, 0, sizeof whole);
	end = 0;
}

static void teardown(void)
{
	recent_free(&recent);
	memory_disk_free(&disk);
}

static uint8_t octet(uint64_t at)
{
	return (uint8_t)(at * 31 + at / 251 + 1);
}

static void make(size_t len, struct iovec *parts)
{
	for (size_t i = 0; i < len; i++)
		whole[end + i] = octet(end + i);
	parts[0] = (struct iovec){.iov_base = whole + end, .iov_len = len / 3};
	parts[1] = (struct iovec){.iov_base = whole + end + len / 3, .iov_len = len - len / 3};
}

/* Appends a group through the window; the file then has it, in whole pages. */
static void put(uint64_t counter, size_t len)
{
	struct iovec parts[2];
	struct recent_pages pages;
	make(len, parts);
	struct recent_group group = {file, counter, end, parts, 2, len};
	ck_assert(recent_put(&recent, &disk.disk, &group, &pages));
	for (int i = 0; i < pages.count; i++) {
		ck_assert_uint_eq((uintptr_t)pages.part[i].iov_base % DISK_PAGE_BYTES, 0);
		ck_assert_uint_eq(pages.part[i].iov_len % DISK_PAGE_BYTES, 0);
	}
	ck_assert_int_eq(disk_write_pages(&disk.disk, file, pages.part, pages.count, pages.offset), 0);
	end += len;
}

/* Appends one that does not go through it. */
static void put_plain(size_t len)
{
	struct iovec parts[2];
	make(len, parts);
	ck_assert_int_eq(disk_write(&disk.disk, file, parts, 2, end), 0);
	end += len;
}

static void check_file(void)
{
	uint8_t got[FILE_BYTES];
	int64_t len = disk.disk.read(&disk.disk, file, got, sizeof got, 0);
	ck_assert_int_ge(len, (int64_t)end);
	ck_assert_mem_eq(got, whole, end);
	for (uint64_t at = end; at < (uint64_t)len; at++)
		ck_assert_uint_eq(got[at], 0);
}

/* What can be read of `len` octets, all of them right. */
static size_t readable(uint64_t counter, uint64_t offset, size_t len)
{
	static uint8_t got[FILE_BYTES];
	size_t had = recent_read(&recent, &follower, counter, offset, got, len);
	ck_assert_uint_le(had, len);
	ck_assert_mem_eq(got, whole + offset, had);
	return had;
}

START_TEST(groups_lie_in_the_file_as_if_written_one_after_the_other)
{
	put_plain(100); /* the segment's head */
	for (unsigned i = 0; i < 40; i++)
		put(7, 1000 + i * 137 % 3000);
	check_file();
	put_plain(64);
	put(7, 5000);
	check_file();
}
END_TEST

START_TEST(what_was_put_last_can_be_read_back_up_to_a_windows_length)
{
	put(7, 10000);
	ck_assert_uint_eq(readable(7, 0, 10000), 10000);
	ck_assert_uint_eq(readable(7, 9000, 5000), 1000);
	ck_assert_uint_eq(readable(7, 10000, 1), 0);
	ck_assert_uint_eq(readable(8, 0, 1), 0);
	while (end < 3 * WINDOW_BYTES) {
		put(7, 3000);
		uint64_t held = disk_page_end(end) - WINDOW_BYTES;
		if (disk_page_end(end) <= WINDOW_BYTES)
			continue;
		ck_assert_uint_eq(readable(7, held, FILE_BYTES - held), end - held);
		ck_assert_uint_eq(readable(7, held - 1, 2), 0);
	}
}
END_TEST

START_TEST(what_was_not_put_is_not_held_and_what_it_had_in_its_page_is)
{
	put(7, 5000);
	put_plain(3000);
	put(7, 2000);
	ck_assert_uint_eq(readable(7, 8000, 5000), 2000);
	ck_assert_uint_eq(readable(7, disk_page_begin(8000) - 1, 5000), 5000 - (DISK_PAGE_BYTES - 1)); /* the first of all */
	ck_assert_uint_eq(readable(7, disk_page_begin(8000) + 1, 9000), 10000 - DISK_PAGE_BYTES - 1);
	ck_assert_uint_eq(readable(7, 0, 9000), 5000);
	check_file();
}
END_TEST

START_TEST(the_segment_before_the_newest_is_held_too)
{
	put(7, 9000);
	uint64_t before = end;
	put(8, 3000); /* this test's segments lie in one file, one behind the other */
	ck_assert_uint_eq(readable(7, 1000, 9000), before - 1000);
	ck_assert_uint_eq(readable(8, before, 9000), 3000);
	put(9, 3000);
	ck_assert_uint_eq(readable(7, 1000, 9000), 0);
	ck_assert_uint_eq(readable(8, before, 9000), 3000);
}
END_TEST

START_TEST(small_groups_follow_a_large_one_until_they_fill_a_part_of_the_window)
{
	ck_assert(!recent_wants(&recent, LEAST_BYTES - 1));
	ck_assert(recent_wants(&recent, LEAST_BYTES));
	ck_assert(recent_wants(&recent, WINDOW_BYTES / 2 - 2 * DISK_PAGE_BYTES));
	ck_assert(!recent_wants(&recent, WINDOW_BYTES / 2 - 2 * DISK_PAGE_BYTES + 1));
	put_plain(2 * DISK_PAGE_BYTES);
	uint64_t first = end;
	put(7, LEAST_BYTES);
	size_t small = 0;
	for (; small + 100 <= WINDOW_BYTES / RECENT_SMALL_PART; small += 100) {
		ck_assert(recent_wants(&recent, 100));
		if (small % 1000 == 0)
			put(7, 100);
	}
	ck_assert_uint_eq(readable(7, first, LEAST_BYTES), LEAST_BYTES);
	ck_assert(!recent_wants(&recent, 100));
	ck_assert_uint_eq(readable(7, first, LEAST_BYTES), 0);
	put_plain(DISK_PAGE_BYTES);
	/* And again, with what was there before forgotten for good. */
	ck_assert(recent_wants(&recent, LEAST_BYTES));
	uint64_t begin = end;
	put(7, LEAST_BYTES);
	ck_assert_uint_eq(readable(7, begin, 2 * LEAST_BYTES), LEAST_BYTES);
	ck_assert_uint_eq(readable(7, first, 100), 0);
	check_file();
}
END_TEST

START_TEST(a_page_that_cannot_be_read_keeps_the_group_out)
{
	struct iovec parts[2];
	struct recent_pages pages;
	put_plain(100);
	make(2000, parts);
	struct recent_group group = {file, 7, end, parts, 2, 2000};
	disk.unreadable_from = 1;
	ck_assert(!recent_put(&recent, &disk.disk, &group, &pages));
	ck_assert_uint_eq(readable(7, 100, 2000), 0);
	disk.unreadable_from = 0;
	put(7, 2000);
	check_file();
}
END_TEST

/* --- in a spool -------------------------------------------------------------------------------------------------- */

static void store_up_to(struct rig *rig, uint64_t number)
{
	while (rig->submitted < number) {
		ck_assert(rig_store(rig, 10));
		keeper_turn(rig->spool);
	}
}

START_TEST(a_reader_that_keeps_up_never_looks_at_the_disk)
{
	struct rig rig;
	rig_init(&rig, "spool", &disk.disk);
	rig.recent_least = 1;
	rig_open_ok(&rig);
	rig_store(&rig, 10);
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	disk.unreadable_from = SEGMENT_HEADER_BYTES;
	for (unsigned i = 1; i < 20; i++) {
		rig_store(&rig, 10);
		ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
		ck_assert_uint_eq(view.first, i * 10 + 1);
	}
	disk.unreadable_from = 0;
	/* One that begins with what is no longer held reads it from the disk. */
	store_up_to(&rig, 400);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, rig.submitted);
	spool_reader_close(&reader);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	ck_assert(rig.recovery.clean);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, rig.submitted);
	spool_close(&rig.spool);
}
END_TEST

enum { ALONG = 20000 };

static void *read_along(void *context)
{
	struct rig *rig = context;
	struct spool_reader *reader = spool_reader_open(rig->spool, 1);
	struct spool_view view;
	uint64_t next = 1;
	while (next <= ALONG)
		if (spool_read(reader, &view) == SPOOL_READ_BLOCK) {
			ck_assert_uint_eq(view.first, next);
			next = view.last + 1;
		}
	spool_reader_close(&reader);
	return NULL;
}

START_TEST(readers_on_other_threads_get_what_was_written_while_the_window_goes_round)
{
	struct rig rig;
	pthread_t thread[3];
	rig_init(&rig, "spool", &disk.disk);
	rig.options.max_size_bytes = 64 << 20;
	rig.recent_least = 1;
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD); /* nothing is released */
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, read_along, &rig), 0);
	store_up_to(&rig, ALONG);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
}
END_TEST

enum {
	FOLLOWED = 24000,
	FOLLOWED_SEGMENT_BYTES = 1 << 20,
	FOLLOWED_WINDOW_BYTES = 64 << 10,
	MANY_SOURCES = 60,
	MS = 1000 * 1000,
};

static struct spool_reader *following;
static _Thread_local bool follows;
static atomic_uint looks; /* of who follows */
static int64_t (*read_of_memory)(const struct disk *base, int handle, void *at, size_t len, uint64_t offset);

static int64_t read_and_count(const struct disk *base, int handle, void *at, size_t len, uint64_t offset)
{
	if (follows && offset + len > SEGMENT_HEADER_BYTES)
		looks++;
	return read_of_memory(base, handle, at, len, offset);
}

static void *follow_slowly(void *context)
{
	struct spool_view view = {0};
	follows = true;
	while (view.last < FOLLOWED) {
		enum spool_read_result result = spool_read(following, &view);
		ck_assert_msg(result == SPOOL_READ_BLOCK || result == SPOOL_READ_CAUGHT_UP, "%s", spool_reader_error(following));
		if (view.place.segment > 1)
			ck_assert_uint_gt(view.place.offset, DISK_PAGE_BYTES); /* behind the many sources */
		usleep(100);
	}
	return context;
}

/* The ledger of so many takes more than a page at the head of each segment. */
static void know_many_sources(struct spool *spool)
{
	for (unsigned i = 0; i < MANY_SOURCES; i++) {
		uint8_t address[SPOOL_ADDRESS_BYTES] = {(uint8_t)i};
		char hostname[SPOOL_SOURCE_HOSTNAME_MAX_BYTES];
		memset(hostname, 'h', sizeof hostname);
		(void)spool_source_find(spool, address, bytes_of((const uint8_t *)hostname, sizeof hostname));
	}
}

START_TEST(a_reader_that_follows_more_slowly_than_the_writer_writes_never_looks_at_the_disk)
{
	struct rig rig;
	pthread_t thread;
	read_of_memory = disk.disk.read;
	disk.disk.read = read_and_count;
	rig_init(&rig, "spool", &disk.disk);
	rig.options.max_size_bytes = 64 << 20;
	rig.options.segment_size_bytes = FOLLOWED_SEGMENT_BYTES;
	rig_open_ok(&rig);
	recent_free(&rig.spool->recent);
	recent_init(&rig.spool->recent, FOLLOWED_WINDOW_BYTES, MS);
	rig.spool->recent.least = 1;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD); /* nothing is released */
	know_many_sources(rig.spool);
	rig_store(&rig, 10);
	following = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	ck_assert_int_eq(spool_read(following, &view), SPOOL_READ_BLOCK);
	ck_assert_int_eq(pthread_create(&thread, NULL, follow_slowly, NULL), 0);
	store_up_to(&rig, FOLLOWED);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(looks, 0);
	ck_assert_uint_ge(rig.spool->table.count, 3);
	spool_reader_close(&following);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
}
END_TEST

/* How long it takes to put so much. */
static uint64_t ns_to_put(uint64_t counter, size_t len)
{
	uint64_t begun_ns = clock_monotonic_ns();
	put(counter, len);
	return clock_monotonic_ns() - begun_ns;
}

START_TEST(one_that_reads_in_a_run_is_waited_for_before_that_is_forgotten_and_not_again)
{
	put(7, 3000);
	put(8, 3000);
	ck_assert_uint_eq(readable(7, 0, 1000), 1000);
	recent.followers.patience_ns = 10000;
	ck_assert_uint_ge(ns_to_put(9, 3000), 3000 * 10000);
	recent.followers.patience_ns = MS;
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_lt(ns_to_put(10 + i, 3000), CLOCK_NS_PER_SECOND);
}
END_TEST

START_TEST(one_that_stopped_in_a_window_that_was_given_up_is_not_waited_for)
{
	put(7, 3000);
	ck_assert_uint_eq(readable(7, 0, 1000), 1000);
	while (recent_wants(&recent, 100))
		continue;
	recent.followers.patience_ns = MS;
	for (unsigned i = 0; i < 30; i++)
		ck_assert_uint_lt(ns_to_put(7, 3000), CLOCK_NS_PER_SECOND);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool: recent");
	TCase *window = tcase_create("window");
	tcase_add_checked_fixture(window, setup, teardown);
	tcase_add_test(window, groups_lie_in_the_file_as_if_written_one_after_the_other);
	tcase_add_test(window, what_was_put_last_can_be_read_back_up_to_a_windows_length);
	tcase_add_test(window, what_was_not_put_is_not_held_and_what_it_had_in_its_page_is);
	tcase_add_test(window, the_segment_before_the_newest_is_held_too);
	tcase_add_test(window, small_groups_follow_a_large_one_until_they_fill_a_part_of_the_window);
	tcase_add_test(window, a_page_that_cannot_be_read_keeps_the_group_out);
	tcase_add_test(window, a_reader_that_keeps_up_never_looks_at_the_disk);
	tcase_add_test(window, a_reader_that_follows_more_slowly_than_the_writer_writes_never_looks_at_the_disk);
	tcase_add_test(window, one_that_reads_in_a_run_is_waited_for_before_that_is_forgotten_and_not_again);
	tcase_add_test(window, one_that_stopped_in_a_window_that_was_given_up_is_not_waited_for);
	tcase_add_test(window, readers_on_other_threads_get_what_was_written_while_the_window_goes_round);
	suite_add_tcase(suite, window);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
