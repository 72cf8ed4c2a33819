/* SPDX-License-Identifier: Apache-2.0 */
/* The real disk's functions, and the rule that a short write is a failed one. */
#include "spool/disk.h"

#include "support/temp_dir.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char path[TEMP_DIR_MAX_BYTES];
static const struct disk *const disk = &disk_real;
static int directory;

static void setup(void)
{
	temp_dir_make(path);
	directory = disk->open_directory(disk, path);
	ck_assert_int_ge(directory, 0);
}

static void teardown(void)
{
	disk->close(disk, directory);
	temp_dir_remove(path);
}

static int write_text(int file, const char *text, uint64_t offset)
{
	struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)text, .iov_len = 1},
	                         {.iov_base = (void *)(uintptr_t)(text + 1), .iov_len = strlen(text) - 1}};
	return disk_write(disk, file, parts, 2, offset);
}

START_TEST(files_are_created_once_written_read_renamed_and_removed)
{
	char got[16] = "";
	int file = disk->open(disk, directory, "a", DISK_OPEN_CREATE);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(disk->open(disk, directory, "a", DISK_OPEN_CREATE), -EEXIST);
	ck_assert_int_eq(write_text(file, "hello", 3), 0);
	ck_assert_int_eq(disk->sync(disk, file), 0);
	ck_assert_int_eq(disk->size(disk, directory, "a"), 8);
	ck_assert_int_eq(disk->read(disk, file, got, sizeof got, 3), 5);
	ck_assert_str_eq(got, "hello");
	ck_assert_int_eq(disk->truncate(disk, file, 4), 0);
	ck_assert_int_eq(disk->read(disk, file, got, sizeof got, 4), 0);
	disk->close(disk, file);
	ck_assert_int_eq(disk->rename(disk, directory, "a", "b"), 0);
	ck_assert_int_eq(disk->sync_directory(disk, directory), 0);
	ck_assert_int_eq(disk->open(disk, directory, "a", DISK_OPEN_READ), -ENOENT);
	ck_assert_int_eq(disk->unlink(disk, directory, "b"), 0);
	ck_assert_int_eq(disk->unlink(disk, directory, "b"), -ENOENT);
	ck_assert_int_eq(disk->size(disk, directory, "b"), -ENOENT);
}
END_TEST

START_TEST(allocating_gives_the_size_and_keeps_what_is_there)
{
	char got[8] = "xxxxxxx";
	int file = disk->open(disk, directory, "a", DISK_OPEN_CREATE);
	ck_assert_int_eq(write_text(file, "abc", 0), 0);
	ck_assert_int_eq(disk->allocate(disk, file, 100000), 0);
	ck_assert_int_eq(disk->size(disk, directory, "a"), 100000);
	ck_assert_int_eq(disk->read(disk, file, got, 5, 0), 5);
	ck_assert_mem_eq(got, "abc\0\0", 5);
	disk->close(disk, file);
}
END_TEST

static void count_entry(void *context, const char *name)
{
	ck_assert(strcmp(name, "a") == 0 || strcmp(name, "b") == 0);
	++*(int *)context;
}

START_TEST(listing_gives_every_file_each_time)
{
	for (const char *name = "a"; name != NULL; name = name[0] == 'a' ? "b" : NULL)
		disk->close(disk, disk->open(disk, directory, name, DISK_OPEN_CREATE));
	for (int i = 0; i < 2; i++) {
		int count = 0;
		ck_assert_int_eq(disk->list(disk, directory, count_entry, &count), 0);
		ck_assert_int_eq(count, 2);
	}
}
END_TEST

START_TEST(a_short_write_is_a_failed_write)
{
	int file = disk->open(disk, directory, "a", DISK_OPEN_CREATE);
	struct rlimit limit = {.rlim_cur = 3, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int result = write_text(file, "hello", 0);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	ck_assert_int_eq(result, -EIO);
	disk->close(disk, file);
}
END_TEST

/* Whether the file system of the test can go past the page cache or not: what was written is there, by either way. */
START_TEST(whole_pages_and_other_octets_of_one_file_see_each_other)
{
	enum { PAGES = 64 };
	char got[8];
	uint8_t *pages = aligned_alloc(DISK_PAGE_BYTES, PAGES * DISK_PAGE_BYTES);
	uint8_t *back = aligned_alloc(DISK_PAGE_BYTES, PAGES * DISK_PAGE_BYTES);
	ck_assert(pages != NULL && back != NULL);
	for (size_t i = 0; i < PAGES * DISK_PAGE_BYTES; i++)
		pages[i] = (uint8_t)(i * 7 + i / 4096);
	int file = disk->open(disk, directory, "a", DISK_OPEN_CREATE);
	struct iovec parts[2] = {{pages, DISK_PAGE_BYTES}, {pages + DISK_PAGE_BYTES, (PAGES - 1) * DISK_PAGE_BYTES}};
	ck_assert_int_eq(write_text(file, "hello", 100), 0);
	ck_assert_int_eq(disk->read(disk, file, got, 5, 100), 5);
	ck_assert_int_eq(disk_write_pages(disk, file, parts, 2, 0), 0);
	ck_assert_int_eq(disk->read(disk, file, got, 5, 100), 5);
	ck_assert_mem_eq(got, pages + 100, 5);
	ck_assert_int_eq(write_text(file, "hello", 5000), 0);
	memcpy(pages + 5000, "hello", 5);
	ck_assert_int_eq(disk_read_pages(disk, file, back, PAGES * DISK_PAGE_BYTES, 0), PAGES * DISK_PAGE_BYTES);
	ck_assert_mem_eq(back, pages, PAGES * DISK_PAGE_BYTES);
	/* The file ends within what is asked for. */
	ck_assert_int_eq(write_text(file, "hello", PAGES * DISK_PAGE_BYTES + 10), 0);
	ck_assert_int_eq(disk_read_pages(disk, file, back, 2 * DISK_PAGE_BYTES, (PAGES - 1) * DISK_PAGE_BYTES),
	                 DISK_PAGE_BYTES + 15);
	ck_assert_mem_eq(back + DISK_PAGE_BYTES + 10, "hello", 5);
	ck_assert_int_eq(disk_read_pages(disk, file, back, DISK_PAGE_BYTES, (PAGES + 1) * DISK_PAGE_BYTES), 0);
	disk->close(disk, file);
	free(pages);
	free(back);
}
END_TEST

/* What begins within a page is refused past the page cache, as all is on a disk whose sectors are larger than a page. */
START_TEST(what_cannot_go_past_the_page_cache_goes_through_it)
{
	char back[] = "nothing";
	int file = disk->open(disk, directory, "a", DISK_OPEN_CREATE);
	struct iovec parts[2] = {{"hel", 3}, {"lo", 2}};
	ck_assert_int_eq(write_text(file, "hello, world", 98), 0);
	ck_assert_int_eq(disk->write_pages(disk, file, parts, 2, 100), 5);
	ck_assert_int_eq(disk->read_pages(disk, file, back, 7, 99), 7);
	ck_assert_str_eq(back, "ehellow");
	ck_assert_int_eq(write_text(file, "goes on", 101), 0); /* and nothing of it stays behind */
	ck_assert_int_eq(disk->read(disk, file, back, 7, 101), 7);
	ck_assert_str_eq(back, "goes on");
	disk->close(disk, file);
}
END_TEST

START_TEST(a_lock_is_refused_to_others_and_gone_with_its_handle)
{
	long holder = -1;
	int lock = disk->lock(disk, directory, "lock", &holder);
	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(disk->lock(disk, directory, "lock", &holder), -EWOULDBLOCK);
	ck_assert_int_eq(holder, (long)getpid());
	disk->close(disk, lock);
	lock = disk->lock(disk, directory, "lock", &holder);
	ck_assert_int_ge(lock, 0);
	disk->close(disk, lock);
}
END_TEST

/* Connections have taken all others in the moment in which a segment is full. */
START_TEST(one_file_more_opens_when_all_descriptors_are_taken)
{
	long holder;
	int lock = disk->lock(disk, directory, "lock", &holder);
	int old = disk->open(disk, directory, "old", DISK_OPEN_CREATE);
	ck_assert(lock >= 0 && old >= 0);
	struct rlimit limit;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	int next = dup(old);
	close(next);
	limit.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(dup(old), -1);
	for (int i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof name, "new%d", i);
		int new = disk->open(disk, directory, name, DISK_OPEN_CREATE);
		ck_assert_int_ge(new, 0);
		ck_assert_int_eq(disk->open(disk, directory, "one-more", DISK_OPEN_CREATE), -EMFILE);
		disk->close(disk, old); /* gives the reserve back */
		old = new;
	}
	disk->close(disk, old);
	disk->close(disk, lock);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disk");
	TCase *tests = tcase_create("real");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, files_are_created_once_written_read_renamed_and_removed);
	tcase_add_test(tests, allocating_gives_the_size_and_keeps_what_is_there);
	tcase_add_test(tests, listing_gives_every_file_each_time);
	tcase_add_test(tests, a_short_write_is_a_failed_write);
	tcase_add_test(tests, whole_pages_and_other_octets_of_one_file_see_each_other);
	tcase_add_test(tests, what_cannot_go_past_the_page_cache_goes_through_it);
	tcase_add_test(tests, a_lock_is_refused_to_others_and_gone_with_its_handle);
	tcase_add_test(tests, one_file_more_opens_when_all_descriptors_are_taken);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
