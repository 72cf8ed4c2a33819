/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of streams from other relays (spool-rules.md, rules 30, 31 and 33): what is stored, what is known already and what
 * ends a session. Each test is a sequence of events that would lose or double something without its rule.
 */
#include "stream_fixture.h"

/* ---- rule 30: who decides, and what ---- */

START_TEST(a_block_sent_again_after_its_answer_was_lost_is_not_stored_twice)
{
	struct spool_mark mark;
	struct spool_stream_session first = stream_session(1, "a.example.net"), again = stream_session(1, "a.example.net");
	ck_assert_int_eq(stream_begin(&rig, &first, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 0);
	ck_assert(stream_store(&rig, &first, 1, 10));
	ck_assert_uint_eq(spool_stored(rig.spool), 10);

	ck_assert_int_eq(stream_begin(&rig, &again, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 10);
	ck_assert_uint_eq(mark.checksum, stream_checksum(1, 10));
	ck_assert(stream_store(&rig, &again, 1, 10));
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	ck_assert_int_eq(stream_state(&rig, &again), SPOOL_STREAM_HOLDS); /* so it may be answered */
	struct spool_stream_entry entry;
	ck_assert_uint_eq(spool_streams(rig.spool, 0, &entry, 1), 1);
	ck_assert_uint_eq(entry.duplicates, 10);
	ck_assert_str_eq(entry.identity, "a.example.net");
	spool_check(rig.spool);
}
END_TEST

START_TEST(a_block_that_is_half_known_ends_its_session_and_is_never_trimmed)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 10));
	ck_assert(stream_put(&rig, &session, 8, 12));
	ck_assert(stream_put(&rig, &session, 11, 12));
	writer_turn(rig.spool);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	ck_assert_int_ne(stream_state(&rig, &session), SPOOL_STREAM_HOLDS);
	/* The session is told why, and the next one goes on behind the mark. */
	struct spool_stream_session next = stream_session(1, "a");
	ck_assert_int_eq(stream_begin(&rig, &next, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 10);
	ck_assert(stream_store(&rig, &next, 11, 12));
	ck_assert_uint_eq(spool_stored(rig.spool), 12);
	spool_check(rig.spool);
}
END_TEST

START_TEST(a_half_known_block_is_reported_as_overlap)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 10));
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(8, 12, payload);
	struct spool_stream_block block = {.first = 8, .last = 12, .total = 15, .records = 5,
		.unpacked_len = (uint32_t)len, .checksum = XXH3_64bits(payload, len)};
	ck_assert(stream_put_block(&rig, &session, &block, bytes_of(payload, len)));
	writer_turn(rig.spool);
	ck_assert_int_eq(stream_state(&rig, &session), SPOOL_STREAM_OVERLAP);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
}
END_TEST

START_TEST(blocks_that_an_older_session_left_on_the_way_are_void_behind_the_fence)
{
	struct spool_mark mark;
	struct spool_stream_session old = stream_session(1, "a"), new = stream_session(1, "a");
	stream_begin(&rig, &old, &mark);
	ck_assert(stream_store(&rig, &old, 1, 10));
	/* The old connection's next blocks lie on both sides of the new one's fence. */
	uint64_t ordinal;
	ck_assert(stream_put(&rig, &old, 11, 15));
	ck_assert(spool_stream_fence(rig.spool, 0, &new, &ordinal));
	ck_assert(stream_put(&rig, &old, 16, 20));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 15);
	ck_assert_int_eq(spool_stream_look(rig.spool, &new, &mark, NULL), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 15); /* what the fence tells is what the new session must build on */
	ck_assert_int_eq(stream_state(&rig, &old), SPOOL_STREAM_FENCED); /* 16 to 20 are not answered */
	ck_assert_uint_eq(spool_worker_stored(rig.spool, 0), ordinal + 1); /* all the blocks came back */
	ck_assert(stream_store(&rig, &new, 16, 20));
	ck_assert_uint_eq(spool_stored(rig.spool), 20);
	spool_check(rig.spool);
}
END_TEST

START_TEST(a_block_twice_in_one_group_is_stored_once)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	uint64_t ordinal;
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_put(&rig, &session, 1, 5));
	session.number = spool_stream_draw();
	ck_assert(spool_stream_fence(rig.spool, 0, &session, &ordinal));
	ck_assert(stream_put(&rig, &session, 1, 5));
	ck_assert(stream_put(&rig, &session, 6, 9));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 9);
	spool_check(rig.spool);
}
END_TEST

/* Both copies are in one group, whose sync fails: nobody may be told of either. */
START_TEST(a_duplicate_is_answered_when_its_first_copy_is_stored)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	uint64_t ordinal;
	stream_begin(&rig, &session, &mark);
	uint64_t before = spool_worker_stored(rig.spool, 0);
	ck_assert(stream_put(&rig, &session, 1, 5));
	session.number = spool_stream_draw();
	ck_assert(spool_stream_fence(rig.spool, 0, &session, &ordinal));
	ck_assert(stream_put(&rig, &session, 1, 5));
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.fail_at = 1;
	disk.fail_error = -5;
	ck_assert(!writer_turn(rig.spool));
	ck_assert_uint_eq(spool_worker_stored(rig.spool, 0), before);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 0);
}
END_TEST

START_TEST(a_mark_is_told_only_when_its_block_is_synced)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_put(&rig, &session, 1, 5));
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 0);
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 5);
}
END_TEST

/* ---- rule 31 ---- */

START_TEST(a_gap_in_the_cumulative_count_ends_the_session)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert(stream_store(&rig, &session, 8, 10)); /* the count says that 6 and 7 were records: they are missing */
	ck_assert_int_eq(stream_state(&rig, &session), SPOOL_STREAM_MISCOUNT);
	ck_assert_uint_eq(spool_stored(rig.spool), 5);
}
END_TEST

START_TEST(unsound_ranges_and_counts_are_named)
{
	const struct spool_stream_block good = {.first = 5, .last = 9, .total = 5, .records = 5, .unpacked_len = 50};
	const char *reason;
	ck_assert(spool_stream_block_is_sound(&good, 50, &reason));
	struct spool_stream_block bad = good;
	bad.first = 0;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's range is not one");
	bad = good;
	bad.last = bad.first + BLOCK_PAYLOAD_MAX_BYTES;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's range is too long");
	bad = good;
	bad.records = 6;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's count of records does not fit its range");
	bad = good;
	bad.codec = 2;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's codec is not known");
	ck_assert(!spool_stream_block_is_sound(&good, 49, &reason));
	ck_assert_str_eq(reason, "a block's length does not fit its payload");
}
END_TEST

START_TEST(a_range_may_jump_over_what_was_filtered)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(1, 3, payload);
	struct spool_stream_block block = {.first = 100, .last = 199, .total = 3, .records = 3, .unpacked_len = (uint32_t)len,
		.checksum = XXH3_64bits(payload, len)};
	ck_assert(stream_put_block(&rig, &session, &block, bytes_of(payload, len)));
	block.first = 1000, block.last = 1099, block.total = 6;
	ck_assert(stream_put_block(&rig, &session, &block, bytes_of(payload, len)));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 6);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 1099);
	ck_assert_uint_eq(stream_mark(&rig, &session).count, 6);
}
END_TEST

/* ---- rule 33: what is stored is what came ---- */

START_TEST(the_octets_of_a_block_are_lent_as_they_came)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 41, 50));
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(41, 50, payload);
	spool_reader_leave_packed(reader, true);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert(bytes_equal(view.packed, bytes_of(payload, len)));
	ck_assert_uint_eq(view.payload_checksum, stream_checksum(41, 50));
	ck_assert_uint_eq(view.first, 1); /* this hop has sequences of its own */
	ck_assert_uint_eq(view.last, 10);
	ck_assert_uint_eq(view.records.len, 0);
	spool_reader_leave_packed(reader, false);
	spool_reader_seek(reader, 1);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert(bytes_equal(view.records, bytes_of(payload, len)));
	spool_reader_close(&reader);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_stream");
	TCase *tests = tcase_create("streams");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_block_sent_again_after_its_answer_was_lost_is_not_stored_twice);
	tcase_add_test(tests, a_block_that_is_half_known_ends_its_session_and_is_never_trimmed);
	tcase_add_test(tests, a_half_known_block_is_reported_as_overlap);
	tcase_add_test(tests, blocks_that_an_older_session_left_on_the_way_are_void_behind_the_fence);
	tcase_add_test(tests, a_block_twice_in_one_group_is_stored_once);
	tcase_add_test(tests, a_duplicate_is_answered_when_its_first_copy_is_stored);
	tcase_add_test(tests, a_mark_is_told_only_when_its_block_is_synced);
	tcase_add_test(tests, a_gap_in_the_cumulative_count_ends_the_session);
	tcase_add_test(tests, unsound_ranges_and_counts_are_named);
	tcase_add_test(tests, a_range_may_jump_over_what_was_filtered);
	tcase_add_test(tests, the_octets_of_a_block_are_lent_as_they_came);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
