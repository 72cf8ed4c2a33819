/* SPDX-License-Identifier: Apache-2.0 */
/* Writing with a trailer, and what only shows from call to call. The rest stands in test_frame_choice.c. */
#include "frame/non_transparent_framing.h"

#include "support/guarded_bytes.h"

#include <check.h>
#include <stdlib.h>

static void check_written(struct bytes message, uint8_t replacement, struct bytes expected, uint64_t expected_replaced)
{
	struct guarded_bytes room = guarded_bytes_room(message.len + 1);
	uint64_t replaced = 5;
	size_t len = non_transparent_write(message, replacement, room.at, &replaced);
	ck_assert(bytes_equal(bytes_of(room.at, len), expected));
	ck_assert_uint_eq(replaced, 5 + expected_replaced);
	guarded_bytes_free(&room);
}

START_TEST(writer_appends_lf)
{
	check_written(BYTES("<38>a"), ' ', BYTES("<38>a\n"), 0);
	check_written(BYTES(""), ' ', BYTES("\n"), 0);
}
END_TEST

START_TEST(writer_replaces_each_lf_and_counts_it)
{
	check_written(BYTES("a\nb\n\nc\n"), ' ', BYTES("a b  c \n"), 4);
	check_written(BYTES("a\nb"), '\t', BYTES("a\tb\n"), 1);
}
END_TEST

START_TEST(writer_leaves_other_octets_alone)
{
	check_written(BYTES("a\r\0\x80z"), ' ', BYTES("a\r\0\x80z\n"), 0);
}
END_TEST

/* Octets are copied by blocks: neither the message's end nor that of the room may be passed. */
START_TEST(writer_finds_an_lf_anywhere_in_a_message_of_any_length)
{
	enum { LONGEST = 100 };
	for (size_t len = 0; len <= LONGEST; len++) {
		for (size_t at = 0; at <= len; at++) {
			uint8_t text[LONGEST + 1], expected[LONGEST + 1];
			for (size_t i = 0; i < len; i++)
				text[i] = expected[i] = (uint8_t)("\x8A\x0B\x09z"[i % 4]);
			text[at] = '\n'; /* at == len: behind its end */
			expected[at] = ' ';
			expected[len] = '\n';
			struct guarded_bytes message = guarded_bytes_copy(bytes_of(text, len));
			check_written(bytes_of(message.at, len), ' ', bytes_of(expected, len + 1), at < len);
			guarded_bytes_free(&message);
		}
	}
}
END_TEST

START_TEST(octets_without_a_trailer_are_searched_once)
{
	struct non_transparent reader;
	struct frame frame;
	non_transparent_init(&reader, 1000, NON_TRANSPARENT_NETWORK, NON_TRANSPARENT_NO_DELIMITER);
	ck_assert_int_eq(non_transparent_next(&reader, BYTES("<38>abc"), &frame), FRAME_INCOMPLETE);
	ck_assert_uint_eq(frame.consumed, 0);
	ck_assert_uint_eq(reader.scanned, 7);
	/* A NUL at the end must be seen again: the next octet says what it is. */
	ck_assert_int_eq(non_transparent_next(&reader, BYTES("<38>abcd\0"), &frame), FRAME_INCOMPLETE);
	ck_assert_uint_eq(reader.scanned, 8);
	ck_assert_int_eq(non_transparent_next(&reader, BYTES("<38>abcd\0<"), &frame), FRAME_COMPLETE);
	ck_assert_uint_eq(frame.consumed, 9);
	ck_assert_uint_eq(reader.scanned, 0);
}
END_TEST

/* Short messages that NUL ends, and no LF far and wide: what is far behind, here unreadable, is not searched for each. */
START_TEST(what_is_far_behind_a_trailer_is_not_searched)
{
	enum { READABLE = 4096, FAR = 65536, MESSAGES = 1000 };
	struct guarded_bytes octets = guarded_bytes_room(READABLE);
	for (size_t i = 0; i < READABLE; i++)
		octets.at[i] = i % 2 == 0 ? '<' : (uint8_t)_i;
	struct non_transparent reader;
	struct frame frame;
	non_transparent_init(&reader, FAR, NON_TRANSPARENT_NETWORK, _i == '\0' ? NON_TRANSPARENT_NO_DELIMITER : _i);
	for (size_t i = 0; i < MESSAGES; i++) {
		ck_assert_int_eq(non_transparent_next(&reader, bytes_of(octets.at + 2 * i, FAR), &frame), FRAME_COMPLETE);
		ck_assert(bytes_equal(frame.message, BYTES("<")));
	}
	guarded_bytes_free(&octets);
}
END_TEST

/* The search goes in pieces: no trailer and no NUL may be lost, or taken for another, where two of them meet. */
START_TEST(a_trailer_is_found_wherever_it_stands)
{
	enum { LONGEST = 3000 };
	static uint8_t text[LONGEST + 2];
	memset(text, 'x', sizeof text);
	for (size_t at = 1; at < LONGEST; at++) {
		struct non_transparent reader;
		struct frame frame;
		non_transparent_init(&reader, LONGEST, NON_TRANSPARENT_NETWORK, NON_TRANSPARENT_NO_DELIMITER);
		text[at] = '\n';
		ck_assert_int_eq(non_transparent_next(&reader, bytes_of(text, at + 1), &frame), FRAME_COMPLETE);
		ck_assert_uint_eq(frame.message.len, at);
		text[at] = '\0';
		ck_assert_int_eq(non_transparent_next(&reader, bytes_of(text, at + 1), &frame), FRAME_INCOMPLETE);
		ck_assert_uint_eq(reader.scanned, at);
		text[at + 1] = '<';
		ck_assert_int_eq(non_transparent_next(&reader, bytes_of(text, at + 2), &frame), FRAME_COMPLETE);
		ck_assert_uint_eq(frame.message.len, at);
		text[at] = text[at + 1] = 'x';
	}
}
END_TEST

/* Whoever is told so does not look again: one octet of another kind, wherever it stands, must not be called ASCII. */
START_TEST(only_what_is_ascii_without_nul_is_said_to_be)
{
	enum { LONGEST = 100 };
	static const uint8_t strange[] = {'\0', 1, '\t', 0x80, 0xC3, 0xFF};
	uint8_t text[LONGEST + 1];
	struct non_transparent reader;
	struct frame frame;
	for (size_t len = 1; len <= LONGEST; len++) {
		memset(text, 'x', sizeof text);
		text[len] = '\n';
		non_transparent_init(&reader, LONGEST, NON_TRANSPARENT_NETWORK, NON_TRANSPARENT_NO_DELIMITER);
		ck_assert_int_eq(non_transparent_next(&reader, bytes_of(text, len + 1), &frame), FRAME_COMPLETE);
		ck_assert(frame.is_plain);
		struct bytes line;
		ck_assert_uint_eq(non_transparent_line(&reader, bytes_of(text, len + 1), &line), len + 1);
		ck_assert_uint_eq(line.len, len);
		for (size_t at = 1; at < len; at++) {
			text[at] = strange[(at + len) % sizeof strange];
			ck_assert_int_eq(non_transparent_next(&reader, bytes_of(text, len + 1), &frame), FRAME_COMPLETE);
			ck_assert(!frame.is_plain && frame.message.len == len);
			ck_assert_uint_eq(non_transparent_line(&reader, bytes_of(text, len + 1), &line), 0);
			ck_assert_uint_eq(reader.scanned, at);
			reader.scanned = 0;
			text[at] = 'x';
		}
	}
}
END_TEST

/* What was searched by an earlier call is not known any more. */
START_TEST(what_came_in_two_parts_is_not_said_to_be_ascii)
{
	struct non_transparent reader;
	struct frame frame;
	struct bytes whole = BYTES("<13>\xC3\xBC, and then nothing but ASCII up to the end of the message\n");
	non_transparent_init(&reader, 100, NON_TRANSPARENT_NETWORK, NON_TRANSPARENT_NO_DELIMITER);
	ck_assert_int_eq(non_transparent_next(&reader, bytes_first(whole, 10), &frame), FRAME_INCOMPLETE);
	ck_assert_int_eq(non_transparent_next(&reader, whole, &frame), FRAME_COMPLETE);
	ck_assert(!frame.is_plain && frame.message.len == whole.len - 1);
}
END_TEST

START_TEST(rest_of_an_oversized_message_is_consumed_as_it_comes)
{
	struct non_transparent reader;
	struct frame frame;
	non_transparent_init(&reader, 4, NON_TRANSPARENT_NETWORK, NON_TRANSPARENT_NO_DELIMITER);
	ck_assert_int_eq(non_transparent_next(&reader, BYTES("abcdefghijkl"), &frame), FRAME_COMPLETE);
	ck_assert(frame.truncated && bytes_equal(frame.message, BYTES("abcd")));
	ck_assert_int_eq(non_transparent_next(&reader, BYTES("hijkl"), &frame), FRAME_INCOMPLETE);
	ck_assert_uint_eq(frame.consumed, 5);
	ck_assert_int_eq(non_transparent_next(&reader, BYTES("mn\nx\n"), &frame), FRAME_COMPLETE);
	ck_assert(!frame.truncated && bytes_equal(frame.message, BYTES("x")));
	ck_assert_uint_eq(frame.consumed, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("non_transparent_framing");
	TCase *all = tcase_create("non_transparent_framing");
	tcase_add_test(all, writer_appends_lf);
	tcase_add_test(all, writer_replaces_each_lf_and_counts_it);
	tcase_add_test(all, writer_leaves_other_octets_alone);
	tcase_add_test(all, writer_finds_an_lf_anywhere_in_a_message_of_any_length);
	tcase_add_test(all, octets_without_a_trailer_are_searched_once);
	tcase_add_loop_test(all, what_is_far_behind_a_trailer_is_not_searched, 0, 2);
	tcase_add_test(all, a_trailer_is_found_wherever_it_stands);
	tcase_add_test(all, only_what_is_ascii_without_nul_is_said_to_be);
	tcase_add_test(all, what_came_in_two_parts_is_not_said_to_be_ascii);
	tcase_add_test(all, rest_of_an_oversized_message_is_consumed_as_it_comes);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
