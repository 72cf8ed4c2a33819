/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a drill found, and what that proves. Three accounts have to agree: each numbered probe at both ends, the equations
 * of both ledgers, and what the output sent against what the next relay's input got. One that contradicts is a loss, or a
 * message that came twice; one that is missing leaves the drill unproved, which is neither. Pure.
 */
#ifndef RELAYD_RELAYCTL_DRILL_PROOF_H
#define RELAYD_RELAYCTL_DRILL_PROOF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Counters of two relays that run are never read at the same moment, so received minus sent is known between two bounds:
 * `low` counts all that waits here as sent, `high` only what was acknowledged before the next relay was asked.
 */
struct drill_bounds {
	int64_t low, high;
};

/* One look: sent here before the next relay was asked; received there; sent here and waiting here afterwards. */
struct drill_bounds drill_bounds_of(uint64_t sent_before, uint64_t received, uint64_t sent_after, uint64_t waiting_after);

/* What several looks say together; a look that contradicts the others is believed as little as they are. */
void drill_bounds_meet(struct drill_bounds *bounds, struct drill_bounds other);

enum drill_hop {
	DRILL_HOP_UNKNOWN = 0, /* not compared: others send to that input too */
	DRILL_HOP_EQUAL = 1,
	DRILL_HOP_LESS = 2,    /* less was received than was acknowledged */
	DRILL_HOP_MORE = 3,    /* more was received than was ever sent */
};

/* Compares the hop before and after. `*difference`: at least so many messages. */
enum drill_hop drill_hop_compare(struct drill_bounds before, struct drill_bounds after, uint64_t *difference);

/* Of a hop that is equal: how many messages, at the most, could be missing or there too often all the same. */
uint64_t drill_hop_slack(struct drill_bounds before, struct drill_bounds after);

/* Of what came in during the drill; with more slack than that, equal says too little. */
enum { DRILL_SLACK_MAX_PERCENT = 1 };

/* How a cut stands. */
enum drill_cut {
	DRILL_CUT_HOLDS = 0,
	DRILL_CUT_ENDED = 1,   /* by somebody else, or by a restart */
	DRILL_CUT_NO_ROOM = 2, /* the spool would not last until its end */
};

/* `left_s`: by our clock; `cut_s` as the relay has it, whose clock is ahead by the time that a request takes. */
enum drill_cut drill_cut_stands(uint64_t cut_s, uint64_t left_s, bool covers, uint64_t covers_s);

struct drill_facts {
	bool finished;             /* it ran to its end: cut, came back, waited */
	bool drained;              /* all that was stored meanwhile was delivered in time */
	bool confirmed;            /* delivered means acknowledged at this output */
	bool knows_dropped;        /* the inputs' counters could be asked before and after: */
	uint64_t dropped;          /* of messages, at this relay's inputs */
	uint64_t put_aside;        /* by the output: quarantined, passed over, damaged, dropped by a rule, lost by peer */
	unsigned tried;            /* probes given to the input */
	unsigned sent;             /* of these, taken by it for certain */
	unsigned unstored;         /* of those taken, not seen here */
	unsigned stored;           /* of those tried, seen here */
	uint64_t stored_copies;
	bool complete;             /* here all was looked at */
	bool has_next;             /* the rest only with it */
	unsigned arrived;          /* of those stored here, seen there */
	unsigned missing;          /* delivered here, not seen there */
	uint64_t arrived_copies;
	bool next_complete;
	unsigned wrong, next_wrong;/* equations that do not hold */
	enum drill_hop hop;
	bool hop_by_stream;        /* counted by the stream of blocks, not by the input */
	uint64_t hop_difference;
	uint64_t hop_slack;
	bool other_server;         /* what was delivered since the cut may be at another one */
	uint64_t elsewhere;        /* delivered, at least so many, otherwise than by the stream that is compared */
	uint64_t came_in;          /* messages, here, during the drill */
	bool next_replaced;        /* the next relay has another spool than when the drill began */
};

/* The worst that was found. */
enum drill_verdict {
	DRILL_PROVED = 0,
	DRILL_UNPROVED = 1,
	DRILL_DOUBLED = 2,
	DRILL_LOST = 3,
};

/* Judges, and says each finding as a line to `out` (if not NULL). */
enum drill_verdict drill_judge(const struct drill_facts *facts, FILE *out);

#endif
