/* SPDX-License-Identifier: Apache-2.0 */
/* Where files are by default: which variable wins, and that relative paths in them are ignored. */
#include "config/places.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_up(void)
{
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("RUNTIME_DIRECTORY");
	setenv("HOME", "/home/u", 1);
}

static void check_place(char *place, const char *expected)
{
	if (expected == NULL)
		ck_assert_ptr_null(place);
	else
		ck_assert_str_eq(place, expected);
	free(place);
}

START_TEST(the_state_directory_follows_xdg)
{
	check_place(places_state_directory(), "/home/u/.local/state/relayd");
	setenv("XDG_STATE_HOME", "/s", 1);
	check_place(places_state_directory(), "/s/relayd");
	setenv("XDG_STATE_HOME", "relative", 1);
	check_place(places_state_directory(), "/home/u/.local/state/relayd");
	unsetenv("HOME");
	check_place(places_state_directory(), NULL);
}
END_TEST

START_TEST(the_control_socket_is_where_systemd_says)
{
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	setenv("RUNTIME_DIRECTORY", "/run/own:/run/other", 1);
	check_place(places_control_socket(), "/run/own/control.sock");
}
END_TEST

START_TEST(the_control_socket_of_root_is_in_run)
{
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	bool is_root = geteuid() == 0;
	check_place(places_control_socket(), is_root ? "/run/relayd/control.sock" : "/run/user/7/relayd/control.sock");
	unsetenv("XDG_RUNTIME_DIR");
	check_place(places_control_socket(),
				is_root ? "/run/relayd/control.sock" : "/home/u/.local/state/relayd/control.sock");
}
END_TEST

START_TEST(parents_are_made_and_the_last_name_is_not)
{
	char root[] = "/tmp/places-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(root));
	char path[64], parent[64], middle[64];
	snprintf(path, sizeof path, "%s/a/b/c", root);
	snprintf(parent, sizeof parent, "%s/a/b", root);
	snprintf(middle, sizeof middle, "%s/a", root);
	places_make_parents(path);
	struct stat status;
	ck_assert_int_eq(stat(parent, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0700);
	ck_assert_int_ne(stat(path, &status), 0);
	rmdir(parent);
	rmdir(middle);
	ck_assert_int_eq(rmdir(root), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("places");
	TCase *tests = tcase_create("places");
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, the_state_directory_follows_xdg);
	tcase_add_test(tests, the_control_socket_is_where_systemd_says);
	tcase_add_test(tests, the_control_socket_of_root_is_in_run);
	tcase_add_test(tests, parents_are_made_and_the_last_name_is_not);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
