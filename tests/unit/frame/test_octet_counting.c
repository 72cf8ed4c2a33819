/* SPDX-License-Identifier: Apache-2.0 */
/* MSG-LEN by itself, both directions. How frames are cut, tests/unit/frame/test_frame_choice.c says. */
#include "frame/octet_counting.h"

#include "support/feed.h"
#include "support/guarded_bytes.h"

#include <check.h>
#include <stdlib.h>

struct header_test {
	struct bytes input;
	size_t decided_at; /* from this many octets on, `result` is known; before it is FRAME_INCOMPLETE */
	enum frame_result result;
	uint64_t msg_len;
};

static void read_prefix(void *context, struct bytes prefix)
{
	const struct header_test *test = context;
	uint64_t msg_len = 0;
	size_t header_len = 0;
	enum frame_result result = octet_counting_header_read(prefix, &msg_len, &header_len);
	ck_assert_msg(result == (prefix.len < test->decided_at ? FRAME_INCOMPLETE : test->result), "%s", feed_way());
	if (result == FRAME_COMPLETE) {
		ck_assert_uint_eq(msg_len, test->msg_len);
		ck_assert_uint_eq(header_len, test->decided_at);
	}
}

static void check_header(struct bytes input, size_t decided_at, enum frame_result result, uint64_t msg_len)
{
	struct header_test test = {input, decided_at, result, msg_len};
	feed_every_prefix(input, read_prefix, &test);
}

START_TEST(msg_len_is_one_to_ten_digits_and_sp)
{
	check_header(BYTES("1 x"), 2, FRAME_COMPLETE, 1);
	check_header(BYTES("903 <1>"), 4, FRAME_COMPLETE, 903);
	check_header(BYTES("9999999999 "), 11, FRAME_COMPLETE, 9999999999);
}
END_TEST

START_TEST(msg_len_with_leading_zero_is_invalid)
{
	check_header(BYTES("0 "), 1, FRAME_INVALID, 0);
	check_header(BYTES("031 "), 1, FRAME_INVALID, 0);
}
END_TEST

START_TEST(msg_len_with_eleven_digits_is_invalid)
{
	check_header(BYTES("12345678901 "), 11, FRAME_INVALID, 0);
}
END_TEST

START_TEST(msg_len_without_sp_or_digits_is_invalid)
{
	check_header(BYTES("5x"), 2, FRAME_INVALID, 0);
	check_header(BYTES("5\n"), 2, FRAME_INVALID, 0);
	check_header(BYTES("<38>"), 1, FRAME_INVALID, 0);
	check_header(BYTES(" 5"), 1, FRAME_INVALID, 0);
	check_header(BYTES("-5 "), 1, FRAME_INVALID, 0);
}
END_TEST

START_TEST(header_is_written_without_leading_zeros)
{
	struct guarded_bytes room = guarded_bytes_room(OCTET_COUNTING_HEADER_MAX);
	size_t len = octet_counting_header_write(83, room.at);
	ck_assert(bytes_equal(bytes_of(room.at, len), BYTES("83 ")));
	len = octet_counting_header_write(OCTET_COUNTING_MSG_LEN_MAX, room.at);
	ck_assert(bytes_equal(bytes_of(room.at, len), BYTES("2147483648 ")));
	guarded_bytes_free(&room);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	struct octet_counting reader;
	octet_counting_init(&reader, 100);
	uint8_t text[64];
	struct bytes message = BYTES("any octets: \n\0 31 <38>");
	size_t len = octet_counting_header_write(message.len, text);
	memcpy(text + len, message.at, message.len);
	struct frame frame;
	ck_assert_int_eq(octet_counting_next(&reader, bytes_of(text, len + message.len), &frame), FRAME_COMPLETE);
	ck_assert(bytes_equal(frame.message, message));
	ck_assert(!frame.truncated);
	ck_assert_uint_eq(frame.consumed, len + message.len);
}
END_TEST

START_TEST(empty_message_may_be_a_counted_lf)
{
	struct octet_counting reader;
	octet_counting_init(&reader, 100);
	struct frame frame;
	ck_assert_int_eq(octet_counting_next(&reader, BYTES("1 \n"), &frame), FRAME_COMPLETE);
	ck_assert_uint_eq(frame.message.len, 0);
	ck_assert_uint_eq(frame.consumed, 3);
}
END_TEST

START_TEST(end_of_the_stream_in_a_header_keeps_nothing)
{
	struct octet_counting reader;
	octet_counting_init(&reader, 100);
	struct frame frame;
	ck_assert_int_eq(octet_counting_end(&reader, BYTES("31"), &frame), FRAME_INCOMPLETE);
	ck_assert_int_eq(octet_counting_end(&reader, BYTES("31 "), &frame), FRAME_INCOMPLETE);
	ck_assert_int_eq(octet_counting_end(&reader, BYTES("31 x"), &frame), FRAME_COMPLETE);
	ck_assert(frame.truncated);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("octet_counting");
	TCase *header = tcase_create("octet_counting");
	tcase_add_test(header, msg_len_is_one_to_ten_digits_and_sp);
	tcase_add_test(header, msg_len_with_leading_zero_is_invalid);
	tcase_add_test(header, msg_len_with_eleven_digits_is_invalid);
	tcase_add_test(header, msg_len_without_sp_or_digits_is_invalid);
	tcase_add_test(header, header_is_written_without_leading_zeros);
	tcase_add_test(header, what_is_written_is_read_back);
	tcase_add_test(header, empty_message_may_be_a_counted_lf);
	tcase_add_test(header, end_of_the_stream_in_a_header_keeps_nothing);
	suite_add_tcase(suite, header);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
