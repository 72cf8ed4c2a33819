/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of each sequence behind an output's cursor. The next hop may answer out of order, filtered and damaged
 * records lie between, yet `delivered` moves over a contiguous prefix only, with totals that are exact at its end:
 *
 *     last - start = delivered + filtered + quarantined + dropped_oldest + dropped_by_rule + damaged + (pending and lost)
 *
 * Outcomes are kept as runs of sequences, and beside them the blocks that the runs lie in, because a cursor must name the
 * block that its place ends in. Both rings are bounded: account_has_room() says when to stop reading ahead.
 */
#ifndef RELAYD_OUTPUT_ACCOUNT_H
#define RELAYD_OUTPUT_ACCOUNT_H

#include "spool/spool.h"

enum outcome {
	OUTCOME_PENDING = 0,   /* given to the transport, not settled */
	OUTCOME_LOST = 1,      /* was pending in a session that has ended: to be sent again */
	OUTCOME_DELIVERED = 2, /* from here on: settled */
	OUTCOME_FILTERED = 3,
	OUTCOME_DAMAGED = 4,
	OUTCOME_QUARANTINED = 5,
	OUTCOME_DROPPED = 6,   /* by a rule of the operator's */
};

/* How the transport settles: decides whether pending sequences are kept one by one. */
enum account_kind {
	ACCOUNT_EACH = 0,    /* account_settle(), account_lose(), by sequence */
	ACCOUNT_THROUGH = 1, /* account_settle_through(), account_rewind() only */
};

struct account_run {
	uint64_t last;        /* it begins behind the run before it, the first one behind `delivered` */
	uint64_t filtered;    /* of a shipment: sequences in it that were filtered */
	enum outcome outcome;
	unsigned rule;        /* OUTCOME_DROPPED: the place of the rule */
	bool has_dropped;     /* of a shipment: `dropped` beside it says what rules left out */
};

/* Sequences of a shipment's range that are not in it. */
struct account_left_out {
	uint64_t filtered;
	uint32_t dropped[SPOOL_DROP_RULES_MAX]; /* by the place of the rule */
};

/* Set up with account_open(); private but for what is said to be readable. */
struct account {
	enum account_kind kind;
	struct account_run *runs;   /* ring */
	struct account_left_out *dropped; /* beside each run; touched only where a rule left something out of a shipment */
	struct spool_view *blocks;  /* ring; `records` is empty in them */
	size_t runs_max, runs_first, runs_count;
	size_t blocks_max, blocks_first, blocks_count;
	size_t pending_max;
	uint64_t reported;          /* `delivered` as account_advance() last told it */
	uint64_t delivered;         /* readable: all up to here is settled */
	uint64_t last;              /* readable: all up to here is noted */
	size_t pending;             /* readable: runs that are pending */
	size_t lost;                /* readable: sequences that are lost; ACCOUNT_EACH only */
	struct spool_output_totals totals; /* readable: as of `delivered` */
};

/*
 * An account that begins behind `delivered` with these totals, for at most `pending_max` pending sequences (or runs of them,
 * with ACCOUNT_THROUGH). False if memory is short. account_close() frees; harmless on an account that is all zero.
 */
bool account_open(struct account *account, enum account_kind kind, size_t pending_max, uint64_t delivered,
                  const struct spool_output_totals *totals);
void account_close(struct account *account);

/* Whether another block or another sequence of any outcome may be noted, or something that is lost be sent again. */
bool account_has_room(const struct account *account);

/* Whether this block may be noted, and what of it is not noted yet: always if it was noted before. */
bool account_has_room_for(const struct account *account, const struct spool_view *view);

/* What is noted from here on lies in this block; one that was noted before changes nothing. There must be room. */
void account_note_block(struct account *account, const struct spool_view *view);

/*
 * All behind `last` and up to `sequence` has this outcome (with ACCOUNT_EACH and OUTCOME_PENDING: one sequence).
 * There must be room.
 */
void account_note(struct account *account, uint64_t sequence, enum outcome outcome);

/* All behind `last` and up to `sequence` was dropped by the rule at that place. There must be room. */
void account_note_dropped(struct account *account, uint64_t sequence, unsigned rule);

/*
 * All behind `last` and up to `sequence` is pending as one shipment, of which so much was left out. It is settled as a
 * whole, with account_settle(sequence); it is never lost, but account_rewind() makes it unread. There must be room.
 */
void account_note_shipment(struct account *account, uint64_t sequence, const struct account_left_out *left_out);

/* What the block noted last was shipped as: its checksum goes to the cursor. */
void account_note_checksum(struct account *account, uint64_t checksum);

/* The noted outcome of a sequence in (delivered, last]. */
enum outcome account_find(const struct account *account, uint64_t sequence);

/* ACCOUNT_EACH: this pending sequence was delivered. False if it is none (passed over in the meantime, say). */
bool account_settle(struct account *account, uint64_t sequence);

/* ACCOUNT_EACH: this pending sequence has to be sent again. False if it is none. */
bool account_lose(struct account *account, uint64_t sequence);

/* ACCOUNT_EACH: this lost sequence is pending again. It must be lost. */
void account_send_again(struct account *account, uint64_t sequence);

/* ACCOUNT_EACH: this lost sequence is in quarantine and is not sent again. It must be lost. */
void account_quarantine(struct account *account, uint64_t sequence);

/* ACCOUNT_EACH: this lost sequence is dropped by the rule at that place and is not sent again. It must be lost. */
void account_drop_lost(struct account *account, uint64_t sequence, unsigned rule);

/* ACCOUNT_EACH: those of first..last that are lost cannot be read to be sent again: they are damaged. */
void account_damage_lost(struct account *account, uint64_t first, uint64_t last);

/* The rule at that place has this id: if it is another one than before, its count begins with 0. */
void account_set_rule(struct account *account, unsigned rule, uint64_t id);

/* ACCOUNT_EACH: the lowest lost sequence; 0 if there is none. */
uint64_t account_first_lost(const struct account *account);

/* ACCOUNT_THROUGH: everything pending up to `sequence` (<= last) was delivered. */
void account_settle_through(struct account *account, uint64_t sequence);

/*
 * What is not settled was never read: `last` goes back to `delivered`. With ACCOUNT_EACH only when nothing of it can be
 * settled any more.
 */
void account_rewind(struct account *account);

/*
 * The cursor was moved over all up to `last`, which is not before `delivered`, because the output was behind, and says that
 * its totals are these now: all up to `last` is settled, whatever had been noted of it.
 */
void account_drop(struct account *account, uint64_t last, const struct spool_output_totals *totals);

/*
 * Moves `delivered` over what is settled. True if it moved since the last call; then `*view` is the block in which it
 * ends (zero if that block is not known, after account_drop()).
 */
bool account_advance(struct account *account, struct spool_view *view);

/* Asserts the invariants. */
void account_check(const struct account *account);

#endif
