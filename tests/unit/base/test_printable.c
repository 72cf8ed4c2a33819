/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing that steers a terminal is left, and nothing else is touched. */
#include "base/printable.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void check_made(const char *text, const char *expected)
{
	char copy[64];
	strcpy(copy, text);
	ck_assert_int_eq(printable_is(copy), strcmp(text, expected) == 0);
	printable_make(copy);
	ck_assert_str_eq(copy, expected);
	ck_assert(printable_is(copy));
}

START_TEST(controls_are_replaced)
{
	check_made("a\x1b[31mb\x7f\r\n\tc", "a?[31mb????c");
	check_made("\xc2\x9b"
			   "31m",
			   "??31m");
}
END_TEST

START_TEST(what_begins_a_line_or_turns_the_direction_is_replaced)
{
	check_made("a\xe2\x80\xa8\xe2\x80\xa9z", "a??????z");
	check_made("\xe2\x80\xaa\xe2\x80\xaez", "??????z");
	check_made("\xe2\x81\xa6\xe2\x81\xa9z", "??????z");
}
END_TEST

START_TEST(text_stays_as_it_is)
{
	check_made("", "");
	check_made("caf\xc3\xa9 \xc2\xa0 \xe2\x82\xac", "caf\xc3\xa9 \xc2\xa0 \xe2\x82\xac");
	check_made("\xc2", "\xc2");
	check_made("\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf");
	check_made("\xe2\x81\xa5\xe2\x81\xaa", "\xe2\x81\xa5\xe2\x81\xaa");
	check_made("\xe2", "\xe2");
	check_made("\xe2\x80", "\xe2\x80");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("printable");
	TCase *tests = tcase_create("printable");
	tcase_add_test(tests, controls_are_replaced);
	tcase_add_test(tests, what_begins_a_line_or_turns_the_direction_is_replaced);
	tcase_add_test(tests, text_stays_as_it_is);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
