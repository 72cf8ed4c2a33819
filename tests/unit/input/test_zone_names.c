/* SPDX-License-Identifier: Apache-2.0 */
#include "input/zone_names.h"

#include <check.h>
#include <stdlib.h>

#include "input/input.h"

static char error[INPUT_ERROR_MAX_BYTES];

START_TEST(abbreviations_get_their_offsets)
{
	char first[] = "CEST=+02:00", second[] = "NST=-0330";
	char *items[] = {first, second};
	struct option_list list = {.items = items, .count = 2};
	struct zone_name *names;
	ck_assert(zone_names_read(&list, &names, error));
	ck_assert(bytes_equal(names[0].name, BYTES("CEST")));
	ck_assert_int_eq(names[0].offset_minutes, 120);
	ck_assert(bytes_equal(names[1].name, BYTES("NST")));
	ck_assert_int_eq(names[1].offset_minutes, -210);
	free(names);
}
END_TEST

START_TEST(an_empty_list_is_no_memory)
{
	struct option_list list = {0};
	struct zone_name *names;
	ck_assert(zone_names_read(&list, &names, error));
	ck_assert_ptr_null(names);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone_names");
	TCase *tests = tcase_create("zone_names");
	tcase_add_test(tests, abbreviations_get_their_offsets);
	tcase_add_test(tests, an_empty_list_is_no_memory);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
