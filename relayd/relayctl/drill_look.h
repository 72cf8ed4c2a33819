/* SPDX-License-Identifier: Apache-2.0 */
/* What the status says of the two ends of the hop that a drill cuts: an output, and the next relay's input. */
#ifndef RELAYD_RELAYCTL_DRILL_LOOK_H
#define RELAYD_RELAYCTL_DRILL_LOOK_H

#include "relayctl/drill_proof.h"
#include "relayctl/probe_receipts.h"

enum { DRILL_STATE_MAX_BYTES = 64, DRILL_PEER_MAX_BYTES = 160, DRILL_ERROR_MAX_BYTES = 512 };

/* The output of the first relay. */
struct drill_output {
	char state[DRILL_STATE_MAX_BYTES];
	char detail[DRILL_ERROR_MAX_BYTES]; /* its last trouble */
	char peer[DRILL_PEER_MAX_BYTES];    /* of the session; "" if it has several */
	bool is_connected;
	bool deals;            /* to several servers at a time */
	uint64_t servers;      /* configured */
	bool confirmed;
	uint64_t cut_s;        /* still cut for so long */
	uint64_t connects;
	uint64_t sent;         /* messages delivered, since the output began */
	uint64_t waiting;
	uint64_t stored;       /* sequence, of the spool */
	bool covers;           /* the outage budget: */
	uint64_t covers_s;
	uint64_t dropped;      /* messages for which the inputs had no room, ever */
};

/* The input of the next relay. */
struct drill_input {
	uint64_t received;     /* without what came again and was recognised */
	uint64_t connections, connections_total;
};

/* False and a sentence in `error` (DRILL_ERROR_MAX_BYTES) if there is no answer, or none of that name. */
bool drill_look_output(const char *control, const char *name, struct drill_output *output, char *error);
bool drill_look_input(const char *control, const char *name, struct drill_input *input, char *error);

/*
 * What the server whose spool has this id acknowledged of the output's stream of blocks, in messages. False if there is no
 * answer, or it acknowledged none.
 */
bool drill_look_stream(const char *control, const char *name, const char *spool, uint64_t *records);

/* How many sums of that relay's ledger do not add up, after a few looks; false and a sentence if it gives none. */
bool drill_check_ledger(const char *control, unsigned *wrong, char *error);

#endif
