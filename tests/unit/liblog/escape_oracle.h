/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping by blocks (escape.h) held against the same octet by octet, on texts of all lengths and mixtures. Included by
 * a test with the processor's vectors and by one with the portable form of octets.h.
 */
#ifndef TESTS_ESCAPE_ORACLE_H
#define TESTS_ESCAPE_ORACLE_H

#include <check.h>
#include <liblog/line.h>
#include <liblog/rfc5424.h>
#include <stdlib.h>

/* The writers again, as this file's includer has chosen octets.h; the library's own have other names. */
#define slog_json_string tested_json_string
#define slog_json_string_is_plain tested_json_string_is_plain
#include "json.c"
#undef slog_json_string
#undef slog_json_string_is_plain

enum { ORACLE_TEXT_MAX = 80, ORACLE_ROUNDS = 40000, ORACLE_OUT = 7 * ORACLE_TEXT_MAX };

static uint32_t oracle_state = 1;

static uint32_t oracle_random(uint32_t below)
{
	oracle_state = oracle_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)oracle_state * below >> 32);
}

/* A text of pieces that are right, nearly right, and wrong. Returns its length. */
static size_t oracle_text(char text[ORACLE_TEXT_MAX])
{
	static const char *const pieces[] = {
		"a", "word", "\"", "\\", "\n", "\x1B", "\x7F", "]", " ", "\xC3\xA9", "\xD0\x96", "\xE4\xB8\xAD", "\xE2\x82\xAC",
		"\xE2\x90\x8A", "\xE2\x90\xA0", "\xE0\xA4\x84", "\xE0\x9F\xBF", "\xED\x9F\xBF", "\xED\xA0\x80", "\xEE\xBE\x80",
		"\xEE\xBD\xBF", "\xEF\xBF\xBF", "\xF0\x9F\x98\x80", "\xF0\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF", "\xF4\x90\x80\x80",
		"\xC0\xAF", "\xC1\xBF", "\xF5\x80\x80\x80", "\xFF", "\x80", "\xBF", "\xC3", "\xE4\xB8", "\xF0\x9F\x98",
	};
	size_t wanted = oracle_random(ORACLE_TEXT_MAX);
	uint32_t all = sizeof pieces / sizeof *pieces;
	uint32_t few = 1 + oracle_random(all); /* kinds of pieces in this text */
	uint32_t first = oracle_random(all - few + 1);
	size_t length = 0;
	for (;;) {
		const char *piece = pieces[first + oracle_random(few)];
		size_t piece_length = strlen(piece);
		if (oracle_random(64) == 0) {
			text[length++] = (char)oracle_random(256);
		} else {
			if (length + piece_length > wanted)
				return length;
			memcpy(text + length, piece, piece_length);
			length += piece_length;
		}
		if (length >= wanted)
			return wanted;
	}
}

/* One octet, or one character, at a time: what there is to write is asked for with no room for more. */
static size_t oracle_json(char out[ORACLE_OUT], const char *bytes, size_t length)
{
	size_t written = 0;
	for (size_t at = 0; at < length;) {
		size_t used = 1;
		if ((unsigned char)bytes[at] < 0x80) {
			const struct slog_escape *escape = &escapes[(unsigned char)bytes[at]];
			memcpy(out + written, escape->text, escape->length);
			written += escape->length;
		} else {
			written += put_character(out + written, bytes + at, length - at, &used);
		}
		at += used;
	}
	return written;
}

START_TEST(blocks_are_escaped_as_octets_are)
{
	for (int i = 0; i < ORACLE_ROUNDS; i++) {
		char text[ORACLE_TEXT_MAX], out[ORACLE_OUT], expected[ORACLE_OUT];
		size_t length = oracle_text(text);
		/* On the heap, so that a sanitizer sees what is read outside of it. */
		char *bytes = malloc(length + 1);
		memcpy(bytes, text, length);
		bytes = realloc(bytes, length > 0 ? length : 1);
		size_t taken;
		size_t wanted = oracle_json(expected, text, length);
		size_t written = tested_json_string(out, sizeof out, bytes, length, &taken);
		ck_assert_uint_eq(taken, length);
		ck_assert_uint_eq(written, wanted);
		ck_assert_mem_eq(out, expected, written);
		free(bytes);
	}
}
END_TEST

/* A full room ends the text at a whole character, and the rest goes on from there. */
START_TEST(any_room_gives_the_same_text_in_parts)
{
	for (int i = 0; i < ORACLE_ROUNDS / 10; i++) {
		char text[ORACLE_TEXT_MAX], out[ORACLE_OUT], expected[ORACLE_OUT];
		size_t length = oracle_text(text);
		size_t wanted = oracle_json(expected, text, length);
		size_t room = 6 + oracle_random(300);
		size_t written = 0;
		for (size_t at = 0; at < length;) {
			char *part = malloc(room);
			size_t taken;
			size_t n = tested_json_string(part, room, text + at, length - at, &taken);
			ck_assert_uint_gt(taken, 0);
			memcpy(out + written, part, n);
			written += n;
			at += taken;
			free(part);
		}
		ck_assert_uint_eq(written, wanted);
		ck_assert_mem_eq(out, expected, written);
	}
}
END_TEST

/* STRUCTURED-DATA and MSG, too: with little room every character is written by its rule, with much by blocks. */
START_TEST(sd_is_the_same_with_little_room_and_with_much)
{
	static slog_escape_fn *const writers[] = {slog_rfc5424_value, slog_rfc5424_msg};
	for (int i = 0; i < ORACLE_ROUNDS; i++) {
		char text[ORACLE_TEXT_MAX], out[ORACLE_OUT], expected[ORACLE_OUT];
		size_t length = oracle_text(text);
		slog_escape_fn *writer = writers[i % 2];
		size_t wanted = 0;
		size_t taken;
		for (size_t at = 0; at < length; at += taken)
			wanted += writer(expected + wanted, SLOG_ESCAPE_TEXT, text + at, length - at, &taken);
		size_t written = writer(out, sizeof out, text, length, &taken);
		ck_assert_uint_eq(taken, length);
		ck_assert_uint_eq(written, wanted);
		ck_assert_mem_eq(out, expected, written);
	}
}
END_TEST

/* Both forms of octets.h are held against each other by what they are for: which octets must be looked at. */
START_TEST(every_octet_at_every_place_is_told)
{
	static const char *const more[] = {"", "\"\\", "\"\\]", "\"\\]%/=[~. "};
	for (size_t s = 0; s < 4; s++)
		for (unsigned octet = 0; octet < 256; octet++)
			for (size_t length = 1; length < 36; length++)
				for (size_t place = 0; place < length; place++) {
					char text[40], out[40 + SLOG_OCTETS_BLOCK];
					memset(text, 'x', sizeof text);
					text[place] = (char)octet;
					bool is_special = octet < 0x20 || octet >= 0x7F || (octet != 0 && strchr(more[s], (int)octet) != NULL);
					bool is_copied = s == 0   ? slog_octets_copy(out, text, length, SLOG_OCTETS_MSG)
					                 : s == 1 ? slog_octets_copy(out, text, length, SLOG_OCTETS_JSON)
					                 : s == 2 ? slog_octets_copy(out, text, length, SLOG_OCTETS_PARAM)
					                          : slog_octets_copy(out, text, length, SLOG_OCTETS_NAME);
					if (is_copied == is_special || (is_copied && memcmp(out, text, length) != 0))
						ck_abort_msg("octet %u at %zu of %zu, set %zu", octet, place, length, s);
				}
}
END_TEST

static int oracle_main(const char *name)
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, blocks_are_escaped_as_octets_are);
	tcase_add_test(tests, any_room_gives_the_same_text_in_parts);
	tcase_add_test(tests, sd_is_the_same_with_little_room_and_with_much);
	tcase_add_test(tests, every_octet_at_every_place_is_told);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
