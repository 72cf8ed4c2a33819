/* SPDX-License-Identifier: Apache-2.0 */
/* Single frames and the data of answers. Streams of frames are tested with the sessions. */
#include "relp/relp_frame.h"

#include "relp_feed.h"

#include <stdio.h>

struct header_test {
	size_t decided_at; /* from this many octets on, `result` is known; before it is FRAME_INCOMPLETE */
	enum frame_result result;
	uint32_t txnr;
	const char *command;
	uint32_t data_len;
	const char *reason;
};

static void read_prefix(void *context, struct bytes prefix)
{
	const struct header_test *test = context;
	struct relp_header header;
	const char *reason = NULL;
	enum frame_result result = relp_header_read(prefix, &header, &reason);
	ck_assert_msg(result == (prefix.len < test->decided_at ? FRAME_INCOMPLETE : test->result), "%s", feed_way());
	if (result == FRAME_INVALID)
		ck_assert_str_eq(reason, test->reason);
	if (result != FRAME_COMPLETE)
		return;
	ck_assert_uint_eq(header.txnr, test->txnr);
	ck_assert(bytes_equal(header.command, bytes_of_text(test->command)));
	ck_assert_uint_eq(header.data_len, test->data_len);
	ck_assert_uint_eq(header.len, test->data_len > 0 ? test->decided_at : test->decided_at - 1);
}

static void check_header(struct bytes input, uint32_t txnr, const char *command, uint32_t data_len)
{
	struct header_test test = {input.len, FRAME_COMPLETE, txnr, command, data_len, NULL};
	feed_every_prefix(input, read_prefix, &test);
}

static void check_invalid(struct bytes input, size_t decided_at, const char *reason)
{
	struct header_test test = {decided_at, FRAME_INVALID, 0, NULL, 0, reason};
	feed_every_prefix(input, read_prefix, &test);
}

START_TEST(header_is_txnr_command_datalen)
{
	check_header(BYTES("1 open 82 "), 1, "open", 82);
	check_header(BYTES("999999999 syslog 999999999 "), 999999999, "syslog", 999999999);
	check_header(BYTES("4 close 0\n"), 4, "close", 0);
	check_header(BYTES("0 serverclose 00\n"), 0, "serverclose", 0);
	check_header(BYTES("000000007 abcdefghijklmnopqrstuvwxyzABCDEF 000000001 "), 7, "abcdefghijklmnopqrstuvwxyzABCDEF",
	             1);
	check_header(BYTES("1000000000 syslog 1 "), 1000000000, "syslog", 1);
}
END_TEST

/*
 * A header as nearly all messages have it is read in a short way if so many octets are there, and else in the long one: with
 * fewer of them, a header that is whole must read the same.
 */
static void check_both_ways(struct bytes in)
{
	enum { SHORT_WAY_FROM = 25 };
	struct relp_header header, longer;
	const char *reason = "", *longer_reason = "";
	enum frame_result result = relp_header_read(in, &header, &reason);
	enum frame_result long_way = relp_header_read(bytes_first(in, SHORT_WAY_FROM - 1), &longer, &longer_reason);
	if (long_way == FRAME_INVALID) {
		ck_assert_int_eq(result, FRAME_INVALID);
		ck_assert_str_eq(reason, longer_reason);
	} else if (long_way == FRAME_COMPLETE) {
		ck_assert_int_eq(result, FRAME_COMPLETE);
		ck_assert_uint_eq(header.txnr, longer.txnr);
		ck_assert_ptr_eq(header.command.at, longer.command.at);
		ck_assert_uint_eq(header.command.len, longer.command.len);
		ck_assert_uint_eq(header.data_len, longer.data_len);
		ck_assert_uint_eq(header.len, longer.len);
	} else if (result == FRAME_COMPLETE) {
		ck_assert_uint_ge(header.len, SHORT_WAY_FROM);
	}
}

/* Every octet in every place of headers with every number of digits. */
START_TEST(short_way_and_long_way_read_the_same)
{
	static const char digits[] = "1234567890123";
	static const char *const commands[] = {"syslog", "syslogs", "sysloG", "rsp"};
	for (unsigned i = 0; i < 13 * 12 * 4; i++) {
		char text[80];
		int len = snprintf(text, sizeof text, "%s %s %s %030d", digits + i % 13, commands[i / 156],
		                   digits + 1 + i / 13 % 12, 1);
		check_both_ways(bytes_of(text, (size_t)len));
		for (size_t at = 0; at < 30; at++) {
			char was = text[at];
			for (unsigned octet = 0; octet < 256; octet++) {
				text[at] = (char)octet;
				check_both_ways(bytes_of(text, (size_t)len));
			}
			text[at] = was;
		}
	}
}
END_TEST

/* A plain answer that is read as one is what the frame says, too. */
static void check_answer(struct bytes in)
{
	uint32_t txnr = 0;
	struct relp_frame frame;
	struct relp_rsp rsp;
	size_t len = relp_rsp_ok_read(in, &txnr);
	if (len == 0)
		return;
	ck_assert_int_eq(relp_frame_peek(in, 1000, &frame), FRAME_COMPLETE);
	ck_assert_uint_eq(frame.consumed, len);
	ck_assert_uint_eq(frame.txnr, txnr);
	ck_assert(bytes_equal(frame.command, BYTES("rsp")) && relp_rsp_read(frame.data, &rsp));
	ck_assert_uint_eq(rsp.code, 200);
}

static void check_answer_prefix(void *context, struct bytes prefix)
{
	uint32_t txnr;
	check_answer(prefix);
	if (prefix.len == *(const size_t *)context)
		ck_assert_uint_eq(relp_rsp_ok_read(prefix, &txnr), prefix.len);
}

START_TEST(plain_answers_are_read_as_frames_are)
{
	for (uint32_t txnr = 1; txnr <= RELP_TXNR_MAX / 10; txnr = txnr * 10 + txnr % 7) {
		uint8_t text[RELP_RSP_OK_LEN_MAX];
		size_t len = relp_rsp_ok_write(txnr, text);
		feed_every_prefix(bytes_of(text, len), check_answer_prefix, &len);
		for (size_t at = 0; at < len; at++) {
			uint8_t was = text[at];
			for (unsigned octet = 0; octet < 256; octet++) {
				text[at] = (uint8_t)octet;
				check_answer(bytes_of(text, len));
			}
			text[at] = was;
		}
	}
}
END_TEST

START_TEST(a_message_is_framed_as_any_command)
{
	static const char text[200000] = "text";
	struct buffer one, other;
	buffer_init(&one, 1 << 20);
	buffer_init(&other, 1 << 20);
	for (uint32_t txnr = 1; txnr <= RELP_TXNR_MAX / 10; txnr = txnr * 10 + txnr % 7) {
		for (size_t len = 0; len < sizeof text; len = len * 5 + txnr % 3 + (len == 0)) {
			ck_assert(relp_syslog_append(&one, txnr, bytes_of(text, len)));
			ck_assert(relp_frame_append(&other, txnr, BYTES("syslog"), bytes_of(text, len)));
			ck_assert(bytes_equal(buffer_peek(&one), buffer_peek(&other)));
			buffer_consume(&one, buffer_len(&one));
			buffer_consume(&other, buffer_len(&other));
		}
	}
	buffer_free(&one);
	buffer_free(&other);
}
END_TEST

START_TEST(wrong_octets_are_found_at_once)
{
	check_invalid(BYTES("<38>"), 1, "no TXNR of 1 to 9 digits and SP");
	check_invalid(BYTES(" 1 x"), 1, "no TXNR of 1 to 9 digits and SP");
	check_invalid(BYTES("1x"), 2, "no TXNR of 1 to 9 digits and SP");
	check_invalid(BYTES("1234567890 "), 11, "no TXNR of 1 to 9 digits and SP");
	check_invalid(BYTES("12345678901"), 11, "no TXNR of 1 to 9 digits and SP");
	check_invalid(BYTES("1  x"), 3, "no COMMAND of 1 to 32 letters and SP");
	check_invalid(BYTES("1 sys1"), 6, "no COMMAND of 1 to 32 letters and SP");
	check_invalid(BYTES("1 abcdefghijklmnopqrstuvwxyzabcdefg"), 35, "no COMMAND of 1 to 32 letters and SP");
	check_invalid(BYTES("1 syslog  "), 10, "no DATALEN of 1 to 9 digits");
	check_invalid(BYTES("1 syslog \n"), 10, "no DATALEN of 1 to 9 digits");
	check_invalid(BYTES("1 syslog 1234567890"), 19, "no DATALEN of 1 to 9 digits");
	check_invalid(BYTES("1 syslog 5\n"), 11, "no SP behind DATALEN");
	check_invalid(BYTES("1 syslog 0 "), 11, "no LF behind DATALEN 0");
	check_invalid(BYTES("1 close 0\r"), 10, "no LF behind DATALEN 0");
}
END_TEST

START_TEST(peek_takes_whole_frames_up_to_its_limit)
{
	struct relp_frame frame;
	ck_assert_int_eq(relp_frame_peek(BYTES("2 rsp 6 200 OK\n3 rsp"), 6, &frame), FRAME_COMPLETE);
	ck_assert_uint_eq(frame.txnr, 2);
	ck_assert_uint_eq(frame.consumed, 15);
	ck_assert(bytes_equal(frame.data, BYTES("200 OK")));
	ck_assert_int_eq(relp_frame_peek(BYTES("2 rsp 6 200 OK"), 6, &frame), FRAME_INCOMPLETE);
	ck_assert_uint_eq(frame.consumed, 0);
	ck_assert_int_eq(relp_frame_peek(BYTES("2 rsp 7 "), 6, &frame), FRAME_INVALID);
	ck_assert_str_eq(frame.reason, "DATALEN is above the limit");
}
END_TEST

START_TEST(frames_are_written_and_read_back)
{
	struct buffer out = {0};
	buffer_init(&out, 100);
	ck_assert(relp_frame_append(&out, 999999999, BYTES("syslog"), BYTES("a\nb")));
	ck_assert(relp_frame_append(&out, 0, BYTES("serverclose"), BYTES("")));
	relp_expect_bytes(buffer_peek(&out), "999999999 syslog 3 a\nb\n0 serverclose 0\n");
	struct relp_frame frame;
	ck_assert_int_eq(relp_frame_peek(buffer_peek(&out), 3, &frame), FRAME_COMPLETE);
	ck_assert(bytes_equal(frame.data, BYTES("a\nb")));
	buffer_free(&out);
}
END_TEST

START_TEST(frame_that_does_not_fit_is_not_begun)
{
	struct buffer out = {0};
	buffer_init(&out, 15);
	ck_assert(!relp_frame_append(&out, 2, BYTES("syslog"), BYTES("text")));
	ck_assert_uint_eq(buffer_len(&out), 0);
	ck_assert(relp_frame_append(&out, 2, BYTES("syslog"), BYTES("tex")));
	ck_assert_uint_eq(buffer_room(&out), 0);
	buffer_free(&out);
}
END_TEST

START_TEST(positive_answer_fits_its_constant)
{
	struct guarded_bytes room = guarded_bytes_room(RELP_RSP_OK_LEN_MAX);
	ck_assert_uint_eq(relp_rsp_ok_write(RELP_TXNR_LIBRELP_MAX, room.at), RELP_RSP_OK_LEN_MAX);
	relp_expect_bytes(guarded_bytes_view(&room), "1000000000 rsp 6 200 OK\n");
	guarded_bytes_free(&room);
}
END_TEST

static void check_rsp(struct bytes data, unsigned code, const char *text, const char *command_data)
{
	struct relp_rsp rsp;
	ck_assert(relp_rsp_read(data, &rsp));
	ck_assert_uint_eq(rsp.code, code);
	ck_assert(bytes_equal(rsp.text, bytes_of_text(text)));
	ck_assert(bytes_equal(rsp.command_data, bytes_of_text(command_data)));
}

START_TEST(answers_are_code_text_and_command_data)
{
	check_rsp(BYTES("200 OK"), 200, "OK", "");
	check_rsp(BYTES("200 OK\na=1\nb"), 200, "OK", "a=1\nb");
	check_rsp(BYTES("500 two words"), 500, "two words", "");
	check_rsp(BYTES("200"), 200, "", "");
	check_rsp(BYTES("200\na=1"), 200, "", "a=1");
	check_rsp(BYTES("200 \n"), 200, "", "");
	check_rsp(BYTES(""), 0, "", "");
	struct relp_rsp rsp;
	ck_assert(!relp_rsp_read(BYTES("20"), &rsp));
	ck_assert(!relp_rsp_read(BYTES("2000"), &rsp));
	ck_assert(!relp_rsp_read(BYTES("OK"), &rsp));
	ck_assert(!relp_rsp_read(BYTES(" 200"), &rsp));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		header_is_txnr_command_datalen,          wrong_octets_are_found_at_once,
		peek_takes_whole_frames_up_to_its_limit, frames_are_written_and_read_back,
		frame_that_does_not_fit_is_not_begun,    positive_answer_fits_its_constant,
		answers_are_code_text_and_command_data,  short_way_and_long_way_read_the_same,
		plain_answers_are_read_as_frames_are,    a_message_is_framed_as_any_command,
	};
	return relp_run("relp_frame", tests, sizeof tests / sizeof *tests);
}
