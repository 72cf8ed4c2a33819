/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of every table is in the reference, in both forms, and every row is fit to be there. */
#include "config/reference.h"

#include "relay/settings.h"

#include <check.h>
#include <stdlib.h>

/* Not inlined: gcc 12 takes what open_memstream() left behind for the address of the local variable. */
__attribute__((noinline)) static char *printed(enum reference_form form)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	reference_print(out, form);
	fclose(out);
	return text;
}

/* What the manual and the reader take for granted of a row. */
static void check_row(const struct option *row, const char *text, const char *mdoc)
{
	char expected[256];
	ck_assert_ptr_nonnull(row->doc);
	size_t len = strlen(row->doc);
	ck_assert_msg(len > 0 && row->doc[len - 1] == '.', "%s: the sentence has no full stop: %s", row->name, row->doc);
	for (const char *at = row->doc; *at != '\0'; at++)
		ck_assert_msg(*at >= ' ' && *at <= '~', "%s: the sentence is not printable ASCII", row->name);
	for (const char *at = row->name; *at != '\0'; at++)
		ck_assert_msg((*at >= 'a' && *at <= 'z') || *at == '_', "%s: a name is made of a-z and _", row->name);
	ck_assert_msg(row->max >= row->min, "%s: bounds", row->name);
	ck_assert((row->kind == OPTION_CHOICE) == (row->choices != NULL));
	ck_assert((row->kind == OPTION_SECTION) == (row->section != NULL));
	snprintf(expected, sizeof expected, " %s: ", row->name);
	ck_assert_msg(strstr(text, expected) != NULL, "%s is not in the reference", row->name);
	snprintf(expected, sizeof expected, ".It Ic %s\n", row->name);
	ck_assert_msg(strstr(mdoc, expected) != NULL, "%s is not in the manual", row->name);
}

/* Rows, that no two have one name, and their presets: option_set_presets() asserts that these are within bounds. */
static void check_rows(const struct option *rows, const char *text, const char *mdoc)
{
	for (const struct option *row = rows; row->name != NULL; row++) {
		ck_assert_msg(option_find(rows, row->name) == row, "%s is there twice", row->name);
		check_row(row, text, mdoc);
		if (row->kind == OPTION_SECTION)
			check_rows(row->section, text, mdoc);
	}
}

static void check_table(const struct option *rows, size_t size, const char *text, const char *mdoc)
{
	void *settings = calloc(1, size);
	ck_assert(option_set_presets(rows, settings));
	option_free(rows, settings);
	free(settings);
	check_rows(rows, text, mdoc);
}

START_TEST(every_row_of_every_table_is_printed)
{
	char *text = printed(REFERENCE_TEXT), *mdoc = printed(REFERENCE_MDOC);
	check_table(process_options, sizeof(struct process_settings), text, mdoc);
	for (unsigned i = 0; input_drivers[i] != NULL; i++)
		check_table(input_drivers[i]->options, input_drivers[i]->settings_size, text, mdoc);
	for (unsigned i = 0; output_drivers[i] != NULL; i++)
		check_table(output_drivers[i]->options, output_drivers[i]->settings_size, text, mdoc);
	free(text);
	free(mdoc);
}
END_TEST

START_TEST(what_all_drivers_share_is_printed_once)
{
	char *mdoc = printed(REFERENCE_MDOC);
	const char *first = strstr(mdoc, ".It Ic max_message_size\n");
	ck_assert_ptr_nonnull(first);
	const char *outputs = strstr(mdoc, ".Ss Every output");
	const char *second = strstr(first + 1, ".It Ic max_message_size\n");
	ck_assert(second == NULL || second > outputs);
	free(mdoc);
}
END_TEST

START_TEST(facts_name_bounds_defaults_and_choices)
{
	char *text = printed(REFERENCE_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "    segment_size: a size, 4MiB to 1GiB; default 64MiB\n"));
	ck_assert_ptr_nonnull(strstr(text, "    sync: one of \"group\", \"off\"; default \"group\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "    servers: texts; required\n"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reference");
	TCase *tests = tcase_create("reference");
	tcase_add_test(tests, every_row_of_every_table_is_printed);
	tcase_add_test(tests, what_all_drivers_share_is_printed_once);
	tcase_add_test(tests, facts_name_bounds_defaults_and_choices);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
