/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's hand on streams from other relays: one is adopted by another identity, or forgotten. */
#include "stream_fixture.h"

/* The stream's entry; fails if it is not known. */
static struct spool_stream_entry entry_of(uint8_t id)
{
	static struct spool_stream_entry entries[100];
	unsigned count = spool_streams(rig.spool, 0, entries, 100);
	for (unsigned i = 0; i < count; i++)
		if (entries[i].stream[0] == id && entries[i].stream[1] == id)
			return entries[i];
	ck_abort_msg("the stream %u is not known", id);
	return entries[0];
}

static uint8_t *id_of(uint8_t id)
{
	static uint8_t stream[SPOOL_STREAM_ID_BYTES];
	memset(stream, id, sizeof stream);
	return stream;
}

START_TEST(an_adopted_stream_goes_on_with_its_new_owner_and_what_the_old_one_has_on_its_way_is_void)
{
	struct spool_mark mark;
	struct spool_stream_session old = stream_session(1, "old.example.net"), new = stream_session(1, "new.example.net");
	stream_begin(&rig, &old, &mark);
	ck_assert(stream_store(&rig, &old, 1, 5));
	ck_assert_int_eq(stream_begin(&rig, &new, &mark), SPOOL_STREAM_OTHER_PEER);
	ck_assert(stream_put(&rig, &old, 6, 9));
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(1), "new.example.net"), SPOOL_STREAM_CHANGED);
	ck_assert(!spool_stream_changes_are_stored(rig.spool));
	ck_assert(writer_turn(rig.spool));
	ck_assert(spool_stream_changes_are_stored(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 5);
	ck_assert_int_eq(stream_state(&rig, &old), SPOOL_STREAM_OTHER_PEER); /* so it answers nothing more */
	ck_assert_int_eq(stream_begin(&rig, &new, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 5);
	ck_assert(stream_store(&rig, &new, 6, 9));
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(3), "x"), SPOOL_STREAM_UNKNOWN);
	spool_check(rig.spool);
}
END_TEST

START_TEST(an_adoption_without_any_blocks_is_written_by_itself_and_survives_crash_and_rotation)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "old"), busy = stream_session(2, "b");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(1), "new"), SPOOL_STREAM_CHANGED);
	ck_assert(writer_turn(rig.spool));
	ck_assert(!writer_turn(rig.spool));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_str_eq(entry_of(1).identity, "new");
	stream_begin(&rig, &busy, &mark);
	for (uint64_t i = 0; i < 400; i++) {
		ck_assert(stream_store(&rig, &busy, 50 * i + 1, 50 * i + 50));
		keeper_turn(rig.spool);
	}
	reopen();
	ck_assert_str_eq(entry_of(1).identity, "new");
	ck_assert_uint_eq(entry_of(1).mark.sequence, 5);
	ck_assert_uint_eq(entry_of(1).records, 5);
	ck_assert_uint_eq(entry_of(1).last_ns, 2000);
	ck_assert_uint_eq(entry_of(2).records, 20000);
}
END_TEST

START_TEST(a_stream_is_not_adopted_by_an_identity_that_has_as_many_as_one_may_have)
{
	struct spool_mark mark;
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++) {
		struct spool_stream_session session = stream_session((uint8_t)i, "a");
		ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	}
	struct spool_stream_session other = stream_session(200, "b");
	stream_begin(&rig, &other, &mark);
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(200), "a"), SPOOL_STREAM_NO_PLACE);
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(1), "a"), SPOOL_STREAM_CHANGED); /* it is its own already */
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(200), "a"), SPOOL_STREAM_CHANGED);
	ck_assert_str_eq(entry_of(200).identity, "a");
}
END_TEST

START_TEST(a_forgotten_stream_makes_room_and_all_others_are_still_known)
{
	struct spool_mark mark;
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++) {
		struct spool_stream_session session = stream_session((uint8_t)i, "a");
		stream_begin(&rig, &session, &mark);
		ck_assert(stream_store(&rig, &session, 1, i));
	}
	struct spool_stream_session more = stream_session(200, "a");
	ck_assert_int_eq(stream_begin(&rig, &more, &mark), SPOOL_STREAM_PEER_LIMIT);
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(7)), SPOOL_STREAM_CHANGED);
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(7)), SPOOL_STREAM_UNKNOWN);
	ck_assert(writer_turn(rig.spool));
	ck_assert_int_eq(stream_begin(&rig, &more, &mark), SPOOL_STREAM_HOLDS);
	ck_assert(stream_store(&rig, &more, 1, 2));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), SPOOL_STREAMS_PER_PEER_MAX);
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++)
		if (i != 7)
			ck_assert_uint_eq(entry_of((uint8_t)i).mark.sequence, i);
	ck_assert_uint_eq(entry_of(200).mark.sequence, 2);
	spool_check(rig.spool);
}
END_TEST

START_TEST(forgetting_streams_makes_as_much_room_as_they_took_their_identities_included)
{
	struct spool_mark mark;
	unsigned taken = 0;
	uint8_t stream[SPOOL_STREAM_ID_BYTES];
	for (unsigned round = 0; round < 3; round++) {
		enum spool_stream_state state = SPOOL_STREAM_HOLDS;
		unsigned count = 0;
		for (; state == SPOOL_STREAM_HOLDS; count += state == SPOOL_STREAM_HOLDS) {
			char identity[40];
			snprintf(identity, sizeof identity, "round-%u-peer-%04u.example.net", round, count);
			struct spool_stream_session session = stream_session((uint8_t)count, identity);
			session.stream[1] = (uint8_t)(count >> 8);
			state = stream_begin(&rig, &session, &mark);
			if (state == SPOOL_STREAM_HOLDS)
				ck_assert(stream_store(&rig, &session, 1, 1));
		}
		ck_assert_int_eq(state, SPOOL_STREAM_SPOOL_LIMIT);
		ck_assert(taken == 0 || taken == count);
		taken = count;
		reopen();
		ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), taken);
		for (unsigned i = 0; i < taken; i++) {
			memset(stream, (uint8_t)i, sizeof stream);
			stream[1] = (uint8_t)(i >> 8);
			ck_assert_int_eq(spool_stream_forget(rig.spool, stream), SPOOL_STREAM_CHANGED);
			if (i % 50 == 0)
				ck_assert(writer_turn(rig.spool));
		}
		(void)writer_turn(rig.spool);
		reopen();
		ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), 0);
	}
	ck_assert_uint_gt(taken, 100);
	spool_check(rig.spool);
}
END_TEST

START_TEST(whose_a_place_is_that_was_another_ones_survives_a_crash)
{
	struct spool_mark mark;
	struct spool_stream_session one = stream_session(1, "a"), two = stream_session(2, "b"), three = stream_session(3, "c");
	stream_begin(&rig, &one, &mark);
	stream_begin(&rig, &two, &mark);
	ck_assert(stream_store(&rig, &one, 1, 5));
	ck_assert(stream_store(&rig, &two, 1, 5));
	/* In one group: the third one takes the place of the first one's identity. */
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
	stream_begin(&rig, &three, &mark);
	ck_assert(stream_store(&rig, &three, 1, 5));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), 2);
	ck_assert_str_eq(entry_of(2).identity, "b");
	ck_assert_str_eq(entry_of(3).identity, "c");
	reopen();
	ck_assert_str_eq(entry_of(2).identity, "b");
	ck_assert_str_eq(entry_of(3).identity, "c");
}
END_TEST

START_TEST(a_stream_in_use_is_not_forgotten)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a"), later = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	spool_stream_connected(rig.spool, &session, "192.0.2.1:7");
	ck_assert_str_eq(entry_of(1).connection, "192.0.2.1:7");
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_ACTIVE);
	/* The end of an older connection is not that of the later one. */
	stream_begin(&rig, &later, &mark);
	spool_stream_connected(rig.spool, &later, "192.0.2.1:8");
	spool_stream_disconnected(rig.spool, &session);
	ck_assert_str_eq(entry_of(1).connection, "192.0.2.1:8");
	spool_stream_disconnected(rig.spool, &later);
	ck_assert_str_eq(entry_of(1).connection, "");
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
}
END_TEST

START_TEST(a_stream_that_comes_back_in_the_group_that_forgets_it_begins_anew_and_stays)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a"), again = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
	ck_assert_int_eq(stream_begin(&rig, &again, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 0);
	ck_assert(stream_store(&rig, &again, 1, 3));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_ge(entry_of(1).mark.sequence, 3);
	ck_assert_uint_eq(spool_stored(rig.spool), 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_stream_hand");
	TCase *tests = tcase_create("hand");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_adopted_stream_goes_on_with_its_new_owner_and_what_the_old_one_has_on_its_way_is_void);
	tcase_add_test(tests, an_adoption_without_any_blocks_is_written_by_itself_and_survives_crash_and_rotation);
	tcase_add_test(tests, a_stream_is_not_adopted_by_an_identity_that_has_as_many_as_one_may_have);
	tcase_add_test(tests, a_forgotten_stream_makes_room_and_all_others_are_still_known);
	tcase_add_test(tests, forgetting_streams_makes_as_much_room_as_they_took_their_identities_included);
	tcase_add_test(tests, whose_a_place_is_that_was_another_ones_survives_a_crash);
	tcase_add_test(tests, a_stream_in_use_is_not_forgotten);
	tcase_add_test(tests, a_stream_that_comes_back_in_the_group_that_forgets_it_begins_anew_and_stays);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
