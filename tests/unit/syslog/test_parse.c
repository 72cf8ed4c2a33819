/* SPDX-License-Identifier: Apache-2.0 */
/* What the corpus cannot say: ends, limits, and the reader's state between messages. */
#include "syslog/parse.h"

#include "support/guarded_bytes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct parse_context context;

static void expect_trimmed(struct bytes raw, size_t len)
{
	ck_assert_uint_eq(parse_trim(raw).len, len);
}

START_TEST(lf_and_nul_are_trimmed_and_one_cr_before_them)
{
	expect_trimmed(BYTES("x\n\0\n"), 1);
	expect_trimmed(BYTES("x\r\n"), 1);
	expect_trimmed(BYTES("x\r\r\n"), 2);
	expect_trimmed(BYTES("x\r"), 2);
	expect_trimmed(BYTES("\n\n"), 0);
	expect_trimmed(BYTES("\r\n"), 0);
	expect_trimmed(BYTES("x\ny"), 3);
	expect_trimmed(bytes_of(NULL, 0), 0);
}
END_TEST

START_TEST(octets_are_judged_wherever_they_stand)
{
	/* Whole eights, the last eight again, and fewer than eight take different ways. */
	for (size_t len = 1; len < 40; len++) {
		for (size_t at = 0; at < len; at++) {
			struct guarded_bytes raw = guarded_bytes_room(len);
			struct message message;
			memset(raw.at, 'x', len);
			raw.at[at] = 0xff;
			parse_message(guarded_bytes_view(&raw), &context, &message);
			ck_assert_uint_eq(message.flags & (MESSAGE_NOT_UTF8 | MESSAGE_NUL), MESSAGE_NOT_UTF8);
			raw.at[at] = 1;
			parse_message(guarded_bytes_view(&raw), &context, &message);
			ck_assert_uint_eq(message.flags & (MESSAGE_NOT_UTF8 | MESSAGE_NUL), 0);
			raw.at[at] = 0;
			parse_message(guarded_bytes_view(&raw), &context, &message);
			/* At the end it is trimmed, at the begin it is text, as no PRI follows. */
			ck_assert_uint_eq(message.flags & (MESSAGE_NOT_UTF8 | MESSAGE_NUL), at + 1 < len ? MESSAGE_NUL : 0);
			guarded_bytes_free(&raw);
		}
	}
}
END_TEST

START_TEST(junk_without_a_pri_behind_it_is_text)
{
	struct message message;
	parse_message(BYTES("\n\xef\xbb\xbf text"), &context, &message);
	ck_assert(bytes_equal(message.msg, BYTES("\n\xef\xbb\xbf text")));
}
END_TEST

START_TEST(a_message_does_not_depend_on_the_one_before)
{
	struct message first, again;
	struct bytes raw = BYTES("<38>Oct 11 22:14:15 web01 sshd[1]: x");
	context.received_ns = 1791756860000000000;
	parse_message(raw, &context, &first);
	parse_message(BYTES("<165>1 2026-10-11T22:14:15Z m ev 77 ID47 [x@1 a=\"1\"] \xef\xbb\xbfhello"), &context, &again);
	parse_message(raw, &context, &again);
	ck_assert_uint_eq(again.flags, first.flags);
	ck_assert_int_eq(again.time.unix_ns, first.time.unix_ns);
	ck_assert_uint_eq(again.msgid.len + again.structured_data.len, 0);
	ck_assert(bytes_equal(again.msg, first.msg));
}
END_TEST

START_TEST(limits_of_legacy_words_are_kept)
{
	char text[1024];
	struct message message;
	/* HOSTNAME of 255 and 256 octets, then APP-NAME and PROCID likewise. */
	static const struct {
		int host, tag, pid;
		bool has_host, has_tag;
	} cases[] = {
		{255, 3, 3, true, true},  {256, 3, 3, false, false}, {3, 255, 3, true, true},
		{3, 256, 3, true, false}, {3, 3, 128, true, true},   {3, 3, 129, true, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int len = snprintf(text, sizeof text, "<38>Oct 11 22:14:15 %0*d %0*d[%0*d]: x", cases[i].host, 0, cases[i].tag,
						   0, cases[i].pid, 0);
		parse_message(bytes_of(text, (size_t)len), &context, &message);
		ck_assert_uint_eq(message.hostname.len, cases[i].has_host ? (size_t)cases[i].host : 0);
		ck_assert_uint_eq(message.app_name.len, cases[i].has_tag ? (size_t)cases[i].tag : 0);
	}
}
END_TEST

START_TEST(every_flag_has_its_name)
{
	ck_assert_str_eq(message_flag_name(MESSAGE_PRI_ABSENT), "pri-absent");
	ck_assert_str_eq(message_flag_name(MESSAGE_ZONE_GUESSED), "zone-guessed");
	ck_assert_str_eq(message_flag_name(MESSAGE_TRUNCATED), "truncated");
	ck_assert_str_eq(message_flag_name(MESSAGE_TIME_PRECISION), "time-precision");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parse");
	TCase *tests = tcase_create("parse");
	tcase_add_test(tests, lf_and_nul_are_trimmed_and_one_cr_before_them);
	tcase_add_test(tests, octets_are_judged_wherever_they_stand);
	tcase_add_test(tests, junk_without_a_pri_behind_it_is_text);
	tcase_add_test(tests, a_message_does_not_depend_on_the_one_before);
	tcase_add_test(tests, limits_of_legacy_words_are_kept);
	tcase_add_test(tests, every_flag_has_its_name);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
