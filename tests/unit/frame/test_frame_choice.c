/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing of a TCP stream, found frame by frame. F01 to F22 are the inputs at which two widely used relays lose or
 * mangle messages; here stands what we make of each.
 */
#include "framer_feed.h"

#include <stdlib.h>

enum { LIMIT = 100 };

#define NO_DELIMITER NON_TRANSPARENT_NO_DELIMITER
#define MSG31        "<38>Oct 11 22:14:15 h app: one1"
_Static_assert(sizeof MSG31 - 1 == 31, "the counts in the inputs below");

static enum framing check_auto(struct bytes input, const char *expected)
{
	return framer_feed_check(FRAME_MODE_AUTO, LIMIT, NO_DELIMITER, input, expected);
}

START_TEST(f01_counted_frames_are_cut_by_their_count)
{
	enum framing seen = check_auto(BYTES("31 " MSG31 "31 " MSG31), "[" MSG31 "][" MSG31 "]");
	ck_assert_int_eq(seen, FRAMING_OCTET_COUNTING);
}
END_TEST

START_TEST(f02_counted_frames_may_be_split_at_every_octet)
{
	/* Splitting is what every test here does; this one also splits the count itself, in a frame of three digits. */
	check_auto(BYTES("5 <1>ab12 <2>cdefghijk4 <3>l"), "[<1>ab][<2>cdefghijk][<3>l]");
}
END_TEST

START_TEST(f03_lf_inside_a_counted_frame_is_data)
{
	check_auto(BYTES("8 <1>a\nb\nc5 <2>de"), "[<1>a\\nb\\nc][<2>de]");
}
END_TEST

START_TEST(f04_lf_inside_the_count_is_a_trailer)
{
	check_auto(BYTES("32 " MSG31 "\n32 " MSG31 "\n"), "[" MSG31 "][" MSG31 "]");
	check_auto(BYTES("7 <1>ab\r\n5 <2>cd"), "[<1>ab][<2>cd]");
}
END_TEST

START_TEST(f05_lf_after_the_count_is_dropped)
{
	check_auto(BYTES("31 " MSG31 "\n31 " MSG31 "\n"), "[" MSG31 "][" MSG31 "]");
}
END_TEST

START_TEST(f06_leading_zero_is_no_count)
{
	enum framing seen = check_auto(BYTES("031 " MSG31 "\n<38>b\n"), "[031 " MSG31 "][<38>b]");
	ck_assert_int_eq(seen, FRAMING_NON_TRANSPARENT);
}
END_TEST

START_TEST(f07_eleven_digits_are_text)
{
	check_auto(BYTES("12345678901 <38>a\n<38>b\n"), "[12345678901 <38>a][<38>b]");
}
END_TEST

START_TEST(f08_length_zero_is_text)
{
	check_auto(BYTES("0 31 <38>a\n<38>b\n"), "[0 31 <38>a][<38>b]");
}
END_TEST

START_TEST(f09_counted_frame_cut_off_at_close_is_kept_and_flagged)
{
	check_auto(BYTES("5 <1>ab100 <2>only this"), "[<1>ab][<2>only this]~");
}
END_TEST

START_TEST(f10_lf_frames_end_at_lf)
{
	enum framing seen = check_auto(BYTES("<38>a\n<38>b\n"), "[<38>a][<38>b]");
	ck_assert_int_eq(seen, FRAMING_NON_TRANSPARENT);
}
END_TEST

START_TEST(f11_last_lf_missing_at_close_is_no_loss)
{
	check_auto(BYTES("<38>a\n<38>b"), "[<38>a][<38>b]");
}
END_TEST

START_TEST(f12_one_cr_before_lf_is_dropped)
{
	check_auto(BYTES("<38>a\r\n<38>b\r\r\n<38>c\rd\r\n"), "[<38>a][<38>b\\r][<38>c\\rd]");
}
END_TEST

START_TEST(f13_nul_before_pri_is_a_delimiter_other_nuls_are_data)
{
	check_auto(BYTES("<38>a\0<38>b\0"), "[<38>a][<38>b]");
	check_auto(BYTES("<38>a\0b\n<38>c\0\n"), "[<38>a\\0b][<38>c\\0]");
}
END_TEST

START_TEST(f14_empty_lines_are_dropped)
{
	check_auto(BYTES("\n\r\n\0<38>a\n\n\r\n5 <1>ab\n\n"), "[<38>a][<1>ab]");
}
END_TEST

START_TEST(f15_framing_may_change_from_frame_to_frame)
{
	check_auto(BYTES("<38>a\n5 <1>ab<38>c\n"), "[<38>a][<1>ab][<38>c]");
}
END_TEST

START_TEST(f16_year_at_the_start_of_a_line_is_no_count)
{
	check_auto(BYTES("2025 Oct 11 22:14:15 h app: x\n<38>a\n"), "[2025 Oct 11 22:14:15 h app: x][<38>a]");
}
END_TEST

START_TEST(f17_digits_and_letters_are_text)
{
	check_auto(BYTES("5xyz hello\n5 apples\n"), "[5xyz hello][5 apples]");
}
END_TEST

START_TEST(f18_line_without_pri_is_a_message)
{
	check_auto(BYTES("plain text\n<38>a\n"), "[plain text][<38>a]");
}
END_TEST

START_TEST(f19_sp_before_pri_or_count_is_dropped_other_sp_is_data)
{
	check_auto(BYTES(" <38>a\n <38>b\n 5 <1>ab x\n 2025 y\n"), "[<38>a][<38>b][<1>ab][ x][ 2025 y]");
}
END_TEST

START_TEST(f20_text_of_several_lines_is_one_message_a_line)
{
	check_auto(BYTES("<38>Exception\n\tat a\n\tat b\n"), "[<38>Exception][\tat a][\tat b]");
}
END_TEST

/* `head`, then 'x' up to `len` octets, then `tail`. The caller frees it. */
static struct bytes long_input(struct bytes head, size_t len, struct bytes tail)
{
	uint8_t *text = malloc(head.len + len + tail.len);
	ck_assert_ptr_nonnull(text);
	memcpy(text, head.at, head.len);
	memset(text + head.len, 'x', len);
	memcpy(text + head.len + len, tail.at, tail.len);
	return bytes_of(text, head.len + len + tail.len);
}

static void check_oversize(struct bytes head, size_t len, struct bytes tail)
{
	struct bytes input = long_input(head, len, tail);
	char expected[LIMIT + 64];
	char xs[LIMIT + 1];
	memset(xs, 'x', sizeof xs);
	snprintf(expected, sizeof expected, "[<1>%.*s]~[<2>b]", LIMIT - 3, xs);
	check_auto(input, expected);
	free((void *)(uintptr_t)input.at);
}

START_TEST(f21_counted_frame_over_the_limit_is_one_message)
{
	check_oversize(BYTES("903 <1>"), 900, BYTES("4 <2>b"));
}
END_TEST

START_TEST(f22_lf_frame_over_the_limit_is_one_message)
{
	check_oversize(BYTES("<1>"), 900, BYTES("\n<2>b\n"));
	check_oversize(BYTES("<1>"), 900, BYTES("\0<2>b\n"));
	/* Around the border, where the search for the trailer ends. */
	for (size_t len = LIMIT - 2; len < LIMIT + 4; len++) {
		check_oversize(BYTES("<1>"), len, BYTES("\n<2>b\n"));
		check_oversize(BYTES("<1>"), len, BYTES("\r\n<2>b\n"));
	}
}
END_TEST

START_TEST(what_looks_like_a_line_in_the_rest_of_an_oversized_frame_is_dropped)
{
	char text[LIMIT + 50], expected[LIMIT + 20];
	memset(text, '<', sizeof text);
	snprintf(text + sizeof text - 7, 7, "\n<2>b\n");
	snprintf(expected, sizeof expected, "[%.*s]~[<2>b]", (int)LIMIT, text);
	check_auto(bytes_of(text, sizeof text - 1), expected);
	char counted[4 + sizeof text];
	snprintf(counted, sizeof counted, "140 %.*s<\n%s", 138, text, "<2>b\n");
	check_auto(bytes_of_text(counted), expected);
}
END_TEST

START_TEST(message_of_exactly_the_limit_is_not_truncated)
{
	static const char *const inputs[] = {"<1>abcdefg\n",    "<1>abcdefg\r\n",    "10 <1>abcdefg",
	                                     "11 <1>abcdefg\n", "12 <1>abcdefg\r\n", "<1>abcdefg"};
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
		framer_feed_check(FRAME_MODE_AUTO, 10, NO_DELIMITER, bytes_of_text(inputs[i]), "[<1>abcdefg]");
}
END_TEST

START_TEST(cut_keeps_utf8_characters_whole)
{
	framer_feed_check(FRAME_MODE_AUTO, 10, NO_DELIMITER, BYTES("<1>abcdef\xE2\x82\xACxyz\n"), "[<1>abcdef]~");
	framer_feed_check(FRAME_MODE_AUTO, 10, NO_DELIMITER, BYTES("15 <1>abcdef\xE2\x82\xACxyz"), "[<1>abcdef]~");
	framer_feed_check(FRAME_MODE_AUTO, 10, NO_DELIMITER, BYTES("<1>abcde\xC3\xA9zz\n"), "[<1>abcde\xC3\xA9]~");
	/* What is not UTF-8 anyway is cut at the limit. */
	framer_feed_check(FRAME_MODE_AUTO, 10, NO_DELIMITER, BYTES("<1>abcdef\xE2zzzz\n"), "[<1>abcdef\xE2]~");
}
END_TEST

START_TEST(oversized_frame_cut_off_at_close_is_given_once)
{
	framer_feed_check(FRAME_MODE_AUTO, 5, NO_DELIMITER, BYTES("<1>abcdefghijklmn"), "[<1>ab]~");
	framer_feed_check(FRAME_MODE_AUTO, 5, NO_DELIMITER, BYTES("<1>abc"), "[<1>ab]~");
	framer_feed_check(FRAME_MODE_AUTO, 5, NO_DELIMITER, BYTES("50 <1>abcdefghijklmn"), "[<1>ab]~");
	framer_feed_check(FRAME_MODE_AUTO, 5, NO_DELIMITER, BYTES("50 <1>abc"), "[<1>ab]~");
}
END_TEST

START_TEST(bom_after_the_count_is_a_message)
{
	check_auto(BYTES("6 \xEF\xBB\xBF<1>5 <1>ab"), "[\xEF\xBB\xBF<1>][<1>ab]");
	check_auto(BYTES("6 \xEF\xBB\xBAx\n"), "[6 \xEF\xBB\xBAx]");
	check_auto(BYTES("6 \xEF\xBB"), "[6 \xEF\xBB]");
}
END_TEST

START_TEST(count_above_16_mib_is_text)
{
	enum framing seen = check_auto(BYTES("1700000000 <job 7> started\n<38>b\n"), "[1700000000 <job 7> started][<38>b]");
	ck_assert_int_eq(seen, FRAMING_NON_TRANSPARENT);
	check_auto(BYTES("5 <1>ab16777217 <2>c\n5 <3>de"), "[<1>ab][16777217 <2>c][<3>de]");
	check_auto(BYTES("9999999999 \xEF\xBB\xBFx\n5 <1>ab"), "[9999999999 \xEF\xBB\xBFx][<1>ab]");
	check_auto(BYTES("16777216 <2>c\n<38>b\n"), "[<2>c\\n<38>b\\n]~");
}
END_TEST

START_TEST(count_above_the_limit_is_text_where_lf_ended_the_last_message)
{
	check_auto(BYTES("<38>a\n101 <job 7> started\n<38>b\n"), "[<38>a][101 <job 7> started][<38>b]");
	check_auto(BYTES("<38>a\n\n 200000 <job 7>\n<38>b\n"), "[<38>a][ 200000 <job 7>][<38>b]");
}
END_TEST

START_TEST(forced_count_above_the_hard_limit_ends_the_connection)
{
	framer_feed_check(FRAME_MODE_OCTET_COUNTING, LIMIT, NO_DELIMITER, BYTES("2147483649 <1>a"),
	                  "!MSG-LEN is above 2147483648");
	framer_feed_check(FRAME_MODE_OCTET_COUNTING, LIMIT, NO_DELIMITER, BYTES("2147483648 <1>a"), "[<1>a]~");
}
END_TEST

START_TEST(undecided_octets_at_close_are_text)
{
	check_auto(BYTES("31"), "[31]");
	check_auto(BYTES("31 "), "[31 ]");
	check_auto(BYTES("1234567890"), "[1234567890]");
	check_auto(BYTES(" "), "[ ]");
	check_auto(BYTES(" 7"), "[ 7]");
	check_auto(BYTES("\r\n\n"), "");
	check_auto(BYTES(""), "");
}
END_TEST

START_TEST(forced_octet_counting_needs_no_pri)
{
	framer_feed_check(FRAME_MODE_OCTET_COUNTING, LIMIT, NO_DELIMITER, BYTES("5 hello\n 3 abc6 2 <1>x"),
	                  "[hello][abc][2 <1>x]");
}
END_TEST

START_TEST(forced_octet_counting_says_what_the_peer_speaks_instead)
{
	const char *reason = "[abc]!no MSG-LEN and SP at the start of a frame";
	enum framing seen =
		framer_feed_check(FRAME_MODE_OCTET_COUNTING, LIMIT, NO_DELIMITER, BYTES("3 abc<38>x\n"), reason);
	ck_assert_int_eq(seen, FRAMING_NON_TRANSPARENT);
}
END_TEST

START_TEST(forced_non_transparent_takes_counts_as_text_and_says_so)
{
	enum framing seen = framer_feed_check(FRAME_MODE_NON_TRANSPARENT, LIMIT, NO_DELIMITER, BYTES("5 <1>ab\n6 <1>abc\n"),
	                                      "[5 <1>ab][6 <1>abc]");
	ck_assert_int_eq(seen, FRAMING_OCTET_COUNTING);
}
END_TEST

START_TEST(additional_delimiter_ends_a_message)
{
	framer_feed_check(FRAME_MODE_AUTO, LIMIT, '\x1e', BYTES("<1>a\x1e\x1e<2>b\n5 <1>ab\x1e<3>c\x1e"),
	                  "[<1>a][<2>b][<1>ab][<3>c]");
	framer_feed_check(FRAME_MODE_AUTO, LIMIT, '\0', BYTES("<1>a\0b\n"), "[<1>a][b]");
}
END_TEST

START_TEST(local_stream_ends_at_nul_or_lf_until_it_shows_a_nul)
{
	framer_feed_check(FRAME_MODE_LOCAL, LIMIT, NO_DELIMITER, BYTES("<1>a\n<2>b\n5 <3>c"), "[<1>a][<2>b][5 <3>c]");
	framer_feed_check(FRAME_MODE_LOCAL, LIMIT, NO_DELIMITER, BYTES("<1>a\0<2>b\nc\r\0<3>d\0"),
	                  "[<1>a][<2>b\\nc\\r][<3>d]");
	framer_feed_check(FRAME_MODE_LOCAL, 5, NO_DELIMITER, BYTES("<1>abcdefghi\0<2>b\nc\0"), "[<1>ab]~[<2>b\\n]~");
}
END_TEST

START_TEST(slow_oversized_sender_is_held_to_the_limit)
{
	/* A peer that never sends a trailer: what has to be kept never passes limit + FRAME_OVERHEAD_MAX. */
	struct bytes input = long_input(BYTES("<1>"), 4000, BYTES(""));
	framer_feed_check(FRAME_MODE_AUTO, 3, NO_DELIMITER, input, "[<1>]~");
	free((void *)(uintptr_t)input.at);
}
END_TEST

/* The same octets in pieces of `piece` through two readers: what comes out, and what is consumed when, must be the same. */
static void check_alike(struct frame_choice *a, struct frame_choice *b, struct bytes stream, size_t piece)
{
	size_t begin = 0;
	for (size_t end = 0; end < stream.len;) {
		end = end + piece < stream.len ? end + piece : stream.len;
		enum frame_result result = FRAME_COMPLETE;
		while (result == FRAME_COMPLETE) {
			struct bytes in = bytes_of(stream.at + begin, end - begin);
			struct frame of_a, of_b;
			result = frame_choice_next(a, in, &of_a);
			ck_assert_int_eq(frame_choice_next(b, in, &of_b), result);
			ck_assert_uint_eq(of_a.consumed, of_b.consumed);
			ck_assert_int_eq(of_a.truncated, of_b.truncated);
			ck_assert(bytes_equal(of_a.message, of_b.message));
			begin += of_a.consumed;
		}
	}
}

/* Where each frame begins with "<" or a count, finding out and knowing must come to the same. */
START_TEST(what_is_found_is_read_as_what_is_forced)
{
	static const char octets[] = "<<1 2\n\r\0|ab\xC3\xA9";
	enum { LONGEST = 12, SMALL_LIMIT = 7, STREAMS = 20000 };
	unsigned random = 1;
	for (unsigned stream = 0; stream < STREAMS; stream++) {
		char lines[LONGEST * 2 + 3], counted[LONGEST * 3 + 7];
		size_t lines_len = 0, counted_len = 0;
		for (unsigned frame = 0; frame < 3; frame++) {
			char text[LONGEST] = "<";
			size_t len = 1 + (random = random * 1664525 + 1013904223) / 65536 % (LONGEST / 2);
			for (size_t i = 1; i < len; i++)
				text[i] = octets[(random = random * 1664525 + 1013904223) / 65536 % (sizeof octets - 1)];
			counted_len += (size_t)sprintf(counted + counted_len, "%u ", (unsigned)len);
			memcpy(counted + counted_len, text, len);
			counted_len += len;
			for (size_t i = 1; i < len; i++)
				text[i] = text[i] == '\n' || text[i] == '\0' || text[i] == '|' || text[i] == '\r' ? '<' : text[i];
			memcpy(lines + lines_len, text, len);
			lines_len += len;
			lines[lines_len++] = "\n\n|\n"[random / 65536 % 4];
		}
		for (size_t piece = 1; piece <= 1 + LONGEST; piece += 4) {
			struct frame_choice found, forced;
			frame_choice_init(&found, FRAME_MODE_AUTO, SMALL_LIMIT, '|');
			frame_choice_init(&forced, FRAME_MODE_NON_TRANSPARENT, SMALL_LIMIT, '|');
			check_alike(&found, &forced, bytes_of(lines, lines_len), piece);
			frame_choice_init(&found, FRAME_MODE_AUTO, SMALL_LIMIT, '|');
			frame_choice_init(&forced, FRAME_MODE_OCTET_COUNTING, SMALL_LIMIT, NO_DELIMITER);
			check_alike(&found, &forced, bytes_of(counted, counted_len), piece);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame_choice");
	TCase *peers = tcase_create("F01 to F22");
	tcase_add_test(peers, f01_counted_frames_are_cut_by_their_count);
	tcase_add_test(peers, f02_counted_frames_may_be_split_at_every_octet);
	tcase_add_test(peers, f03_lf_inside_a_counted_frame_is_data);
	tcase_add_test(peers, f04_lf_inside_the_count_is_a_trailer);
	tcase_add_test(peers, f05_lf_after_the_count_is_dropped);
	tcase_add_test(peers, f06_leading_zero_is_no_count);
	tcase_add_test(peers, f07_eleven_digits_are_text);
	tcase_add_test(peers, f08_length_zero_is_text);
	tcase_add_test(peers, f09_counted_frame_cut_off_at_close_is_kept_and_flagged);
	tcase_add_test(peers, f10_lf_frames_end_at_lf);
	tcase_add_test(peers, f11_last_lf_missing_at_close_is_no_loss);
	tcase_add_test(peers, f12_one_cr_before_lf_is_dropped);
	tcase_add_test(peers, f13_nul_before_pri_is_a_delimiter_other_nuls_are_data);
	tcase_add_test(peers, f14_empty_lines_are_dropped);
	tcase_add_test(peers, f15_framing_may_change_from_frame_to_frame);
	tcase_add_test(peers, f16_year_at_the_start_of_a_line_is_no_count);
	tcase_add_test(peers, f17_digits_and_letters_are_text);
	tcase_add_test(peers, f18_line_without_pri_is_a_message);
	tcase_add_test(peers, f19_sp_before_pri_or_count_is_dropped_other_sp_is_data);
	tcase_add_test(peers, f20_text_of_several_lines_is_one_message_a_line);
	tcase_add_test(peers, f21_counted_frame_over_the_limit_is_one_message);
	tcase_add_test(peers, f22_lf_frame_over_the_limit_is_one_message);
	suite_add_tcase(suite, peers);
	TCase *ours = tcase_create("ours");
	tcase_add_test(ours, what_looks_like_a_line_in_the_rest_of_an_oversized_frame_is_dropped);
	tcase_add_test(ours, message_of_exactly_the_limit_is_not_truncated);
	tcase_add_test(ours, cut_keeps_utf8_characters_whole);
	tcase_add_test(ours, oversized_frame_cut_off_at_close_is_given_once);
	tcase_add_test(ours, bom_after_the_count_is_a_message);
	tcase_add_test(ours, count_above_16_mib_is_text);
	tcase_add_test(ours, count_above_the_limit_is_text_where_lf_ended_the_last_message);
	tcase_add_test(ours, forced_count_above_the_hard_limit_ends_the_connection);
	tcase_add_test(ours, undecided_octets_at_close_are_text);
	tcase_add_test(ours, forced_octet_counting_needs_no_pri);
	tcase_add_test(ours, forced_octet_counting_says_what_the_peer_speaks_instead);
	tcase_add_test(ours, forced_non_transparent_takes_counts_as_text_and_says_so);
	tcase_add_test(ours, additional_delimiter_ends_a_message);
	tcase_add_test(ours, local_stream_ends_at_nul_or_lf_until_it_shows_a_nul);
	tcase_add_test(ours, slow_oversized_sender_is_held_to_the_limit);
	tcase_add_test(ours, what_is_found_is_read_as_what_is_forced);
	suite_add_tcase(suite, ours);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
