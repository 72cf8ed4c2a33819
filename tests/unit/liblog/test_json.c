/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings from octets, and telling whether a text is JSON. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <liblog/json.h>

static char out[256];

#define STRING(literal) string("" literal "", sizeof(literal) - 1)

static const char *string(const char *bytes, size_t length)
{
	size_t taken;
	size_t written = slog_json_string(out, sizeof out - 1, bytes, length, &taken);
	ck_assert_uint_eq(taken, length);
	out[written] = '\0';
	ck_assert_int_eq(slog_json_string_is_plain(bytes, length), written == length && memcmp(out, bytes, length) == 0);
	return out;
}

START_TEST(json_strings_escape_what_json_asks_for)
{
	ck_assert_str_eq(STRING("a\"b\\c/d"), "a\\\"b\\\\c/d");
	ck_assert_str_eq(STRING("\b\f\n\r\t"), "\\b\\f\\n\\r\\t");
	ck_assert_str_eq(STRING("\0\x1f\033\x7f"), "\\u0000\\u001f\\u001b\\u007f");
	ck_assert_str_eq(STRING("grüße 😀"), "grüße 😀");
	ck_assert_str_eq(STRING(""), "");
}
END_TEST

START_TEST(json_strings_map_invalid_octets_as_rfc5424_text_does)
{
	ck_assert_str_eq(STRING("caf\xe9"), "caf\xee\xbf\xa9");
	ck_assert_str_eq(STRING("\xee\xbe\x80"), "\xee\xbf\xae\xee\xbe\xbe\xee\xbe\x80");
}
END_TEST

START_TEST(a_json_string_is_cut_between_characters)
{
	size_t taken;
	ck_assert_uint_eq(slog_json_string(out, 4, "abc\né", 6, &taken), 3);
	ck_assert_uint_eq(taken, 3);
	ck_assert_uint_eq(slog_json_string(out, 5, "abc\né", 6, &taken), 5);
	ck_assert_uint_eq(taken, 4);
	ck_assert_uint_eq(slog_json_string(out, 1, "é", 2, &taken), 0);
	ck_assert_uint_eq(taken, 0);
}
END_TEST

START_TEST(numbers_are_those_of_the_json_grammar)
{
	static const char *const numbers[] = {"0", "-0", "1", "12", "1.0", "-1.5e+3", "1E400", "18446744073709551615", "0e0"};
	static const char *const others[] = {"", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x1", "1 ", " 1", "1a", "NaN",
	                                     "Infinity", "--1", "1.e5"};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		ck_assert_msg(slog_json_is_number(numbers[i], strlen(numbers[i])), "%s", numbers[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ck_assert_msg(!slog_json_is_number(others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

START_TEST(valid_texts_are_those_of_rfc8259)
{
	static const char *const valid[] = {
		"1", " null ", "\"a\\u00e9\\n\"", "[]", "{}", "[1,[2,{}],{\"a\":[]}]", "{\"a\":{\"b\":[1,2]},\"c\":true}",
		"\t[ 1 ,\n2 ]\r", "{ \"a\" : 1 }", "\"\\ud800\"",
	};
	static const char *const invalid[] = {
		"", " ", "[", "]", "{", "[1", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "1 2",
		"[1 2]", "nul", "\"a", "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"\xff\"", "[}", "{]", "[1}", "{\"a\":1]", "tru e", "[]]",
	};
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
		ck_assert_msg(slog_json_is_valid(valid[i], strlen(valid[i])), "%s", valid[i]);
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		ck_assert_msg(!slog_json_is_valid(invalid[i], strlen(invalid[i])), "%s", invalid[i]);
}
END_TEST

START_TEST(a_nul_in_a_text_is_not_json)
{
	ck_assert(!slog_json_is_valid("1\0", 2));
	ck_assert(!slog_json_is_valid("\"\\\0\"", 4));
	ck_assert(!slog_json_is_valid("\"\\u00\0""0\"", 8));
}
END_TEST

START_TEST(a_text_nested_deeper_than_the_limit_is_not_json)
{
	char text[2 * (SLOG_JSON_DEPTH_MAX + 1)];
	memset(text, '[', SLOG_JSON_DEPTH_MAX + 1);
	memset(text + SLOG_JSON_DEPTH_MAX + 1, ']', SLOG_JSON_DEPTH_MAX + 1);
	ck_assert(slog_json_is_valid(text + 2, 2 * (SLOG_JSON_DEPTH_MAX - 1)));
	ck_assert(slog_json_is_valid(text + 1, 2 * SLOG_JSON_DEPTH_MAX));
	/* The empty list inside the last level that may be open is a level too. */
	ck_assert(!slog_json_is_valid(text, sizeof text));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, json_strings_escape_what_json_asks_for);
	tcase_add_test(tcase, json_strings_map_invalid_octets_as_rfc5424_text_does);
	tcase_add_test(tcase, a_json_string_is_cut_between_characters);
	tcase_add_test(tcase, numbers_are_those_of_the_json_grammar);
	tcase_add_test(tcase, valid_texts_are_those_of_rfc8259);
	tcase_add_test(tcase, a_nul_in_a_text_is_not_json);
	tcase_add_test(tcase, a_text_nested_deeper_than_the_limit_is_not_json);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
