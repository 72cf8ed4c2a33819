/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of streams from other relays after a stop, a crash and many rotations (spool-rules.md, rules 17, 22 and 30). */
#include "stream_fixture.h"

START_TEST(marks_survive_a_stop_and_any_number_of_rotations)
{
	struct spool_mark mark;
	struct spool_stream_session idle = stream_session(1, "a"), busy = stream_session(2, "b");
	stream_begin(&rig, &idle, &mark);
	stream_begin(&rig, &busy, &mark);
	ck_assert(stream_store(&rig, &idle, 1, 7));
	/* The idle stream's block is in a segment that is long gone; its mark rides in each checkpoint. */
	for (uint64_t i = 0; i < 400; i++) {
		ck_assert(stream_store(&rig, &busy, 50 * i + 1, 50 * i + 50));
		keeper_turn(rig.spool);
	}
	ck_assert_uint_gt(spool_first(rig.spool), 7);
	reopen();
	ck_assert_uint_eq(stream_mark(&rig, &idle).sequence, 7);
	ck_assert_uint_eq(stream_mark(&rig, &idle).checksum, stream_checksum(1, 7));
	ck_assert_uint_eq(stream_mark(&rig, &busy).sequence, 20000);
	ck_assert_uint_eq(stream_mark(&rig, &busy).count, 20000);
	struct spool_stream_session thief = stream_session(1, "b");
	ck_assert_int_eq(stream_begin(&rig, &thief, &mark), SPOOL_STREAM_OTHER_PEER);
}
END_TEST

START_TEST(a_crash_before_the_sync_takes_the_block_and_its_mark_together)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.cut_at = disk.operations + 1;
	ck_assert(stream_put(&rig, &session, 6, 9));
	ck_assert(!writer_turn(rig.spool));
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 5); /* nobody was told */
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 5);
	ck_assert_uint_eq(spool_stored(rig.spool), 5);
	ck_assert(stream_store(&rig, &session, 6, 9));
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
}
END_TEST

START_TEST(a_block_that_a_crash_left_unsynced_keeps_its_mark_when_it_is_kept)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.cut_at = disk.operations + 1;
	ck_assert(stream_put(&rig, &session, 6, 9));
	ck_assert(!writer_turn(rig.spool));
	cut_power(MEMORY_DISK_KEEP_ALL);
	/* It was never answered, so it comes again; recovery has written it again, mark included. */
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 9);
	ck_assert_uint_eq(mark.checksum, stream_checksum(6, 9));
	ck_assert(stream_store(&rig, &session, 6, 9));
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 9);
}
END_TEST

START_TEST(a_torn_block_in_the_tail_takes_the_later_marks_along)
{
	struct spool_mark mark;
	struct spool_stream_session one = stream_session(1, "a"), two = stream_session(2, "a");
	stream_begin(&rig, &one, &mark);
	stream_begin(&rig, &two, &mark);
	ck_assert(stream_store(&rig, &one, 1, 5));
	/* Three blocks of one group; the disk has the first and the third. */
	struct current_segment at = rig.spool->writer.current;
	ck_assert(stream_put(&rig, &one, 6, 9));
	ck_assert(stream_put(&rig, &two, 1, 4));
	ck_assert(stream_put(&rig, &one, 10, 12));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.cut_at = disk.operations + 1;
	ck_assert(!writer_turn(rig.spool));
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_ALL, 1);
	char name[DISK_NAME_MAX_BYTES];
	segment_name(at.counter, at.first, name);
	uint8_t payload[RIG_BLOCK_BYTES];
	uint64_t second = at.offset + BLOCK_HEADER_BYTES + FORMAT_ALIGNED((uint64_t)stream_payload(6, 9, payload));
	uint64_t size;
	memcpy(memory_disk_octets(&disk, name, &size) + second + BLOCK_HEADER_BYTES, "torn", 4);
	memory_disk_settle(&disk, name);
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	ck_assert_uint_eq(stream_mark(&rig, &one).sequence, 9);
	ck_assert_uint_eq(stream_mark(&rig, &two).sequence, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_stream_marks");
	TCase *tests = tcase_create("marks");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, marks_survive_a_stop_and_any_number_of_rotations);
	tcase_add_test(tests, a_crash_before_the_sync_takes_the_block_and_its_mark_together);
	tcase_add_test(tests, a_block_that_a_crash_left_unsynced_keeps_its_mark_when_it_is_kept);
	tcase_add_test(tests, a_torn_block_in_the_tail_takes_the_later_marks_along);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
