/* SPDX-License-Identifier: Apache-2.0 */
/* Digits to numbers and back. */
#include "base/decimal.h"

#include "support/guarded_bytes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static void check_read(struct bytes text, size_t digits_max, size_t digits, uint64_t value)
{
	struct guarded_bytes guarded = guarded_bytes_copy(text);
	uint64_t got = 99;
	ck_assert_uint_eq(decimal_read(guarded_bytes_view(&guarded), digits_max, &got), digits);
	ck_assert_uint_eq(got, value);
	guarded_bytes_free(&guarded);
}

START_TEST(digits_are_read_up_to_the_first_other_octet)
{
	check_read(BYTES("191>"), 3, 3, 191);
	check_read(BYTES("0"), 3, 1, 0);
	check_read(BYTES("007"), 3, 3, 7);
	check_read(BYTES("12a3"), 9, 2, 12);
}
END_TEST

START_TEST(no_digit_reads_nothing)
{
	check_read(BYTES(""), 3, 0, 0);
	check_read(BYTES("-1"), 3, 0, 0);
	check_read(BYTES(" 1"), 3, 0, 0);
	check_read(BYTES("5"), 0, 0, 0);
}
END_TEST

START_TEST(digits_beyond_the_limit_are_left)
{
	check_read(BYTES("12345"), 3, 3, 123);
	check_read(BYTES("99999999999999999999"), 19, 19, 9999999999999999999u);
}
END_TEST

/* As decimal_read() promises, one octet after the other. */
static size_t read_slowly(struct bytes text, size_t digits_max, uint64_t *value)
{
	size_t len = 0;
	for (*value = 0; len < text.len && len < digits_max && decimal_is_digit(text.at[len]); len++)
		*value = *value * 10 + (uint64_t)(text.at[len] - '0');
	return len;
}

START_TEST(a_word_is_read_as_its_octets_are)
{
	uint8_t text[DECIMAL_WORD_DIGITS];
	for (unsigned digits = 0; digits <= DECIMAL_WORD_DIGITS; digits++) {
		for (unsigned i = 0; i < 1 << 16; i++) {
			for (unsigned at = 0; at < sizeof text; at++)
				text[at] = at < digits ? (uint8_t)('0' + (i / 256 + at * (i % 31)) % 10) : (uint8_t)(i >> at % 8);
			if (digits < sizeof text)
				text[digits] = (uint8_t)i;
			uint64_t slow, fast;
			size_t len = read_slowly(bytes_of(text, sizeof text), sizeof text, &slow);
			ck_assert_uint_eq(decimal_read_word(text, &fast), len);
			ck_assert_uint_eq(fast, slow);
		}
	}
}
END_TEST

/* On both sides of every power of ten, and between. */
START_TEST(what_is_written_is_what_printf_writes)
{
	for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
		for (uint64_t i = 0; i < 1000; i++) {
			uint64_t value = i < 100 ? power + i - 50 : power + power / 111 * i + i;
			uint8_t out[DECIMAL_DIGITS_MAX + 1];
			char expected[DECIMAL_DIGITS_MAX + 1];
			int len = snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
			memset(out, '#', sizeof out);
			ck_assert_uint_eq(decimal_write(value, out), (size_t)len);
			ck_assert_mem_eq(out, expected, (size_t)len);
			ck_assert_int_eq(out[len], '#');
		}
	}
}
END_TEST

START_TEST(numbers_are_written_without_leading_zeros)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0"}, {7, "7"}, {10, "10"}, {999999999, "999999999"}, {UINT64_MAX, "18446744073709551615"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t out[DECIMAL_DIGITS_MAX];
		size_t len = decimal_write(cases[i].value, out);
		ck_assert(bytes_equal(bytes_of(out, len), bytes_of_text(cases[i].text)));
	}
}
END_TEST

START_TEST(padded_numbers_have_their_width)
{
	uint8_t out[6];
	decimal_write_padded(42, sizeof out, out);
	ck_assert_mem_eq(out, "000042", 6);
	decimal_write_padded(1234567, sizeof out, out);
	ck_assert_mem_eq(out, "234567", 6);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decimal");
	TCase *tests = tcase_create("decimal");
	tcase_add_test(tests, digits_are_read_up_to_the_first_other_octet);
	tcase_add_test(tests, no_digit_reads_nothing);
	tcase_add_test(tests, digits_beyond_the_limit_are_left);
	tcase_add_test(tests, a_word_is_read_as_its_octets_are);
	tcase_add_test(tests, what_is_written_is_what_printf_writes);
	tcase_add_test(tests, numbers_are_written_without_leading_zeros);
	tcase_add_test(tests, padded_numbers_have_their_width);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
