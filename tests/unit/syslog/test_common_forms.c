/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most programs write has short ways of being read: the usual words of RFC 3164, and stamps in the minute of the one
 * before. Here each line is read by them and by the long ways; both must find the same. Most lines are one or two octets
 * away from the usual form.
 */
#include "syslog/rfc3164.c"

#include "base/clock.h"
#include "fuzz/message_checks.h"

#include <check.h>

enum { LINES = 100000, LINE_MAX_BYTES = 256 };

static const int64_t october = (int64_t)1791756860 * CLOCK_NS_PER_SECOND; /* 2026-10-11T22:14:20Z */

static struct timezone_rules berlin;
static struct parse_context warm; /* has read other lines before */
static uint64_t state = 1;

static unsigned random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state * 0x2545F4914F6CDD1D >> 32) * limit >> 32);
}

static struct parse_context context_of(bool local)
{
	return (struct parse_context){.received_ns = october, .zone = &berlin, .local_socket = local};
}

static void setup(void)
{
	ck_assert(timezone_from_posix(BYTES("CET-1CEST,M3.5.0,M10.5.0/3"), &berlin));
	warm = context_of(false);
}

/* Changes up to `most` octets of the line, mostly into what means something in a header; sometimes it is cut. */
static struct bytes bend(uint8_t *line, size_t len, unsigned most)
{
	static const uint8_t octets[] = " :[]\"=\\-+.%@#_/'{}<>,*|0123456789azAZTMFl\xEF\xBB\xBF\x80\x7f\n\t";
	for (unsigned changes = random_below(most + 1); changes > 0; changes--)
		line[random_below((unsigned)len)] = octets[random_below(sizeof octets)]; /* with its NUL */
	return bytes_of(line, random_below(8) == 0 ? random_below((unsigned)len + 1) : len);
}

static struct bytes make_line(const char *const *lines, size_t count, unsigned most, uint8_t *room)
{
	const char *line = lines[random_below((unsigned)count)];
	memcpy(room, line, strlen(line));
	return bend(room, strlen(line), most);
}

/* Of the same octets at another place: without what may be unreadable behind them. */
static void expect_same(const struct message *a, const struct message *b, struct bytes line)
{
	bool same = a->format == b->format && a->flags == b->flags && a->time.unix_ns == b->time.unix_ns &&
				a->time.offset_minutes == b->time.offset_minutes && a->time.digits == b->time.digits &&
				bytes_equal(a->hostname, b->hostname) && bytes_equal(a->app_name, b->app_name) &&
				bytes_equal(a->procid, b->procid) && bytes_equal(a->msgid, b->msgid) &&
				bytes_equal(a->structured_data, b->structured_data) && bytes_equal(a->msg, b->msg);
	ck_assert_msg(same, "read in two ways: %.*s", (int)line.len, (const char *)line.at);
}

static const char *const legacy_lines[] = {
	"Oct 11 22:14:15 web01.example.net sshd[4711]: Failed password for root from 192.0.2.1 port 54460 ssh2",
	"Oct 11 22:14:59 web01 kernel: eth0: link becomes ready",
	"Oct 11 22:14:07 localhost su[]: to root on /dev/pts/1",
	"Oct  9 04:14:15 mail postfix/smtpd[1]:  two spaces",
	"Oct  9 04:14:00 last message repeated 3 times",
	"Oct  9 04:14:01 lb1 last message repeated 3 times",
	"Oct 11 22:14:15 From web7: sshd[12]: forwarded",
	"Oct 11 22:14:15 Message forwarded from web7: sshd[12]: forwarded",
	"Oct 11 22:14:15 - app[12]: a host that is nil",
	"Oct 11 22:14:15 sun unix: [ID 800047 auth.info] of Solaris and more",
	"Oct 11 22:14:15 web01 app[a]b]: a bracket inside, and more text",
	"Oct 11 22:14:15 web01 CEF:0|vendor|product|1|2|3|4|",
	"Oct 11 22:14:15 web01 @cee: {\"a\": 1, \"b\": \"some text\"}",
	"Oct 11 22:14:15 web01 2026-10-11: a date is no program's name",
	"Feb 30 22:14:15 web01 app[1]: a date that does not exist",
	"Oct 11 22:14:60 web01 app[1]: a leap second that is none here",
	"Oct 11 22:14:15 2026 web01 app[1]: a year behind the stamp",
	"Oct 11 22:14:15 2026 app[1]: a year behind the stamp, and no host",
	"Oct 11 22:14:15 UTC app[1]: a zone behind the stamp, and no host",
	"Oct 11 22:14:15 192.0.2.7 app[1]: an address for a host",
	"Oct 11 22:14:15 2001:db8::7 app[1]: an address of IPv6 for a host",
	"Oct 11 22:14:15 web01 fifteen-letters: a word that ends with a block",
	"Oct 11 22:14:15 web01 app: \xEF\xBB\xBFthe mark of UTF-8 and text",
};

START_TEST(the_usual_words_are_read_as_by_the_long_way)
{
	unsigned in_short = 0;
	for (unsigned i = 0; i < LINES; i++) {
		uint8_t room[LINE_MAX_BYTES];
		struct bytes line = make_line(legacy_lines, sizeof legacy_lines / sizeof *legacy_lines, 2, room);
		struct guarded_bytes copy = guarded_bytes_copy(line);
		struct bytes text = guarded_bytes_view(&copy);
		struct message once = {.flags = 0}, fresh = {.flags = 0}, other = {.flags = 0};
		struct parse_context context = context_of(false);
		in_short += read_common(text, &warm, &other);
		other = (struct message){.flags = 0};
		rfc3164_decode(text, &warm, &once);
		rfc3164_decode(text, &context, &fresh);
		context = context_of(false);
		read_any(text, &context, &other);
		expect_same(&once, &other, line);
		expect_same(&fresh, &other, line);
		guarded_bytes_free(&copy);
	}
	ck_assert_uint_gt(in_short, LINES / 10);
	ck_assert_uint_lt(in_short, LINES / 2);
}
END_TEST

START_TEST(words_have_the_longest_that_they_have_by_the_long_way)
{
	static const struct {
		const char *form;
		int longest;
	} words[] = {{"Oct 11 22:14:15 %.*s app[1]: a long hostname before it", RFC3164_HOSTNAME_MAX_BYTES},
				 {"Oct 11 22:14:15 web01 %.*s[1]: a long tag before its number", RFC3164_TAG_MAX_BYTES},
				 {"Oct 11 22:14:15 web01 app[%.*s]: a long number before it", RFC3164_PROCID_MAX_BYTES}};
	char word[512], line[1024];
	memset(word, 'w', sizeof word);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		for (int len = words[i].longest - 1; len <= words[i].longest + 2; len++) {
			struct bytes text = bytes_of(line, (size_t)snprintf(line, sizeof line, words[i].form, len, word));
			struct message by_short = {.flags = 0}, by_long = {.flags = 0};
			struct parse_context context = context_of(false);
			read_any(text, &context, &by_long);
			rfc3164_decode(text, &warm, &by_short);
			expect_same(&by_short, &by_long, text);
			ck_assert(read_common(text, &warm, &by_short) == (len <= words[i].longest));
		}
	}
}
END_TEST

static const char *const stamps[] = {
	"<165>1 2026-10-11T22:14:15.003Z web01 app 4711 ID47 [a@1 b=\"c\"] text and more",
	"<165>1 2026-10-11T22:14:15.123456+02:00 web01 app 4711 ID47 - text and more of it",
	"<165>1 2026-10-11T22:14:15.123456+00:00 web01 app 4711 ID47 - text and more of it",
	"<165>1 2026-10-11T22:14:15Z web01 app 4711 - - text without a fraction",
	"<165>1 2026-10-11T22:14:15-11:30 web01 app 4711 - - text without a fraction",
	"<165>1 2026-10-11T22:14:60Z web01 app 4711 - - text without a fraction",
	"<165>1 2026-10-11T22:14:15.1234567Z web01 app 4711 - - too many digits",
	"<165>1 2026-10-11 22:14:15.1Z web01 app 4711 - - no letter before the time",
	"<165>1 2026-10-11T22:14:15.5 web01 app 4711 - - no zone at all",
	"<165>1  2026-10-11T22:14:15.5Z web01 app 4711 - - two spaces",
	"<165>1 2026-10-25T02:14:15.5Z web01 app 4711 - - near a change of the zone",
	"<165>1 - a b c",
	"<38>Oct 11 22:14:15 web01 sshd[4711]: a legacy stamp and text",
	"<38>Oct 25 02:14:15 web01 sshd[4711]: an hour that comes twice",
};

START_TEST(a_stamp_in_the_minute_of_the_last_one_is_read_as_by_the_long_way)
{
	for (unsigned i = 0; i < LINES; i++) {
		uint8_t room[LINE_MAX_BYTES];
		struct bytes line = make_line(stamps, sizeof stamps / sizeof *stamps, 2, room);
		struct guarded_bytes copy = guarded_bytes_copy(line);
		struct bytes text = guarded_bytes_view(&copy);
		struct parse_context fresh = context_of(false);
		struct message by_minute, alone;
		parse_message(text, &warm, &by_minute);
		parse_message(text, &fresh, &alone);
		expect_same(&by_minute, &alone, line);
		ck_assert_uint_eq(by_minute.pri, alone.pri);
		guarded_bytes_free(&copy);
	}
}
END_TEST

static int64_t time_of(struct parse_context *context, const char *line)
{
	struct message message;
	parse_message(bytes_of_text(line), context, &message);
	return message.time.unix_ns;
}

/* The year that a stamp does not say depends on when it came: what was remembered must not outlive that. */
START_TEST(a_minute_is_forgotten_when_reception_has_moved_on)
{
	static const char line[] = "<38>Oct 11 22:14:15 web01 sshd[4711]: a legacy stamp and text";
	const int64_t year = (int64_t)365 * 86400 * CLOCK_NS_PER_SECOND;
	struct parse_context context = context_of(false);
	int64_t then = time_of(&context, line);
	ck_assert_int_eq(time_of(&context, line), then);
	context.received_ns += year;
	ck_assert_int_eq(time_of(&context, line), then + year);
	context.received_ns -= 2 * year;
	ck_assert_int_eq(time_of(&context, line), then - year);
}
END_TEST

/* What the C library wrote is read in two zones, whatever was remembered. */
START_TEST(a_local_programs_stamp_is_read_in_both_zones_each_time)
{
	struct parse_context context = context_of(true);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(time_of(&context, "<38>Oct 11 22:14:15 sshd[4711]: UTC"), october - 5 * CLOCK_NS_PER_SECOND);
		context.received_ns -= 60 * CLOCK_NS_PER_SECOND;
		ck_assert_int_eq(time_of(&context, "<38>Oct 12 00:13:15 sshd[4711]: local"), october - 65 * CLOCK_NS_PER_SECOND);
		context.received_ns += 60 * CLOCK_NS_PER_SECOND;
	}
}
END_TEST

/* The C library writes no HOSTNAME: the words of a local program's text must become none, usual as they look. */
START_TEST(a_local_programs_words_are_no_hostname)
{
	struct parse_context context = context_of(true);
	struct message message;
	for (int i = 0; i < 3; i++) {
		parse_message(BYTES("<38>Oct 11 22:14:15 warning disk1: nearly full, and nobody has looked"), &context, &message);
		ck_assert_uint_eq(message.hostname.len, 0);
		ck_assert_uint_eq(message.app_name.len, 0);
		ck_assert(bytes_equal(message.msg, BYTES("warning disk1: nearly full, and nobody has looked")));
		ck_assert_uint_ne(message.flags & MESSAGE_HOST_ABSENT, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("common_forms");
	TCase *tests = tcase_create("common_forms");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, the_usual_words_are_read_as_by_the_long_way);
	tcase_add_test(tests, words_have_the_longest_that_they_have_by_the_long_way);
	tcase_add_test(tests, a_stamp_in_the_minute_of_the_last_one_is_read_as_by_the_long_way);
	tcase_add_test(tests, a_minute_is_forgotten_when_reception_has_moved_on);
	tcase_add_test(tests, a_local_programs_stamp_is_read_in_both_zones_each_time);
	tcase_add_test(tests, a_local_programs_words_are_no_hostname);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
