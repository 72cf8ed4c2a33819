/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text. */
#include "number.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char out[64];

static const char *of_double(double number)
{
	out[slog_number_double(out, number)] = '\0';
	return out;
}

static const char *of_float(float number)
{
	out[slog_number_float(out, number)] = '\0';
	return out;
}

START_TEST(integers_reach_their_limits)
{
	out[slog_number_u64(out, UINT64_MAX)] = '\0';
	ck_assert_str_eq(out, "18446744073709551615");
	out[slog_number_u64(out, 0)] = '\0';
	ck_assert_str_eq(out, "0");
	out[slog_number_i64(out, INT64_MIN)] = '\0';
	ck_assert_str_eq(out, "-9223372036854775808");
	out[slog_number_i64(out, -1)] = '\0';
	ck_assert_str_eq(out, "-1");
}
END_TEST

START_TEST(doubles_keep_a_point_or_an_exponent)
{
	ck_assert_str_eq(of_double(1), "1.0");
	ck_assert_str_eq(of_double(0.0), "0.0");
	ck_assert_str_eq(of_double(-0.0), "-0.0");
	ck_assert_str_eq(of_double(48.85), "48.85");
	ck_assert_str_eq(of_double(-0.00001), "-0.00001");
	ck_assert_str_eq(of_double(1e-6), "1e-6");
	ck_assert_str_eq(of_double(1e15), "1000000000000000.0");
	ck_assert_str_eq(of_double(1e16), "1e+16");
	ck_assert_str_eq(of_double(1.5e300), "1.5e+300");
}
END_TEST

START_TEST(doubles_at_their_limits_have_the_shortest_digits)
{
	ck_assert_str_eq(of_double(5e-324), "5e-324");
	ck_assert_str_eq(of_double(2.2250738585072014e-308), "2.2250738585072014e-308");
	ck_assert_str_eq(of_double(1.7976931348623157e308), "1.7976931348623157e+308");
	ck_assert_str_eq(of_double(0.1 + 0.2), "0.30000000000000004");
	ck_assert_str_eq(of_double(1e23), "1e+23");
	ck_assert_str_eq(of_double(9007199254740993.0), "9007199254740992.0");
}
END_TEST

START_TEST(floats_have_the_digits_of_a_float)
{
	ck_assert_str_eq(of_float(0.1f), "0.1");
	ck_assert_str_eq(of_float(16777216.0f), "16777216.0");
	ck_assert_str_eq(of_float(3.4028235e38f), "3.4028235e+38");
	ck_assert_str_eq(of_float(1e-45f), "1e-45");
	ck_assert_str_eq(of_float(-0.0f), "-0.0");
}
END_TEST

/* The fewest digits with which printf gives back the number. */
static int fewest_digits(double number)
{
	for (int digits = 1;; digits++) {
		char text[40];
		snprintf(text, sizeof text, "%.*e", digits - 1, number);
		if (strtod(text, NULL) == number)
			return digits;
	}
}

static int count_digits(const char *text)
{
	int count = 0;
	int zeros = 0;
	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
			continue;
		count++;
		zeros = *text == '0' ? zeros + 1 : 0;
	}
	return count - zeros;
}

START_TEST(any_double_reads_back_from_the_fewest_digits)
{
	uint64_t random = 88172645463325252;
	for (int i = 0; i < 30000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		double number;
		memcpy(&number, &random, sizeof number);
		if (i % 2 == 0)
			number = (double)(int64_t)(random % 200000000) / (i % 3 == 0 ? 100 : 7000);
		if (!isfinite(number) || number == 0)
			continue;
		size_t length = slog_number_double(out, number);
		ck_assert_uint_le(length, SLOG_DOUBLE_MAX);
		out[length] = '\0';
		ck_assert(strtod(out, NULL) == number);
		ck_assert_int_eq(count_digits(out), fewest_digits(number));
	}
}
END_TEST

START_TEST(any_float_reads_back_from_the_fewest_digits)
{
	uint32_t random = 2463534242;
	for (int i = 0; i < 60000; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		float number;
		memcpy(&number, &random, sizeof number);
		if (i % 4 == 0) /* powers of two, where the number below is closer */
			number = ldexpf(1, (int)(random % 277) - 149);
		if (!isfinite(number) || number == 0)
			continue;
		of_float(number);
		ck_assert(strtof(out, NULL) == number);
		int fewest = 1;
		for (char text[40]; fewest < 10; fewest++) {
			snprintf(text, sizeof text, "%.*e", fewest - 1, (double)number);
			if (strtof(text, NULL) == number)
				break;
		}
		ck_assert_int_le(count_digits(out), fewest);
	}
}
END_TEST

START_TEST(powers_of_two_read_back_from_the_fewest_digits)
{
	for (int exponent = -1074; exponent < 1024; exponent++) {
		double number = ldexp(1, exponent);
		of_double(number);
		ck_assert(strtod(out, NULL) == number);
		/* Just above a power of two a shorter decimal may be nearer to it than to what printf would round to. */
		ck_assert_int_le(count_digits(out), fewest_digits(number));
	}
}
END_TEST

START_TEST(integers_of_every_length_are_whole)
{
	for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10)
		for (int d = -1; d <= 1; d++) {
			char expected[32];
			snprintf(expected, sizeof expected, "%llu", (unsigned long long)(power * 10 + (uint64_t)d));
			out[slog_number_u64(out, power * 10 + (uint64_t)d)] = '\0';
			ck_assert_str_eq(out, expected);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("number");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, integers_reach_their_limits);
	tcase_add_test(tcase, doubles_keep_a_point_or_an_exponent);
	tcase_add_test(tcase, doubles_at_their_limits_have_the_shortest_digits);
	tcase_add_test(tcase, floats_have_the_digits_of_a_float);
	tcase_add_test(tcase, any_double_reads_back_from_the_fewest_digits);
	tcase_add_test(tcase, any_float_reads_back_from_the_fewest_digits);
	tcase_add_test(tcase, powers_of_two_read_back_from_the_fewest_digits);
	tcase_add_test(tcase, integers_of_every_length_are_whole);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
