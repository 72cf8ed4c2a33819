/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a spool's cursors: in use or not, and without any change to its files. */
#include "spool/spool_peek.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/spool-peek-XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(path));
}

static void tear_down(void)
{
	DIR *folder = opendir(path);
	if (folder == NULL)
		return;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	closedir(folder);
	rmdir(path);
}

static void noted(void *context)
{
	(void)context;
}

static void noted_worker(void *context, unsigned worker)
{
	(void)context;
	(void)worker;
}

static void noted_failure(void *context, const char *error)
{
	(void)context;
	(void)error;
}

static struct spool *open_spool(void)
{
	const struct spool_options options = {
		.path = path,
		.max_size_bytes = 64 << 20,
		.segment_size_bytes = 4 << 20,
		.block_size_bytes = 64 << 10,
		.workers = 1,
		.blocks_per_worker = 4,
		.events = {.worker_stored = noted_worker, .room = noted, .failed = noted_failure},
	};
	struct spool *spool;
	struct spool_recovery recovery;
	char error[SPOOL_ERROR_MAX_BYTES];
	ck_assert_msg(spool_open(&options, &spool, &recovery, error) == SPOOL_OPENED, "%s", error);
	return spool;
}

START_TEST(a_spool_that_is_not_there_has_no_cursors_and_is_not_made)
{
	ck_assert_int_eq(rmdir(path), 0);
	struct spool_peeked cursors[1];
	ck_assert_int_eq(spool_peek(path, cursors, 1), 0);
	struct stat status;
	ck_assert_int_ne(stat(path, &status), 0);
}
END_TEST

START_TEST(an_empty_directory_has_no_cursors)
{
	struct spool_peeked cursors[1];
	ck_assert_int_eq(spool_peek(path, cursors, 1), 0);
}
END_TEST

START_TEST(cursors_are_seen_while_the_spool_is_in_use_and_after)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool *spool = open_spool();
	struct spool_cursor *one = spool_cursor_open(spool, &(struct spool_cursor_options){.name = "one"}, error);
	struct spool_cursor *two = spool_cursor_open(spool, &(struct spool_cursor_options){.name = "two"}, error);
	ck_assert(one != NULL && two != NULL);
	struct spool_peeked cursors[4];
	ck_assert_int_eq(spool_peek(path, cursors, 4), 2);
	spool_cursor_close(&one);
	spool_cursor_close(&two);
	spool_close(&spool);
	ck_assert_int_eq(spool_peek(path, cursors, 4), 2);
	ck_assert_str_eq(cursors[0].name, "one");
	ck_assert_str_eq(cursors[1].name, "two");
	ck_assert_uint_eq(cursors[0].delivered, 0);
}
END_TEST

static void store(struct spool *spool, unsigned messages)
{
	struct spool_block *block = spool_take_block(spool, 0, SPOOL_BLOCK_WAITS, 0, 0);
	ck_assert_ptr_nonnull(block);
	for (unsigned i = 0; i < messages; i++) {
		uint8_t *room = spool_block_reserve(block, 16);
		ck_assert_ptr_nonnull(room);
		memset(room, 'x', 16);
		spool_block_commit(block, 16);
	}
	spool_submit_block(spool, block);
}

START_TEST(messages_behind_a_cursor_are_counted_in_use_and_after)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool *spool = open_spool();
	struct spool_cursor *one = spool_cursor_open(spool, &(struct spool_cursor_options){.name = "one"}, error);
	struct spool_peeked cursor;
	ck_assert_int_eq(spool_peek(path, &cursor, 1), 1);
	ck_assert_uint_eq(cursor.pending, 0);
	ck_assert_int_eq(spool_register_input(spool, "in"), 0);
	spool_start(spool);
	store(spool, 3);
	store(spool, 4);
	while (spool_stored(spool) < 7)
		usleep(1000);
	ck_assert_int_eq(spool_peek(path, &cursor, 1), 1);
	ck_assert_uint_eq(cursor.pending, 7);
	spool_cursor_close(&one);
	spool_close(&spool);
	ck_assert_int_eq(spool_peek(path, &cursor, 1), 1);
	ck_assert_uint_eq(cursor.pending, 7);
	ck_assert_uint_eq(cursor.delivered, 0);
}
END_TEST

START_TEST(more_than_there_is_room_for_are_counted)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool *spool = open_spool();
	struct spool_cursor *one = spool_cursor_open(spool, &(struct spool_cursor_options){.name = "one"}, error);
	struct spool_cursor *two = spool_cursor_open(spool, &(struct spool_cursor_options){.name = "two"}, error);
	spool_cursor_close(&one);
	spool_cursor_close(&two);
	spool_close(&spool);
	ck_assert_int_eq(spool_peek(path, NULL, 0), 2);
}
END_TEST

START_TEST(what_is_no_file_of_cursors_is_refused)
{
	char name[64];
	snprintf(name, sizeof name, "%s/cursors", path);
	int fd = open(name, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "nonsense", 8), 8);
	close(fd);
	ck_assert_int_eq(spool_peek(path, NULL, 0), -EINVAL);
	ck_assert_int_eq(spool_peek(name, NULL, 0), -ENOTDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_peek");
	TCase *tests = tcase_create("spool_peek");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_spool_that_is_not_there_has_no_cursors_and_is_not_made);
	tcase_add_test(tests, an_empty_directory_has_no_cursors);
	tcase_add_test(tests, cursors_are_seen_while_the_spool_is_in_use_and_after);
	tcase_add_test(tests, messages_behind_a_cursor_are_counted_in_use_and_after);
	tcase_add_test(tests, more_than_there_is_room_for_are_counted);
	tcase_add_test(tests, what_is_no_file_of_cursors_is_refused);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
