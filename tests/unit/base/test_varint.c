/* SPDX-License-Identifier: Apache-2.0 */
/* Variable-length numbers: both ways, at each border of length, and what is no number. */
#include "base/varint.h"

#include "support/feed.h"

#include <check.h>
#include <stdlib.h>

struct expectation {
	uint64_t value;
	size_t len;
};

static void check_prefix(void *test, struct bytes prefix)
{
	const struct expectation *expected = test;
	uint64_t value = 0;
	size_t len = varint_read(prefix, &value);
	if (prefix.len < expected->len) {
		ck_assert_msg(len == 0, "%s", feed_way());
	} else {
		ck_assert_uint_eq(len, expected->len);
		ck_assert_uint_eq(value, expected->value);
	}
}

static void check_both_ways(uint64_t value, size_t len)
{
	uint8_t out[VARINT_LEN_MAX];
	ck_assert_uint_eq(varint_write(value, out), len);
	ck_assert_uint_eq(varint_len(value), len);
	struct expectation expected = {value, len};
	feed_every_prefix(bytes_of(out, len), check_prefix, &expected);
}

START_TEST(each_seven_bits_take_an_octet)
{
	check_both_ways(0, 1);
	for (unsigned bits = 7; bits < 64; bits += 7) {
		check_both_ways((1ULL << bits) - 1, bits / 7);
		check_both_ways(1ULL << bits, bits / 7 + 1);
	}
	check_both_ways(UINT64_MAX, VARINT_LEN_MAX);
}
END_TEST

START_TEST(more_than_64_bits_are_no_number)
{
	uint64_t value;
	uint8_t text[VARINT_LEN_MAX + 1];
	memset(text, 0xff, sizeof text);
	ck_assert_uint_eq(varint_read(bytes_of(text, sizeof text), &value), 0);
	text[VARINT_LEN_MAX - 1] = 2;
	ck_assert_uint_eq(varint_read(bytes_of(text, VARINT_LEN_MAX), &value), 0);
	text[VARINT_LEN_MAX - 1] = 1;
	ck_assert_uint_eq(varint_read(bytes_of(text, VARINT_LEN_MAX), &value), VARINT_LEN_MAX);
	ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

/* All that may be one or two octets, whole, cut and with what follows, and the shortest beyond. */
START_TEST(the_short_ways_say_what_the_general_way_says)
{
	for (uint64_t value = 0; value < 1u << 18; value++) {
		uint8_t quick[VARINT_LEN_MAX], general[VARINT_LEN_MAX];
		size_t len = varint_write(value, quick);
		ck_assert_ptr_eq(varint_put_any(general, value), general + len);
		ck_assert_mem_eq(quick, general, len);
		ck_assert_uint_eq(varint_len(value), len);
	}
	for (unsigned octets = 0; octets < 1u << 16; octets++) {
		uint8_t text[4] = {(uint8_t)octets, (uint8_t)(octets >> 8), 0xff, 0x01};
		for (size_t len = 0; len <= sizeof text; len++) {
			uint64_t quick = 0, general = 0;
			ck_assert_uint_eq(varint_read(bytes_of(text, len), &quick), varint_read_any(bytes_of(text, len), &general));
			ck_assert_uint_eq(quick, general);
		}
	}
}
END_TEST

START_TEST(zigzag_keeps_small_numbers_small)
{
	ck_assert_uint_eq(zigzag_of(0), 0);
	ck_assert_uint_eq(zigzag_of(-1), 1);
	ck_assert_uint_eq(zigzag_of(1), 2);
	ck_assert_uint_eq(zigzag_of(INT64_MAX), UINT64_MAX - 1);
	ck_assert_uint_eq(zigzag_of(INT64_MIN), UINT64_MAX);
}
END_TEST

START_TEST(zigzag_goes_back)
{
	static const int64_t values[] = {0, 1, -1, 63, -64, 1000000007, -1000000007, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		ck_assert_int_eq(zigzag_back(zigzag_of(values[i])), values[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("varint");
	TCase *tests = tcase_create("varint");
	tcase_add_test(tests, each_seven_bits_take_an_octet);
	tcase_add_test(tests, more_than_64_bits_are_no_number);
	tcase_add_test(tests, the_short_ways_say_what_the_general_way_says);
	tcase_add_test(tests, zigzag_keeps_small_numbers_small);
	tcase_add_test(tests, zigzag_goes_back);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
