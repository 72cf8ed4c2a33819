/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intake over a spool of this file: every function of spool.h that the intake calls is here, so that level, free
 * blocks and the writer's mood are what each test says, and every octet and ordinal can be looked at.
 */
#include "intake/intake.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 4096, BLOCK_RECORDS = 256, BLOCKS = 8, SOURCES = 8 };

struct spool_block {
	bool is_used;
	unsigned input;
	int64_t base_ns;
	uint8_t bytes[BLOCK_BYTES];
	size_t used;
	uint32_t count;
	size_t end[BLOCK_RECORDS];
	uint32_t of_source[SOURCES];
};

/* What the test says, and what the intake did. */
struct spool {
	enum spool_level level;
	unsigned free_blocks;
	bool would_start;
	uint64_t next_group_ns;
	uint64_t stored;
	bool is_awaited;         /* what is handed over next */
	unsigned awaited_count;  /* blocks that were */
	struct spool_block blocks[BLOCKS];
	struct spool_block *submitted[BLOCKS]; /* by ordinal - 1 */
	uint64_t submitted_count;
	uint64_t dropped[SPOOL_DROP_REASONS];
	struct spool_source_name name[SOURCES];
	unsigned sources;
	unsigned look_ups;
	uint64_t source_dropped[SOURCES];
	uint64_t suspected[SOURCES];
};

unsigned spool_source_find(struct spool *spool, const uint8_t *address, struct bytes hostname)
{
	spool->look_ups++;
	for (unsigned i = 0; i < spool->sources; i++)
		if (spool_source_name_is(&spool->name[i], address, hostname))
			return i;
	struct spool_source_name *name = &spool->name[spool->sources];
	memcpy(name->address, address, sizeof name->address);
	name->hostname_len = (uint8_t)hostname.len;
	if (hostname.len > 0)
		memcpy(name->hostname, hostname.at, hostname.len);
	return spool->sources++;
}

const struct spool_source_name *spool_source_name(const struct spool *spool, unsigned source)
{
	return &spool->name[source];
}

void spool_block_count_source(struct spool_block *block, unsigned source, uint32_t count)
{
	block->of_source[source] += count;
}

void spool_source_count_drop(struct spool *spool, unsigned source, enum spool_drop_reason reason, uint64_t count)
{
	(void)reason;
	spool->source_dropped[source] += count;
}

void spool_source_count_suspected(struct spool *spool, unsigned source, uint64_t count)
{
	spool->suspected[source] += count;
}

enum spool_level spool_level(const struct spool *spool)
{
	return spool->level;
}

void spool_count_drop(struct spool *spool, unsigned worker, unsigned input, enum spool_drop_reason reason, uint64_t count)
{
	(void)worker;
	(void)input;
	spool->dropped[reason] += count;
}

struct spool_block *spool_take_block(struct spool *spool, unsigned worker, enum spool_block_use use, unsigned input,
                                     int64_t base_ns)
{
	(void)worker;
	if (spool->free_blocks <= (use == SPOOL_BLOCK_WAITS ? 1u : 0u))
		return NULL;
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct spool_block *block = &spool->blocks[i];
		if (block->is_used)
			continue;
		*block = (struct spool_block){.is_used = true, .input = input, .base_ns = base_ns};
		spool->free_blocks--;
		return block;
	}
	return NULL;
}

uint8_t *spool_block_reserve(struct spool_block *block, size_t len)
{
	return BLOCK_BYTES - block->used >= len ? block->bytes + block->used : NULL;
}

void spool_block_commit(struct spool_block *block, size_t len)
{
	block->used += len;
	block->end[block->count++] = block->used;
}

uint64_t spool_submit_block(struct spool *spool, struct spool_block *block)
{
	ck_assert_uint_gt(block->count, 0);
	spool->submitted[spool->submitted_count] = block;
	spool->awaited_count += spool->is_awaited;
	spool->is_awaited = false;
	return ++spool->submitted_count;
}

void spool_await_group(struct spool *spool)
{
	spool->is_awaited = true;
}

uint64_t spool_worker_stored(const struct spool *spool, unsigned worker)
{
	(void)worker;
	return spool->stored;
}

bool spool_would_start_group(const struct spool *spool)
{
	return spool->would_start;
}

uint64_t spool_next_group_ns(const struct spool *spool)
{
	return spool->next_group_ns;
}

/* --- the rig ----------------------------------------------------------------------------------------------------- */

static struct spool spool;
static struct intake *intake;
static struct intake_source waits, sheds;
static struct peer peer = {.transport = TRANSPORT_TCP, .port = 7};
static uint64_t receipt;
static uint64_t told_stored[2];
static unsigned told_count, room_count;

static void on_stored(void *context, uint64_t ordinal)
{
	told_stored[context == &sheds] = ordinal;
	told_count++;
}

static void on_room(void *context)
{
	(void)context;
	room_count++;
}

static void add(struct intake_source *source, unsigned input, enum spool_block_use use)
{
	*source = (struct intake_source){
		.input = input, .use = use, .max_message_bytes = 1024, .stored = on_stored, .room = on_room, .context = source,
	};
	intake_add_source(intake, source);
}

static void set_up(void)
{
	spool = (struct spool){.free_blocks = BLOCKS, .would_start = true, .next_group_ns = 77};
	told_count = room_count = 0;
	told_stored[0] = told_stored[1] = 0;
	receipt = 0;
	intake = intake_open(&spool, 3);
	ck_assert_ptr_nonnull(intake);
	add(&waits, 1, SPOOL_BLOCK_WAITS);
	add(&sheds, 2, SPOOL_BLOCK_SHEDS);
}

static void tear_down(void)
{
	intake_remove_source(intake, &waits);
	intake_remove_source(intake, &sheds);
	intake_close(&intake);
	ck_assert_ptr_null(intake);
	intake_close(&intake);
}

static enum intake_result take(struct intake_source *source, const char *text)
{
	return intake_take(intake, source, &peer, bytes_of_text(text), 0, 1000000, &receipt);
}

/* Record `index` of the block with that ordinal. */
static struct envelope record(uint64_t ordinal, uint32_t index)
{
	static struct envelope_context context;
	struct envelope envelope = {0};
	ck_assert_uint_le(ordinal, spool.submitted_count);
	const struct spool_block *block = spool.submitted[ordinal - 1];
	ck_assert_uint_lt(index, block->count);
	envelope_context_start(&context, block->base_ns);
	for (uint32_t i = 0; i <= index; i++) {
		size_t start = i > 0 ? block->end[i - 1] : 0;
		struct bytes octets = bytes_of(block->bytes + start, block->end[i] - start);
		ck_assert(envelope_unpack(&context, octets, &envelope));
	}
	return envelope;
}

static void assert_text(struct bytes bytes, const char *text)
{
	ck_assert_mem_eq(bytes.at, text, strlen(text));
	ck_assert_uint_eq(bytes.len, strlen(text));
}

/* --- records and receipts ---------------------------------------------------------------------------------------- */

START_TEST(a_message_is_read_once_and_kept_with_its_octets)
{
	ck_assert_int_eq(take(&waits, "<34>Oct 11 22:14:15 web01 su[231]: failed"), INTAKE_TAKEN);
	intake_flush(intake);
	struct envelope envelope = record(1, 0);
	assert_text(envelope.raw, "<34>Oct 11 22:14:15 web01 su[231]: failed");
	assert_text(envelope.message.app_name, "su");
	ck_assert_uint_eq(envelope.message.pri, 34);
	ck_assert_int_eq(envelope.received_ns, 1000000);
	ck_assert_uint_eq(envelope.peer.port, 7);
	ck_assert_uint_eq(envelope.peer.transport, TRANSPORT_TCP);
	ck_assert_int_eq(spool.submitted[0]->base_ns, 1000000);
}
END_TEST

START_TEST(the_receipt_is_the_ordinal_that_the_block_gets_later)
{
	take(&waits, "one");
	ck_assert_uint_eq(receipt, 1);
	take(&waits, "two");
	ck_assert_uint_eq(receipt, 1);
	intake_flush(intake);
	take(&waits, "three");
	ck_assert_uint_eq(receipt, 2);
	ck_assert_uint_eq(spool.submitted[0]->count, 2);
}
END_TEST

START_TEST(blocks_of_two_inputs_are_handed_over_in_the_order_in_which_they_were_taken)
{
	char filler[1000];
	memset(filler, 'x', sizeof filler - 1);
	filler[sizeof filler - 1] = '\0';
	take(&waits, "first");
	ck_assert_uint_eq(receipt, 1);
	take(&sheds, filler);
	ck_assert_uint_eq(receipt, 2);
	for (unsigned i = 0; i < 3; i++)
		take(&sheds, filler);
	/* The second input's block is full: the first input's part-filled one goes before it. */
	ck_assert_uint_eq(receipt, 3);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.submitted[0]->input, 1);
	ck_assert_uint_eq(spool.submitted[1]->input, 2);
	take(&waits, "later");
	ck_assert_uint_eq(receipt, 4);
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted[2]->input, 2);
	ck_assert_uint_eq(spool.submitted[3]->input, 1);
}
END_TEST

START_TEST(a_source_that_is_removed_hands_over_its_block)
{
	struct intake_source third;
	take(&waits, "first");
	add(&third, 9, SPOOL_BLOCK_WAITS);
	take(&third, "second");
	take(&sheds, "third");
	intake_remove_source(intake, &third);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.submitted[1]->input, 9);
	take(&sheds, "goes on");
	ck_assert_uint_eq(receipt, 3);
}
END_TEST

START_TEST(an_empty_message_is_a_record)
{
	ck_assert_int_eq(take(&waits, ""), INTAKE_TAKEN);
	intake_flush(intake);
	ck_assert_uint_eq(record(1, 0).raw.len, 0);
}
END_TEST

START_TEST(the_octets_may_be_changed_after_they_were_taken)
{
	char text[] = "<13>kept";
	take(&waits, text);
	memset(text, '?', sizeof text - 1);
	intake_flush(intake);
	assert_text(record(1, 0).raw, "<13>kept");
}
END_TEST

/* --- limits ------------------------------------------------------------------------------------------------------ */

START_TEST(a_message_over_the_limit_is_cut_on_a_character_border_flagged_and_counted)
{
	char text[1100];
	memset(text, 'a', sizeof text);
	memcpy(text, "<13>", 4);
	memcpy(text + 1023, "\xc3\xa4", 2); /* straddles the limit */
	ck_assert_int_eq(intake_take(intake, &waits, &peer, bytes_of(text, sizeof text), 0, 5, &receipt), INTAKE_TAKEN);
	intake_flush(intake);
	struct envelope envelope = record(1, 0);
	ck_assert_uint_eq(envelope.raw.len, 1023);
	ck_assert_uint_eq(envelope.message.flags & MESSAGE_TRUNCATED, MESSAGE_TRUNCATED);
	ck_assert_uint_eq(waits.truncated, 1);
}
END_TEST

START_TEST(a_message_of_exactly_the_limit_is_whole)
{
	char text[1024];
	memset(text, 'a', sizeof text);
	intake_take(intake, &waits, &peer, bytes_of(text, sizeof text), 0, 5, &receipt);
	intake_flush(intake);
	ck_assert_uint_eq(record(1, 0).raw.len, 1024);
	ck_assert_uint_eq(record(1, 0).message.flags & MESSAGE_TRUNCATED, 0);
	ck_assert_uint_eq(waits.truncated, 0);
}
END_TEST

START_TEST(what_the_transport_knows_to_be_cut_is_flagged_and_counted)
{
	intake_take(intake, &waits, &peer, BYTES("<13>x"), MESSAGE_TRUNCATED, 5, &receipt);
	intake_flush(intake);
	ck_assert_uint_eq(record(1, 0).message.flags & MESSAGE_TRUNCATED, MESSAGE_TRUNCATED);
	ck_assert_uint_eq(waits.truncated, 1);
}
END_TEST

/* --- level and blocks (rules 8 and 9) ----------------------------------------------------------------------------- */

START_TEST(an_input_that_waits_is_told_to_in_the_reserve_and_when_full)
{
	spool.level = SPOOL_LEVEL_RESERVE;
	ck_assert_int_eq(take(&waits, "<8>emergency"), INTAKE_WAIT);
	spool.level = SPOOL_LEVEL_FULL;
	ck_assert_int_eq(take(&waits, "<8>emergency"), INTAKE_WAIT);
	ck_assert_uint_eq(waits.received, 0);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 0);
	spool.level = SPOOL_LEVEL_OPEN;
	ck_assert_int_eq(take(&waits, "<8>emergency"), INTAKE_TAKEN);
	ck_assert_uint_eq(waits.received, 1);
}
END_TEST

START_TEST(the_reserve_takes_emerg_to_err_of_inputs_that_shed)
{
	spool.level = SPOOL_LEVEL_RESERVE;
	for (unsigned severity = 0; severity < 8; severity++) {
		char text[16];
		snprintf(text, sizeof text, "<%u>x", 8 + severity);
		ck_assert_int_eq(take(&sheds, text), severity <= 3 ? INTAKE_TAKEN : INTAKE_DROPPED);
	}
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 4);
	ck_assert_uint_eq(sheds.received, 8);
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted[0]->count, 4);
	ck_assert_uint_eq(record(1, 3).message.pri, 11);
}
END_TEST

START_TEST(a_full_spool_takes_nothing_of_inputs_that_shed_and_counts_all)
{
	spool.level = SPOOL_LEVEL_FULL;
	ck_assert_int_eq(take(&sheds, "<8>emergency"), INTAKE_DROPPED);
	ck_assert_int_eq(take(&sheds, "<15>debug"), INTAKE_DROPPED);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 2);
	ck_assert_uint_eq(sheds.received, 2);
	ck_assert_uint_eq(spool.submitted_count, 0);
}
END_TEST

START_TEST(without_a_block_some_wait_and_others_count_no_buffer)
{
	spool.free_blocks = 1; /* the last one is for those that shed */
	ck_assert_int_eq(take(&waits, "x"), INTAKE_WAIT);
	ck_assert_int_eq(take(&sheds, "x"), INTAKE_TAKEN);
	intake_flush(intake);
	ck_assert_int_eq(take(&sheds, "x"), INTAKE_DROPPED);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_NO_BUFFER], 1);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL], 0);
}
END_TEST

START_TEST(losses_before_the_intake_are_counted_as_received_and_dropped)
{
	intake_count_drop(intake, &sheds, NULL, SPOOL_DROP_KERNEL, 17);
	intake_count_drop(intake, &sheds, NULL, SPOOL_DROP_EMPTY, 0);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_KERNEL], 17);
	ck_assert_uint_eq(sheds.received, 17);
	ck_assert_uint_eq(spool.sources, 0);
	intake_count_drop(intake, &sheds, &peer, SPOOL_DROP_PEER_NOT_ALLOWED, 2);
	ck_assert_uint_eq(spool.source_dropped[0], 2);
	ck_assert_uint_eq(sheds.received, 19);
}
END_TEST

/* --- by source --------------------------------------------------------------------------------------------------- */

START_TEST(a_run_of_one_source_is_looked_up_once_and_counted_in_its_block)
{
	for (unsigned i = 0; i < 10; i++)
		take(&waits, "<13>Oct 11 22:14:15 web01 app: x");
	ck_assert_uint_eq(spool.look_ups, 1);
	take(&waits, "<13>Oct 11 22:14:15 web02 app: x");
	take(&waits, "<13>Oct 11 22:14:15 web01 app: x");
	intake_flush(intake);
	ck_assert_uint_eq(spool.look_ups, 3);
	ck_assert_uint_eq(spool.submitted[0]->of_source[0], 11);
	ck_assert_uint_eq(spool.submitted[0]->of_source[1], 1);
	ck_assert_mem_eq(spool.name[1].hostname, "web02", 5);
}
END_TEST

START_TEST(records_by_source_are_all_records_of_each_block)
{
	char text[1000];
	for (unsigned i = 0; i < 12; i++) {
		int len = snprintf(text, sizeof text, "<13>Oct 11 22:14:15 web%u app: ", i % 3);
		memset(text + len, 'x', sizeof text - (size_t)len - 1);
		text[sizeof text - 1] = '\0';
		take(&waits, text);
	}
	intake_flush(intake);
	ck_assert_uint_gt(spool.submitted_count, 2);
	for (unsigned i = 0; i < spool.submitted_count; i++) {
		const struct spool_block *block = spool.submitted[i];
		ck_assert_uint_eq(block->of_source[0] + block->of_source[1] + block->of_source[2], block->count);
	}
}
END_TEST

START_TEST(what_a_full_spool_drops_is_dropped_of_its_source)
{
	spool.level = SPOOL_LEVEL_FULL;
	take(&sheds, "<13>Oct 11 22:14:15 web01 app: x");
	spool.level = SPOOL_LEVEL_RESERVE;
	take(&sheds, "<13>Oct 11 22:14:15 web02 app: x");
	take(&sheds, "<8>Oct 11 22:14:15 web02 app: emergency");
	spool.level = SPOOL_LEVEL_OPEN;
	spool.free_blocks = 0;
	intake_flush(intake);
	take(&sheds, "<13>Oct 11 22:14:15 web02 app: x");
	ck_assert_uint_eq(spool.source_dropped[0], 1);
	ck_assert_uint_eq(spool.source_dropped[1], 2);
	ck_assert_uint_eq(spool.dropped[SPOOL_DROP_SPOOL_FULL] + spool.dropped[SPOOL_DROP_NO_BUFFER], 3);
}
END_TEST

START_TEST(a_missing_sequence_id_is_suspected_of_its_source_and_dropped_of_nobody)
{
	take(&waits, "<13>1 - web01 app 1 - [meta sequenceId=\"7\"] x");
	take(&waits, "<13>1 - web01 app 1 - [meta sequenceId=\"10\"] x");
	ck_assert_uint_eq(spool.suspected[0], 2);
	ck_assert_uint_eq(spool.source_dropped[0], 0);
	ck_assert_uint_eq(waits.received, 2);
}
END_TEST

/* --- groups ------------------------------------------------------------------------------------------------------ */

START_TEST(the_end_of_a_turn_hands_over_if_the_writer_would_start_a_group)
{
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	take(&waits, "x");
	take(&sheds, "y");
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	ck_assert_uint_eq(spool.submitted_count, 2);
}
END_TEST

START_TEST(the_end_of_a_turn_keeps_blocks_while_the_writer_is_busy_and_says_until_when)
{
	spool.would_start = false;
	take(&waits, "x");
	ck_assert_uint_eq(intake_turn_end(intake), 77);
	ck_assert_uint_eq(spool.submitted_count, 0);
	spool.would_start = true;
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	ck_assert_uint_eq(spool.submitted_count, 1);
}
END_TEST

START_TEST(the_writer_is_told_of_blocks_whose_senders_wait_for_an_answer_and_of_no_others)
{
	sheds.stored = NULL;
	take(&sheds, "y");
	ck_assert(intake_holds_blocks(intake));
	intake_flush(intake);
	ck_assert(!intake_holds_blocks(intake));
	ck_assert_uint_eq(spool.submitted_count, 1);
	ck_assert_uint_eq(spool.awaited_count, 0);
	take(&waits, "x");
	intake_flush(intake);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.awaited_count, 1);
}
END_TEST

START_TEST(news_of_a_group_is_awaited_only_for_sources_that_are_told)
{
	ck_assert(!intake_awaits_stored(intake));
	take(&waits, "x");
	intake_flush(intake);
	ck_assert(intake_awaits_stored(intake));
	waits.stored = sheds.stored = NULL;
	ck_assert(!intake_awaits_stored(intake));
	waits.stored = on_stored;
	spool.stored = 1;
	ck_assert(intake_awaits_stored(intake)); /* it has not been told yet */
	intake_stored(intake);
	ck_assert(!intake_awaits_stored(intake));
}
END_TEST

START_TEST(part_filled_blocks_do_not_pile_up_before_the_writer_has_begun)
{
	for (unsigned turn = 0; turn < 100; turn++) {
		ck_assert_int_eq(take(&sheds, "x"), INTAKE_TAKEN);
		uint64_t again = intake_turn_end(intake);
		ck_assert_int_eq(again != 0, turn > 0);
	}
	ck_assert_uint_eq(spool.submitted_count, 1);
	spool.stored = 1;
	ck_assert_uint_eq(intake_turn_end(intake), 0);
	ck_assert_uint_eq(spool.submitted_count, 2);
	ck_assert_uint_eq(spool.submitted[1]->count, 99);
}
END_TEST

START_TEST(every_source_is_told_once_for_each_group_what_is_stored)
{
	take(&waits, "x");
	intake_flush(intake);
	intake_stored(intake);
	ck_assert_uint_eq(told_count, 0);
	spool.stored = 1;
	intake_stored(intake);
	intake_stored(intake);
	ck_assert_uint_eq(told_count, 2);
	ck_assert_uint_eq(told_stored[0], 1);
	ck_assert_uint_eq(told_stored[1], 1);
}
END_TEST

START_TEST(every_source_is_told_of_room)
{
	intake_room(intake);
	ck_assert_uint_eq(room_count, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("intake");
	TCase *tests = tcase_create("intake");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_message_is_read_once_and_kept_with_its_octets);
	tcase_add_test(tests, the_receipt_is_the_ordinal_that_the_block_gets_later);
	tcase_add_test(tests, blocks_of_two_inputs_are_handed_over_in_the_order_in_which_they_were_taken);
	tcase_add_test(tests, a_source_that_is_removed_hands_over_its_block);
	tcase_add_test(tests, an_empty_message_is_a_record);
	tcase_add_test(tests, the_octets_may_be_changed_after_they_were_taken);
	tcase_add_test(tests, a_message_over_the_limit_is_cut_on_a_character_border_flagged_and_counted);
	tcase_add_test(tests, a_message_of_exactly_the_limit_is_whole);
	tcase_add_test(tests, what_the_transport_knows_to_be_cut_is_flagged_and_counted);
	tcase_add_test(tests, an_input_that_waits_is_told_to_in_the_reserve_and_when_full);
	tcase_add_test(tests, the_reserve_takes_emerg_to_err_of_inputs_that_shed);
	tcase_add_test(tests, a_full_spool_takes_nothing_of_inputs_that_shed_and_counts_all);
	tcase_add_test(tests, without_a_block_some_wait_and_others_count_no_buffer);
	tcase_add_test(tests, losses_before_the_intake_are_counted_as_received_and_dropped);
	tcase_add_test(tests, a_run_of_one_source_is_looked_up_once_and_counted_in_its_block);
	tcase_add_test(tests, records_by_source_are_all_records_of_each_block);
	tcase_add_test(tests, what_a_full_spool_drops_is_dropped_of_its_source);
	tcase_add_test(tests, a_missing_sequence_id_is_suspected_of_its_source_and_dropped_of_nobody);
	tcase_add_test(tests, the_end_of_a_turn_hands_over_if_the_writer_would_start_a_group);
	tcase_add_test(tests, the_end_of_a_turn_keeps_blocks_while_the_writer_is_busy_and_says_until_when);
	tcase_add_test(tests, part_filled_blocks_do_not_pile_up_before_the_writer_has_begun);
	tcase_add_test(tests, the_writer_is_told_of_blocks_whose_senders_wait_for_an_answer_and_of_no_others);
	tcase_add_test(tests, news_of_a_group_is_awaited_only_for_sources_that_are_told);
	tcase_add_test(tests, every_source_is_told_once_for_each_group_what_is_stored);
	tcase_add_test(tests, every_source_is_told_of_room);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
