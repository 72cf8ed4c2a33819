/* SPDX-License-Identifier: Apache-2.0 */
/* The receipts of all relays on the way as the path that the probes took, for people and as JSON. */
#ifndef RELAYD_RELAYCTL_PROBE_REPORT_H
#define RELAYD_RELAYCTL_PROBE_REPORT_H

#include <stdio.h>

#include "relayctl/probe_receipts.h"

/* All that is known of the probes of one id. */
struct probe_path {
	const char *id;
	const char *input;              /* where they went in, */
	const char *way;                /* and over what */
	unsigned count;
	const int64_t *sent_ns;         /* [number - 1], our wall clock */
	const struct receipts *relays;  /* in the order of the way */
	unsigned relays_count;
};

/* From sending to being stored at one relay, over the probes that are there. */
struct probe_latency {
	unsigned count;    /* 0: none is, and the rest is 0 */
	uint64_t min_ns, median_ns, max_ns;
};
struct probe_latency probe_latency_at(const struct probe_path *path, unsigned relay);

/* Whether all probes are at the last relay. */
bool probe_path_arrived(const struct probe_path *path);

/* Copies beyond one for each probe, at the relay that has the most of them. */
uint64_t probe_path_doubled(const struct probe_path *path);

/* A table, and the result in a sentence. */
void probe_path_print(const struct probe_path *path, FILE *out);

/* One line of JSON. */
void probe_path_print_json(const struct probe_path *path, FILE *out);

#endif
