/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_block_offer.h"

#include "relp_feed.h"

#define ID_TEXT "000102030405060708090a0b0c0d0eff"

static const uint8_t id[RELP_BLOCK_ID_LEN] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};

START_TEST(request_is_written_and_read_back)
{
	struct relp_block_request request = {.next = 9000000000000000000u}, back;
	memcpy(request.stream, id, sizeof id);
	struct guarded_bytes room = guarded_bytes_room(RELP_BLOCK_OFFER_MAX);
	size_t len = relp_block_request_write(&request, room.at);
	relp_expect_bytes(bytes_of(room.at, len), "1," ID_TEXT ",9000000000000000000");
	ck_assert(relp_block_request_read(bytes_of(room.at, len), &back));
	ck_assert_mem_eq(back.stream, id, sizeof id);
	ck_assert_uint_eq(back.next, request.next);
	guarded_bytes_free(&room);
}
END_TEST

START_TEST(answer_is_written_and_read_back)
{
	struct relp_block_answer answer = {
		.mark = 41, .checksum = 0xfedcba9876543210u, .max_octets = 1048576, .max_unpacked = 8388608};
	struct relp_block_answer back;
	memcpy(answer.spool, id, sizeof id);
	struct guarded_bytes room = guarded_bytes_room(RELP_BLOCK_OFFER_MAX);
	size_t len = relp_block_answer_write(&answer, room.at);
	relp_expect_bytes(bytes_of(room.at, len), "1," ID_TEXT ",41,fedcba9876543210,1048576,8388608");
	ck_assert(relp_block_answer_read(bytes_of(room.at, len), &back));
	ck_assert_mem_eq(back.spool, id, sizeof id);
	ck_assert_uint_eq(back.mark, 41);
	ck_assert_uint_eq(back.checksum, answer.checksum);
	ck_assert_uint_eq(back.max_octets, answer.max_octets);
	ck_assert_uint_eq(back.max_unpacked, answer.max_unpacked);
	answer = (struct relp_block_answer){.mark = UINT64_MAX, .max_octets = UINT64_MAX, .max_unpacked = UINT64_MAX};
	ck_assert_uint_le(relp_block_answer_write(&answer, room.at), RELP_BLOCK_OFFER_MAX);
	guarded_bytes_free(&room);
}
END_TEST

static void read_both(void *context, struct bytes prefix)
{
	size_t whole = *(const size_t *)context;
	struct relp_block_request request;
	struct relp_block_answer answer;
	/* The last number may lose digits and still be one. */
	bool last = prefix.len > bytes_of_text("1," ID_TEXT ",").len;
	ck_assert_int_eq(relp_block_request_read(prefix, &request), last && prefix.len <= whole);
	ck_assert(!relp_block_answer_read(prefix, &answer));
}

START_TEST(every_prefix_is_read_or_refused)
{
	struct bytes text = BYTES("1," ID_TEXT ",123");
	feed_every_prefix(text, read_both, &text.len);
}
END_TEST

START_TEST(other_versions_and_malformed_values_are_refused)
{
	static const char *const wrong[] = {
		"",
		"2," ID_TEXT ",1",
		",1," ID_TEXT ",1",
		"1," ID_TEXT,
		"1," ID_TEXT ",",
		"1," ID_TEXT ",x",
		"1," ID_TEXT ",1,",
		"1," ID_TEXT ",1,2",
		"1," ID_TEXT ",12345678901234567890",
		"1,000102030405060708090A0B0C0D0EFF,1",
		"1,0001,1",
		"1," ID_TEXT "00,1",
		"1," ID_TEXT "\n,1",
	};
	struct relp_block_request request;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(!relp_block_request_read(bytes_of_text(wrong[i]), &request), "%s", wrong[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		request_is_written_and_read_back,
		answer_is_written_and_read_back,
		every_prefix_is_read_or_refused,
		other_versions_and_malformed_values_are_refused,
	};
	return relp_run("relp_block_offer", tests, sizeof tests / sizeof *tests);
}
