/* SPDX-License-Identifier: Apache-2.0 */
/* Views: compare, cut, find; the empty view has no address to look at. */
#include "base/bytes.h"
#include "base/little_endian.h"

#include <check.h>
#include <stdlib.h>

START_TEST(empty_views_are_equal_whatever_they_point_at)
{
	ck_assert(bytes_equal(bytes_of(NULL, 0), BYTES("")));
	ck_assert(bytes_equal(bytes_of_text(NULL), bytes_of("abc", 0)));
	ck_assert(bytes_start_with(bytes_of(NULL, 0), bytes_of(NULL, 0)));
	ck_assert_uint_eq(bytes_find(bytes_of(NULL, 0), 'a'), 0);
	ck_assert_uint_eq(bytes_after(bytes_of(NULL, 0), 0).len, 0);
}
END_TEST

START_TEST(prefixes_are_prefixes)
{
	ck_assert(bytes_start_with(BYTES("abc"), BYTES("ab")));
	ck_assert(bytes_start_with(BYTES("abc"), BYTES("abc")));
	ck_assert(!bytes_start_with(BYTES("abc"), BYTES("abcd")));
	ck_assert(!bytes_start_with(BYTES("abc"), BYTES("b")));
}
END_TEST

START_TEST(cutting_keeps_the_rest)
{
	ck_assert(bytes_equal(bytes_first(BYTES("abc"), 2), BYTES("ab")));
	ck_assert(bytes_equal(bytes_first(BYTES("abc"), 9), BYTES("abc")));
	ck_assert(bytes_equal(bytes_after(BYTES("abc"), 2), BYTES("c")));
	ck_assert(bytes_equal(bytes_after(BYTES("abc"), 3), BYTES("")));
}
END_TEST

START_TEST(finding_gives_the_length_if_there_is_none)
{
	ck_assert_uint_eq(bytes_find(BYTES("abca"), 'a'), 0);
	ck_assert_uint_eq(bytes_find(BYTES("abca"), 'c'), 2);
	ck_assert_uint_eq(bytes_find(BYTES("abca"), 'z'), 4);
}
END_TEST

START_TEST(little_endian_is_least_octet_first_at_any_alignment)
{
	uint8_t room[9] = {0};
	le64_store(room + 1, 0x0102030405060708);
	ck_assert_uint_eq(room[1], 8);
	ck_assert_uint_eq(room[8], 1);
	ck_assert_uint_eq(le64_load(room + 1), 0x0102030405060708);
	le32_store(room + 1, 0xa1b2c3d4);
	ck_assert_uint_eq(room[1], 0xd4);
	ck_assert_uint_eq(le32_load(room + 1), 0xa1b2c3d4);
	le16_store(room + 3, 0xbeef);
	ck_assert_uint_eq(room[3], 0xef);
	ck_assert_uint_eq(le16_load(room + 3), 0xbeef);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tests = tcase_create("bytes");
	tcase_add_test(tests, empty_views_are_equal_whatever_they_point_at);
	tcase_add_test(tests, prefixes_are_prefixes);
	tcase_add_test(tests, cutting_keeps_the_rest);
	tcase_add_test(tests, finding_gives_the_length_if_there_is_none);
	tcase_add_test(tests, little_endian_is_least_octet_first_at_any_alignment);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
