/* SPDX-License-Identifier: Apache-2.0 */
/* Values that were read as C types: integers, doubles and octets, and whether they are exact. */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <liblog/read.h>

static struct slog_read_value number(const char *digits)
{
	struct slog_read_value value = {SLOG_READ_NUMBER, digits, strlen(digits)};
	return value;
}

static void must_be_i64(const char *digits, enum slog_as as, int64_t wanted)
{
	struct slog_read_value value = number(digits);
	int64_t got;
	ck_assert_msg(slog_as_i64(&value, &got) == as, "%s", digits);
	ck_assert_int_eq(got, wanted);
}

static void must_be_u64(const char *digits, enum slog_as as, uint64_t wanted)
{
	struct slog_read_value value = number(digits);
	uint64_t got;
	ck_assert_msg(slog_as_u64(&value, &got) == as, "%s", digits);
	ck_assert_uint_eq(got, wanted);
}

static void must_be_double(const char *digits, enum slog_as as, double wanted)
{
	struct slog_read_value value = number(digits);
	double got;
	ck_assert_msg(slog_as_double(&value, &got) == as, "%s", digits);
	ck_assert_double_eq(got, wanted);
}

START_TEST(integers_say_if_they_are_exact)
{
	must_be_i64("9223372036854775807", SLOG_AS_EXACT, INT64_MAX);
	must_be_i64("9223372036854775808", SLOG_AS_INEXACT, INT64_MAX);
	must_be_i64("-9223372036854775808", SLOG_AS_EXACT, INT64_MIN);
	must_be_i64("-9223372036854775809", SLOG_AS_INEXACT, INT64_MIN);
	must_be_i64("-0", SLOG_AS_EXACT, 0);
	must_be_i64("1.0", SLOG_AS_EXACT, 1);
	must_be_i64("-1.5", SLOG_AS_INEXACT, -1);
	must_be_i64("12e2", SLOG_AS_EXACT, 1200);
	must_be_i64("1200e-2", SLOG_AS_EXACT, 12);
	must_be_i64("0.001", SLOG_AS_INEXACT, 0);
	must_be_i64("0.00e5", SLOG_AS_EXACT, 0);
	must_be_i64("1e99999999999999999999", SLOG_AS_INEXACT, INT64_MAX);
	must_be_u64("18446744073709551615", SLOG_AS_EXACT, UINT64_MAX);
	must_be_u64("18446744073709551616", SLOG_AS_INEXACT, UINT64_MAX);
	must_be_u64("1844674407370955161.5e1", SLOG_AS_EXACT, UINT64_MAX);
	must_be_u64("-1", SLOG_AS_INEXACT, 0);
	must_be_u64("-0.0", SLOG_AS_EXACT, 0);
}
END_TEST

START_TEST(doubles_say_if_they_are_exact_whatever_the_locale)
{
	setlocale(LC_ALL, "de_DE.UTF-8");
	must_be_double("0.1", SLOG_AS_EXACT, 0.1);
	must_be_double("1E0", SLOG_AS_EXACT, 1);
	must_be_double("100e-2", SLOG_AS_EXACT, 1);
	must_be_double("5e-324", SLOG_AS_EXACT, 5e-324);
	must_be_double("9007199254740993", SLOG_AS_INEXACT, 9007199254740992.0);
	must_be_double("0.10000000000000000001", SLOG_AS_INEXACT, 0.1);
	must_be_double("1e-400", SLOG_AS_INEXACT, 0);
	struct slog_read_value value = number("1E400");
	double got;
	ck_assert_int_eq((int)slog_as_double(&value, &got), SLOG_AS_INEXACT);
	ck_assert(got > 1e308);
	value = (struct slog_read_value){SLOG_READ_STRING, "1", 1};
	ck_assert_int_eq((int)slog_as_double(&value, &got), SLOG_AS_NONE);
}
END_TEST

static bool bytes_are(const char *base64, const char *octets, size_t length)
{
	struct slog_read_value value = {SLOG_READ_STRING, base64, strlen(base64)};
	char out[16];
	size_t got;
	return slog_as_bytes(&value, out, sizeof out, &got) && got == length && memcmp(out, octets, length) == 0;
}

START_TEST(octets_are_read_from_their_spelling)
{
	ck_assert(bytes_are("data:;base64,AAEC", "\0\1\2", 3));
	ck_assert(bytes_are("data:;base64,AAE=", "\0\1", 2));
	ck_assert(bytes_are("data:;base64,/w==", "\xff", 1));
	ck_assert(bytes_are("data:;base64,", "", 0));
	ck_assert(!bytes_are("data:;base64,AAE", "", 0));
	ck_assert(!bytes_are("data:;base64,A===", "", 0));
	ck_assert(!bytes_are("data:;base64,AA==AAAA", "", 0));
	ck_assert(!bytes_are("data:;base64,AA*A", "", 0));
	ck_assert(!bytes_are("AAEC", "", 0));
	ck_assert(!bytes_are("data:;base64,AAECAAECAAECAAECAAECAAECAAEC", "", 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_value");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, integers_say_if_they_are_exact);
	tcase_add_test(tcase, doubles_say_if_they_are_exact_whatever_the_locale);
	tcase_add_test(tcase, octets_are_read_from_their_spelling);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
