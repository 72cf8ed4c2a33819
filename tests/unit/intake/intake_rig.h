/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the intake share: one intake over the fake spool, a source that waits and one that sheds, and what they
 * are told.
 */
#ifndef TESTS_UNIT_INTAKE_INTAKE_RIG_H
#define TESTS_UNIT_INTAKE_INTAKE_RIG_H

#include "fake_spool.h"
#include "intake/intake.h"

#include <stdlib.h>

static struct spool spool;
static struct intake *intake;
static struct intake_source waits, sheds;
static struct peer peer = {.transport = TRANSPORT_TCP, .port = 7};
static uint64_t receipt;
static uint64_t told_stored[2];
static const struct intake_source *told_of_room[6]; /* in this order */
static unsigned told_count, room_count;
static struct intake_source *takes_room; /* takes a message when it is told of room */

static inline void on_stored(void *context, uint64_t ordinal)
{
	told_stored[context == &sheds] = ordinal;
	told_count++;
}

static inline enum intake_result take(struct intake_source *source, const char *text)
{
	return intake_take(intake, source, &peer, bytes_of_text(text), 0, 1000000, &receipt);
}

static inline void on_room(void *context)
{
	ck_assert_uint_lt(room_count, sizeof told_of_room / sizeof *told_of_room);
	told_of_room[room_count++] = context;
	if (context == takes_room)
		ck_assert_int_eq(take(context, "x"), INTAKE_TAKEN);
}

static inline void add(struct intake_source *source, unsigned input, enum spool_block_use use)
{
	*source = (struct intake_source){
		.input = input, .use = use, .max_message_bytes = 1024, .stored = on_stored, .room = on_room, .context = source,
	};
	intake_add_source(intake, source);
}

static inline void set_up(void)
{
	spool = (struct spool){.free_blocks = BLOCKS, .would_start = true, .next_group_ns = 77};
	told_count = room_count = 0;
	told_stored[0] = told_stored[1] = 0;
	receipt = 0;
	takes_room = NULL;
	intake = intake_open(&spool, 3);
	ck_assert_ptr_nonnull(intake);
	add(&waits, 1, SPOOL_BLOCK_WAITS);
	add(&sheds, 2, SPOOL_BLOCK_SHEDS);
}

static inline void tear_down(void)
{
	intake_remove_source(intake, &waits);
	intake_remove_source(intake, &sheds);
	intake_close(&intake);
	ck_assert_ptr_null(intake);
	intake_close(&intake);
}

/* Record `index` of the block with that ordinal. */
static inline struct envelope record(uint64_t ordinal, uint32_t index)
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

static inline void assert_text(struct bytes bytes, const char *text)
{
	ck_assert_mem_eq(bytes.at, text, strlen(text));
	ck_assert_uint_eq(bytes.len, strlen(text));
}

#endif
