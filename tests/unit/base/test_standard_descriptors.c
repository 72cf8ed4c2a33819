/* SPDX-License-Identifier: Apache-2.0 */
/* Standard descriptors that whoever started us has closed: nothing else takes their place, and none of them works. */
#include "base/standard_descriptors.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Each test is a process of its own; standard error stays open for Check unless the test closes it. */
START_TEST(what_is_opened_later_takes_no_place_of_theirs)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	bool held = standard_descriptors_hold();
	int next = open("/dev/null", O_RDONLY);
	ck_assert(held);
	ck_assert_int_gt(next, STDERR_FILENO);
	close(next);
}
END_TEST

START_TEST(they_fail_as_closed_ones_do)
{
	char octet = 'x';
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	ck_assert(standard_descriptors_hold());
	ck_assert_int_eq(write(STDOUT_FILENO, &octet, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(read(STDIN_FILENO, &octet, 1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(those_that_are_open_stay_what_they_are)
{
	int ends[2];
	char octet = 'x';
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
	ck_assert(standard_descriptors_hold());
	ck_assert_int_eq(write(STDOUT_FILENO, &octet, 1), 1);
	ck_assert_int_eq(read(STDIN_FILENO, &octet, 1), 1);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("standard_descriptors");
	TCase *tests = tcase_create("standard_descriptors");
	tcase_add_test(tests, what_is_opened_later_takes_no_place_of_theirs);
	tcase_add_test(tests, they_fail_as_closed_ones_do);
	tcase_add_test(tests, those_that_are_open_stay_what_they_are);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
