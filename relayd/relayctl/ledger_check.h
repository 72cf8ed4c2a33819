/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's equations (relayctl(1)) over the document that relayd gives: what is received is stored, dropped or in
 * memory; what is stored is delivered, filtered, dropped or in the spool; and the same by source.
 */
#ifndef RELAYD_RELAYCTL_LEDGER_CHECK_H
#define RELAYD_RELAYCTL_LEDGER_CHECK_H

#include <stdio.h>

#include "config/json_tree.h"

/* Holds each equation, and says to `out` (if not NULL) which do not hold. Returns how many. */
unsigned ledger_check(const struct json_value *ledger, FILE *out);

/*
 * What an output sent and what the next hop got: of its stream, if that goes there in blocks, else by the input that it
 * feeds. Of a stream what was lost with a disk that was restored counts as got.
 */
struct ledger_hop {
	const struct json_value *output;
	const struct json_value *input;  /* NULL: of the stream */
	const struct json_value *stream; /* as the receiver has it; NULL: of the input */
	uint64_t sent;        /* acknowledged by the next hop */
	uint64_t received;    /* without what came again and was recognised */
	uint64_t lost;        /* of these, lost when the receiver's disk was restored */
	uint64_t unconfirmed; /* that may have arrived beyond `sent`: on their way, passed over, or sent more than once */
	bool adds_up;         /* sent <= received <= sent + unconfirmed */
};

/*
 * Compares two ledgers: by stream if `input` is NULL and the output ships one to `to`. Names may be NULL if there is only
 * one output at `from`, or one configured input at `to` besides the relay's own. False, and a sentence to `errors`, if they
 * do not say which.
 */
bool ledger_compare(const struct json_value *from, const char *output, const struct json_value *to, const char *input,
                    struct ledger_hop *hop, FILE *errors);

#endif
