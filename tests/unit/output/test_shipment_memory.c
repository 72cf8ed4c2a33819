/* SPDX-License-Identifier: Apache-2.0 */
/* What packing a block again takes of memory, while it is done and afterwards, and what becomes of it without any. */
#include "output/shipment.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "spool/block.h"
#include "support/scarce_memory.h"

enum {
	RECORD_MOST_BYTES = ENVELOPE_PACKED_MAX_BYTES + 300,
	BLOCK_MOST_BYTES = 4 << 20,
	SMALL_BYTES = 64 << 10,
	AROUND_BYTES = 1 << 20, /* what is kept, and what the shipment itself takes */
};

static uint8_t octets[BLOCK_MOST_BYTES];
static struct shipment *shipment;
static struct spool_view view;

/* Fills a block of so many octets with messages of `len` octets each, from `peers` peers in turn. */
static void make_view(size_t size, size_t len, unsigned peers)
{
	static uint8_t text[300];
	struct envelope_context packing;
	struct spool_block block = {.memory = octets, .room = (uint32_t)(size - BLOCK_HEADER_BYTES)};
	struct envelope envelope = {.received_ns = 1, .raw = bytes_of(text, len)};
	memset(text, 'x', sizeof text);
	block_start(&block, 0, 1);
	envelope_context_start(&packing, 1);
	uint8_t *room;
	for (unsigned i = 0; (room = spool_block_reserve(&block, ENVELOPE_PACKED_MAX_BYTES + len)) != NULL; i++) {
		envelope.peer.port = (uint16_t)(i % peers);
		size_t packed = envelope_pack(&packing, &envelope, room);
		memcpy(room + packed, text, len);
		spool_block_commit(&block, packed + len);
	}
	view = (struct spool_view){
		.first = 1, .last = spool_block_count(&block), .count = spool_block_count(&block), .base_ns = 1,
		.records = bytes_of(octets + BLOCK_HEADER_BYTES, block.len), .unpacked_len = block.len,
	};
}

/* All but the first message. */
static enum shipment_result ship(struct relp_block *block)
{
	static const struct filter everything;
	static const struct drop_rules none;
	struct account_left_out left_out;
	const struct shipment_choice choice = {.from = 2, .filter = &everything, .rules = &none};
	return shipment_make(shipment, &view, &choice, block, &left_out);
}

static void open_shipment(void)
{
	shipment = shipment_open();
	ck_assert_ptr_nonnull(shipment);
}

static void close_shipment(void)
{
	shipment_close(&shipment);
}

/* As many messages as another relay can put into a block; what packs it again needs about twice the block. */
START_TEST(a_block_of_tiny_messages_is_packed_again_in_little_more_than_its_own_size)
{
	struct relp_block block;
	make_view(sizeof octets, 1, 1);
	ck_assert_uint_gt(view.count, 200000);
	long long before = scarce_memory_held();
	scarce_memory_peak();
	ck_assert_int_eq(ship(&block), SHIPMENT_READY);
	ck_assert_uint_eq(block.records, view.count - 1);
	ck_assert_int_lt(scarce_memory_peak() - before, 2LL * view.unpacked_len + AROUND_BYTES);
}
END_TEST

START_TEST(what_a_large_block_took_goes_back_when_it_is_done)
{
	struct relp_block block;
	long long before = scarce_memory_held();
	make_view(sizeof octets, 300, 1);
	ck_assert_int_eq(ship(&block), SHIPMENT_READY);
	shipment_done(shipment);
	ck_assert_int_lt(scarce_memory_held() - before, AROUND_BYTES);
}
END_TEST

START_TEST(what_a_block_of_usual_size_took_is_kept_for_the_next)
{
	struct relp_block block;
	make_view(SMALL_BYTES, 300, 1);
	ck_assert_int_eq(ship(&block), SHIPMENT_READY);
	shipment_done(shipment);
	long long held = scarce_memory_held();
	scarce_memory_peak();
	ck_assert_int_eq(ship(&block), SHIPMENT_READY);
	ck_assert_int_lt(scarce_memory_peak(), held + 4096); /* the test itself takes a little */
}
END_TEST

/* More than the block has can be needed only if the peers' places fall badly: here the block says less of itself. */
START_TEST(room_that_turns_out_too_small_grows_while_it_is_filled)
{
	struct relp_block expected, block;
	make_view(SMALL_BYTES, 20, 70);
	ck_assert_int_eq(ship(&expected), SHIPMENT_READY);
	close_shipment();
	open_shipment();
	view.unpacked_len = 1;
	ck_assert_int_eq(ship(&block), SHIPMENT_READY);
	ck_assert_uint_eq(block.records, expected.records);
	ck_assert_uint_eq(block.unpacked_len, expected.unpacked_len);
	ck_assert_uint_eq(block.checksum, expected.checksum);
}
END_TEST

/* Each allocation fails once: first the block's memory, then where it grows, then the scratch. */
START_TEST(without_memory_the_block_is_made_the_next_time)
{
	struct relp_block block;
	unsigned failed = 0;
	make_view(SMALL_BYTES, 20, 70);
	view.unpacked_len = 1;
	for (size_t least = 1; least <= SMALL_BYTES; least *= 2) {
		close_shipment();
		open_shipment();
		scarce_memory_refuse(least, SIZE_MAX, 1);
		failed += ship(&block) == SHIPMENT_NO_MEMORY;
		scarce_memory_refuse(0, 0, 0);
		ck_assert_int_eq(ship(&block), SHIPMENT_READY);
		ck_assert_uint_eq(block.records, view.count - 1);
	}
	ck_assert_uint_gt(failed, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shipment_memory");
	TCase *tests = tcase_create("memory");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, open_shipment, close_shipment);
	tcase_add_test(tests, a_block_of_tiny_messages_is_packed_again_in_little_more_than_its_own_size);
	tcase_add_test(tests, what_a_large_block_took_goes_back_when_it_is_done);
	tcase_add_test(tests, what_a_block_of_usual_size_took_is_kept_for_the_next);
	tcase_add_test(tests, room_that_turns_out_too_small_grows_while_it_is_filled);
	tcase_add_test(tests, without_memory_the_block_is_made_the_next_time);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
