/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/pri.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static enum pri_outcome read_text(const char *text, uint8_t *pri, size_t *len)
{
	return pri_read(bytes_of_text(text), pri, len);
}

static void expect(const char *text, enum pri_outcome outcome, unsigned value, size_t length)
{
	uint8_t pri;
	size_t len;
	ck_assert_msg(read_text(text, &pri, &len) == outcome, "%s", text);
	ck_assert_uint_eq(pri, value);
	ck_assert_uint_eq(len, length);
}

START_TEST(every_value_up_to_191_is_read)
{
	for (unsigned value = 0; value <= PRI_MAX; value++) {
		char text[8];
		size_t length = (size_t)snprintf(text, sizeof text, "<%u>", value);
		expect(text, PRI_EXACT, value, length);
	}
}
END_TEST

START_TEST(leading_zeros_are_tolerated)
{
	expect("<034>", PRI_TOLERATED, 34, 5);
	expect("<00>x", PRI_TOLERATED, 0, 4);
	expect("<0>", PRI_EXACT, 0, 3);
}
END_TEST

START_TEST(values_that_are_none_are_skipped)
{
	expect("<>x", PRI_INVALID, PRI_DEFAULT, 2);
	expect("<192>x", PRI_INVALID, PRI_DEFAULT, 5);
	expect("<999>x", PRI_INVALID, PRI_DEFAULT, 5);
}
END_TEST

START_TEST(an_unclosed_pri_is_text)
{
	expect("<1234>", PRI_UNCLOSED, PRI_DEFAULT, 0);
	expect("<34", PRI_UNCLOSED, PRI_DEFAULT, 0);
	expect("<34Oct", PRI_UNCLOSED, PRI_DEFAULT, 0);
	expect("<-1>", PRI_UNCLOSED, PRI_DEFAULT, 0);
	expect("<", PRI_UNCLOSED, PRI_DEFAULT, 0);
}
END_TEST

START_TEST(text_has_no_pri)
{
	expect("", PRI_ABSENT, PRI_DEFAULT, 0);
	expect("34>", PRI_ABSENT, PRI_DEFAULT, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pri");
	TCase *tests = tcase_create("pri");
	tcase_add_test(tests, every_value_up_to_191_is_read);
	tcase_add_test(tests, leading_zeros_are_tolerated);
	tcase_add_test(tests, values_that_are_none_are_skipped);
	tcase_add_test(tests, an_unclosed_pri_is_text);
	tcase_add_test(tests, text_has_no_pri);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
