/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drill under way: drill.c reads what is wanted and says what came of it, drill_steps.c does it, drill_gather.c asks both
 * ends what they have.
 */
#ifndef RELAYD_RELAYCTL_DRILL_H
#define RELAYD_RELAYCTL_DRILL_H

#include "relayctl/drill_look.h"
#include "relayctl/probe_sender.h"

enum {
	DRILL_PROBES_AROUND = 5,         /* before the cut, and behind it */
	DRILL_PROBES_MAX = 1500,         /* during it */
	DRILL_PROBES_ALL_MAX = DRILL_PROBES_MAX + 2 * DRILL_PROBES_AROUND,
};

struct drill_arguments {
	bool help;
	const char *control;
	const char *next;                /* NULL: none */
	const char *output;
	const char *input;               /* for probes; NULL: any */
	uint64_t seconds;
	uint64_t within_ns;              /* for the way back */
};

struct drill {
	const struct drill_arguments *arguments;
	char id[PROBE_ID_LEN + 1];
	struct json_value *status;       /* of the first relay */
	struct probe_sender sender;
	struct receipts here, next;
	unsigned count, tried, sent;     /* probes: in all, given to the input, taken by it */
	bool taken[DRILL_PROBES_ALL_MAX]; /* [number - 1] */
	uint64_t probed_ns, next_probe_ns, next_ask_ns, next_line_ns;
	bool is_cut;
	char next_spool[RECEIPT_NAME_MAX_BYTES]; /* its id when the drill began */
	char next_stream[RECEIPT_NAME_MAX_BYTES];

	/* What was seen. */
	struct drill_output before, output;
	struct drill_input input_before;
	struct drill_bounds hop_before, stream_before, elsewhere_before;
	bool compares_input, compares_stream;
	uint64_t looked_ns;              /* at `output`, for the last time that it could be */
	uint64_t cut_ns, over_ns, connected_ns, drained_ns; /* monotonic; 0: not yet */
	bool reached_end;
	char error[DRILL_ERROR_MAX_BYTES];  /* why it did not run to its end */
};

/* Set by a signal: the drill ends at the next turn, and the output is restored. */
extern volatile int drill_interrupted;

/*
 * Runs it: probes, the cut, the way back. Says each step in a line. False if it was refused or broken off, with the reason
 * in `error`; what was cut is restored in any case.
 */
bool drill_run_steps(struct drill *drill);

/* Notes how the two ends of the hop stand before the cut; the next relay has seen a probe. False if one does not say. */
bool drill_note_hop(struct drill *drill);

/* How many probes the input took that are not stored here (yet). */
unsigned drill_unstored(const struct drill *drill);

/* What the two ends say when it is over. */
void drill_gather(struct drill *drill, struct drill_facts *facts);

#endif
