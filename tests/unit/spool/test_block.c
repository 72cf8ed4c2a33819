/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in memory: their headers, filling, sealing, unpacking, and what is not taken for one. */
#include "spool/block.h"

#include "base/little_endian.h"
#include "spool/segment.h"
#include "spool/spool.h"
#include "support/guarded_bytes.h"

#include <check.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

enum { ROOM = 4096, SALT = 42 };

static const struct block_header full_header = {
	.header_len = BLOCK_HEADER_BYTES,
	.kind = BLOCK_RECORDS,
	.codec = BLOCK_CODEC_ZSTD,
	.origin = BLOCK_ORIGIN_STREAM,
	.input = 7,
	.stored_len = 1000,
	.unpacked_len = 3000,
	.count = 11,
	.first = 100,
	.last = 110,
	.synced = 99,
	.base_ns = -5,
	.payload_checksum = 0x1122334455667788,
	.peer = 3,
	.stream_id = "0123456789abcde",
	.stream_first = 1,
	.stream_last = 2,
	.stream_count = 3,
	.hop_received_ns = 4,
};

static struct spool_block *new_block(void)
{
	struct spool_block *block = calloc(1, sizeof *block);
	block->memory = aligned_alloc(FORMAT_ALIGN_BYTES, (size_t)block_memory_bytes(ROOM));
	block->room = ROOM;
	block_start(block, 3, 1000);
	return block;
}

static void free_block(struct spool_block *block)
{
	free(block->memory);
	free(block);
}

static bool add(struct spool_block *block, const void *octets, size_t len, size_t room)
{
	uint8_t *at = spool_block_reserve(block, room);
	if (at == NULL)
		return false;
	memcpy(at, octets, len);
	spool_block_commit(block, len);
	return true;
}

/* ---- headers ---- */

START_TEST(a_header_is_read_as_it_was_written)
{
	struct block_header header;
	uint8_t octets[BLOCK_HEADER_BYTES];
	memset(&header, 0, sizeof header);
	block_header_write(&full_header, SALT, octets);
	struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(octets, sizeof octets));
	ck_assert_int_eq(block_header_read(guarded_bytes_view(&guarded), SALT, &header), BLOCK_HEADER_VALID);
	guarded_bytes_free(&guarded);
	ck_assert_uint_eq(header.input, 7);
	ck_assert_uint_eq(header.count, 11);
	ck_assert_uint_eq(header.last, 110);
	ck_assert_int_eq(header.base_ns, -5);
	ck_assert_uint_eq(header.payload_checksum, 0x1122334455667788);
	ck_assert_mem_eq(header.stream_id, full_header.stream_id, 16);
	ck_assert_uint_eq(header.hop_received_ns, 4);
	ck_assert_uint_eq(block_span(&header), 128 + 1024);
}
END_TEST

START_TEST(no_prefix_of_a_header_is_one)
{
	uint8_t octets[BLOCK_HEADER_BYTES];
	struct block_header header;
	block_header_write(&full_header, SALT, octets);
	for (size_t len = 0; len < sizeof octets; len++) {
		struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(octets, len));
		ck_assert_int_eq(block_header_read(guarded_bytes_view(&guarded), SALT, &header), BLOCK_HEADER_INVALID);
		guarded_bytes_free(&guarded);
	}
}
END_TEST

START_TEST(a_header_with_any_bit_changed_is_invalid)
{
	uint8_t octets[BLOCK_HEADER_BYTES];
	struct block_header header;
	block_header_write(&full_header, SALT, octets);
	for (size_t bit = 0; bit < 8 * sizeof octets; bit++) {
		octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &header), BLOCK_HEADER_INVALID);
		octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(a_header_with_the_salt_of_another_life_is_invalid)
{
	uint8_t octets[BLOCK_HEADER_BYTES];
	struct block_header header;
	block_header_write(&full_header, SALT + 1, octets);
	ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &header), BLOCK_HEADER_INVALID);
}
END_TEST

static void sign(uint8_t *octets, size_t len)
{
	le64_store(octets + len - 8, XXH3_64bits_withSeed(octets, len - 8, SALT));
}

START_TEST(what_only_a_newer_version_can_have_written_is_said_to_be_newer)
{
	static const uint8_t places[][2] = {{4, FORMAT_MAJOR + 1}, {8, BLOCK_END + 1}, {9, BLOCK_CODEC_ZSTD + 1},
	                                    {10, BLOCK_ORIGIN_STREAM + 1}};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		uint8_t octets[BLOCK_HEADER_BYTES];
		struct block_header header;
		block_header_write(&full_header, SALT, octets);
		octets[places[i][0]] = places[i][1];
		sign(octets, sizeof octets);
		ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &header), BLOCK_HEADER_NEWER);
	}
}
END_TEST

START_TEST(a_longer_header_of_a_newer_minor_version_is_read)
{
	uint8_t octets[192] = {0};
	struct block_header header;
	block_header_write(&full_header, SALT, octets);
	octets[5] = FORMAT_MINOR + 1;
	le16_store(octets + 6, sizeof octets);
	sign(octets, sizeof octets);
	ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &header), BLOCK_HEADER_VALID);
	ck_assert_uint_eq(block_span(&header), 192 + 1024);
}
END_TEST

/* Right checksums prove only who wrote it. The numbers must still make sense, or arithmetic on them would not. */
START_TEST(a_signed_header_with_numbers_that_cannot_be_is_invalid)
{
	static const struct {
		size_t at;
		uint32_t value;
	} changes[] = {
		{16, BLOCK_PAYLOAD_MAX_BYTES + 1}, /* stored length */
		{20, BLOCK_PAYLOAD_MAX_BYTES + 1}, /* unpacked length */
		{20, 10},                          /* fewer octets than records */
		{24, 0},                           /* no records */
		{24, 12},                          /* not last - first + 1 */
		{32, 101},
		{40, 111},
		{48, 100},                         /* synced itself before it was written */
	};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		uint8_t octets[BLOCK_HEADER_BYTES];
		struct block_header header;
		block_header_write(&full_header, SALT, octets);
		le32_store(octets + changes[i].at, changes[i].value);
		sign(octets, sizeof octets);
		ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &header), BLOCK_HEADER_INVALID);
	}
}
END_TEST

START_TEST(sequences_end_before_arithmetic_on_them_wraps)
{
	uint8_t octets[BLOCK_HEADER_BYTES];
	struct block_header header = full_header, got;
	header.first = SEQUENCE_MAX - 10;
	header.last = SEQUENCE_MAX;
	block_header_write(&header, SALT, octets);
	ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &got), BLOCK_HEADER_VALID);
	header.first++;
	header.last++;
	block_header_write(&header, SALT, octets);
	ck_assert_int_eq(block_header_read(bytes_of(octets, sizeof octets), SALT, &got), BLOCK_HEADER_INVALID);
}
END_TEST

/* ---- segments ---- */

START_TEST(a_segment_header_is_read_as_it_was_written_and_no_bit_of_it_may_change)
{
	struct segment_header header = {.counter = 3, .spool_id = "abc", .salt = 5, .first = 101, .previous_last = 90,
	                                .begun_ns = -7}, got;
	uint8_t octets[SEGMENT_HEADER_BYTES];
	segment_header_write(&header, octets);
	ck_assert_int_eq(segment_header_read(bytes_of(octets, sizeof octets), &got), SEGMENT_HEADER_VALID);
	ck_assert_mem_eq(&got, &header, sizeof header);
	for (size_t bit = 0; bit < 8 * sizeof octets; bit++) {
		octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_ne(segment_header_read(bytes_of(octets, sizeof octets), &got), SEGMENT_HEADER_VALID);
		octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < sizeof octets; len++)
		ck_assert_int_eq(segment_header_read(bytes_of(octets, len), &got), SEGMENT_HEADER_INVALID);
}
END_TEST

START_TEST(a_signed_segment_header_with_numbers_that_cannot_be_is_invalid)
{
	static const struct segment_header bad[] = {
		{.counter = 1, .first = 10, .previous_last = 10},
		{.counter = 0, .first = 10, .previous_last = 9},
		{.counter = SEQUENCE_MAX + 1, .first = 10, .previous_last = 9},
		{.counter = 1, .first = SEQUENCE_MAX + 1, .previous_last = 9},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t octets[SEGMENT_HEADER_BYTES];
		struct segment_header got;
		segment_header_write(&bad[i], octets);
		ck_assert_int_eq(segment_header_read(bytes_of(octets, sizeof octets), &got), SEGMENT_HEADER_INVALID);
	}
}
END_TEST

START_TEST(only_names_that_a_spool_can_have_given_are_taken_for_segments)
{
	char name[DISK_NAME_MAX_BYTES];
	uint64_t counter = 0, first = 0;
	segment_name(0xabc, SEQUENCE_MAX, name);
	ck_assert_str_eq(name, "segment-0000000000000abc-3fffffffffffffff");
	ck_assert(segment_name_parse(name, &counter, &first));
	ck_assert_uint_eq(counter, 0xabc);
	ck_assert_uint_eq(first, SEQUENCE_MAX);
	static const char *const bad[] = {
		"segment-0000000000000000-0000000000000001", "segment-0000000000000001-0000000000000000",
		"segment-4000000000000000-0000000000000001", "segment-0000000000000001-ffffffffffffffff",
		"segment-0000000000000ABC-0000000000000001", "segment-0000000000000001-0000000000000001x",
		"segment-1-1", "segment-", "Segment-0000000000000001-0000000000000001", "",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!segment_name_parse(bad[i], &counter, &first), "%s", bad[i]);
	ck_assert(segment_spare_name_parse("spare-0000000000000007", &first));
	ck_assert(!segment_spare_name_parse("spare-ffffffffffffffff", &first));
}
END_TEST

/* ---- records ---- */

START_TEST(records_come_out_as_they_went_in_whatever_was_reserved)
{
	static const size_t lens[] = {0, 1, 127, 128, 300, 5};
	uint8_t octets[512];
	struct spool_block *block = new_block();
	for (size_t i = 0; i < 6; i++) {
		memset(octets, (int)i, sizeof octets);
		ck_assert(add(block, octets, lens[i], 512));
	}
	ck_assert_uint_eq(spool_block_count(block), 6);
	block_seal(block, NULL, NULL);
	struct bytes records = bytes_of(block->memory + BLOCK_HEADER_BYTES, block->header.stored_len), record;
	ck_assert(block_payload_is_intact(&block->header, records));
	ck_assert(block_records_are_well_formed(&block->header, records));
	for (size_t i = 0; i < 6; i++) {
		memset(octets, (int)i, sizeof octets);
		ck_assert(spool_record_next(&records, &record));
		ck_assert(bytes_equal(record, bytes_of(octets, lens[i])));
	}
	ck_assert(!spool_record_next(&records, &record));
	ck_assert_uint_eq(records.len, 0);
	free_block(block);
}
END_TEST

START_TEST(a_record_that_does_not_fit_is_refused_and_the_last_octet_can_be_used)
{
	static const uint8_t octets[ROOM];
	struct spool_block *block = new_block();
	ck_assert_ptr_null(spool_block_reserve(block, ROOM));
	ck_assert_ptr_null(spool_block_reserve(block, ROOM - 1));
	ck_assert_ptr_null(spool_block_reserve(block, SIZE_MAX));
	ck_assert(add(block, octets, ROOM - 2, ROOM - 2));
	ck_assert_uint_eq(block->len, ROOM);
	ck_assert_ptr_null(spool_block_reserve(block, 0));
	free_block(block);
}
END_TEST

START_TEST(malformed_records_end_the_walk_with_something_left)
{
	static const uint8_t too_long[] = {1, 'a', 5, 'b'}, cut_length[] = {0x80};
	struct bytes records = bytes_of(too_long, sizeof too_long), record;
	ck_assert(spool_record_next(&records, &record));
	ck_assert(!spool_record_next(&records, &record));
	ck_assert_uint_eq(records.len, 2);
	records = bytes_of(cut_length, sizeof cut_length);
	ck_assert(!spool_record_next(&records, &record));
	ck_assert_uint_eq(records.len, 1);
}
END_TEST

/* ---- sealing ---- */

START_TEST(the_padding_is_zeros_up_to_the_next_multiple_of_64)
{
	struct spool_block *block = new_block();
	memset(block->memory, 0xee, (size_t)block_memory_bytes(ROOM));
	ck_assert(add(block, "abc", 3, 3));
	block_seal(block, NULL, NULL);
	ck_assert_uint_eq(block_octets(block).len, BLOCK_HEADER_BYTES + 64);
	for (size_t i = 4; i < 64; i++)
		ck_assert_uint_eq(block->memory[BLOCK_HEADER_BYTES + i], 0);
	free_block(block);
}
END_TEST

START_TEST(what_compresses_is_unpacked_to_the_same_octets_and_the_rest_stays_as_it_is)
{
	ZSTD_CCtx *compressor = ZSTD_createCCtx();
	ZSTD_DCtx *unpacker = ZSTD_createDCtx();
	uint8_t scratch[ROOM], unpacked[ROOM], octets[1000];
	for (int random = 0; random < 2; random++) {
		struct spool_block *block = new_block();
		for (size_t i = 0; i < sizeof octets; i++)
			octets[i] = random ? (uint8_t)(i * i * 2654435761u >> 13) : (uint8_t)('a' + i % 3);
		ck_assert(add(block, octets, sizeof octets, sizeof octets));
		block_seal(block, compressor, scratch);
		ck_assert_uint_eq(block->header.codec, random ? BLOCK_CODEC_NONE : BLOCK_CODEC_ZSTD);
		ck_assert_uint_eq(block->header.unpacked_len, 1002);
		struct bytes stored = bytes_of(block->memory + BLOCK_HEADER_BYTES, block->header.stored_len), records, record;
		ck_assert(block_payload_is_intact(&block->header, stored));
		ck_assert(block_unpack(&block->header, stored, unpacker, unpacked, &records));
		ck_assert(spool_record_next(&records, &record));
		ck_assert(bytes_equal(record, bytes_of(octets, sizeof octets)));
		free_block(block);
	}
	ZSTD_freeCCtx(compressor);
	ZSTD_freeDCtx(unpacker);
}
END_TEST

/* A peer or a bad disk says "unpacks to 64 octets" of something that unpacks to a thousand times as much. */
START_TEST(a_payload_that_unpacks_to_more_than_its_header_says_is_refused_within_the_room)
{
	ZSTD_DCtx *unpacker = ZSTD_createDCtx();
	uint8_t *bomb = calloc(1, 64 << 10), packed[1024], unpacked[64];
	size_t len = ZSTD_compress(packed, sizeof packed, bomb, 64 << 10, 1);
	struct block_header header = {.codec = BLOCK_CODEC_ZSTD, .unpacked_len = sizeof unpacked, .stored_len = (uint32_t)len};
	struct bytes records;
	struct guarded_bytes room = guarded_bytes_room(sizeof unpacked);
	ck_assert(!block_unpack(&header, bytes_of(packed, len), unpacker, room.at, &records));
	guarded_bytes_free(&room);
	ZSTD_freeDCtx(unpacker);
	free(bomb);
}
END_TEST

/* Goal: a message and 40 octets at the most, in blocks of 64 records and more; what the envelope adds is not ours. */
START_TEST(the_spools_own_share_of_a_record_is_small)
{
	struct spool_block *block = new_block();
	uint8_t octets[60] = {0};
	while (spool_block_count(block) < 64)
		ck_assert(add(block, octets, 60, 60));
	block_seal(block, NULL, NULL);
	uint64_t overhead = block_span(&block->header) - 64 * sizeof octets;
	ck_assert_uint_le(overhead, 64 * 5);
	free_block(block);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("block");
	TCase *tests = tcase_create("headers");
	tcase_add_test(tests, a_header_is_read_as_it_was_written);
	tcase_add_test(tests, no_prefix_of_a_header_is_one);
	tcase_add_test(tests, a_header_with_any_bit_changed_is_invalid);
	tcase_add_test(tests, a_header_with_the_salt_of_another_life_is_invalid);
	tcase_add_test(tests, what_only_a_newer_version_can_have_written_is_said_to_be_newer);
	tcase_add_test(tests, a_longer_header_of_a_newer_minor_version_is_read);
	tcase_add_test(tests, a_signed_header_with_numbers_that_cannot_be_is_invalid);
	tcase_add_test(tests, sequences_end_before_arithmetic_on_them_wraps);
	tcase_add_test(tests, a_segment_header_is_read_as_it_was_written_and_no_bit_of_it_may_change);
	tcase_add_test(tests, a_signed_segment_header_with_numbers_that_cannot_be_is_invalid);
	tcase_add_test(tests, only_names_that_a_spool_can_have_given_are_taken_for_segments);
	suite_add_tcase(suite, tests);
	tests = tcase_create("payloads");
	tcase_add_test(tests, records_come_out_as_they_went_in_whatever_was_reserved);
	tcase_add_test(tests, a_record_that_does_not_fit_is_refused_and_the_last_octet_can_be_used);
	tcase_add_test(tests, malformed_records_end_the_walk_with_something_left);
	tcase_add_test(tests, the_padding_is_zeros_up_to_the_next_multiple_of_64);
	tcase_add_test(tests, what_compresses_is_unpacked_to_the_same_octets_and_the_rest_stays_as_it_is);
	tcase_add_test(tests, a_payload_that_unpacks_to_more_than_its_header_says_is_refused_within_the_room);
	tcase_add_test(tests, the_spools_own_share_of_a_record_is_small);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
