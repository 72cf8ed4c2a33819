/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a stream from another relay is, over crashes too, and how many there may be (spool-rules.md, rule 26). What the
 * operator changes of it: test_spool_stream_hand.c.
 */
#include "stream_fixture.h"

START_TEST(a_stream_of_another_identity_is_refused_and_its_owner_named)
{
	struct spool_mark mark;
	char owner[SPOOL_IDENTITY_MAX_BYTES + 1];
	struct spool_stream_session mine = stream_session(1, "a.example.net"), theirs = stream_session(1, "b.example.net");
	stream_begin(&rig, &mine, &mark);
	ck_assert(stream_store(&rig, &mine, 1, 5));
	ck_assert_int_eq(stream_begin(&rig, &theirs, &mark), SPOOL_STREAM_OTHER_PEER);
	(void)spool_stream_look(rig.spool, &theirs, &mark, owner);
	ck_assert_str_eq(owner, "a.example.net");
	/* And the owner's session goes on undisturbed. */
	ck_assert(stream_store(&rig, &mine, 6, 7));
	ck_assert_int_eq(stream_state(&rig, &mine), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(spool_stored(rig.spool), 7);
}
END_TEST

/* Two relays send here. This one is killed before any checkpoint has their marks, and both come back. */
START_TEST(after_a_crash_each_stream_is_still_its_own_peers)
{
	struct spool_mark mark;
	char owner[SPOOL_IDENTITY_MAX_BYTES + 1];
	struct spool_stream_session a = stream_session(1, "a.example.net"), b = stream_session(2, "b.example.net");
	stream_begin(&rig, &a, &mark);
	stream_begin(&rig, &b, &mark);
	ck_assert(stream_store(&rig, &a, 1, 5));
	ck_assert(stream_store(&rig, &b, 1, 7));
	cut_power(MEMORY_DISK_KEEP_NONE);
	for (int i = 0; i < 2; i++) {
		a.number = spool_stream_draw();
		b.number = spool_stream_draw();
		ck_assert_int_eq(stream_begin(&rig, &a, &mark), SPOOL_STREAM_HOLDS);
		ck_assert_uint_eq(mark.sequence, 5);
		ck_assert_int_eq(stream_begin(&rig, &b, &mark), SPOOL_STREAM_HOLDS);
		ck_assert_uint_eq(mark.sequence, 7);
		struct spool_stream_session thief = stream_session(2, "a.example.net");
		ck_assert_int_eq(stream_begin(&rig, &thief, &mark), SPOOL_STREAM_OTHER_PEER);
		(void)spool_stream_look(rig.spool, &thief, &mark, owner);
		ck_assert_str_eq(owner, "b.example.net");
		reopen(); /* and so it stands in the checkpoint */
	}
}
END_TEST

START_TEST(a_stored_block_says_which_stream_and_peer_it_is_from_and_when_it_came)
{
	struct spool_mark mark;
	struct block_header header;
	struct spool_stream_session a = stream_session(1, "a"), b = stream_session(2, "b");
	stream_begin(&rig, &a, &mark);
	stream_begin(&rig, &b, &mark);
	ck_assert(stream_store(&rig, &a, 1, 5));
	struct current_segment at = rig.spool->writer.current;
	ck_assert(stream_store(&rig, &b, 101, 107));
	char name[DISK_NAME_MAX_BYTES];
	uint64_t size;
	segment_name(at.counter, at.first, name);
	uint8_t *octets = memory_disk_octets(&disk, name, &size);
	ck_assert_int_eq(block_header_read(bytes_of(octets + at.offset, size - at.offset), at.salt, &header),
	                 BLOCK_HEADER_VALID);
	ck_assert_uint_eq(header.origin, BLOCK_ORIGIN_STREAM);
	ck_assert_uint_eq(header.peer, 1); /* the second identity */
	ck_assert_mem_eq(header.stream_id, b.stream, sizeof b.stream);
	ck_assert_uint_eq(header.stream_first, 101);
	ck_assert_uint_eq(header.stream_last, 107);
	ck_assert_uint_eq(header.stream_count, 107);
	ck_assert_uint_eq(header.first, 6); /* this hop's own */
	ck_assert_int_eq(header.hop_received_ns, 2000);
	ck_assert_int_eq(header.base_ns, 1000);
}
END_TEST

/* 64 peers with 64 streams each, in a spool whose segments have room for all of them. */
START_TEST(the_4097th_stream_is_refused_and_none_is_forgotten_for_it)
{
	struct spool_mark mark;
	struct spool_stream_session session;
	char identity[16];
	spool_close(&rig.spool);
	memory_disk_free(&disk);
	memory_disk_init(&disk);
	rig.options.segment_size_bytes = 8 << 20;
	rig.options.max_size_bytes = 128 << 20;
	rig_open_ok(&rig);
	for (unsigned i = 0; i <= SPOOL_STREAMS_MAX; i++) {
		snprintf(identity, sizeof identity, "peer-%u", i / SPOOL_STREAMS_PER_PEER_MAX);
		session = stream_session(7, identity);
		memcpy(session.stream, &i, sizeof i);
		ck_assert_int_eq(stream_begin(&rig, &session, &mark),
		                 i < SPOOL_STREAMS_MAX ? SPOOL_STREAM_HOLDS : SPOOL_STREAM_SPOOL_LIMIT);
	}
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), SPOOL_STREAMS_MAX);
	unsigned first = 0;
	session = stream_session(7, "peer-0");
	memcpy(session.stream, &first, sizeof first);
	ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
}
END_TEST

START_TEST(the_65th_stream_of_an_identity_is_refused_and_none_is_forgotten_for_it)
{
	struct spool_mark mark;
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++) {
		struct spool_stream_session session = stream_session((uint8_t)i, "a");
		ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	}
	struct spool_stream_session more = stream_session(200, "a"), other = stream_session(200, "b");
	ck_assert_int_eq(stream_begin(&rig, &more, &mark), SPOOL_STREAM_PEER_LIMIT);
	ck_assert_int_eq(stream_begin(&rig, &other, &mark), SPOOL_STREAM_HOLDS);
	struct spool_stream_session known = stream_session(1, "a");
	ck_assert_int_eq(stream_begin(&rig, &known, &mark), SPOOL_STREAM_HOLDS);
}
END_TEST

START_TEST(streams_beyond_what_a_segment_can_remember_are_refused)
{
	struct spool_mark mark;
	unsigned taken = 0;
	enum spool_stream_state state = SPOOL_STREAM_HOLDS;
	for (unsigned i = 0; i < 1000 && state == SPOOL_STREAM_HOLDS; i++) {
		char identity[16];
		snprintf(identity, sizeof identity, "peer-%u", i);
		struct spool_stream_session session = stream_session((uint8_t)i, identity);
		session.stream[1] = (uint8_t)(i >> 8);
		state = stream_begin(&rig, &session, &mark);
		taken += state == SPOOL_STREAM_HOLDS;
		if (state == SPOOL_STREAM_HOLDS)
			ck_assert(stream_store(&rig, &session, 1, 1));
	}
	ck_assert_int_eq(state, SPOOL_STREAM_SPOOL_LIMIT);
	ck_assert_uint_gt(taken, 100);
	ck_assert_uint_eq(spool_stored(rig.spool), taken);
	reopen();
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), taken);
	spool_check(rig.spool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_stream_owner");
	TCase *tests = tcase_create("owners");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_stream_of_another_identity_is_refused_and_its_owner_named);
	tcase_add_test(tests, after_a_crash_each_stream_is_still_its_own_peers);
	tcase_add_test(tests, a_stored_block_says_which_stream_and_peer_it_is_from_and_when_it_came);
	tcase_add_test(tests, the_4097th_stream_is_refused_and_none_is_forgotten_for_it);
	tcase_add_test(tests, the_65th_stream_of_an_identity_is_refused_and_none_is_forgotten_for_it);
	tcase_add_test(tests, streams_beyond_what_a_segment_can_remember_are_refused);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
