/* SPDX-License-Identifier: Apache-2.0 */
/* What other relays say to be lost of their streams (spool-rules.md, rule 29): counted for ever, told once. */
#include "stream_fixture.h"

START_TEST(what_a_relay_says_to_be_lost_only_grows_and_survives_a_crash)
{
	struct spool_mark mark;
	uint64_t records, lost;
	struct spool_stream_session session = stream_session(1, "a"), old = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &old, 4), 0); /* not its session */
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 4), 4);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 4), 0);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 3), 0);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, UINT64_MAX), 0);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, SEQUENCE_MAX - 4), 0); /* with the 5 that are here */
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 6), 2);
	ck_assert(stream_store(&rig, &session, 6, 7));
	cut_power(MEMORY_DISK_KEEP_NONE);
	spool_stream_counts(rig.spool, session.stream, &records, &lost);
	ck_assert_uint_eq(records, 7);
	ck_assert_uint_eq(lost, 6);
}
END_TEST

/* The first that is untold. */
static bool untold(struct spool_stream_entry *entry, uint64_t *told)
{
	unsigned at = 0;
	return spool_stream_untold(rig.spool, &at, entry, told);
}

START_TEST(what_a_relay_says_to_be_lost_is_told_of_its_own_stream_once)
{
	struct spool_mark mark;
	struct spool_stream_entry entry;
	uint64_t told;
	struct spool_stream_session a = stream_session(1, "a"), b = stream_session(2, "b");
	stream_begin(&rig, &a, &mark);
	stream_begin(&rig, &b, &mark);
	ck_assert(!untold(&entry, &told));
	spool_stream_note_lost(rig.spool, &b, 4);
	ck_assert(untold(&entry, &told));
	ck_assert_str_eq(entry.identity, "b");
	ck_assert_uint_eq(entry.lost, 4);
	ck_assert_uint_eq(told, 0);
	spool_stream_told(rig.spool, entry.stream, 4);
	ck_assert(!untold(&entry, &told));
	spool_stream_note_lost(rig.spool, &b, 7);
	ck_assert(untold(&entry, &told));
	ck_assert_uint_eq(told, 4);
	ck_assert(stream_store(&rig, &a, 1, 2));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert(!untold(&entry, &told)); /* by the process that counted it */
}
END_TEST

START_TEST(a_look_at_what_is_untold_shows_each_stream_once_whatever_the_relays_say_meanwhile)
{
	enum { STREAMS = 3 };
	struct spool_stream_session session[STREAMS];
	struct spool_stream_entry entry;
	struct spool_mark mark;
	uint64_t told;
	unsigned at = 0, shown = 0;
	for (unsigned i = 0; i < STREAMS; i++) {
		session[i] = stream_session((uint8_t)(i + 1), "a");
		stream_begin(&rig, &session[i], &mark);
		spool_stream_note_lost(rig.spool, &session[i], 1);
	}
	while (shown <= STREAMS && spool_stream_untold(rig.spool, &at, &entry, &told)) {
		spool_stream_told(rig.spool, entry.stream, entry.lost);
		for (unsigned i = 0; i < STREAMS; i++) /* each says more as soon as it was told of */
			if (memcmp(session[i].stream, entry.stream, sizeof entry.stream) == 0)
				spool_stream_note_lost(rig.spool, &session[i], entry.lost + 1);
		shown++;
	}
	ck_assert_uint_eq(shown, STREAMS);
	ck_assert(untold(&entry, &told)); /* by the next look */
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(entry.lost, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_stream_lost");
	TCase *tests = tcase_create("lost");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_a_relay_says_to_be_lost_only_grows_and_survives_a_crash);
	tcase_add_test(tests, what_a_relay_says_to_be_lost_is_told_of_its_own_stream_once);
	tcase_add_test(tests, a_look_at_what_is_untold_shows_each_stream_once_whatever_the_relays_say_meanwhile);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
