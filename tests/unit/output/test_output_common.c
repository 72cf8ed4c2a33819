/* SPDX-License-Identifier: Apache-2.0 */
/* What check() says of the options that all outputs share. */
#include "output/output_common.h"

#include <check.h>
#include <stdlib.h>

static char error[OUTPUT_ERROR_MAX_BYTES];

static bool name_passes(const char *name)
{
	char text[200];
	snprintf(text, sizeof text, "%s", name);
	const struct output_common common = {.name = text};
	error[0] = '\0';
	return output_common_check(&common, error);
}

START_TEST(a_name_is_printable_and_not_too_long)
{
	char name[SPOOL_NAME_MAX_BYTES + 2];
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	ck_assert(!name_passes(name));
	ck_assert_ptr_nonnull(strstr(error, "1 to 64 printable"));
	name[SPOOL_NAME_MAX_BYTES] = '\0';
	ck_assert(name_passes(name));
	ck_assert(name_passes("central-2.example"));
	static const char *const bad[] = {"", "a b", "a\"b", "a\\b", "a\tb", "caf\xC3\xA9", "a\x7F"};
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert(!name_passes(bad[i]));
		ck_assert_ptr_nonnull(strstr(error, "name: "));
	}
	const struct output_common none = {0};
	ck_assert(!output_common_check(&none, error));
}
END_TEST

START_TEST(a_name_that_cannot_be_a_files_is_refused)
{
	static const char *const bad[] = {"/", "a/b", "../cursors", ".", "..", ".hidden", "a/"};
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert(!name_passes(bad[i]));
		ck_assert_ptr_nonnull(strstr(error, "cannot be the name of a file"));
		ck_assert_ptr_nonnull(strstr(error, bad[i]));
	}
	ck_assert(name_passes("a.b"));
	ck_assert(name_passes("a."));
}
END_TEST

START_TEST(an_output_holds_unless_it_is_told_to_drop)
{
	for (unsigned i = 0; output_drivers[i] != NULL; i++) {
		struct output_common *common = calloc(1, output_drivers[i]->settings_size);
		ck_assert(option_set_presets(output_drivers[i]->options, common));
		ck_assert_uint_eq(common->when_behind, SPOOL_HOLD);
		ck_assert_uint_eq(common->max_lag_size, 0);
		ck_assert_uint_eq(common->max_lag_time_ns, 0);
		ck_assert_uint_eq(common->from, SPOOL_FROM_NEW);
		option_free(output_drivers[i]->options, common);
		free(common);
	}
}
END_TEST

START_TEST(lag_limits_without_drop_oldest_are_refused)
{
	char name[] = "out";
	struct output_common common = {.name = name, .when_behind = SPOOL_HOLD, .max_lag_size = 1};
	ck_assert(!output_common_check(&common, error));
	ck_assert_ptr_nonnull(strstr(error, "drop_oldest"));
	common.max_lag_size = 0;
	common.max_lag_time_ns = 1;
	ck_assert(!output_common_check(&common, error));
	common.when_behind = SPOOL_DROP_OLDEST;
	ck_assert(output_common_check(&common, error));
}
END_TEST

START_TEST(a_filter_that_cannot_be_read_is_named)
{
	char name[] = "out", severity[] = "loud";
	struct output_common common = {.name = name, .filter = {.present = true, .severity = severity}};
	ck_assert(!output_common_check(&common, error));
	ck_assert_int_eq(strncmp(error, "filter: ", 8), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_common");
	TCase *tests = tcase_create("check");
	tcase_add_test(tests, a_name_is_printable_and_not_too_long);
	tcase_add_test(tests, a_name_that_cannot_be_a_files_is_refused);
	tcase_add_test(tests, an_output_holds_unless_it_is_told_to_drop);
	tcase_add_test(tests, lag_limits_without_drop_oldest_are_refused);
	tcase_add_test(tests, a_filter_that_cannot_be_read_is_named);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
