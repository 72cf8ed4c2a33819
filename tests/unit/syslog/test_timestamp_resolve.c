/* SPDX-License-Identifier: Apache-2.0 */
/* The year and the zone that a legacy stamp does not say (protocol page, 1.6). */
#include "syslog/timestamp_resolve.h"

#include "base/clock.h"
#include "syslog/legacy_timestamp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct timezone_rules zone;
static struct parse_context context;

static int64_t seconds_of(const char *text)
{
	struct timestamp stamp;
	struct message message = {0};
	struct parse_context utc = {0};
	bool exact;
	ck_assert_uint_eq(timestamp_read_iso(bytes_of_text(text), &stamp, &exact), strlen(text));
	timestamp_resolve(&utc, &stamp, &message);
	return message.time.unix_ns / CLOCK_NS_PER_SECOND;
}

static struct message resolve(const char *received, const char *text)
{
	struct timestamp stamp;
	struct message message = {0};
	context.received_ns = seconds_of(received) * CLOCK_NS_PER_SECOND;
	ck_assert_uint_eq(legacy_timestamp_read(bytes_of_text(text), &context, false, &stamp), strlen(text));
	timestamp_resolve(&context, &stamp, &message);
	return message;
}

/* Twice: the second answer comes from the cache where there is one. */
static void expect(const char *received, const char *text, const char *instant, uint32_t flags)
{
	for (int i = 0; i < 2; i++) {
		struct message message = resolve(received, text);
		ck_assert_msg(message.time.unix_ns == seconds_of(instant) * CLOCK_NS_PER_SECOND, "%s at %s: %lld", text,
					  received, (long long)message.time.unix_ns);
		ck_assert_uint_eq(message.flags, flags);
	}
}

static void use_berlin(void)
{
	ck_assert(timezone_from_posix(BYTES("CET-1CEST,M3.5.0,M10.5.0/3"), &zone));
	context = (struct parse_context){.zone = &zone};
}

enum { GUESSED = MESSAGE_YEAR_GUESSED | MESSAGE_ZONE_GUESSED };

START_TEST(the_year_is_the_latest_that_is_not_more_than_a_week_ahead)
{
	expect("2026-01-01T00:00:05Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z", GUESSED);
	expect("2025-12-31T23:59:55Z", "Jan  1 00:00:03", "2026-01-01T00:00:03Z", GUESSED);
	expect("2026-01-01T00:00:05Z", "Nov 30 12:00:00", "2025-11-30T12:00:00Z", GUESSED);
	expect("2026-06-15T00:00:00Z", "Jun 20 00:00:00", "2026-06-20T00:00:00Z", GUESSED);
	expect("2026-06-15T00:00:00Z", "Jul 20 00:00:00", "2025-07-20T00:00:00Z", GUESSED);
	expect("2028-03-01T00:00:00Z", "Feb 29 23:00:00", "2028-02-29T23:00:00Z", GUESSED);
	expect("2029-01-05T00:00:00Z", "Feb 29 23:00:00", "2028-02-29T23:00:00Z", GUESSED);
	expect("2026-03-01T00:00:00Z", "Feb 29 23:00:00", "2026-03-01T00:00:00Z", MESSAGE_TIME_INVALID);
	expect("2100-03-01T00:00:00Z", "Feb 29 23:00:00", "2100-03-01T00:00:00Z", MESSAGE_TIME_INVALID);
}
END_TEST

START_TEST(the_border_of_the_year_rule_is_exact_to_the_second)
{
	/* Cached hours must not smear it. */
	expect("2026-06-15T00:00:00Z", "Jun 22 00:00:00", "2026-06-22T00:00:00Z", GUESSED);
	expect("2026-06-15T00:00:00Z", "Jun 22 00:00:01", "2025-06-22T00:00:01Z", GUESSED);
	expect("2026-06-15T00:00:01Z", "Jun 22 00:00:01", "2026-06-22T00:00:01Z", GUESSED);
	expect("2026-06-15T00:30:00Z", "Jun 22 00:59:59", "2025-06-22T00:59:59Z", GUESSED);
}
END_TEST

START_TEST(new_year_is_that_of_the_senders_zone)
{
	use_berlin();
	expect("2025-12-31T23:30:00Z", "Jan  1 00:29:59", "2025-12-31T23:29:59Z", GUESSED);
	expect("2025-12-31T22:30:00Z", "Dec 31 23:29:59", "2025-12-31T22:29:59Z", GUESSED);
}
END_TEST

START_TEST(the_offset_is_that_of_the_date_not_of_now)
{
	use_berlin();
	expect("2026-07-01T00:00:00Z", "Jan 15 12:00:00", "2026-01-15T11:00:00Z", GUESSED);
	expect("2026-07-01T00:00:00Z", "Jun 15 12:00:00", "2026-06-15T10:00:00Z", GUESSED);
}
END_TEST

START_TEST(an_hour_that_occurs_twice_is_the_one_nearest_to_reception)
{
	use_berlin();
	expect("2025-10-26T00:30:05Z", "Oct 26 02:30:00", "2025-10-26T00:30:00Z", GUESSED);
	expect("2025-10-26T01:30:05Z", "Oct 26 02:30:00", "2025-10-26T01:30:00Z", GUESSED);
}
END_TEST

START_TEST(an_hour_that_does_not_exist_has_the_offset_before_the_change)
{
	use_berlin();
	expect("2025-03-30T01:30:05Z", "Mar 30 02:30:00", "2025-03-30T01:30:00Z", GUESSED);
}
END_TEST

START_TEST(an_hour_with_a_change_inside_is_not_cached)
{
	/* The clock goes from 02:20 to 02:30: both ends of the hour occur once, with different offsets. */
	ck_assert(timezone_from_posix(BYTES("AAA0BBB-0:10,M3.5.0/2:20,M10.5.0"), &zone));
	context = (struct parse_context){.zone = &zone};
	expect("2026-03-29T12:00:00Z", "Mar 29 02:10:00", "2026-03-29T02:10:00Z", GUESSED);
	expect("2026-03-29T12:00:00Z", "Mar 29 02:45:00", "2026-03-29T02:35:00Z", GUESSED);
	expect("2026-03-29T12:00:00Z", "Mar 29 02:10:00", "2026-03-29T02:10:00Z", GUESSED);
}
END_TEST

START_TEST(many_hours_resolve_as_without_the_cache)
{
	/* Reception jumps back and forth over months; a fresh context knows nothing of what came before. */
	use_berlin();
	int64_t begin = seconds_of("2025-11-01T00:00:00Z");
	for (int i = 0; i < 20000; i++) {
		struct timestamp stamp = {.has_time = true,
								  .month = (uint8_t)(1 + i * 7 % 12),
								  .day = (uint8_t)(1 + i * 11 % 28),
								  .hour = (uint8_t)(i * 5 % 24),
								  .minute = (uint8_t)(i % 60),
								  .second = (uint8_t)(i * 3 % 60)};
		struct parse_context fresh = {.zone = &zone};
		struct message cached = {0}, exact = {0};
		context.received_ns = fresh.received_ns = (begin + (int64_t)(i * 7919LL % 4000) * 3607) * CLOCK_NS_PER_SECOND;
		timestamp_resolve(&context, &stamp, &cached);
		timestamp_resolve(&context, &stamp, &cached);
		timestamp_resolve(&fresh, &stamp, &exact);
		ck_assert_int_eq(cached.time.unix_ns, exact.time.unix_ns);
		ck_assert_int_eq(cached.time.offset_minutes, exact.time.offset_minutes);
		ck_assert_uint_eq(cached.flags, exact.flags);
	}
}
END_TEST

/* Where senders of both kinds come, neither drives the other's hour out. */
START_TEST(an_hour_with_a_year_and_the_same_without_are_both_cached)
{
	use_berlin();
	for (int i = 0; i < 3; i++) {
		resolve("2026-10-11T22:14:20Z", "Oct 11 22:14:15");
		resolve("2026-10-11T22:14:20Z", "2026-10-11T22:14:15Z");
	}
	unsigned held = 0;
	for (unsigned i = 0; i < STAMP_CACHE_SLOTS; i++)
		held += context.cache[i].key != 0;
	ck_assert_uint_eq(held, 2);
}
END_TEST

START_TEST(stamps_of_one_hour_in_several_forms_do_not_displace_each_other)
{
	use_berlin();
	context.local_socket = true;
	unsigned remembered = 0;
	resolve("2026-10-11T12:00:10Z", "Oct 11 14:00:00"); /* read as local time and as UTC */
	resolve("2026-10-11T12:00:10Z", "2026-10-11T14:00:00");
	resolve("2026-10-11T12:00:10Z", "2026-10-11T14:00:00Z");
	for (unsigned i = 0; i < STAMP_CACHE_SLOTS; i++)
		remembered += context.cache[i].key != 0;
	ck_assert_uint_eq(remembered, 4); /* with a year and without, by the zone's rules and in UTC */
}
END_TEST

START_TEST(what_nanoseconds_cannot_say_is_not_cached)
{
	struct timestamp stamp;
	bool exact;
	use_berlin();
	context.received_ns = seconds_of("2026-10-11T12:00:00Z") * CLOCK_NS_PER_SECOND;
	for (const char *const *text =
			 (const char *const[]){"9999-01-01T00:00:00Z", "2262-04-11T23:47:30Z", "1677-09-21T00:12:00Z", NULL};
		 *text != NULL; text++) {
		for (int i = 0; i < 2; i++) {
			struct message message = {0};
			ck_assert_uint_gt(timestamp_read_iso(bytes_of_text(*text), &stamp, &exact), 0);
			timestamp_resolve(&context, &stamp, &message);
			ck_assert_uint_eq(message.flags, MESSAGE_TIME_INVALID);
		}
	}
	expect("2026-10-11T12:00:00Z", "2262-04-11T23:47:14Z", "2262-04-11T23:47:14Z", 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timestamp_resolve");
	TCase *tests = tcase_create("timestamp_resolve");
	tcase_add_test(tests, the_year_is_the_latest_that_is_not_more_than_a_week_ahead);
	tcase_add_test(tests, the_border_of_the_year_rule_is_exact_to_the_second);
	tcase_add_test(tests, new_year_is_that_of_the_senders_zone);
	tcase_add_test(tests, the_offset_is_that_of_the_date_not_of_now);
	tcase_add_test(tests, an_hour_that_occurs_twice_is_the_one_nearest_to_reception);
	tcase_add_test(tests, an_hour_that_does_not_exist_has_the_offset_before_the_change);
	tcase_add_test(tests, an_hour_with_a_change_inside_is_not_cached);
	tcase_add_test(tests, many_hours_resolve_as_without_the_cache);
	tcase_add_test(tests, an_hour_with_a_year_and_the_same_without_are_both_cached);
	tcase_add_test(tests, stamps_of_one_hour_in_several_forms_do_not_displace_each_other);
	tcase_add_test(tests, what_nanoseconds_cannot_say_is_not_cached);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
