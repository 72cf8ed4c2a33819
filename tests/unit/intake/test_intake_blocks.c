/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of other relays before they are queued (spool-rules.md, rule 33): whatever a head lies about is found before the
 * lie costs anything, and what is taken is counted by source. The spool is real and small; its writer is stepped by hand.
 */
#include "intake/intake_blocks.h"
#include "intake/intake_internal.h"
#include "spool/ledger_sources.h"
#include "support/memory_disk.h"
#include "support/stream_rig.h"
#include "syslog/parse.h"

#include <zstd.h>

static struct memory_disk disk;
static struct rig rig;
static struct intake *intake;
static struct intake_source source;
static struct spool_stream_session session;
static uint8_t payload[RIG_BLOCK_BYTES], packed[RIG_BLOCK_BYTES];
static uint64_t receipt;
static const char *reason;

static void set_up(void)
{
	struct spool_mark mark;
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig_open_ok(&rig);
	intake = intake_open(rig.spool, 0);
	source = (struct intake_source){.input = (unsigned)rig.input, .use = SPOOL_BLOCK_WAITS, .max_message_bytes = 1000};
	intake_add_source(intake, &source);
	session = stream_session(1, "a");
	ck_assert_int_eq(intake_fence(intake, &session, &receipt), INTAKE_TAKEN);
	ck_assert(writer_turn(rig.spool));
	ck_assert_int_eq(spool_stream_look(rig.spool, &session, &mark, NULL), SPOOL_STREAM_HOLDS);
}

static void tear_down(void)
{
	intake_remove_source(intake, &source);
	intake_close(&intake);
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

/* `count` records of hosts that take turns in runs of `run`; `payload` holds them. */
static struct spool_stream_block make_block(unsigned count, unsigned run)
{
	struct envelope_context context;
	size_t len = 0;
	envelope_context_start(&context, 1000);
	for (unsigned i = 0; i < count; i++) {
		char message[64];
		int message_len = snprintf(message, sizeof message, "<13>1 - host%u app - - - %u", i / run % 2, i);
		struct envelope envelope = {.received_ns = 2000, .peer = {.transport = TRANSPORT_UDP, .port = 7},
			.raw = bytes_of((const uint8_t *)message, (size_t)message_len)};
		struct parse_context parse = {.received_ns = 2000};
		parse_message(envelope.raw, &parse, &envelope.message);
		size_t envelope_len = envelope_pack(&context, &envelope, payload + len + 1);
		payload[len] = (uint8_t)(envelope_len + (size_t)message_len);
		ck_assert_uint_lt(payload[len], 128);
		memcpy(payload + len + 1 + envelope_len, message, (size_t)message_len);
		len += 1 + payload[len];
	}
	return (struct spool_stream_block){.first = 1, .last = count, .total = count, .records = count,
		.unpacked_len = (uint32_t)len, .base_ns = 1000, .checksum = XXH3_64bits(payload, len)};
}

static enum intake_block_result take(const struct spool_stream_block *block, struct bytes octets)
{
	return intake_take_block(intake, &source, &session, block, octets, &receipt, &reason);
}

static void assert_refused(const struct spool_stream_block *block, struct bytes octets, const char *expected)
{
	ck_assert_int_eq(take(block, octets), INTAKE_BLOCK_INVALID);
	ck_assert_str_eq(reason, expected);
	ck_assert(!writer_turn(rig.spool)); /* nothing is queued */
}

START_TEST(a_payload_with_another_checksum_is_refused)
{
	struct spool_stream_block block = make_block(10, 1);
	payload[3] ^= 1;
	assert_refused(&block, bytes_of(payload, block.unpacked_len), "a block's checksum is not that of its payload");
}
END_TEST

START_TEST(a_frame_that_says_another_length_than_its_head_is_refused_before_anything_is_unpacked)
{
	static const uint8_t zeros[1 << 20];
	struct spool_stream_block block = make_block(10, 1);
	size_t len = ZSTD_compress(packed, sizeof packed, zeros, sizeof zeros, 1);
	block.codec = 1;
	block.checksum = XXH3_64bits(packed, len);
	assert_refused(&block, bytes_of(packed, len), "a block's payload says another length than its head");
	ck_assert_uint_eq(intake->unpacked_size, 0);
}
END_TEST

START_TEST(a_block_that_unpacks_to_more_than_we_said_is_refused_before_memory_is_taken)
{
	struct spool_stream_block block = make_block(10, 1);
	size_t len = ZSTD_compress(packed, sizeof packed, payload, block.unpacked_len, 1);
	block.codec = 1;
	block.checksum = XXH3_64bits(packed, len);
	block.unpacked_len = spool_stream_unpacked_max(rig.spool) + 1;
	assert_refused(&block, bytes_of(packed, len), "a block is longer than we said that we take");
	ck_assert_uint_eq(intake->unpacked_size, 0);
}
END_TEST

START_TEST(a_block_with_more_or_fewer_records_than_its_head_says_is_refused)
{
	struct spool_stream_block block = make_block(10, 1);
	block.records += _i == 0 ? 1 : -1;
	block.last = 20;
	assert_refused(&block, bytes_of(payload, block.unpacked_len), "a block's records are not what its head says");
}
END_TEST

START_TEST(a_block_with_something_that_is_no_record_is_refused)
{
	struct spool_stream_block block = make_block(10, 1);
	memset(payload + 1, 0xff, payload[0]);
	block.checksum = XXH3_64bits(payload, block.unpacked_len);
	assert_refused(&block, bytes_of(payload, block.unpacked_len), "a block's records are not what its head says");
}
END_TEST

START_TEST(the_records_of_a_block_are_counted_by_source_once_each)
{
	struct spool_stream_block block = make_block(30, 5);
	uint64_t sum = 0;
	ck_assert_int_eq(take(&block, bytes_of(payload, block.unpacked_len)), INTAKE_BLOCK_TAKEN);
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 30);
	ck_assert_uint_eq(spool_source_count(rig.spool), 3); /* the others, and two hosts */
	for (unsigned i = 0; i < 3; i++) {
		struct spool_source_totals totals;
		spool_source_totals(rig.spool, i, &totals);
		ck_assert_uint_eq(totals.stored, i == SPOOL_SOURCE_OTHERS ? 0 : 15);
		sum += totals.stored;
	}
	ck_assert_uint_eq(sum, 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("intake_blocks");
	TCase *tests = tcase_create("blocks of other relays");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_payload_with_another_checksum_is_refused);
	tcase_add_test(tests, a_frame_that_says_another_length_than_its_head_is_refused_before_anything_is_unpacked);
	tcase_add_test(tests, a_block_that_unpacks_to_more_than_we_said_is_refused_before_memory_is_taken);
	tcase_add_loop_test(tests, a_block_with_more_or_fewer_records_than_its_head_says_is_refused, 0, 2);
	tcase_add_test(tests, a_block_with_something_that_is_no_record_is_refused);
	tcase_add_test(tests, the_records_of_a_block_are_counted_by_source_once_each);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
