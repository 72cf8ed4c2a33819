/* SPDX-License-Identifier: Apache-2.0 */
/* The character rules of RFC 5424 text, and TIMESTAMP. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <liblog/rfc5424.h>

#include "support/guarded_bytes.h"

static char out[256];

/* Runs a writer that takes input piecewise into every size of room: the pieces must join to the whole. */
typedef size_t writer_fn(char *out, size_t size, const char *bytes, size_t length, size_t *taken);

static const char *written(writer_fn *writer, const char *bytes, size_t length)
{
	size_t taken;
	size_t whole = writer(out, sizeof out - 1, bytes, length, &taken);
	ck_assert_uint_eq(taken, length);
	out[whole] = '\0';
	for (size_t size = SLOG_GROWTH_MAX; size <= whole; size++) {
		char pieces[256] = "";
		size_t at = 0;
		for (size_t from = 0; from < length; from += taken) {
			size_t n = writer(pieces + at, size, bytes + from, length - from, &taken);
			ck_assert_uint_le(n, size);
			ck_assert_uint_gt(taken, 0);
			at += n;
		}
		pieces[at] = '\0';
		ck_assert_str_eq(pieces, out);
	}
	return out;
}

#define VALUE(literal) written(slog_rfc5424_value, "" literal "", sizeof(literal) - 1)
#define MSG(literal) written(slog_rfc5424_msg, "" literal "", sizeof(literal) - 1)

START_TEST(param_value_escapes_quote_backslash_and_bracket)
{
	ck_assert_str_eq(VALUE("say \"hi\" [x] C:\\x"), "say \\\"hi\\\" [x\\] C:\\\\x");
	ck_assert_str_eq(MSG("say \"hi\" [x] C:\\x"), "say \"hi\" [x] C:\\x");
}
END_TEST

START_TEST(control_characters_become_their_pictures)
{
	ck_assert_str_eq(VALUE("a\nb\x7f\0c"), "a␊b␡␀c");
	ck_assert_str_eq(VALUE("\033[31m"), "␛[31m");
	ck_assert_str_eq(MSG("line1\nline2"), "line1␊line2");
}
END_TEST

START_TEST(a_literal_picture_gets_a_prefix)
{
	ck_assert_str_eq(VALUE("a␊b"), "a␛␊b");
	ck_assert_str_eq(VALUE("␛"), "␛␛");
	ck_assert_str_eq(VALUE("␠"), "␠");
}
END_TEST

START_TEST(esc_before_a_picture_is_told_from_a_prefix)
{
	ck_assert_str_eq(VALUE("\033\n"), "␛␠␊");
	ck_assert_str_eq(VALUE("\033␊"), "␛␠␛␊");
	ck_assert_str_eq(VALUE("\033␠"), "␛␠␠");
	ck_assert_str_eq(VALUE("\033\033"), "␛␠␛");
	ck_assert_str_eq(VALUE("\033\x7f"), "␛␠␡");
}
END_TEST

START_TEST(octets_that_are_not_utf8_become_private_characters)
{
	ck_assert_str_eq(VALUE("caf\xe9 ol\xc3\xa9"), "caf\xee\xbf\xa9 ol\xc3\xa9");
	ck_assert_str_eq(VALUE("\x80\xff"), "\xee\xbe\x80\xee\xbf\xbf");
	ck_assert_str_eq(VALUE("\xc0\x80"), "\xee\xbf\x80\xee\xbe\x80");                     /* overlong NUL */
	ck_assert_str_eq(VALUE("\xed\xa0\x80"), "\xee\xbf\xad\xee\xbe\xa0\xee\xbe\x80");     /* surrogate */
	ck_assert_str_eq(VALUE("\xf4\x90\x80\x80"), "\xee\xbf\xb4\xee\xbe\x90\xee\xbe\x80\xee\xbe\x80");
}
END_TEST

START_TEST(a_genuine_private_character_is_three_raw_octets)
{
	ck_assert_str_eq(VALUE("\xee\xbe\x80"), "\xee\xbf\xae\xee\xbe\xbe\xee\xbe\x80");
	ck_assert_str_eq(VALUE("\xee\xbd\xbf"), "\xee\xbd\xbf"); /* U+EF7F is not of the range */
}
END_TEST

START_TEST(nothing_is_read_behind_the_end)
{
	static const char *const inputs[] = {"a\xe2\x90", "\033", "\xf0\x9f\x98", "x\xee\xbe", "\033\xe2\x90"};
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		struct guarded_bytes page = guarded_bytes_copy(bytes_of_text(inputs[i]));
		size_t taken;
		slog_rfc5424_value(out, sizeof out, (const char *)page.at, page.len, &taken);
		ck_assert_uint_eq(taken, page.len);
		guarded_bytes_free(&page);
	}
}
END_TEST

START_TEST(msg_is_plain_exactly_if_it_is_written_as_it_is)
{
	static const char *const texts[] = {
		"", "abc", "a\"]\\", "é", "␊", "␠", "\n", "\xff", "\xee\xbe\x80", "a\x7f", "😀",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		bool same = strcmp(written(slog_rfc5424_msg, texts[i], strlen(texts[i])), texts[i]) == 0;
		ck_assert_int_eq(slog_rfc5424_msg_is_plain(texts[i], strlen(texts[i])), same);
	}
}
END_TEST

static const char *name(const char *key, bool dots_too)
{
	size_t taken;
	size_t length = slog_rfc5424_name(out, sizeof out - 1, key, strlen(key), dots_too, &taken);
	ck_assert_uint_eq(length, slog_rfc5424_name_length(key, strlen(key), dots_too));
	out[length] = '\0';
	return out;
}

START_TEST(keys_are_percent_encoded_where_readers_would_stumble)
{
	ck_assert_str_eq(name("remote_ip", false), "remote_ip");
	ck_assert_str_eq(name("a key", false), "a%20key");
	ck_assert_str_eq(name("a/b=c]d\"e\\f[g%", false), "a%2Fb%3Dc%5Dd%22e%5Cf%5Bg%25");
	ck_assert_str_eq(name("~s", false), "%7Es");
	ck_assert_str_eq(name("a~s", false), "a~s");
	ck_assert_str_eq(name("a.b.", false), "a.b%2E");
	ck_assert_str_eq(name("a.b.", true), "a%2Eb%2E");
	ck_assert_str_eq(name("", false), "%-");
	ck_assert_str_eq(name("é\n", false), "%C3%A9%0A");
}
END_TEST

static const char *field(const char *text, size_t max)
{
	out[slog_rfc5424_field(out, sizeof out - 1, text, strlen(text), max)] = '\0';
	return out;
}

START_TEST(header_fields_are_printusascii_and_cut)
{
	ck_assert_str_eq(field("sshd", 48), "sshd");
	ck_assert_str_eq(field("a b\nü", 48), "a_b___");
	ck_assert_str_eq(field("", 48), "-");
	ck_assert_str_eq(field("-", 48), "_");
	ck_assert_str_eq(field("abcdef", 3), "abc");
	ck_assert(slog_rfc5424_is_field("x", 1, 32));
	ck_assert(!slog_rfc5424_is_field("-", 1, 32));
	ck_assert(!slog_rfc5424_is_field("", 0, 32));
	ck_assert(!slog_rfc5424_is_field("a b", 3, 32));
	ck_assert(!slog_rfc5424_is_field("abcd", 4, 3));
}
END_TEST

START_TEST(pri_is_facility_times_eight_plus_severity)
{
	out[slog_rfc5424_pri(out, sizeof out, 0, 0)] = '\0';
	ck_assert_str_eq(out, "<0>");
	out[slog_rfc5424_pri(out, sizeof out, 23, 7)] = '\0';
	ck_assert_str_eq(out, "<191>");
	ck_assert_uint_eq(slog_rfc5424_pri(out, 3, 10, 6), 0);
}
END_TEST

static const char *timestamp(long long seconds, long nanoseconds)
{
	struct timespec time = {(time_t)seconds, nanoseconds};
	out[slog_rfc5424_timestamp(out, sizeof out, time)] = '\0';
	return out;
}

static const char *rfc3339(long long seconds, long nanoseconds)
{
	struct timespec time = {(time_t)seconds, nanoseconds};
	out[slog_rfc3339(out, sizeof out, time)] = '\0';
	return out;
}

START_TEST(timestamp_is_utc_with_microseconds)
{
	ck_assert_str_eq(timestamp(0, 0), "1970-01-01T00:00:00.000000Z");
	ck_assert_str_eq(timestamp(1791756855, 3000999), "2026-10-11T22:14:15.003000Z");
	ck_assert_str_eq(timestamp(-1, 999999999), "1969-12-31T23:59:59.999999Z");
	ck_assert_str_eq(timestamp(951782400, 0), "2000-02-29T00:00:00.000000Z");
	ck_assert_str_eq(timestamp(-62167219200LL, 0), "0000-01-01T00:00:00.000000Z");
	ck_assert_str_eq(timestamp(253402300799LL, 0), "9999-12-31T23:59:59.000000Z");
}
END_TEST

START_TEST(a_time_that_cannot_be_written_is_nil)
{
	ck_assert_str_eq(timestamp(253402300800LL, 0), "-");
	ck_assert_str_eq(timestamp(-62167219201LL, 0), "-");
	ck_assert_str_eq(timestamp(0, 1000000000), "-");
	ck_assert_str_eq(rfc3339(253402300800LL, 0), "");
}
END_TEST

START_TEST(dates_agree_with_libc_for_800_years)
{
	for (time_t day = -146097; day < 146097; day += 13) {
		time_t seconds = day * 86400 + 12345;
		struct tm tm;
		char expected[32];
		gmtime_r(&seconds, &tm);
		strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
		ck_assert_str_eq(rfc3339(seconds, 0), expected);
	}
}
END_TEST

START_TEST(rfc3339_has_digits_in_steps_of_three)
{
	ck_assert_str_eq(rfc3339(0, 0), "1970-01-01T00:00:00Z");
	ck_assert_str_eq(rfc3339(0, 120000000), "1970-01-01T00:00:00.120Z");
	ck_assert_str_eq(rfc3339(0, 120001000), "1970-01-01T00:00:00.120001Z");
	ck_assert_str_eq(rfc3339(0, 1), "1970-01-01T00:00:00.000000001Z");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rfc5424");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, param_value_escapes_quote_backslash_and_bracket);
	tcase_add_test(tcase, control_characters_become_their_pictures);
	tcase_add_test(tcase, a_literal_picture_gets_a_prefix);
	tcase_add_test(tcase, esc_before_a_picture_is_told_from_a_prefix);
	tcase_add_test(tcase, octets_that_are_not_utf8_become_private_characters);
	tcase_add_test(tcase, a_genuine_private_character_is_three_raw_octets);
	tcase_add_test(tcase, nothing_is_read_behind_the_end);
	tcase_add_test(tcase, msg_is_plain_exactly_if_it_is_written_as_it_is);
	tcase_add_test(tcase, keys_are_percent_encoded_where_readers_would_stumble);
	tcase_add_test(tcase, header_fields_are_printusascii_and_cut);
	tcase_add_test(tcase, pri_is_facility_times_eight_plus_severity);
	tcase_add_test(tcase, timestamp_is_utc_with_microseconds);
	tcase_add_test(tcase, a_time_that_cannot_be_written_is_nil);
	tcase_add_test(tcase, dates_agree_with_libc_for_800_years);
	tcase_add_test(tcase, rfc3339_has_digits_in_steps_of_three);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
