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

struct drill_facts {
	bool finished;             /* it ran to its end: cut, came back, waited */
	bool drained;              /* all that was stored meanwhile was delivered in time */
	bool confirmed;            /* delivered means acknowledged at this output */
	uint64_t put_aside;        /* by the output: quarantined, passed over, damaged, dropped by a rule */
	unsigned sent;             /* probes that an input took */
	unsigned stored;           /* of these, seen here */
	uint64_t stored_copies;
	bool complete;             /* here all was looked at */
	bool has_next;             /* the rest only with it */
	unsigned arrived;          /* of those stored here, seen there */
	unsigned missing;          /* delivered here, not seen there */
	uint64_t arrived_copies;
	bool next_complete;
	unsigned wrong, next_wrong;/* equations that do not hold */
	enum drill_hop hop;
	uint64_t hop_difference;
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
