/* SPDX-License-Identifier: Apache-2.0 */
/* What the corpus cannot say: ends, limits, and the reader's state between messages. */
#include "syslog/parse.h"

#include "support/guarded_bytes.h"
#include "syslog/legacy_words.h"
#include "syslog/rfc5424.h"

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
	/* Whole blocks, the last ones again, and fewer than two take different ways. */
	for (size_t len = 1; len < 100; len++) {
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

/* HOSTNAME of each length with each octet in it, before little or much text. */
static void expect_hostname(size_t len, size_t at, unsigned octet, size_t behind)
{
	static const char before[] = "<13>1 - ", between[] = " a b c - ";
	char text[512];
	struct message message;
	uint8_t *word = (uint8_t *)text + sizeof before - 1;
	memcpy(text, before, sizeof before);
	memset(word, 'h', len);
	word[at] = (uint8_t)octet;
	memcpy(word + len, between, sizeof between - 1);
	memset(word + len + sizeof between - 1, 'm', behind);
	struct guarded_bytes raw =
		guarded_bytes_copy(bytes_of(text, sizeof before - 1 + len + sizeof between - 1 + behind));
	parse_message(guarded_bytes_view(&raw), &context, &message);
	bool fits = octet > 32 && octet < 127 && len <= RFC5424_HOSTNAME_MAX_BYTES;
	bool nil = len == 1 && octet == '-';
	ck_assert_msg(message.format == (fits ? MESSAGE_FORMAT_RFC5424 : MESSAGE_FORMAT_NEAR_RFC5424),
				  "octet %u at %zu of %zu", octet, at, len);
	ck_assert_uint_eq(message.flags & MESSAGE_FIELD_INVALID, fits ? 0 : MESSAGE_FIELD_INVALID);
	ck_assert_uint_eq(message.hostname.len, nil ? 0 : len);
	ck_assert(bytes_equal(message.procid, BYTES("b")));
	ck_assert_uint_eq(message.msg.len, behind);
	guarded_bytes_free(&raw);
}

START_TEST(each_octet_of_a_header_field_is_judged)
{
	for (size_t len = 1; len < 20; len++)
		for (size_t at = 0; at < len; at++)
			for (unsigned octet = 0; octet < 256; octet++)
				if (octet != ' ')
					expect_hostname(len, at, octet, octet % 2 * 40);
	expect_hostname(RFC5424_HOSTNAME_MAX_BYTES, 0, 'x', 40);
	expect_hostname(RFC5424_HOSTNAME_MAX_BYTES + 1, 0, 'x', 40);
}
END_TEST

/* The octets of a class as a text, for what the reader asks of sixteen at a time. */
static bool is_one_of(unsigned octet, const char *others)
{
	return (octet >= '0' && octet <= '9') || ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z') ||
		   (octet != 0 && octet < 128 && strchr(others, (int)octet) != NULL);
}

START_TEST(each_octet_of_a_legacy_word_is_judged)
{
	for (size_t len = 1; len < 36; len++) {
		struct guarded_bytes text = guarded_bytes_room(len);
		for (size_t at = 0; at < len; at++) {
			for (unsigned octet = 0; octet < 256; octet++) {
				struct message message = {.app_name = {NULL, 0}};
				memset(text.at, 'w', len);
				text.at[at] = (uint8_t)octet;
				bool in_host = is_one_of(octet, "#-./@_"),
					 in_tag = octet > 127 || is_one_of(octet, "!#$%&'()*+-./;<>?@\\]^_`|}~");
				ck_assert_uint_eq(legacy_hostname_len(guarded_bytes_view(&text)), in_host ? len : at);
				/* Without ":" no TAG: give it one behind. */
				text.at[len - 1] = at == len - 1 ? (uint8_t)octet : ':';
				size_t tag_len = legacy_tag_read(guarded_bytes_view(&text), false, &message);
				if (at == len - 1 ? octet == ':' && at > 0 : in_tag)
					ck_assert_uint_eq(tag_len, len);
				else if (octet != ':')
					ck_assert_msg(tag_len == 0, "octet %u at %zu of %zu", octet, at, len);
			}
		}
		guarded_bytes_free(&text);
	}
}
END_TEST

START_TEST(each_octet_of_a_procid_is_judged)
{
	for (size_t len = 1; len < 36; len++) {
		struct guarded_bytes text = guarded_bytes_room(len + 3);
		for (size_t at = 0; at < len; at++) {
			for (unsigned octet = 0; octet < 256; octet++) {
				struct message message = {.app_name = {NULL, 0}};
				memset(text.at, 'p', len + 3);
				text.at[1] = '[';
				text.at[2 + at] = (uint8_t)octet;
				text.at[2 + len] = ']';
				bool fits = octet > 32 && octet != 127;
				/* A "]" ends it only before ":", SP or the end. */
				ck_assert_uint_eq(legacy_tag_read(guarded_bytes_view(&text), false, &message), fits ? text.len : 0);
				ck_assert_uint_eq(message.procid.len, fits ? len : 0);
			}
		}
		guarded_bytes_free(&text);
	}
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
	tcase_add_test(tests, each_octet_of_a_header_field_is_judged);
	tcase_add_test(tests, each_octet_of_a_legacy_word_is_judged);
	tcase_add_test(tests, each_octet_of_a_procid_is_judged);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
