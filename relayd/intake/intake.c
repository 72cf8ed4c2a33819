/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The road of every message between its frame and its block. What has to hold:
 *
 *     submitted + position in `open` == receipt of the source at that position, counted from 1
 *
 * so a block is taken only when a record certainly goes into it (an empty one would get no ordinal), and handing over
 * one block first hands over all that were taken before it.
 */
#include "intake/intake.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "intake/counter.h"
#include "intake/intake_internal.h"

/* The mildest severity that the reserve of the spool is kept for (rule 8). */
enum { RESERVE_SEVERITY_MAX = 3 };

/* When to look again at a part-filled block, if no group is stored before; that ends a turn too. */
enum { AGAIN_NS = 1000 * 1000 };

struct intake *intake_open(struct spool *spool, unsigned worker)
{
	struct intake *intake = calloc(1, sizeof *intake);
	if (intake == NULL)
		return NULL;
	intake->spool = spool;
	intake->worker = worker;
	list_init(&intake->open);
	list_init(&intake->sources);
	return intake;
}

void intake_close(struct intake **intake)
{
	if (*intake == NULL)
		return;
	assert(list_is_empty(&(*intake)->sources));
	assert(list_is_empty(&(*intake)->open));
	ZSTD_freeDCtx((*intake)->unpacker);
	free((*intake)->unpacked);
	free(*intake);
	*intake = NULL;
}

void intake_add_source(struct intake *intake, struct intake_source *source)
{
	assert(source->max_message_bytes > 0);
	assert(source->block == NULL);
	list_append(&intake->sources, &source->link);
	list_init(&source->open_block);
}

static void count_record(struct intake *intake, struct intake_source *source, const struct envelope *envelope)
{
	unsigned number = intake_source_of(intake, &envelope->peer, envelope->message.hostname);
	uint32_t missing = sequence_gaps_before(&intake->gaps, &envelope->peer, &envelope->message);
	spool_block_count_source(source->block, number, 1);
	if (missing > 0)
		spool_source_count_suspected(intake->spool, number, missing);
}

/* ---- blocks ---- */

/* Hands over the block that was taken first. */
static void submit_first(struct intake *intake)
{
	struct intake_source *source = LIST_ENTRY(list_take_first(&intake->open), struct intake_source, open_block);
	if (source->stored != NULL)
		spool_await_group(intake->spool);
	uint64_t ordinal = spool_submit_block(intake->spool, source->block);
	source->block = NULL;
	intake->open_count--;
	intake->submitted++;
	assert(ordinal == source->receipt && ordinal == intake->submitted);
}

/* Hands over the source's block, if it has one, and all that were taken before it. */
static void submit_until(struct intake *intake, const struct intake_source *source)
{
	while (source->block != NULL)
		submit_first(intake);
}

void intake_remove_source(struct intake *intake, struct intake_source *source)
{
	submit_until(intake, source);
	list_remove(&source->link);
}

void intake_flush(struct intake *intake)
{
	while (!list_is_empty(&intake->open))
		submit_first(intake);
}

uint64_t intake_turn_end(struct intake *intake)
{
	if (list_is_empty(&intake->open))
		return 0;
	if (!spool_would_start_group(intake->spool))
		return spool_next_group_ns(intake->spool);
	/*
	 * The writer is awake for a block that this worker has just handed over, and has not begun. One block more for each
	 * turn until it does would use up the pool with a few messages in each.
	 */
	if (intake->submitted > spool_worker_stored(intake->spool, intake->worker))
		return clock_monotonic_ns() + AGAIN_NS;
	intake_flush(intake);
	return 0;
}

/* Gives the source a new block; false if there is none. */
static bool take_block(struct intake *intake, struct intake_source *source, int64_t received_ns)
{
	source->block = spool_take_block(intake->spool, intake->worker, source->use, source->input, received_ns);
	if (source->block == NULL)
		return false;
	list_append(&intake->open, &source->open_block);
	intake->open_count++;
	source->receipt = intake->submitted + intake->open_count;
	envelope_context_start(&source->packing, received_ns);
	return true;
}

/* Room for a record in a new block, for the source has none that is not full. */
__attribute__((noinline, cold)) static uint8_t *reserve_in_new(struct intake *intake, struct intake_source *source,
                                                               size_t len, int64_t received_ns)
{
	submit_until(intake, source);
	if (!take_block(intake, source, received_ns))
		return NULL;
	uint8_t *room = spool_block_reserve(source->block, len);
	assert(room != NULL); /* the relay made blocks larger than the largest message */
	return room;
}

/* Room for the envelope's record. The caller certainly commits to it. */
static inline uint8_t *reserve(struct intake *intake, struct intake_source *source, const struct envelope *envelope)
{
	size_t len = ENVELOPE_PACKED_MAX_BYTES + envelope->raw.len;
	uint8_t *room = source->block != NULL ? spool_block_reserve(source->block, len) : NULL;
	return room != NULL ? room : reserve_in_new(intake, source, len, envelope->received_ns);
}

/* ---- drops ---- */

static void count_drop(struct intake *intake, struct intake_source *source, enum spool_drop_reason reason,
                       uint64_t count)
{
	counter_add(&source->received, count);
	spool_count_drop(intake->spool, intake->worker, source->input, reason, count);
}

void intake_count_drop(struct intake *intake, struct intake_source *source, const struct peer *peer,
                       enum spool_drop_reason reason, uint64_t count)
{
	if (count == 0)
		return;
	count_drop(intake, source, reason, count);
	if (peer != NULL)
		spool_source_count_drop(intake->spool, intake_source_of(intake, peer, bytes_of(NULL, 0)), reason, count);
}

/* One that was read: its source is known in full. */
static void drop(struct intake *intake, struct intake_source *source, const struct envelope *envelope,
                 enum spool_drop_reason reason)
{
	unsigned number = intake_source_of(intake, &envelope->peer, envelope->message.hostname);
	count_drop(intake, source, reason, 1);
	spool_source_count_drop(intake->spool, number, reason, 1);
}

static enum intake_result shed(struct intake *intake, struct intake_source *source, const struct envelope *envelope,
                               enum spool_drop_reason reason)
{
	if (source->tries_again)
		return INTAKE_WAIT;
	drop(intake, source, envelope, reason);
	return INTAKE_DROPPED;
}

/* ---- messages ---- */

_Static_assert(INTAKE_PLAIN >> MESSAGE_FLAGS != 0, "INTAKE_PLAIN is a flag of messages");

static void read_message(struct intake_source *source, struct envelope *envelope, uint32_t flags)
{
	source->parse.received_ns = envelope->received_ns;
	source->parse.is_plain = (flags & INTAKE_PLAIN) != 0;
	parse_message(envelope->raw, &source->parse, &envelope->message);
	envelope->message.flags |= flags & ~INTAKE_PLAIN;
}

/* Puts the record into the room that was reserved, and counts it. */
static inline enum intake_result put(struct intake *intake, struct intake_source *source, const struct envelope *envelope,
                                     uint8_t *room)
{
	size_t packed = envelope_pack(&source->packing, envelope, room);
	if (envelope->raw.len > 0)
		memcpy(room + packed, envelope->raw.at, envelope->raw.len);
	spool_block_commit(source->block, packed + envelope->raw.len);
	counter_add(&source->received, 1);
	if ((envelope->message.flags & MESSAGE_TRUNCATED) != 0)
		counter_add(&source->truncated, 1);
	count_record(intake, source, envelope);
	return INTAKE_TAKEN;
}

/* Of an input that waits: read only when there is room. */
static inline enum intake_result take_or_wait(struct intake *intake, struct intake_source *source,
                                              struct envelope *envelope, uint32_t flags)
{
	if (spool_level(intake->spool) != SPOOL_LEVEL_OPEN)
		return INTAKE_WAIT;
	uint8_t *room = reserve(intake, source, envelope);
	if (room == NULL)
		return INTAKE_WAIT;
	read_message(source, envelope, flags);
	return put(intake, source, envelope, room);
}

/* Of one that sheds: read also if it is dropped: its severity decides, and its HOSTNAME says whose loss it is. */
static enum intake_result take_or_shed(struct intake *intake, struct intake_source *source, struct envelope *envelope,
                                       uint32_t flags)
{
	enum spool_level level = spool_level(intake->spool);
	read_message(source, envelope, flags);
	if (level == SPOOL_LEVEL_FULL ||
	    (level == SPOOL_LEVEL_RESERVE && message_severity(&envelope->message) > RESERVE_SEVERITY_MAX))
		return shed(intake, source, envelope, SPOOL_DROP_SPOOL_FULL);
	uint8_t *room = reserve(intake, source, envelope);
	if (room == NULL)
		return shed(intake, source, envelope, spool_level(intake->spool) == SPOOL_LEVEL_OPEN ? SPOOL_DROP_NO_BUFFER
		                                                                                       : SPOOL_DROP_SPOOL_FULL);
	return put(intake, source, envelope, room);
}

enum intake_result intake_take(struct intake *intake, struct intake_source *source, const struct peer *peer,
                               struct bytes raw, uint32_t flags, int64_t received_ns, uint64_t *receipt)
{
	if (raw.len > source->max_message_bytes) {
		raw.len = utf8_cut(raw, source->max_message_bytes);
		flags |= MESSAGE_TRUNCATED;
	}
	struct envelope envelope; /* field by field: read_message() fills in the message, so nothing need be cleared */
	envelope.received_ns = received_ns;
	envelope.peer = *peer;
	envelope.input = (uint16_t)source->input;
	envelope.raw = raw;
	enum intake_result result = source->use == SPOOL_BLOCK_SHEDS ? take_or_shed(intake, source, &envelope, flags)
	                                                              : take_or_wait(intake, source, &envelope, flags);
	if (result == INTAKE_TAKEN)
		*receipt = source->receipt;
	return result;
}

void intake_drop(struct intake *intake, struct intake_source *source, const struct peer *peer, struct bytes raw,
                 int64_t received_ns, enum spool_drop_reason reason)
{
	struct envelope envelope;
	envelope.received_ns = received_ns;
	envelope.peer = *peer;
	envelope.raw = bytes_of(raw.at, raw.len > source->max_message_bytes ? source->max_message_bytes : raw.len);
	read_message(source, &envelope, 0);
	drop(intake, source, &envelope, reason);
}

void intake_stored(struct intake *intake)
{
	uint64_t ordinal = spool_worker_stored(intake->spool, intake->worker);
	if (ordinal == intake->told)
		return;
	intake->told = ordinal;
	LIST_FOR_EACH(link, &intake->sources) {
		struct intake_source *source = LIST_ENTRY(link, struct intake_source, link);
		if (source->stored != NULL)
			source->stored(source->context, ordinal);
	}
}

bool intake_awaits_stored(const struct intake *intake)
{
	if (intake->told == intake->submitted)
		return false;
	LIST_FOR_EACH(link, &intake->sources) {
		if (LIST_ENTRY(link, const struct intake_source, link)->stored != NULL)
			return true;
	}
	return false;
}

bool intake_holds_blocks(const struct intake *intake)
{
	return !list_is_empty(&intake->open);
}

void intake_room(struct intake *intake)
{
	struct list *first = NULL;
	LIST_FOR_EACH(link, &intake->sources) {
		struct intake_source *source = LIST_ENTRY(link, struct intake_source, link);
		uint64_t before = intake->submitted + intake->open_count;
		if (source->room != NULL)
			source->room(source->context);
		if (first == NULL && intake->submitted + intake->open_count != before)
			first = link;
	}
	/* It may have taken all there was. */
	if (first != NULL && !list_is_empty(first)) {
		list_remove(first);
		list_append(&intake->sources, first);
	}
}

bool intake_has_room(const struct intake *intake, const struct intake_source *source)
{
	return spool_level(intake->spool) == SPOOL_LEVEL_OPEN &&
	       spool_has_block(intake->spool, intake->worker, source->use);
}

struct spool *intake_spool(const struct intake *intake)
{
	return intake->spool;
}

enum spool_level intake_level(const struct intake *intake)
{
	return spool_level(intake->spool);
}
