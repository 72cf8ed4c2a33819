/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watches for probes that are open, by their ids. Who opened one asks again and again for what it has seen; one that
 * nobody asked for PROBE_WATCH_IDLE_NS ends by itself, so a client that was killed leaves nothing behind.
 */
#ifndef RELAYD_RELAY_PROBE_WATCHES_H
#define RELAYD_RELAY_PROBE_WATCHES_H

#include "relay/probe_watch.h"

#define PROBE_WATCH_IDLE_NS ((uint64_t)60 * 1000 * 1000 * 1000)

enum { PROBE_WATCHES_MAX = 8 }; /* each has a thread while it is open */

struct probe_watches;

/* None yet; on the relay's loop. NULL if memory is short. */
struct probe_watches *probe_watches_open(struct relay *relay);

/* Ends all. Clears the pointer; harmless if NULL. The loop must run once more. */
void probe_watches_close(struct probe_watches **watches);

/*
 * A new watch; NULL and a sentence in `*error` if there is one of that id, or too many, or no memory. `id` and `count` as
 * for probe_watch_open().
 */
struct probe_watch *probe_watches_begin(struct probe_watches *watches, const char *id, unsigned count,
                                        const char **error);

/* The watch of that id, which has been asked for now; NULL if there is none (any more). */
struct probe_watch *probe_watches_find(struct probe_watches *watches, const char *id);

/* Ends the watch of that id. False if there is none. */
bool probe_watches_end(struct probe_watches *watches, const char *id);

#endif
