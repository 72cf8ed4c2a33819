/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaps in `meta sequenceId` (RFC 5424, 7.3.1): the number of messages that an originator, or whoever sent its messages
 * here, seems to have lost on the way. Suspected, never certain: so it is never part of a sum.
 *
 * What counts is unknown: a device counts its messages, a program its own, a relay those of one connection. So each
 * number is held against the last one of the same peer (address and port), and against the last one of the same
 * originator behind that peer (HOSTNAME, APP-NAME, PROCID); it follows if it follows either, and what is missing is the
 * lesser of both. A number that is not higher than the originator's last is a restart, or late.
 */
#ifndef RELAYD_INTAKE_SEQUENCE_GAPS_H
#define RELAYD_INTAKE_SEQUENCE_GAPS_H

#include "syslog/envelope.h"

enum {
	SEQUENCE_GAPS_SLOTS = 1024,    /* counters remembered; of two on one slot the later one stays, the other is new again */
	SEQUENCE_GAP_MAX = 1000000,    /* a longer step is another counter, not a loss */
	SEQUENCE_ID_MAX = 2147483647,  /* then comes 1 */
};

/* Zero-initialise. */
struct sequence_gaps {
	struct sequence_last {
		uint64_t counter; /* a hash of whose it is; 0: none */
		uint32_t id;
	} last[SEQUENCE_GAPS_SLOTS];
};

/* How many numbers are missing before this message's; 0 if it has none. Pure, and bounded by its STRUCTURED-DATA. */
uint32_t sequence_gaps_before(struct sequence_gaps *gaps, const struct peer *peer, const struct message *message);

#endif
