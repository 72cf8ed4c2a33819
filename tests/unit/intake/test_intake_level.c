/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the intake does while the spool is in its reserve or full, or has no block (spool-rules.md, rules 8 and 9): some
 * inputs wait, others shed, and every loss is counted.
 */
#include "intake_rig.h"

#include <stdio.h>

START_TEST(an_input_that_waits_is_told_to_in_the_reserve_and_when_full)
{
	spool.level = SPOOL_LEVEL_RESERVE;
	ck_assert_int_eq(take(&waits, "<8>emergency"), INTAKE_WAIT);
	spool.level = SPOOL_LEVEL_FULL;
	ck_assert_int_eq(take(&waits, "<8>emergency"), INTAKE_WAIT);
	ck_assert_uint_eq(waits.received, 0);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 0);
	spool.level = SPOOL_LEVEL_OPEN;
	ck_assert_int_eq(take(&waits, "<8>emergency"), INTAKE_TAKEN);
	ck_assert_uint_eq(waits.received, 1);
}
END_TEST

START_TEST(the_reserve_takes_emerg_to_err_of_inputs_that_shed)
{
	spool.level = SPOOL_LEVEL_RESERVE;
	for (unsigned severity = 0; severity < 8; severity++) {
		char text[16];
		snprintf(text, sizeof text, "<%u>x", 8 + severity);
		ck_assert_int_eq(take(&sheds, text), severity <= 3 ? INTAKE_TAKEN : INTAKE_DROPPED);
	}
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 4);
	ck_assert_uint_eq(sheds.received, 8);
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted[0]->count, 4);
	ck_assert_uint_eq(record(1, 3).message.pri, 11);
}
END_TEST

START_TEST(a_full_spool_takes_nothing_of_inputs_that_shed_and_counts_all)
{
	spool.level = SPOOL_LEVEL_FULL;
	ck_assert_int_eq(take(&sheds, "<8>emergency"), INTAKE_DROPPED);
	ck_assert_int_eq(take(&sheds, "<15>debug"), INTAKE_DROPPED);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 2);
	ck_assert_uint_eq(sheds.received, 2);
	ck_assert_uint_eq(spool.submitted_count, 0);
}
END_TEST

START_TEST(without_a_block_some_wait_and_others_count_no_buffer)
{
	spool.free_blocks = 1; /* the last one is for those that shed */
	ck_assert_int_eq(take(&waits, "x"), INTAKE_WAIT);
	ck_assert_int_eq(take(&sheds, "x"), INTAKE_TAKEN);
	intake_flush(intake);
	ck_assert_int_eq(take(&sheds, "x"), INTAKE_DROPPED);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_NO_BUFFER], 1);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 0);
}
END_TEST

START_TEST(losses_before_the_intake_are_counted_as_received_and_dropped)
{
	intake_count_drop(intake, &sheds, NULL, SPOOL_DROP_KERNEL, 17);
	intake_count_drop(intake, &sheds, NULL, SPOOL_DROP_EMPTY, 0);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_KERNEL], 17);
	ck_assert_uint_eq(sheds.received, 17);
	ck_assert_uint_eq(spool.sources, 0);
	intake_count_drop(intake, &sheds, &peer, SPOOL_DROP_PEER_NOT_ALLOWED, 2);
	ck_assert_uint_eq(spool.source_dropped[0], 2);
	ck_assert_uint_eq(sheds.received, 19);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("intake_level");
	TCase *tests = tcase_create("level");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, an_input_that_waits_is_told_to_in_the_reserve_and_when_full);
	tcase_add_test(tests, the_reserve_takes_emerg_to_err_of_inputs_that_shed);
	tcase_add_test(tests, a_full_spool_takes_nothing_of_inputs_that_shed_and_counts_all);
	tcase_add_test(tests, without_a_block_some_wait_and_others_count_no_buffer);
	tcase_add_test(tests, losses_before_the_intake_are_counted_as_received_and_dropped);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
