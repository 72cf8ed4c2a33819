/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 of RFC 3629: every border of the valid ranges, and where a text may be cut. */
#include "base/utf8.h"

#include "support/guarded_bytes.h"

#include <check.h>
#include <stdlib.h>

static void check_char(struct bytes text, size_t len)
{
	struct guarded_bytes guarded = guarded_bytes_copy(text);
	ck_assert_uint_eq(utf8_char_len(guarded_bytes_view(&guarded)), len);
	guarded_bytes_free(&guarded);
}

START_TEST(characters_at_the_borders_of_each_length_are_valid)
{
	check_char(BYTES("\0"), 1);
	check_char(BYTES("\x7f"), 1);
	check_char(BYTES("\xc2\x80"), 2);
	check_char(BYTES("\xdf\xbf"), 2);
	check_char(BYTES("\xe0\xa0\x80"), 3);
	check_char(BYTES("\xed\x9f\xbf"), 3);
	check_char(BYTES("\xee\x80\x80"), 3);
	check_char(BYTES("\xef\xbf\xbf"), 3);
	check_char(BYTES("\xf0\x90\x80\x80"), 4);
	check_char(BYTES("\xf4\x8f\xbf\xbf"), 4);
}
END_TEST

START_TEST(overlong_forms_surrogates_and_what_lies_beyond_are_invalid)
{
	check_char(BYTES(""), 0);
	check_char(BYTES("\x80"), 0);
	check_char(BYTES("\xbf"), 0);
	check_char(BYTES("\xc0\x80"), 0);
	check_char(BYTES("\xc1\xbf"), 0);
	check_char(BYTES("\xe0\x9f\xbf"), 0);
	check_char(BYTES("\xed\xa0\x80"), 0);
	check_char(BYTES("\xed\xbf\xbf"), 0);
	check_char(BYTES("\xf0\x8f\xbf\xbf"), 0);
	check_char(BYTES("\xf4\x90\x80\x80"), 0);
	check_char(BYTES("\xf5\x80\x80\x80"), 0);
	check_char(BYTES("\xff"), 0);
}
END_TEST

START_TEST(characters_that_are_cut_off_are_invalid)
{
	check_char(BYTES("\xc3"), 0);
	check_char(BYTES("\xe2\x82"), 0);
	check_char(BYTES("\xf0\x9f\x98"), 0);
	check_char(BYTES("\xc3("), 0);
	check_char(BYTES("\xe2\x82("), 0);
	check_char(BYTES("\xf0\x9f\x98("), 0);
}
END_TEST

START_TEST(one_bad_octet_anywhere_makes_a_text_invalid)
{
	/* Long enough for the eight octets at a time, at every alignment. */
	char text[40];
	for (size_t at = 0; at < sizeof text; at++) {
		memset(text, 'a', sizeof text);
		struct guarded_bytes good = guarded_bytes_copy(bytes_of(text, sizeof text));
		ck_assert(utf8_is_valid(guarded_bytes_view(&good)));
		good.at[at] = 0x80;
		ck_assert(!utf8_is_valid(guarded_bytes_view(&good)));
		guarded_bytes_free(&good);
	}
	ck_assert(utf8_is_valid(BYTES("")));
	ck_assert(utf8_is_valid(BYTES("caf\xc3\xa9 \xe2\x82\xac 12345678 \xf0\x9f\x98\x80")));
	ck_assert(!utf8_is_valid(BYTES("caf\xc3")));
}
END_TEST

START_TEST(a_cut_tears_no_character)
{
	struct bytes text = BYTES("ab\xe2\x82\xac"
							  "cd");
	static const size_t expected[] = {0, 1, 2, 2, 2, 5, 6, 7, 7};
	for (size_t limit = 0; limit < sizeof expected / sizeof *expected; limit++)
		ck_assert_uint_eq(utf8_cut(text, limit), expected[limit]);
	struct bytes wide = BYTES("\xf0\x9f\x98\x80");
	for (size_t limit = 0; limit < 4; limit++)
		ck_assert_uint_eq(utf8_cut(wide, limit), 0);
	ck_assert_uint_eq(utf8_cut(wide, 4), 4);
}
END_TEST

START_TEST(what_is_not_utf8_is_cut_at_the_limit)
{
	struct bytes text = BYTES("a\x80\x80\x80\x80\x80");
	for (size_t limit = 0; limit <= text.len; limit++)
		ck_assert_uint_eq(utf8_cut(text, limit), limit);
	ck_assert_uint_eq(utf8_cut(BYTES("a\xe2\x82z"), 2), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tests = tcase_create("utf8");
	tcase_add_test(tests, characters_at_the_borders_of_each_length_are_valid);
	tcase_add_test(tests, overlong_forms_surrogates_and_what_lies_beyond_are_invalid);
	tcase_add_test(tests, characters_that_are_cut_off_are_invalid);
	tcase_add_test(tests, one_bad_octet_anywhere_makes_a_text_invalid);
	tcase_add_test(tests, a_cut_tears_no_character);
	tcase_add_test(tests, what_is_not_utf8_is_cut_at_the_limit);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
