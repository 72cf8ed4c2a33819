/* SPDX-License-Identifier: Apache-2.0 */
/* Which name was meant: slips count, case and '-' do not, and what is not near is not offered. */
#include "base/nearest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *among(const char *wanted)
{
	static const char *const names[] = {"listen", "max_message_size", "certificate", "key", "ca", "tls", "name", NULL};
	struct nearest nearest = {.wanted = wanted};
	for (size_t i = 0; names[i] != NULL; i++)
		nearest_offer(&nearest, names[i]);
	return nearest.name;
}

START_TEST(one_slip_is_near)
{
	ck_assert_str_eq(among("liste"), "listen");
	ck_assert_str_eq(among("listenn"), "listen");
	ck_assert_str_eq(among("lissen"), "listen");
	ck_assert_str_eq(among("lisetn"), "listen");
	ck_assert_str_eq(among("kye"), "key");
}
END_TEST

START_TEST(case_and_hyphen_are_no_slip)
{
	ck_assert_str_eq(among("Max-Message-Size"), "max_message_size");
	struct nearest nearest = {.wanted = "LISTEN"};
	nearest_offer(&nearest, "listen");
	ck_assert_uint_eq(nearest.distance, 0);
}
END_TEST

START_TEST(a_name_cut_short_is_near)
{
	ck_assert_str_eq(among("cert"), "certificate");
	ck_assert_str_eq(among("max_message"), "max_message_size");
	ck_assert_ptr_null(among("ma"));
}
END_TEST

START_TEST(what_is_far_is_not_offered)
{
	ck_assert_ptr_null(among("colour"));
	ck_assert_ptr_null(among("log"));
	ck_assert_ptr_null(among(""));
}
END_TEST

START_TEST(of_equally_near_names_the_first_stays)
{
	struct nearest nearest = {.wanted = "hose"};
	nearest_offer(&nearest, "host");
	nearest_offer(&nearest, "nose");
	ck_assert_str_eq(nearest.name, "host");
}
END_TEST

START_TEST(a_very_long_name_is_nobodys_slip)
{
	char wanted[4096];
	memset(wanted, 'l', sizeof wanted);
	wanted[sizeof wanted - 1] = '\0';
	ck_assert_ptr_null(among(wanted));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nearest");
	TCase *tests = tcase_create("nearest");
	tcase_add_test(tests, one_slip_is_near);
	tcase_add_test(tests, case_and_hyphen_are_no_slip);
	tcase_add_test(tests, a_name_cut_short_is_near);
	tcase_add_test(tests, what_is_far_is_not_offered);
	tcase_add_test(tests, of_equally_near_names_the_first_stays);
	tcase_add_test(tests, a_very_long_name_is_nobodys_slip);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
