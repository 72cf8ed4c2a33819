/* SPDX-License-Identifier: Apache-2.0 */
/* The list of drivers, their rows, and what check() refuses: the operator's side of an input. */
#include "input/input.h"

#include <check.h>
#include <stdlib.h>

#include "input/input_common.h"

static char error[INPUT_ERROR_MAX_BYTES];

/* Settings of that type with options as pairs up to NULL; whether check() lets them pass. */
static bool checks(const char *type, const char *const *pairs)
{
	const struct input_driver *driver = input_driver_find(type);
	char reason[OPTION_ERROR_MAX_BYTES];
	ck_assert_ptr_nonnull(driver);
	void *settings = calloc(1, driver->settings_size);
	ck_assert(option_set_presets(driver->options, settings));
	for (; *pairs != NULL; pairs += 2) {
		const struct option *row = option_find(driver->options, pairs[0]);
		ck_assert_msg(row != NULL, "no option %s", pairs[0]);
		if (row->kind == OPTION_LIST)
			ck_assert(option_append(row, settings, pairs[1]));
		else
			ck_assert_msg(option_set_text(row, settings, pairs[1], reason), "%s", reason);
	}
	error[0] = '\0';
	bool is_good = driver->check(settings, error);
	option_free(driver->options, settings);
	free(settings);
	return is_good;
}

#define CHECKS(type, ...) checks(type, (const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(bool is_good, const char *part)
{
	ck_assert(!is_good);
	ck_assert_msg(strstr(error, part) != NULL, "\"%s\" is not in \"%s\"", part, error);
}

START_TEST(every_driver_is_found_by_its_type_and_no_other)
{
	static const char *const types[] = {"udp", "tcp", "tls", "relp", "unix"};
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		ck_assert_str_eq(input_drivers[i]->type, types[i]);
		ck_assert_ptr_eq(input_driver_find(types[i]), input_drivers[i]);
	}
	ck_assert_ptr_null(input_drivers[5]);
	ck_assert_ptr_null(input_driver_find("TCP"));
}
END_TEST

static void assert_rows(const struct option *rows, size_t size)
{
	for (; rows->name != NULL; rows++) {
		ck_assert_uint_lt(rows->offset, size);
		ck_assert_msg(rows->doc != NULL && rows->doc[strlen(rows->doc) - 1] == '.', "%s", rows->name);
		if (rows->kind == OPTION_SECTION)
			assert_rows(rows->section, size - rows->offset);
	}
}

START_TEST(every_driver_is_complete_and_every_row_has_its_sentence)
{
	for (unsigned i = 0; input_drivers[i] != NULL; i++) {
		const struct input_driver *driver = input_drivers[i];
		ck_assert(driver->check != NULL && driver->default_name != NULL && driver->open != NULL);
		ck_assert(driver->start != NULL && driver->stop != NULL && driver->status != NULL && driver->close != NULL);
		ck_assert_uint_ge(driver->settings_size, sizeof(struct input_common));
		ck_assert_int_eq(driver->doc[strlen(driver->doc) - 1], '.');
		assert_rows(driver->options, driver->settings_size);
		ck_assert_ptr_nonnull(option_find(driver->options, "name"));
		ck_assert_ptr_nonnull(option_find(driver->options, "max_message_size"));
	}
}
END_TEST

START_TEST(defaults_are_what_the_manual_says)
{
	const struct input_driver *driver = input_driver_find("tcp");
	void *settings = calloc(1, driver->settings_size);
	ck_assert(option_set_presets(driver->options, settings));
	const struct input_common *common = settings;
	ck_assert_uint_eq(common->max_message_size, 65536);
	ck_assert_ptr_null(common->name);
	ck_assert_uint_eq(common->allowed_peers.count, 0);
	option_free(driver->options, settings);
	free(settings);
}
END_TEST

START_TEST(the_default_name_is_type_and_endpoint_and_never_too_long)
{
	char name[SPOOL_NAME_MAX_BYTES + 1];
	char long_path[200];
	const struct input_driver *driver = input_driver_find("unix");
	void *settings = calloc(1, driver->settings_size);
	const struct option *row = option_find(driver->options, "path");
	option_set_text(row, settings, "/dev/log", error);
	driver->default_name(settings, name);
	ck_assert_str_eq(name, "unix /dev/log");
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	option_set_text(row, settings, long_path, error);
	driver->default_name(settings, name);
	ck_assert_uint_eq(strlen(name), SPOOL_NAME_MAX_BYTES);
	option_free(driver->options, settings);
	free(settings);
}
END_TEST

START_TEST(endpoints_are_addresses_of_this_machine)
{
	ck_assert(CHECKS("udp", "listen", "[::]:514"));
	ck_assert(CHECKS("tcp", "listen", "0.0.0.0:514"));
	ck_assert(CHECKS("relp", "listen", "127.0.0.1:2514"));
	ck_assert(CHECKS("relp", "listen", "/run/relayd/log"));
	ck_assert(CHECKS("unix", "path", "/dev/log"));
	assert_refused(CHECKS("udp", "listen", "/dev/log"), "/dev/log");
	assert_refused(CHECKS("tcp", "listen", "/dev/log"), "\"unix\" or \"relp\"");
	assert_refused(CHECKS("tcp", "listen", "log.example.net:514"), "log.example.net");
	assert_refused(CHECKS("udp", "listen", "log.example.net:514"), "log.example.net");
	assert_refused(CHECKS("unix", "path", "127.0.0.1:514"), "path");
	assert_refused(CHECKS("tcp", "listen", "127.0.0.1:99999"), "listen");
}
END_TEST

START_TEST(peers_that_are_no_networks_are_refused)
{
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "allowed_peers", "10.0.0.0/8", "allowed_peers", "2001:db8::/32"));
	assert_refused(CHECKS("tcp", "listen", "[::]:514", "allowed_peers", "10.0.0.0/8", "allowed_peers", "example"),
	               "allowed_peers");
	assert_refused(CHECKS("tcp", "listen", "[::]:514", "allowed_peers", "10.0.0.0/33"), "allowed_peers");
}
END_TEST

START_TEST(zones_that_cannot_be_read_are_refused)
{
	ck_assert(CHECKS("udp", "listen", "[::]:514", "time_zone", "Europe/Berlin", "zone_names", "CEST=+02:00"));
	ck_assert(CHECKS("udp", "listen", "[::]:514", "zone_names", "NST=-0330"));
	assert_refused(CHECKS("udp", "listen", "[::]:514", "zone_names", "CEST"), "CEST=+02:00");
	assert_refused(CHECKS("udp", "listen", "[::]:514", "zone_names", "CEST=2"), "zone_names");
	assert_refused(CHECKS("udp", "listen", "[::]:514", "zone_names", "CEST=+02:60"), "zone_names");
	assert_refused(CHECKS("udp", "listen", "[::]:514", "zone_names", "cest=+02:00"), "zone_names");
	assert_refused(CHECKS("udp", "listen", "[::]:514", "zone_names", "CEST=+02:00x"), "zone_names");
}
END_TEST

START_TEST(permissions_and_delimiters_that_cannot_be_read_are_refused)
{
	ck_assert(CHECKS("unix", "path", "/dev/log", "permissions", "0600"));
	assert_refused(CHECKS("unix", "path", "/dev/log", "permissions", "rw-"), "permissions");
	assert_refused(CHECKS("unix", "path", "/dev/log", "permissions", "07777"), "permissions");
	assert_refused(CHECKS("unix", "path", "/dev/log", "permissions", "0"), "permissions");
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "delimiter", "0"));
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "delimiter", "255"));
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "delimiter", "|"));
	assert_refused(CHECKS("tcp", "listen", "[::]:514", "delimiter", "256"), "delimiter");
	assert_refused(CHECKS("tcp", "listen", "[::]:514", "delimiter", "||"), "delimiter");
}
END_TEST

START_TEST(a_delimiter_with_which_a_message_may_begin_is_refused)
{
	static const char *const bad[] = {"<", "60", " ", "32", "48", "53", "57", "057"};
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_refused(CHECKS("tcp", "listen", "[::]:514", "delimiter", bad[i]), "may begin");
		assert_refused(CHECKS("tcp", "listen", "[::]:514", "delimiter", bad[i]), bad[i]);
	}
	/* A digit alone is the number of an octet, a control character. */
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "delimiter", "5"));
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "delimiter", "47"));
	ck_assert(CHECKS("tcp", "listen", "[::]:514", "delimiter", "58"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inputs");
	TCase *tests = tcase_create("inputs");
	tcase_add_test(tests, every_driver_is_found_by_its_type_and_no_other);
	tcase_add_test(tests, every_driver_is_complete_and_every_row_has_its_sentence);
	tcase_add_test(tests, defaults_are_what_the_manual_says);
	tcase_add_test(tests, the_default_name_is_type_and_endpoint_and_never_too_long);
	tcase_add_test(tests, endpoints_are_addresses_of_this_machine);
	tcase_add_test(tests, peers_that_are_no_networks_are_refused);
	tcase_add_test(tests, zones_that_cannot_be_read_are_refused);
	tcase_add_test(tests, permissions_and_delimiters_that_cannot_be_read_are_refused);
	tcase_add_test(tests, a_delimiter_with_which_a_message_may_begin_is_refused);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
