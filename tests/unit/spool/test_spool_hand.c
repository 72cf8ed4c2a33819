/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors of a spool that is not running, changed under its lock and without recovery. */
#include "spool/spool_hand.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/spool_peek.h"
#include "support/spool_rig.h"

static char path[32];
static struct rig rig;

static void set_up(void)
{
	strcpy(path, "/tmp/spool-hand-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	rig_init(&rig, path, NULL);
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

static void open_with_cursors(void)
{
	rig_open_ok(&rig);
	struct spool_cursor *one = rig_cursor(&rig, "one", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	struct spool_cursor *two = rig_cursor(&rig, "two", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 5));
	rig_deliver(two, 3);
	spool_cursor_close(&one);
	spool_cursor_close(&two);
}

START_TEST(what_is_no_spool_is_refused_and_nothing_is_made)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct stat status;
	ck_assert_ptr_null(spool_hand_take(path, error));
	ck_assert_ptr_nonnull(strstr(error, "there is no spool"));
	ck_assert_int_eq(rmdir(path), 0); /* still empty */
	ck_assert_ptr_null(spool_hand_take(path, error));
	ck_assert_int_ne(stat(path, &status), 0);
}
END_TEST

START_TEST(a_spool_in_use_is_refused_with_the_process_that_has_it)
{
	char error[SPOOL_ERROR_MAX_BYTES], pid[32];
	open_with_cursors();
	ck_assert_ptr_null(spool_hand_take(path, error));
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	ck_assert_ptr_nonnull(strstr(error, pid));
	spool_close(&rig.spool);
}
END_TEST

START_TEST(a_cursor_is_found_with_what_it_holds_forgotten_and_renamed)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_orphan cursor;
	open_with_cursors();
	spool_close(&rig.spool);
	struct spool_hand *hand = spool_hand_take(path, error);
	ck_assert_msg(hand != NULL, "%s", error);
	ck_assert(!spool_hand_find(hand, "three", &cursor));
	ck_assert(spool_hand_find(hand, "two", &cursor));
	ck_assert_uint_eq(cursor.delivered, 3);
	ck_assert_uint_eq(cursor.pending, 2);
	ck_assert(!cursor.damaged);
	ck_assert(!spool_hand_rename(hand, "two", "one", error));
	ck_assert(spool_hand_rename(hand, "two", "second", error));
	ck_assert(spool_hand_forget(hand, "one", error));
	ck_assert(!spool_hand_forget(hand, "one", error));
	spool_hand_release(&hand);
	ck_assert_ptr_null(hand);

	struct spool_peeked peeked[2];
	ck_assert_int_eq(spool_peek(path, peeked, 2), 1);
	ck_assert_str_eq(peeked[0].name, "second");
	ck_assert_uint_eq(peeked[0].delivered, 3);
}
END_TEST

/* Opening would recover it; the next start must still be able to say that the last stop was not in order. */
START_TEST(the_next_start_still_knows_that_the_last_stop_was_not_in_order)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	open_with_cursors();
	struct spool *left_open = rig.spool;
	/* As a kill leaves it: no end, no lock. */
	left_open->disk->close(left_open->disk, left_open->lock_file);
	left_open->lock_file = -1;
	ck_assert_int_eq(cursors_sync(left_open), 0);
	struct spool_hand *hand = spool_hand_take(path, error);
	ck_assert_msg(hand != NULL, "%s", error);
	ck_assert(spool_hand_forget(hand, "one", error));
	spool_hand_release(&hand);
	rig_open_ok(&rig);
	ck_assert(!rig.recovery.clean);
	ck_assert_uint_eq(rig.recovery.last_sequence, 5);
	spool_close(&rig.spool);
	left_open->disk = &disk_real;
	atomic_store(&left_open->failed, true); /* writes nothing any more */
	spool_close(&left_open);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_hand");
	TCase *tests = tcase_create("spool_hand");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_is_no_spool_is_refused_and_nothing_is_made);
	tcase_add_test(tests, a_spool_in_use_is_refused_with_the_process_that_has_it);
	tcase_add_test(tests, a_cursor_is_found_with_what_it_holds_forgotten_and_renamed);
	tcase_add_test(tests, the_next_start_still_knows_that_the_last_stop_was_not_in_order);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
