/* SPDX-License-Identifier: Apache-2.0 */
/* What --explain prints of a configuration that holds what terminals obey. */
#include "config/explain.h"
#include "base/printable.h"
#include "config/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* In JSON: ESC, DEL, C1's CSI, and an LF that would begin a line of its own. */
#define CONTROLS "\\u001b[2J\\u007f\\u009b2J\\ninput"

START_TEST(nothing_of_a_configuration_steers_the_terminal)
{
	static const char text[] = "{ \"control\": \"/run/c" CONTROLS "\", \"spool\": { \"path\": \"/s" CONTROLS "\" },\n"
							   "\"inputs\": [ { \"type\": \"unix\", \"path\": \"/dev/l" CONTROLS "\" } ],\n"
							   "\"outputs\": [ { \"name\": \"o\", \"type\": \"file\", \"path\": \"/f" CONTROLS "\",\n"
							   "\"filter\": { \"hostname\": \"h" CONTROLS "\" } } ] }";
	struct config config;
	bool good = config_read_text(&config, "test", bytes_of((const uint8_t *)text, sizeof text - 1));
	config_print_errors(&config, stderr);
	ck_assert(good);
	char *said = NULL;
	size_t len;
	FILE *out = open_memstream(&said, &len);
	explain_print(&config, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(said, "/run/c?[2J???2J?input"));
	ck_assert_ptr_nonnull(strstr(said, "/dev/l?[2J???2J?input -> spool -> o\n"));
	for (char *line = strtok(said, "\n"); line != NULL; line = strtok(NULL, "\n"))
		ck_assert_msg(printable_is(line), "%s", line);
	free(said);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config/explain");
	TCase *tests = tcase_create("explain");
	tcase_add_test(tests, nothing_of_a_configuration_steers_the_terminal);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
