/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by source that the intake keeps: records of each block, drops, and messages that are suspected to be missing. */
#include "intake/source_memo.h"
#include "intake_rig.h"

#include <stdio.h>

START_TEST(sources_that_come_mixed_are_looked_up_once_and_counted_in_their_block)
{
	for (unsigned i = 0; i < 10; i++)
		take(&waits, "<13>Oct 11 22:14:15 web01 app: x");
	ck_assert_uint_eq(spool.look_ups, 1);
	take(&waits, "<13>Oct 11 22:14:15 web02 app: x");
	take(&waits, "<13>Oct 11 22:14:15 web01 app: x");
	intake_flush(intake);
	ck_assert_uint_eq(spool.look_ups, 2);
	ck_assert_uint_eq(spool.submitted[0]->of_source[0], 11);
	ck_assert_uint_eq(spool.submitted[0]->of_source[1], 1);
	ck_assert_mem_eq(spool.name[1].hostname, "web02", 5);
}
END_TEST

/* A host whose name wants the place of "host-00.example". */
static void name_that_collides(char *name, size_t size)
{
	unsigned wanted = source_memo_place(peer.address, BYTES("host-00.example"));
	for (unsigned i = 1; i < 100 * SOURCE_MEMO_PLACES; i++) {
		snprintf(name, size, "host-%02u.example", i);
		if (source_memo_place(peer.address, bytes_of_text(name)) == wanted)
			return;
	}
	ck_abort_msg("no name collides");
}

START_TEST(two_sources_that_want_one_place_are_told_apart)
{
	char name[64], text[128];
	name_that_collides(name, sizeof name);
	snprintf(text, sizeof text, "<13>Oct 11 22:14:15 %s app: x", name);
	for (unsigned i = 0; i < 3; i++) {
		take(&waits, "<13>Oct 11 22:14:15 host-00.example app: x");
		take(&waits, text);
	}
	take(&waits, text);
	intake_flush(intake);
	ck_assert_uint_eq(spool.look_ups, 6);
	ck_assert_uint_eq(spool.submitted[0]->of_source[0], 3);
	ck_assert_uint_eq(spool.submitted[0]->of_source[1], 4);
}
END_TEST

START_TEST(one_name_at_two_addresses_is_two_sources)
{
	const uint8_t before = peer.address[SPOOL_ADDRESS_BYTES - 1];
	take(&waits, "<13>Oct 11 22:14:15 a app: x");
	peer.address[SPOOL_ADDRESS_BYTES - 1]++;
	take(&waits, "<13>Oct 11 22:14:15 a app: x");
	peer.address[SPOOL_ADDRESS_BYTES - 1] = before;
	take(&waits, "<13>Oct 11 22:14:15 a app: x");
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted[0]->of_source[0], 2);
	ck_assert_uint_eq(spool.submitted[0]->of_source[1], 1);
}
END_TEST

START_TEST(records_by_source_are_all_records_of_each_block)
{
	char text[1000];
	for (unsigned i = 0; i < 12; i++) {
		int len = snprintf(text, sizeof text, "<13>Oct 11 22:14:15 web%u app: ", i % 3);
		memset(text + len, 'x', sizeof text - (size_t)len - 1);
		text[sizeof text - 1] = '\0';
		take(&waits, text);
	}
	intake_flush(intake);
	ck_assert_uint_gt(spool.submitted_count, 2);
	for (unsigned i = 0; i < spool.submitted_count; i++) {
		const struct spool_block *block = spool.submitted[i];
		ck_assert_uint_eq(block->of_source[0] + block->of_source[1] + block->of_source[2], block->count);
	}
}
END_TEST

START_TEST(what_a_full_spool_drops_is_dropped_of_its_source)
{
	spool.level = SPOOL_LEVEL_FULL;
	take(&sheds, "<13>Oct 11 22:14:15 web01 app: x");
	spool.level = SPOOL_LEVEL_RESERVE;
	take(&sheds, "<13>Oct 11 22:14:15 web02 app: x");
	take(&sheds, "<8>Oct 11 22:14:15 web02 app: emergency");
	spool.level = SPOOL_LEVEL_OPEN;
	spool.free_blocks = 0;
	intake_flush(intake);
	take(&sheds, "<13>Oct 11 22:14:15 web02 app: x");
	ck_assert_uint_eq(spool.source_dropped[0], 1);
	ck_assert_uint_eq(spool.source_dropped[1], 2);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL] + spool.dropped[SPOOL_DROP_NO_BUFFER], 3);
}
END_TEST

START_TEST(a_missing_sequence_id_is_suspected_of_its_source_and_dropped_of_nobody)
{
	take(&waits, "<13>1 - web01 app 1 - [meta sequenceId=\"7\"] x");
	take(&waits, "<13>1 - web01 app 1 - [meta sequenceId=\"10\"] x");
	ck_assert_uint_eq(spool.suspected[0], 2);
	ck_assert_uint_eq(spool.source_dropped[0], 0);
	ck_assert_uint_eq(waits.received, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("intake_sources");
	TCase *tests = tcase_create("sources");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, sources_that_come_mixed_are_looked_up_once_and_counted_in_their_block);
	tcase_add_test(tests, two_sources_that_want_one_place_are_told_apart);
	tcase_add_test(tests, one_name_at_two_addresses_is_two_sources);
	tcase_add_test(tests, records_by_source_are_all_records_of_each_block);
	tcase_add_test(tests, what_a_full_spool_drops_is_dropped_of_its_source);
	tcase_add_test(tests, a_missing_sequence_id_is_suspected_of_its_source_and_dropped_of_nobody);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
