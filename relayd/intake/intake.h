/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame to a record: parse once, make the envelope, put both into the worker's block, hand blocks to the spool, and
 * say when what was taken is stored. One intake per input worker, used by that worker's thread only: no lock on the road.
 *
 * A block holds records of one input. Blocks are handed over in the order in which they were taken from the pool, so the
 * ordinal of the block that a message went into is known at once: it is the message's receipt.
 *
 * The owner of the worker calls intake_turn_end() at the end of each loop turn (and at the time it names), and
 * intake_stored() and intake_room() on the worker's thread after the spool's events of that name.
 */
#ifndef RELAYD_INTAKE_INTAKE_H
#define RELAYD_INTAKE_INTAKE_H

#include "base/list.h"
#include "intake/sequence_gaps.h"
#include "spool/ledger_sources.h"
#include "spool/spool.h"
#include "syslog/envelope.h"
#include "syslog/parse.h"

struct intake;

/*
 * Octets that a block needs beyond max_message_bytes for the longest message: the envelope and the spool's own framing.
 * The relay makes blocks at least so much larger than the largest `max_message_size`.
 */
enum { INTAKE_RECORD_OVERHEAD_MAX_BYTES = ENVELOPE_PACKED_MAX_BYTES + 16 };

enum intake_result {
	INTAKE_TAKEN = 0,   /* in a block; `*receipt` says when it is stored */
	INTAKE_WAIT = 1,    /* nothing taken: no space or no block; keep the message and try again after `room` */
	INTAKE_DROPPED = 2, /* an input that sheds: dropped and counted under its reason */
};

/* One input at this worker: what all its messages share. Zero-initialise, fill the first part, then intake_add_source(). */
struct intake_source {
	unsigned input;                     /* index from spool_register_input() */
	enum spool_block_use use;           /* waits or sheds */
	bool tries_again;                   /* has what sheds, room of the reserve too, but is told INTAKE_WAIT: nothing drops */
	size_t max_message_bytes;           /* longer ones are cut on a UTF-8 border, flagged and counted */
	struct parse_context parse;         /* zone and dialect of this input */
	/* Called on the worker's thread after a group: everything with a receipt <= `ordinal` is stored. Optional. */
	void (*stored)(void *context, uint64_t ordinal);
	/* Called on the worker's thread when there may be room again. Optional. */
	void (*room)(void *context);
	void *context;

	/* Private to the intake. */
	struct list link;
	struct spool_block *block;
	struct list open_block;
	uint64_t receipt;
	struct envelope_context packing;
	_Atomic uint64_t received;          /* taken or dropped: received = stored + dropped + in memory. From any thread */
	_Atomic uint64_t truncated;         /* of these, cut by us or on the way, as far as we saw. From any thread */
};

/* Makes the intake of a worker, one in the spool's life. `worker` is its number in the spool. NULL if memory is short. */
struct intake *intake_open(struct spool *spool, unsigned worker);

/* Hands over what is left and frees. All sources must be removed. Clears the pointer; harmless if NULL. */
void intake_close(struct intake **intake);

void intake_add_source(struct intake *intake, struct intake_source *source);

/* Hands over the source's block (and those taken before it) and forgets the source; also from its own `stored` or `room`. */
void intake_remove_source(struct intake *intake, struct intake_source *source);

/* Beside flags of messages: all octets are known to be ASCII, and none NUL. */
#define INTAKE_PLAIN (UINT32_C(1) << 31)

/*
 * Takes one message: `raw` without framing, `flags` what the transport knows already (MESSAGE_TRUNCATED, INTAKE_PLAIN),
 * `received_ns` wall clock. On INTAKE_TAKEN `*receipt` is the ordinal to compare with `stored`. The bytes are copied.
 */
enum intake_result intake_take(struct intake *intake, struct intake_source *source, const struct peer *peer,
                               struct bytes raw, uint32_t flags, int64_t received_ns, uint64_t *receipt);

/* Counts a message that is given up, as intake_take() would have taken it: under the HOSTNAME that it says. */
void intake_drop(struct intake *intake, struct intake_source *source, const struct peer *peer, struct bytes raw,
                 int64_t received_ns, enum spool_drop_reason reason);

/*
 * Counts messages that were lost before they could be taken (kernel drops, peers not allowed, empty datagrams). `peer`:
 * who sent them, as far as it is known; else NULL, and they count for the input alone.
 */
void intake_count_drop(struct intake *intake, struct intake_source *source, const struct peer *peer,
                       enum spool_drop_reason reason, uint64_t count);

/*
 * At the end of a loop turn: hands over part-filled blocks if the writer would start a group (rule 2). Returns 0 if nothing
 * is held any more, else the monotonic time at which to call again at the latest.
 */
uint64_t intake_turn_end(struct intake *intake);

/*
 * Whether a source is to be told when what was handed over is stored. If not, and nothing is held either, intake_stored()
 * need not be called.
 */
bool intake_awaits_stored(const struct intake *intake);
bool intake_holds_blocks(const struct intake *intake);

/* Hands over everything now: for stopping. */
void intake_flush(struct intake *intake);

/*
 * To be called on the worker's thread after the spool said worker_stored or room: calls the sources' functions. The first
 * source that takes a block then is told of room last the next time.
 */
void intake_stored(struct intake *intake);
void intake_room(struct intake *intake);

/* Whether there is a new block for what is given to the source. If not, its room() is called when there may be one. */
bool intake_has_room(const struct intake *intake, const struct intake_source *source);

/* The spool that this is the way into. */
struct spool *intake_spool(const struct intake *intake);

/* The spool's level, for the status. From any thread. */
enum spool_level intake_level(const struct intake *intake);

#endif
