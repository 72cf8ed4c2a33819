/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the spool counts of its inputs since it was created: their names, records stored, messages dropped by reason; of
 * its sources (ledger_sources.h); and of itself. Totals stand in each segment's checkpoint; what changed rides in control
 * blocks (ledger, spool-rules.md 8).
 *
 *     last sequence = sum of stored + unattributed + unused
 *
 * Threads: drops are counted by workers, stored and the rest by the writer; anybody may read.
 */
#ifndef RELAYD_SPOOL_LEDGER_H
#define RELAYD_SPOOL_LEDGER_H

#include "spool/block.h"
#include "spool/ledger_sources.h"
#include "spool/spool.h"

#include <stdatomic.h>

struct ledger_input {
	char name[SPOOL_NAME_MAX_BYTES + 1]; /* "" for an index not given yet; never changes after */
	_Atomic uint64_t stored;
	_Atomic uint64_t dropped[SPOOL_DROP_REASONS];
	uint64_t dropped_written[SPOOL_DROP_REASONS]; /* the writer's: what the last control block or checkpoint said */
};

struct ledger {
	unsigned inputs;              /* names known: indexes 0 .. inputs - 1 */
	unsigned inputs_written;      /* of these, names that are on the disk */
	struct ledger_input *input;   /* SPOOL_INPUTS_MAX of them */
	unsigned sources_max;
	struct ledger_sources *sources;
	bool sources_changed;         /* the writer's: there is something that the disk does not know */
	bool sources_are_due;         /* the writer's: the next control block has them */
	uint64_t sources_written_ns;  /* the writer's: monotonic time when they became due last */
	atomic_bool changed;          /* drops or damage, since the writer looked */
	_Atomic uint64_t unattributed;/* records whose input is not known: their blocks were damaged */
	_Atomic uint64_t unused;      /* sequences passed over: never given to a record */
	_Atomic uint64_t damaged;     /* sequences lost on the disk */
	uint64_t damaged_written;     /* the writer's: what the last control block or checkpoint said */
	_Atomic uint64_t released;    /* sequences whose segments were given back */
};

/* With places for so many sources. False if memory is short; then ledger_free() is due. */
bool ledger_init(struct ledger *ledger, unsigned sources_max);
void ledger_free(struct ledger *ledger);
/* Back to nothing known. Only while one thread has the ledger. */
void ledger_clear(struct ledger *ledger);

/* The name's index; a new one if it has none; -1 if all are in use. Only while one thread has the ledger. */
int ledger_register(struct ledger *ledger, const char *name);

/* Counts the records of a block as stored. */
void ledger_count_block(struct ledger *ledger, const struct block_header *header);

/* Counts by source what the worker said of the block's records. By the writer, once for each block written. */
void ledger_count_sources(struct ledger *ledger, struct spool_block *block);

/* If they changed, the totals by source become due each second, and at once with `now_ns` UINT64_MAX. By the writer. */
void ledger_tick(struct ledger *ledger, uint64_t now_ns);

void ledger_count_drop(struct ledger *ledger, unsigned input, enum spool_drop_reason reason, uint64_t count);

/* Counts sequences lost on the disk. From any thread. */
void ledger_count_damaged(struct ledger *ledger, uint64_t sequences);

/* Octets that ledger_write_all() needs at the most, with the inputs registered now. */
size_t ledger_bytes_max(const struct ledger *ledger);

/* The sections of a checkpoint; everything is then on its way to the disk. Returns their length. */
size_t ledger_write_all(struct ledger *ledger, uint8_t *out, size_t room);

/* Does a control block have anything to say? Cheap. */
bool ledger_has_changes(const struct ledger *ledger);

/* The sections of a control block: names, drops and damage that changed. Returns their length, 0 if there are none. */
size_t ledger_write_changes(struct ledger *ledger, uint8_t *out, size_t room);

enum ledger_read_result {
	LEDGER_READ = 0,
	LEDGER_MALFORMED = 1,
	LEDGER_NEWER = 2, /* a section that must be understood is not */
};

/*
 * Takes over what a checkpoint (everything) or a control block (names, drops and damage) says: what else stands there is
 * counted from the blocks. If it is malformed, what stood before the malformed place was taken over.
 */
enum ledger_read_result ledger_read(struct ledger *ledger, struct bytes sections, bool checkpoint);

/* Sum of the records stored of all inputs, with the unattributed ones: the left side of the ledger's equation. */
uint64_t ledger_stored_sum(const struct ledger *ledger);

#endif
