/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for the probes of one id in what the spool stores, from the moment it is opened: a reader of its own, on a thread
 * of its own, that reads behind the writer as an output does. So the road of messages knows nothing of probes, and what
 * a relay says it has seen is what it has stored, over whatever input it came.
 *
 * It has no cursor, and holds nothing in the spool: what is released before it was read counts as not looked at.
 * All functions are for the main thread.
 */
#ifndef RELAYD_RELAY_PROBE_WATCH_H
#define RELAYD_RELAY_PROBE_WATCH_H

#include <yajl/yajl_gen.h>

#include "relay/probe.h"

struct relay;
struct probe_watch;

/* Begins to look behind what is stored now. `id` is valid, `count` at most PROBE_NUMBERS_MAX. NULL if memory is short. */
struct probe_watch *probe_watch_open(struct relay *relay, const char *id, unsigned count);

/* Ends it. Clears the pointer; harmless if NULL. Before the spool is closed. */
void probe_watch_close(struct probe_watch **watch);

const char *probe_watch_id(const struct probe_watch *watch);

/* Writes what was seen, as members of the open object: what relayctl/probe_receipts.h reads. */
void probe_watch_write(struct probe_watch *watch, yajl_gen gen);

#endif
