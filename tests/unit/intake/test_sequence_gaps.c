/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps of sequenceId are gaps, and which only look like some. */
#include "intake/sequence_gaps.h"

#include "syslog/parse.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct sequence_gaps gaps;
static struct peer peer;

static void setup(void)
{
	memset(&gaps, 0, sizeof gaps);
	peer = (struct peer){.transport = TRANSPORT_UDP, .port = 40000};
}

static uint32_t before(const char *app_name, unsigned id)
{
	struct parse_context context = {0};
	struct message message;
	char text[200];
	snprintf(text, sizeof text, "<13>1 - web01 %s 7 - [x@1 a=\"sequenceId\"][meta sequenceId=\"%u\"] text", app_name, id);
	parse_message(bytes_of_text(text), &context, &message);
	ck_assert_uint_gt(message.structured_data.len, 0);
	return sequence_gaps_before(&gaps, &peer, &message);
}

START_TEST(the_first_number_and_the_next_ones_are_no_gap)
{
	ck_assert_uint_eq(before("app", 41), 0);
	ck_assert_uint_eq(before("app", 42), 0);
	ck_assert_uint_eq(before("app", 43), 0);
}
END_TEST

START_TEST(what_is_between_two_numbers_is_missing)
{
	before("app", 1);
	ck_assert_uint_eq(before("app", 3), 1);
	ck_assert_uint_eq(before("app", 10), 6);
}
END_TEST

START_TEST(a_restart_a_repetition_and_the_wrap_are_no_gaps)
{
	before("app", 500);
	ck_assert_uint_eq(before("app", 1), 0);
	ck_assert_uint_eq(before("app", 1), 0);
	ck_assert_uint_eq(before("app", 2), 0);
	before("app", SEQUENCE_ID_MAX);
	ck_assert_uint_eq(before("app", 1), 0);
}
END_TEST

START_TEST(one_counter_for_all_programs_of_a_peer_has_no_gaps)
{
	for (unsigned id = 1; id < 40; id++)
		ck_assert_uint_eq(before(id % 3 == 0 ? "a" : "b", id), 0);
	ck_assert_uint_eq(before("a", 45), 5);
}
END_TEST

START_TEST(a_counter_for_each_program_of_a_peer_has_no_gaps)
{
	for (unsigned id = 1; id < 40; id++) {
		ck_assert_uint_eq(before("a", id), 0);
		ck_assert_uint_eq(before("b", 1000 + id), 0);
	}
	ck_assert_uint_eq(before("a", 42), 2);
}
END_TEST

START_TEST(another_port_is_another_counter)
{
	before("app", 1);
	peer.port++;
	ck_assert_uint_eq(before("app", 100), 0);
}
END_TEST

START_TEST(a_message_without_a_number_says_nothing)
{
	struct message message = {.structured_data = BYTES("[meta sequenceId=\"x\"][other sequenceId=\"3\"]")};
	before("app", 1);
	ck_assert_uint_eq(sequence_gaps_before(&gaps, &peer, &message), 0);
	message.structured_data = bytes_of(NULL, 0);
	ck_assert_uint_eq(sequence_gaps_before(&gaps, &peer, &message), 0);
	ck_assert_uint_eq(before("app", 2), 0);
}
END_TEST

START_TEST(a_step_too_long_for_a_loss_is_another_counter)
{
	before("app", 1);
	ck_assert_uint_eq(before("app", 2 + SEQUENCE_GAP_MAX), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sequence_gaps");
	TCase *tests = tcase_create("gaps");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, the_first_number_and_the_next_ones_are_no_gap);
	tcase_add_test(tests, what_is_between_two_numbers_is_missing);
	tcase_add_test(tests, a_restart_a_repetition_and_the_wrap_are_no_gaps);
	tcase_add_test(tests, one_counter_for_all_programs_of_a_peer_has_no_gaps);
	tcase_add_test(tests, a_counter_for_each_program_of_a_peer_has_no_gaps);
	tcase_add_test(tests, another_port_is_another_counter);
	tcase_add_test(tests, a_message_without_a_number_says_nothing);
	tcase_add_test(tests, a_step_too_long_for_a_loss_is_another_counter);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
