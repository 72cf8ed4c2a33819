/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/timestamp.h"

#include "support/feed.h"
#include "base/clock.h"
#include "syslog/civil_date.h"
#include "syslog/legacy_timestamp.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct timestamp stamp;

static void expect(const char *text, size_t len, bool exact)
{
	bool is_exact = false;
	ck_assert_msg(timestamp_read_iso(bytes_of_text(text), &stamp, &is_exact) == len, "%s", text);
	ck_assert_msg(len == 0 || is_exact == exact, "%s", text);
}

static void expect_text(struct message_time time, unsigned digits_max, bool with_offset, const char *wanted)
{
	uint8_t text[TIMESTAMP_TEXT_MAX_BYTES];
	size_t len = timestamp_write(&time, digits_max, with_offset, text);
	ck_assert_msg(bytes_equal(bytes_of(text, len), bytes_of_text(wanted)), "%.*s, not %s", (int)len, (char *)text,
				  wanted);
}

static void read_prefix(void *longest, struct bytes prefix)
{
	bool exact;
	size_t len = timestamp_read_iso(prefix, &stamp, &exact);
	ck_assert_uint_le(len, prefix.len);
	*(size_t *)longest = len;
}

START_TEST(the_forms_of_rfc_5424_are_exact)
{
	expect("2026-10-11T22:14:15Z rest", 20, true);
	expect("2026-10-11T22:14:15.1Z", 22, true);
	expect("2026-10-11T22:14:15.123456-07:00", 32, true);
	ck_assert_int_eq(stamp.offset_minutes, -7 * 60);
	ck_assert_uint_eq(stamp.nanoseconds, 123456000);
	ck_assert_uint_eq(stamp.digits, 6);
}
END_TEST

START_TEST(other_forms_are_read_but_not_exact)
{
	expect("2026-10-11t22:14:15Z", 20, false);
	expect("2026-10-11 22:14:15Z", 20, false);
	expect("2026-10-11T22:14:15z", 20, false);
	expect("2026-10-11T22:14:15", 19, false);
	expect("2026-10-11T22:14:15,1Z", 22, false);
	expect("2026-10-11T22:14:15+0200", 24, false);
	expect("2026-10-11T22:14:15.1234567Z", 28, false);
}
END_TEST

START_TEST(leading_zeros_of_a_fraction_count)
{
	expect("2026-10-11T22:14:15.003Z", 24, true);
	ck_assert_uint_eq(stamp.nanoseconds, 3000000);
	expect("2026-10-11T22:14:15.3Z", 22, true);
	ck_assert_uint_eq(stamp.nanoseconds, 300000000);
}
END_TEST

START_TEST(digits_beyond_nine_are_skipped)
{
	expect("2026-10-11T22:14:15.1234567899Z", 31, false);
	ck_assert_uint_eq(stamp.nanoseconds, 123456789);
	ck_assert(stamp.excess_digits);
}
END_TEST

START_TEST(what_is_no_stamp_is_none)
{
	expect("", 0, false);
	expect("2026-10-11T22:14:1", 0, false);
	expect("2026-10-11X22:14:15Z", 0, false);
	expect("2026-1a-11T22:14:15Z", 0, false);
	expect("0000-10-11T22:14:15Z", 0, false);
	expect("2026:10:11T22:14:15Z", 0, false);
}
END_TEST

START_TEST(an_offset_that_does_not_exist_is_left_unread)
{
	expect("2026-10-11T22:14:15+24:00", 19, false);
	expect("2026-10-11T22:14:15+02:60", 19, false);
	expect("2026-10-11T22:14:15+2:00", 19, false);
	expect("2026-10-11T22:14:15.Z", 19, false);
}
END_TEST

START_TEST(no_prefix_is_read_beyond_its_end)
{
	size_t longest = 0;
	feed_every_prefix(BYTES("2026-10-11T22:14:15.123456789+02:00"), read_prefix, &longest);
	ck_assert_uint_eq(longest, 35);
}
END_TEST

START_TEST(dates_that_do_not_exist_are_told)
{
	ck_assert(timestamp_exists(&(struct timestamp){.year = 2028, .month = 2, .day = 29}));
	ck_assert(timestamp_exists(&(struct timestamp){.month = 2, .day = 29}));
	ck_assert(!timestamp_exists(&(struct timestamp){.year = 2026, .month = 2, .day = 29}));
	ck_assert(!timestamp_exists(&(struct timestamp){.year = 2100, .month = 2, .day = 29}));
	ck_assert(!timestamp_exists(&(struct timestamp){.month = 4, .day = 31}));
	ck_assert(!timestamp_exists(&(struct timestamp){.month = 0, .day = 1}));
	ck_assert(!timestamp_exists(&(struct timestamp){.month = 13, .day = 1}));
	ck_assert(!timestamp_exists(&(struct timestamp){.month = 1, .day = 1, .hour = 24}));
	ck_assert(!timestamp_exists(&(struct timestamp){.month = 1, .day = 1, .minute = 60}));
	ck_assert(timestamp_exists(&(struct timestamp){.month = 1, .day = 1, .second = 60}));
	ck_assert(!timestamp_exists(&(struct timestamp){.month = 1, .day = 1, .second = 61}));
}
END_TEST

START_TEST(times_are_written_in_their_own_zone_and_precision)
{
	struct message_time time = {.unix_ns = 1791756855123456789, .offset_minutes = 120, .digits = 9};
	expect_text(time, 9, true, "2026-10-12T00:14:15.123456789+02:00");
	expect_text(time, 6, true, "2026-10-12T00:14:15.123456+02:00");
	expect_text(time, 9, false, "2026-10-12T00:14:15.123456789");
	time.digits = 0;
	time.offset_minutes = -570;
	expect_text(time, 6, true, "2026-10-11T12:44:15-09:30");
	time.offset_minutes = 0;
	expect_text(time, 6, true, "2026-10-11T22:14:15Z");
}
END_TEST

START_TEST(times_before_1970_are_written)
{
	expect_text((struct message_time){.unix_ns = -1, .digits = 3}, 6, true, "1969-12-31T23:59:59.999Z");
	expect_text((struct message_time){.unix_ns = INT64_MIN, .digits = 0}, 6, true, "1677-09-21T00:12:43Z");
	expect_text((struct message_time){.unix_ns = INT64_MAX, .digits = 0}, 6, true, "2262-04-11T23:47:16Z");
}
END_TEST

START_TEST(a_time_near_the_one_before_is_written_as_any_other)
{
	static const int64_t steps[] = {0, 1, 59, 60, -1, -59, -60, 3600, -3600, 86400, -86400, 400000000, -400000000, 29, 31};
	static const int16_t offsets[] = {0, 0, 0, 60, -60, 330, -TIMESTAMP_OFFSET_MAX_MINUTES, TIMESTAMP_OFFSET_MAX_MINUTES};
	struct timestamp_minute minute = {0};
	struct message_time time = {.unix_ns = -12LL * CLOCK_NS_PER_SECOND};
	uint8_t near[TIMESTAMP_TEXT_MAX_BYTES], alone[TIMESTAMP_TEXT_MAX_BYTES];
	for (unsigned i = 0; i < 20000; i++) {
		time.unix_ns += steps[i * 7 % (sizeof steps / sizeof *steps)] * CLOCK_NS_PER_SECOND + i % 3;
		time.offset_minutes = offsets[i / 5 % (sizeof offsets / sizeof *offsets)];
		time.digits = (uint8_t)(i % 10);
		size_t len = timestamp_write(&time, 6, i % 4 != 0, alone);
		ck_assert_uint_eq(timestamp_write_near(&time, 6, i % 4 != 0, &minute, near), len);
		ck_assert_msg(memcmp(near, alone, len) == 0, "%.*s, not %.*s", (int)len, (char *)near, (int)len, (char *)alone);
	}
}
END_TEST

START_TEST(legacy_stamps_are_written_with_a_space_before_a_digit)
{
	uint8_t text[TIMESTAMP_BSD_BYTES];
	timestamp_write_bsd(
		&(struct message_time){.unix_ns = 1791756855LL * 1000000000 - 10LL * 86400 * 1000000000, .offset_minutes = 60},
		text);
	ck_assert_mem_eq(text, "Oct  1 23:14:15", TIMESTAMP_BSD_BYTES);
}
END_TEST

START_TEST(dates_and_days_agree_with_the_c_library)
{
	for (int64_t day = civil_to_days(1600, 1, 1); day < civil_to_days(2500, 1, 1); day++) {
		time_t seconds = day * 86400;
		struct tm tm;
		gmtime_r(&seconds, &tm);
		struct civil_date date = civil_of_days(day);
		ck_assert_int_eq(date.year, tm.tm_year + 1900);
		ck_assert_uint_eq(date.month, (unsigned)tm.tm_mon + 1);
		ck_assert_uint_eq(date.day, (unsigned)tm.tm_mday);
		ck_assert_int_eq(civil_to_days(date.year, date.month, date.day), day);
	}
}
END_TEST

START_TEST(each_octet_of_a_stamp_is_judged)
{
	static const char form[] = "2026-10-11T22:14:15Z";
	for (size_t at = 0; at < sizeof form - 2; at++) {
		for (unsigned octet = 0; octet < 256; octet++) {
			char text[] = "2026-10-11T22:14:15Z";
			bool exact, digit = octet >= '0' && octet <= '9';
			text[at] = (char)octet;
			bool fits = at == 10                             ? octet == 'T' || octet == 't' || octet == ' '
						: form[at] >= '0' && form[at] <= '9' ? digit
															 : octet == (unsigned char)form[at];
			ck_assert_uint_eq(timestamp_read_iso(bytes_of_text(text), &stamp, &exact), fits ? sizeof form - 1 : 0);
		}
	}
}
END_TEST

START_TEST(all_pairs_of_digits_are_read)
{
	for (unsigned first = 0; first < 100; first++) {
		for (unsigned second = 0; second < 100; second++) {
			char text[16];
			snprintf(text, sizeof text, "%02u:%02u:%02u", first, second, (first + second) % 100);
			struct timestamp_pairs pairs = timestamp_read_pairs((const uint8_t *)text, ':');
			ck_assert(pairs.valid && pairs.first == first && pairs.second == second &&
					  pairs.third == (first + second) % 100);
		}
	}
}
END_TEST

START_TEST(a_fraction_is_the_same_before_any_octet_and_at_the_end)
{
	static const char digits[] = "907856341278";
	for (size_t count = 1; count < sizeof digits; count++) {
		uint32_t wanted = 0;
		for (size_t i = 0; i < 9; i++)
			wanted = wanted * 10 + (i < count ? (uint32_t)(digits[i] - '0') : 0);
		for (size_t behind = 0; behind < 10; behind++) {
			for (unsigned octet = 0; octet < 256; octet++) {
				char text[32] = ".";
				if (octet >= '0' && octet <= '9')
					continue;
				memcpy(text + 1, digits, count);
				memset(text + 1 + count, (int)octet, behind);
				stamp = (struct timestamp){0};
				ck_assert_uint_eq(timestamp_read_fraction(bytes_of(text, 1 + count + behind), &stamp), 1 + count);
				ck_assert_uint_eq(stamp.nanoseconds, wanted);
				ck_assert_uint_eq(stamp.digits, count < 9 ? count : 9);
				ck_assert(stamp.excess_digits == (count > 9));
			}
		}
	}
}
END_TEST

/* Before a small letter it is read by the short way, before "_" by the general one. */
START_TEST(rfc_3164_stamps_are_read_alike_by_both_ways)
{
	static const char *const forms[] = {"Oct 11 22:14:15 ", "Feb  1 00:00:00 ", "dec 31 23:59:60 "};
	struct parse_context context = {0};
	for (size_t form = 0; form < 3; form++) {
		for (size_t at = 0; at < 16; at++) {
			for (unsigned octet = 0; octet < 256; octet++) {
				char text[32];
				struct timestamp by_short = {0}, by_general = {0};
				snprintf(text, sizeof text, "%sx", forms[form]);
				text[at] = (char)octet;
				size_t short_len = legacy_timestamp_read(bytes_of(text, 17), &context, false, &by_short);
				text[16] = '_';
				size_t general_len = legacy_timestamp_read(bytes_of(text, 17), &context, false, &by_general);
				ck_assert_msg(short_len == general_len, "octet %u at %zu", octet, at);
				ck_assert(short_len == 0 || (by_short.month == by_general.month && by_short.day == by_general.day &&
											 by_short.hour == by_general.hour && by_short.minute == by_general.minute &&
											 by_short.second == by_general.second && by_short.year == by_general.year &&
											 by_short.has_time && by_general.has_time));
			}
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timestamp");
	TCase *tests = tcase_create("timestamp");
	tcase_add_test(tests, the_forms_of_rfc_5424_are_exact);
	tcase_add_test(tests, other_forms_are_read_but_not_exact);
	tcase_add_test(tests, leading_zeros_of_a_fraction_count);
	tcase_add_test(tests, digits_beyond_nine_are_skipped);
	tcase_add_test(tests, what_is_no_stamp_is_none);
	tcase_add_test(tests, an_offset_that_does_not_exist_is_left_unread);
	tcase_add_test(tests, no_prefix_is_read_beyond_its_end);
	tcase_add_test(tests, dates_that_do_not_exist_are_told);
	tcase_add_test(tests, times_are_written_in_their_own_zone_and_precision);
	tcase_add_test(tests, times_before_1970_are_written);
	tcase_add_test(tests, a_time_near_the_one_before_is_written_as_any_other);
	tcase_add_test(tests, legacy_stamps_are_written_with_a_space_before_a_digit);
	tcase_add_test(tests, dates_and_days_agree_with_the_c_library);
	tcase_add_test(tests, each_octet_of_a_stamp_is_judged);
	tcase_add_test(tests, all_pairs_of_digits_are_read);
	tcase_add_test(tests, a_fraction_is_the_same_before_any_octet_and_at_the_end);
	tcase_add_test(tests, rfc_3164_stamps_are_read_alike_by_both_ways);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
