/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins inputs, intakes, the spool and outputs: builds everything from settings, starts it in the right order, reloads,
 * reports, and stops so that nothing that was acknowledged is lost and nothing that can be delivered waits.
 * All functions are for the main thread, whose libuv loop the relay uses for the control socket and timers.
 */
#ifndef RELAYD_RELAY_RELAY_H
#define RELAYD_RELAY_RELAY_H

#include <uv.h>

#include "relay/settings.h"

struct relay;

enum relay_result {
	RELAY_OK = 0,
	RELAY_SPOOL_LOCKED = 1,
	RELAY_SPOOL_UNUSABLE = 2, /* newer version, I/O error, no permission */
	RELAY_ORPHANED_CURSOR = 3,/* a cursor's output left the configuration (rule 12) */
	RELAY_INPUT_FAILED = 4,   /* port in use, certificate unusable */
	RELAY_OUTPUT_FAILED = 5,
	RELAY_NO_MEMORY = 6,
};

enum { RELAY_ERROR_MAX_BYTES = 2048 };

/* What the relay tells the process. On the main thread. */
struct relay_events {
	void *context;
	void (*stopped)(void *context);                   /* relay_stop() is complete */
	void (*failed)(void *context, const char *error); /* the spool failed: end the process with an error */
	output_read_filter_fn read_filter;                /* how filters of `relayctl spool drop` are read; from any thread */
};

/*
 * Whether the spool's sizes, together with the workers' and the largest message, leave it room to work; if not, `error`
 * (RELAY_ERROR_MAX_BYTES) says what is the least. For those who only look at settings: relay_open() checks it by itself.
 */
bool relay_spool_is_sound(const struct settings *settings, char *error);

/*
 * Opens the spool, cursors, inputs (bound) and outputs, with whatever privileges the process still has. Nothing moves yet.
 * `error` has RELAY_ERROR_MAX_BYTES. `settings` must outlive the relay.
 */
enum relay_result relay_open(uv_loop_t *loop, const struct settings *settings, const struct relay_events *events,
                             struct relay **relay, char *error);

/* Starts everything: outputs first, then the writer, inputs last. After privileges were dropped. */
void relay_start(struct relay *relay);

/* Certificates and files again (SIGHUP). Logs what failed; the old ones stay in use. True if all worked. */
bool relay_reload(struct relay *relay);

/* Stops inputs, stores, answers what is stored, stops outputs, closes the spool; then events.stopped. */
void relay_stop(struct relay *relay);

/* After stopped (or a failed start). Clears the pointer; harmless if NULL. */
void relay_close(struct relay **relay);

#endif
