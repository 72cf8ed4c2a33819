/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's reader, held against tests/corpus/config. Each case is a folder: `input` is the file; for an
 * invalid one `expect` is what is printed, for a valid one each of its lines is a line of --explain with runs of spaces
 * made one.
 */
#include "config/config.h"
#include "config/explain.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 2 << 20, PATH_MAX_BYTES = 512 };

static size_t read_file(const char *path, char *out)
{
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s cannot be opened", path);
	size_t len = fread(out, 1, FILE_MAX_BYTES, file);
	fclose(file);
	out[len] = '\0';
	return len;
}

static void squeeze_spaces(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; from++) {
		if (*from != ' ' || (to > text && to[-1] != ' ' && to[-1] != '\n'))
			*to++ = *from;
	}
	*to = '\0';
}

static void check_invalid(const struct config *config, const char *name, const char *expected)
{
	char *printed = NULL;
	size_t len;
	FILE *out = open_memstream(&printed, &len);
	config_print_errors(config, out);
	fclose(out);
	ck_assert_msg(strcmp(printed, expected) == 0, "%s:\n  got:\n%s  want:\n%s", name, printed, expected);
	free(printed);
}

static void check_valid(const struct config *config, const char *name, char *expected)
{
	char *printed = NULL;
	size_t len;
	FILE *out = open_memstream(&printed, &len);
	config_print_errors(config, out);
	fflush(out);
	ck_assert_msg(config->errors_count == 0, "%s: %s", name, printed);
	explain_print(config, out);
	fclose(out);
	squeeze_spaces(printed);
	for (char *line = strtok(expected, "\n"); line != NULL; line = strtok(NULL, "\n"))
		ck_assert_msg(strstr(printed, line) != NULL, "%s: \"%s\" is not in:\n%s", name, line, printed);
	free(printed);
}

/* Every case of a folder; how many there were. */
static unsigned check_cases(const char *kind)
{
	static char input[FILE_MAX_BYTES + 1], expected[FILE_MAX_BYTES + 1];
	char path[PATH_MAX_BYTES];
	snprintf(path, sizeof path, TESTS_DIR "/corpus/config/%s", kind);
	DIR *folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	unsigned count = 0;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, TESTS_DIR "/corpus/config/%s/%s/input", kind, entry->d_name);
		size_t len = read_file(path, input);
		snprintf(path, sizeof path, TESTS_DIR "/corpus/config/%s/%s/expect", kind, entry->d_name);
		read_file(path, expected);
		static struct config config;
		bool good = config_read_text(&config, "relayd.conf", bytes_of(input, len));
		ck_assert_msg(good == (config.errors_count == 0), "%s", entry->d_name);
		if (strcmp(kind, "valid") == 0)
			check_valid(&config, entry->d_name, expected);
		else
			check_invalid(&config, entry->d_name, expected);
		config_free(&config);
		count++;
	}
	closedir(folder);
	return count;
}

START_TEST(valid_cases_are_read_as_expected)
{
	ck_assert_uint_ge(check_cases("valid"), 8);
}
END_TEST

START_TEST(invalid_cases_say_what_is_wrong)
{
	ck_assert_uint_ge(check_cases("invalid"), 40);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
	struct config config;
	ck_assert(!config_read_file(&config, "/nonexistent/relayd.conf"));
	check_invalid(&config, "nonexistent", "/nonexistent/relayd.conf: cannot be read: No such file or directory\n");
	config_free(&config);
}
END_TEST

START_TEST(a_directory_is_not_a_configuration)
{
	struct config config;
	ck_assert(!config_read_file(&config, "/"));
	check_invalid(&config, "directory", "/: cannot be read: Is a directory\n");
	config_free(&config);
}
END_TEST

START_TEST(a_file_that_never_ends_is_too_long)
{
	struct config config;
	ck_assert(!config_read_file(&config, "/dev/zero"));
	check_invalid(&config, "endless", "/dev/zero:1: longer than 4194304 octets\n");
	config_free(&config);
}
END_TEST

static void check_default(bool ipv6, unsigned inputs)
{
	struct config config;
	setenv("XDG_STATE_HOME", "/state", 1);
	bool good = config_read_default(&config, ipv6);
	check_valid(&config, "default", (char[]){"spool.path /state/relayd/spool default\noutput \"stdout\", type stdout"});
	ck_assert(good);
	ck_assert_uint_eq(config.settings.inputs_count, inputs);
	config_free(&config);
}

START_TEST(the_embedded_default_listens_on_loopback)
{
	check_default(false, 2);
	check_default(true, 4);
}
END_TEST

START_TEST(the_embedded_default_needs_a_home)
{
	struct config config;
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	ck_assert(!config_read_default(&config, false));
	ck_assert_uint_eq(config.errors_count, 1);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tests = tcase_create("config");
	tcase_add_test(tests, valid_cases_are_read_as_expected);
	tcase_add_test(tests, invalid_cases_say_what_is_wrong);
	tcase_add_test(tests, a_file_that_is_not_there_is_an_error);
	tcase_add_test(tests, a_directory_is_not_a_configuration);
	tcase_add_test(tests, a_file_that_never_ends_is_too_long);
	tcase_add_test(tests, the_embedded_default_listens_on_loopback);
	tcase_add_test(tests, the_embedded_default_needs_a_home);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
