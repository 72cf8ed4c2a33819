/* SPDX-License-Identifier: Apache-2.0 */
/* One table with a row of every kind: presets, setting by text, bounds, printing, freeing. */
#include "base/option.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct inner {
	bool present;
	char *key;
	bool strict;
};

struct sample {
	bool flag;
	uint64_t count, size, duration;
	char *text;
	unsigned choice;
	struct option_list list;
	struct inner inner;
};

static const char *const choices[] = {"group", "off", NULL};

static const struct option inner_rows[] = {
	{.name = "key", .kind = OPTION_TEXT, .offset = offsetof(struct inner, key), .preset = "inner.key"},
	{.name = "strict", .kind = OPTION_BOOL, .offset = offsetof(struct inner, strict), .preset = "true"},
	{.name = NULL},
};

static const struct option rows[] = {
	{.name = "flag", .kind = OPTION_BOOL, .offset = offsetof(struct sample, flag), .preset = "true"},
	{.name = "count",
	 .kind = OPTION_COUNT,
	 .offset = offsetof(struct sample, count),
	 .preset = "3",
	 .min = 1,
	 .max = 9},
	{.name = "size",
	 .kind = OPTION_SIZE,
	 .offset = offsetof(struct sample, size),
	 .preset = "64KiB",
	 .min = 1024,
	 .max = 1 << 20},
	{.name = "duration", .kind = OPTION_DURATION, .offset = offsetof(struct sample, duration), .preset = "5s"},
	{.name = "text", .kind = OPTION_TEXT, .offset = offsetof(struct sample, text)},
	{.name = "choice",
	 .kind = OPTION_CHOICE,
	 .offset = offsetof(struct sample, choice),
	 .preset = "off",
	 .choices = choices},
	{.name = "listen", .kind = OPTION_LIST, .offset = offsetof(struct sample, list), .preset = "a, b c, d"},
	{.name = "inner", .kind = OPTION_SECTION, .offset = offsetof(struct sample, inner), .section = inner_rows},
	{.name = NULL},
};

static struct sample sample;

static void set_up(void)
{
	memset(&sample, 0, sizeof sample);
	ck_assert(option_set_presets(rows, &sample));
}

static void tear_down(void)
{
	option_free(rows, &sample);
	static const struct sample empty;
	ck_assert_mem_eq(&sample, &empty, sizeof sample);
}

static bool set(const char *name, const char *text, char *error)
{
	return option_set_text(option_find(rows, name), &sample, text, error);
}

static void check_refused(const char *name, const char *text, const char *expected)
{
	char error[OPTION_ERROR_MAX_BYTES];
	ck_assert(!set(name, text, error));
	ck_assert_str_eq(error, expected);
}

static void check_printed(const char *name, const char *expected)
{
	char out[64];
	option_print(option_find(rows, name), &sample, out, sizeof out);
	ck_assert_str_eq(out, expected);
}

START_TEST(presets_fill_every_kind)
{
	ck_assert(sample.flag);
	ck_assert_uint_eq(sample.count, 3);
	ck_assert_uint_eq(sample.size, 65536);
	ck_assert_uint_eq(sample.duration, 5000000000);
	ck_assert_ptr_null(sample.text);
	ck_assert_uint_eq(sample.choice, 1);
	ck_assert_uint_eq(sample.list.count, 3);
	ck_assert_str_eq(sample.list.items[1], "b c");
	ck_assert(!sample.inner.present);
	ck_assert_str_eq(sample.inner.key, "inner.key");
	ck_assert(sample.inner.strict);
}
END_TEST

START_TEST(texts_set_every_kind)
{
	char error[OPTION_ERROR_MAX_BYTES];
	ck_assert(set("flag", "false", error) && !sample.flag);
	ck_assert(set("count", "9", error) && sample.count == 9);
	ck_assert(set("size", "1MiB", error) && sample.size == 1 << 20);
	ck_assert(set("duration", "100ms", error) && sample.duration == 100000000);
	ck_assert(set("text", "one", error) && set("text", "two", error));
	ck_assert_str_eq(sample.text, "two");
	ck_assert(set("choice", "group", error) && sample.choice == 0);
}
END_TEST

START_TEST(bounds_are_part_of_the_range)
{
	char error[OPTION_ERROR_MAX_BYTES];
	ck_assert(set("count", "1", error) && set("count", "9", error));
	check_refused("count", "0", "0 is too small; the least is 1");
	check_refused("count", "10", "10 is too large; the most is 9");
	check_refused("size", "1023", "1023 is too small; the least is 1KiB");
	check_refused("size", "2MiB", "2MiB is too large; the most is 1MiB");
	ck_assert_uint_eq(sample.count, 9);
	ck_assert_uint_eq(sample.size, 65536);
}
END_TEST

START_TEST(what_is_not_of_the_kind_is_refused_with_what_would_be_right)
{
	check_refused("flag", "yes", "\"yes\" is neither true nor false");
	check_refused("count", "", "\"\" is not a whole number");
	check_refused("count", "1.5", "\"1.5\" is not a whole number");
	check_refused("count", "-1", "\"-1\" is not a whole number");
	check_refused("count", "99999999999999999999", "\"99999999999999999999\" is not a whole number");
	check_refused("size", "20GB",
				  "\"20GB\" is not a size; write a whole number of octets, KiB, MiB, GiB or TiB, as in \"64KiB\"");
	check_refused("duration", "5", "\"5\" is not a time; write a whole number of ms, s, min, h or d, as in \"5s\"");
	check_refused("choice", "grop", "\"grop\" is not one of \"group\", \"off\"");
	check_refused("text", "", "is empty; leave it out if it is not wanted");
}
END_TEST

START_TEST(a_list_grows_one_by_one)
{
	const struct option *row = option_find(rows, "listen");
	for (int i = 0; i < 100; i++)
		ck_assert(option_append(row, &sample, "x"));
	ck_assert_uint_eq(sample.list.count, 103);
	ck_assert_str_eq(sample.list.items[0], "a");
	ck_assert_str_eq(sample.list.items[102], "x");
}
END_TEST

START_TEST(values_are_printed_as_they_are_written)
{
	check_printed("flag", "true");
	check_printed("count", "3");
	check_printed("size", "64KiB");
	check_printed("duration", "5s");
	check_printed("text", "");
	check_printed("choice", "off");
	check_printed("listen", "a, b c, d");
	check_printed("inner", "");
}
END_TEST

START_TEST(printing_stops_at_the_room_it_has)
{
	char out[4];
	option_print(option_find(rows, "listen"), &sample, out, sizeof out);
	ck_assert_str_eq(out, "a, ");
}
END_TEST

START_TEST(names_are_found_exactly_or_nearly)
{
	ck_assert_ptr_eq(option_find(rows, "size"), &rows[2]);
	ck_assert_ptr_null(option_find(rows, "Size"));
	ck_assert_str_eq(option_nearest(rows, "liste"), "listen");
	ck_assert_ptr_null(option_nearest(rows, "colour"));
}
END_TEST

static void check_size(const char *text, uint64_t octets, const char *printed)
{
	uint64_t value;
	char out[32];
	ck_assert_msg(option_read_size(text, &value), "%s", text);
	ck_assert_uint_eq(value, octets);
	option_print_size(octets, out, sizeof out);
	ck_assert_str_eq(out, printed);
}

START_TEST(sizes_are_read_and_printed_in_their_shortest_form)
{
	check_size("0", 0, "0");
	check_size("1", 1, "1");
	check_size("1023", 1023, "1023");
	check_size("1024", 1024, "1KiB");
	check_size("1536", 1536, "1536");
	check_size("64KiB", 65536, "64KiB");
	check_size("20GiB", 20ULL << 30, "20GiB");
	check_size("1024GiB", 1ULL << 40, "1TiB");
	check_size("16777215TiB", 16777215ULL << 40, "16777215TiB");
	static const char *const wrong[] = {"",     "KiB",  "-1",     "+1",   " 1",          "1 KiB",
										"1KB",  "1kib", "1.5GiB", "0x10", "16777216TiB", "18446744073709551616",
										"1KiBx"};
	uint64_t value;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!option_read_size(wrong[i], &value), "%s", wrong[i]);
}
END_TEST

static void check_duration(const char *text, uint64_t nanoseconds, const char *printed)
{
	uint64_t value;
	char out[32];
	ck_assert_msg(option_read_duration(text, &value), "%s", text);
	ck_assert_uint_eq(value, nanoseconds);
	option_print_duration(nanoseconds, out, sizeof out);
	ck_assert_str_eq(out, printed);
}

START_TEST(durations_are_read_and_printed_in_their_shortest_form)
{
	check_duration("0", 0, "0");
	check_duration("0s", 0, "0");
	check_duration("1ns", 1, "1ns");
	check_duration("1500us", 1500000, "1500us");
	check_duration("100ms", 100000000, "100ms");
	check_duration("60s", 60000000000, "1min");
	check_duration("90s", 90000000000, "90s");
	check_duration("24h", 86400000000000, "1d");
	check_duration("3d", 3 * 86400000000000, "3d");
	static const char *const wrong[] = {"", "s", "5", "5m", "5 s", "5S", "-5s", "1.5s", "213504d", "5sec"};
	uint64_t value;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!option_read_duration(wrong[i], &value), "%s", wrong[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("option");
	TCase *rows_case = tcase_create("rows");
	tcase_add_checked_fixture(rows_case, set_up, tear_down);
	tcase_add_test(rows_case, presets_fill_every_kind);
	tcase_add_test(rows_case, texts_set_every_kind);
	tcase_add_test(rows_case, bounds_are_part_of_the_range);
	tcase_add_test(rows_case, what_is_not_of_the_kind_is_refused_with_what_would_be_right);
	tcase_add_test(rows_case, a_list_grows_one_by_one);
	tcase_add_test(rows_case, values_are_printed_as_they_are_written);
	tcase_add_test(rows_case, printing_stops_at_the_room_it_has);
	tcase_add_test(rows_case, names_are_found_exactly_or_nearly);
	suite_add_tcase(suite, rows_case);
	TCase *units = tcase_create("units");
	tcase_add_test(units, sizes_are_read_and_printed_in_their_shortest_form);
	tcase_add_test(units, durations_are_read_and_printed_in_their_shortest_form);
	suite_add_tcase(suite, units);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
