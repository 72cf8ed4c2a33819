/* SPDX-License-Identifier: Apache-2.0 */
/* The spool on a real disk, from outside: what is stored is read back, in order, over restarts and many segments. */
#include "support/spool_rig.h"
#include "support/temp_dir.h"

#include <sys/stat.h>
#include <unistd.h>

static char path[TEMP_DIR_MAX_BYTES];
static char path_of_spool[TEMP_DIR_MAX_BYTES + 8];
static struct rig rig;

static void setup(void)
{
	temp_dir_make(path);
	snprintf(path_of_spool, sizeof path_of_spool, "%s/spool", path);
	rig_init(&rig, path_of_spool, NULL);
}

static void teardown(void)
{
	temp_dir_remove(path);
}

START_TEST(a_new_spool_is_empty_and_private)
{
	struct stat status;
	rig_open_ok(&rig);
	ck_assert(rig.recovery.created && rig.recovery.clean);
	ck_assert_uint_eq(spool_stored(rig.spool), 0);
	ck_assert_uint_eq(spool_first(rig.spool), 1);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert_int_eq(stat(path_of_spool, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0700);
	spool_close(&rig.spool);
	ck_assert_ptr_null(rig.spool);
}
END_TEST

START_TEST(what_is_stored_is_read_back_in_order)
{
	rig_open_ok(&rig);
	ck_assert(rig_store(&rig, 10));
	ck_assert(rig_store(&rig, 1));
	ck_assert_uint_eq(spool_stored(rig.spool), 11);
	ck_assert_uint_eq(spool_appended(rig.spool), 11);
	ck_assert_uint_eq(spool_worker_stored(rig.spool, 0), 2);
	ck_assert_uint_eq(rig.stored_events, 2);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 11);
	spool_check(rig.spool);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(it_goes_on_after_an_orderly_stop)
{
	for (int run = 0; run < 5; run++) {
		rig_open_ok(&rig);
		ck_assert(rig.recovery.clean);
		ck_assert_uint_eq(rig.recovery.last_sequence, (uint64_t)run * 10);
		ck_assert_uint_eq(rig_read_all(&rig, 1).records, (uint64_t)run * 10);
		ck_assert(rig_store(&rig, 10));
		spool_check(rig.spool);
		spool_close(&rig.spool);
	}
}
END_TEST

START_TEST(records_go_on_over_many_segments)
{
	rig_open_ok(&rig);
	struct spool_usage usage;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	while (rig.submitted < 15000) {
		keeper_turn(rig.spool);
		for (int i = 0; i < 4; i++)
			ck_assert(rig_put(&rig, 100));
		ck_assert(writer_turn(rig.spool));
	}
	spool_usage(rig.spool, &usage);
	ck_assert_uint_gt(usage.segments, 3);
	ck_assert_uint_eq(rig_read_all(&rig, 1).next, rig.submitted + 1);
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(compressed_blocks_are_read_back)
{
	rig.options.compression = SPOOL_COMPRESSION_ZSTD;
	rig_open_ok(&rig);
	for (int i = 0; i < 20; i++)
		ck_assert(rig_store(&rig, 30));
	ck_assert_uint_eq(rig_read_all(&rig, 1).next, rig.submitted + 1);
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_lt(usage.used_bytes, 60000);
	spool_close(&rig.spool);
}
END_TEST

START_TEST(a_second_process_is_refused_with_the_first_ones_id)
{
	rig_open_ok(&rig);
	struct rig other;
	char id[32];
	rig_init(&other, path_of_spool, NULL);
	ck_assert_int_eq(rig_open(&other), SPOOL_LOCKED);
	ck_assert_ptr_null(other.spool);
	snprintf(id, sizeof id, "process %ld ", (long)getpid());
	ck_assert_ptr_nonnull(strstr(other.error, id));
	spool_close(&rig.spool);
}
END_TEST

START_TEST(delivered_segments_are_given_back_and_reused)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	for (int i = 0; i < 1000; i++) {
		ck_assert(rig_store(&rig, 20));
		rig_deliver(cursor, spool_stored(rig.spool));
		if (i % 20 == 0)
			keeper_turn(rig.spool);
	}
	keeper_turn(rig.spool);
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_eq(usage.segments, 1);
	ck_assert_uint_gt(spool_first(rig.spool), 15000);
	ck_assert_uint_le(usage.on_disk_bytes, RIG_MAX_BYTES);
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
}
END_TEST

static void note_wake(void *context)
{
	atomic_fetch_add((_Atomic unsigned *)context, 1);
}

START_TEST(with_threads_a_waiting_reader_is_woken_by_what_is_stored)
{
	_Atomic unsigned wakes = 0;
	struct spool_view view;
	rig_open_ok(&rig);
	spool_start(rig.spool);
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_CAUGHT_UP);
	ck_assert(spool_reader_wait(reader, note_wake, &wakes));
	ck_assert(rig_put(&rig, 3));
	for (int i = 0; i < 5000 && wakes == 0; i++)
		usleep(1000);
	ck_assert_uint_eq(wakes, 1);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert_uint_eq(rig_check_records(&view), 3);
	ck_assert_uint_eq(view.base_ns, 1000);
	ck_assert_str_eq(spool_input_name(rig.spool, view.input), "udp");
	spool_reader_close(&reader);
	spool_close(&rig.spool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool");
	TCase *tests = tcase_create("real disk");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_new_spool_is_empty_and_private);
	tcase_add_test(tests, what_is_stored_is_read_back_in_order);
	tcase_add_test(tests, it_goes_on_after_an_orderly_stop);
	tcase_add_test(tests, records_go_on_over_many_segments);
	tcase_add_test(tests, compressed_blocks_are_read_back);
	tcase_add_test(tests, a_second_process_is_refused_with_the_first_ones_id);
	tcase_add_test(tests, delivered_segments_are_given_back_and_reused);
	tcase_add_test(tests, with_threads_a_waiting_reader_is_woken_by_what_is_stored);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
