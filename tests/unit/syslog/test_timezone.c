/* SPDX-License-Identifier: Apache-2.0 */
/* Held against the C library's own zones, which read the same files, and against dates written down by hand. */
#include "syslog/timezone.h"

#include "support/feed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct timezone_rules rules;

enum { HOUR = 3600, FILE_MAX_BYTES = 1 << 16 };

static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static int64_t utc(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
	return timegm(&tm);
}

static struct bytes read_zone_file(const char *name)
{
	static uint8_t room[FILE_MAX_BYTES];
	char path[256];
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return bytes_of(NULL, 0);
	size_t len = fread(room, 1, sizeof room, file);
	fclose(file);
	return bytes_of(room, len);
}

/* Whether both agree on an instant every seventeen hours from 1970 to 2100. */
static void compare_with_libc(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
	for (int64_t at = 0; at < utc(2100, 1, 1, 0, 0); at += 17 * HOUR + 61) {
		time_t now = at;
		struct tm tm;
		localtime_r(&now, &tm);
		ck_assert_msg(timezone_offset_at(&rules, at) == tm.tm_gmtoff, "%s at %lld: %d, not %ld", tz, (long long)at,
					  timezone_offset_at(&rules, at), tm.tm_gmtoff);
	}
}

static void refuse_posix(const char *text)
{
	ck_assert_msg(!timezone_from_posix(bytes_of_text(text), &rules), "%s", text);
	ck_assert_int_eq(timezone_offset_at(&rules, 0), 0);
}

/* No prefix of a file is a zone, and none is read beyond its end. */
static void read_prefix(void *whole_len, struct bytes prefix)
{
	bool good = timezone_from_tzif(prefix, &rules);
	ck_assert_msg(!good || prefix.len == *(size_t *)whole_len, "%s", feed_way());
}

START_TEST(posix_texts_give_the_offsets_of_the_c_library)
{
	static const char *const texts[] = {"UTC0",
										"CET-1CEST,M3.5.0,M10.5.0/3",
										"EST5EDT,M3.2.0,M11.1.0",
										"<+0330>-3:30",
										"NZST-12NZDT,M9.5.0,M4.1.0/3",
										"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
										"XXX3YYY,J60/0,300/25",
										"IST-1GMT0,M10.5.0,M3.5.0/1"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_msg(timezone_from_posix(bytes_of_text(texts[i]), &rules), "%s", texts[i]);
		compare_with_libc(texts[i]);
	}
}
END_TEST

START_TEST(zone_files_give_the_offsets_of_the_c_library)
{
	static const char *const names[] = {
		"Europe/Berlin",     "America/New_York",  "Australia/Lord_Howe", "Asia/Kathmandu",
		"Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia",        "UTC"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct bytes file = read_zone_file(names[i]);
		if (file.len == 0)
			continue; /* this machine has no zone files */
		ck_assert_msg(timezone_from_tzif(file, &rules), "%s", names[i]);
		compare_with_libc(names[i]);
	}
}
END_TEST

START_TEST(a_file_that_is_cut_off_is_refused)
{
	struct bytes file = read_zone_file("Europe/Berlin");
	feed_every_prefix(file, read_prefix, &file.len);
}
END_TEST

START_TEST(texts_that_are_no_zone_are_refused)
{
	refuse_posix("");
	refuse_posix("CET");
	refuse_posix("1");
	refuse_posix("CET-25");
	refuse_posix("CET-1CEST,M3.5.0");
	refuse_posix("CET-1CEST,M13.5.0,M10.5.0");
	refuse_posix("CET-1CEST,M3.6.0,M10.5.0");
	refuse_posix("CET-1CEST,M3.5.0,M10.5.0x");
	refuse_posix("<CET-1");
}
END_TEST

START_TEST(a_time_that_occurs_twice_is_the_one_nearest_to_reception)
{
	int64_t local = utc(2025, 10, 26, 2, 30);
	ck_assert(timezone_from_posix(BYTES("CET-1CEST,M3.5.0,M10.5.0/3"), &rules));
	struct timezone_instant early = timezone_of_local(&rules, local, utc(2025, 10, 26, 0, 31));
	struct timezone_instant late = timezone_of_local(&rules, local, utc(2025, 10, 26, 1, 31));
	ck_assert_int_eq(early.occurrence, TIMEZONE_TWICE);
	ck_assert_int_eq(early.offset, 2 * HOUR);
	ck_assert_int_eq(late.offset, HOUR);
}
END_TEST

START_TEST(a_time_that_does_not_exist_has_the_offset_before_the_change)
{
	ck_assert(timezone_from_posix(bytes_of_text(berlin), &rules));
	struct timezone_instant instant = timezone_of_local(&rules, utc(2025, 3, 30, 2, 30), utc(2025, 3, 30, 0, 30));
	ck_assert_int_eq(instant.occurrence, TIMEZONE_NEVER);
	ck_assert_int_eq(instant.offset, HOUR);
}
END_TEST

START_TEST(other_times_occur_once)
{
	ck_assert(timezone_from_posix(bytes_of_text(berlin), &rules));
	struct timezone_instant winter = timezone_of_local(&rules, utc(2026, 1, 15, 12, 0), utc(2026, 7, 1, 0, 0));
	struct timezone_instant before = timezone_of_local(&rules, utc(2025, 3, 30, 1, 59), 0);
	struct timezone_instant after = timezone_of_local(&rules, utc(2025, 3, 30, 3, 0), 0);
	ck_assert_int_eq(winter.occurrence, TIMEZONE_ONCE);
	ck_assert_int_eq(winter.offset, HOUR);
	ck_assert_int_eq(before.occurrence, TIMEZONE_ONCE);
	ck_assert_int_eq(before.offset, HOUR);
	ck_assert_int_eq(after.occurrence, TIMEZONE_ONCE);
	ck_assert_int_eq(after.offset, 2 * HOUR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timezone");
	TCase *tests = tcase_create("timezone");
	tcase_add_test(tests, posix_texts_give_the_offsets_of_the_c_library);
	tcase_add_test(tests, zone_files_give_the_offsets_of_the_c_library);
	tcase_add_test(tests, a_file_that_is_cut_off_is_refused);
	tcase_add_test(tests, texts_that_are_no_zone_are_refused);
	tcase_add_test(tests, a_time_that_occurs_twice_is_the_one_nearest_to_reception);
	tcase_add_test(tests, a_time_that_does_not_exist_has_the_offset_before_the_change);
	tcase_add_test(tests, other_times_occur_once);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
