/* SPDX-License-Identifier: Apache-2.0 */
#include "output/filter.h"

#include <check.h>
#include <stdlib.h>

static struct filter filter;
static char error[FILTER_ERROR_MAX_BYTES];

static char *facilities[] = {"auth", "17", "LOCAL0"};
static char *hosts[] = {"web*", "db?"};

static struct envelope envelope_of(uint8_t pri, const char *hostname, const char *app_name)
{
	return (struct envelope){.message = {.pri = pri,
	                                     .hostname = bytes_of_text(hostname),
	                                     .app_name = bytes_of_text(app_name)}};
}

static bool passes(uint8_t pri, const char *hostname, const char *app_name)
{
	struct envelope envelope = envelope_of(pri, hostname, app_name);
	return filter_passes(&filter, &envelope);
}

START_TEST(globs_match_as_in_a_shell)
{
	ck_assert(filter_glob("web*", BYTES("web1")));
	ck_assert(filter_glob("web*", BYTES("WEB")));
	ck_assert(filter_glob("*", BYTES("")));
	ck_assert(filter_glob("", BYTES("")));
	ck_assert(!filter_glob("", BYTES("a")));
	ck_assert(filter_glob("*.example.*", BYTES("a.b.example.net")));
	ck_assert(!filter_glob("*.example.net", BYTES("example.net")));
	ck_assert(filter_glob("a?c", BYTES("abc")));
	ck_assert(!filter_glob("a?c", BYTES("ac")));
	ck_assert(filter_glob("*aab", BYTES("aaaaaaab")));
	ck_assert(filter_glob("a*b*c", BYTES("a-b-b-c")));
	ck_assert(!filter_glob("a*b*c", BYTES("a-c-b")));
}
END_TEST

START_TEST(no_filter_lets_everything_pass)
{
	const struct output_filter_options options = {.present = false};
	ck_assert(filter_compile(&filter, &options, NULL, error));
	ck_assert(passes(191, "", ""));
	filter_free(&filter);
}
END_TEST

START_TEST(facilities_are_keywords_or_numbers)
{
	const struct output_filter_options options = {.present = true, .facility = {facilities, 3}};
	ck_assert(filter_compile(&filter, &options, NULL, error));
	ck_assert(passes(4 * 8 + 7, "", ""));
	ck_assert(passes(17 * 8, "", ""));
	ck_assert(passes(16 * 8 + 3, "", ""));
	ck_assert(!passes(3 * 8 + 3, "", ""));
	filter_free(&filter);
}
END_TEST

START_TEST(severity_is_a_threshold)
{
	const struct output_filter_options options = {.present = true, .severity = "warning"};
	ck_assert(filter_compile(&filter, &options, NULL, error));
	for (uint8_t facility = 0; facility < 24; facility++)
		for (uint8_t severity = 0; severity < 8; severity++)
			ck_assert_int_eq(passes((uint8_t)(facility * 8 + severity), "", ""), severity <= 4);
	filter_free(&filter);
}
END_TEST

START_TEST(all_that_is_given_must_match)
{
	static char *apps[] = {"sshd"};
	const struct output_filter_options options = {
		.present = true, .severity = "err", .hostname = {hosts, 2}, .app_name = {apps, 1}};
	ck_assert(filter_compile(&filter, &options, NULL, error));
	ck_assert(passes(3, "db1", "sshd"));
	ck_assert(!passes(4, "db1", "sshd"));
	ck_assert(!passes(3, "db12", "sshd"));
	ck_assert(!passes(3, "web", "cron"));
	filter_free(&filter);
}
END_TEST

START_TEST(unknown_words_are_named)
{
	static char *wrong[] = {"authh"};
	const struct output_filter_options facility = {.present = true, .facility = {wrong, 1}};
	ck_assert(!filter_compile(&filter, &facility, NULL, error));
	ck_assert_ptr_nonnull(strstr(error, "\"authh\" is no facility"));
	const struct output_filter_options severity = {.present = true, .severity = "loud"};
	ck_assert(!filter_compile(&filter, &severity, NULL, error));
	ck_assert_ptr_nonnull(strstr(error, "\"loud\" is no severity"));
	const struct output_filter_options trace = {.present = true, .severity = "trace"};
	ck_assert(!filter_compile(&filter, &trace, NULL, error));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *test = tcase_create("filter");
	tcase_add_test(test, globs_match_as_in_a_shell);
	tcase_add_test(test, no_filter_lets_everything_pass);
	tcase_add_test(test, facilities_are_keywords_or_numbers);
	tcase_add_test(test, severity_is_a_threshold);
	tcase_add_test(test, all_that_is_given_must_match);
	tcase_add_test(test, unknown_words_are_named);
	suite_add_tcase(suite, test);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
