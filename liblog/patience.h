/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a sink may make its callers wait: some milliseconds for one call, and some more for all calls of all threads
 * in any second. Who wants to wait takes the time out of what is left before, and gives back what was not needed. When
 * nothing is left calls no longer wait. If nothing was taken meanwhile either, for as long as one thread alone would have
 * waited, the sink is stalled: not even a try is made, but for one call in a second, until one succeeds.
 * Any thread; zero is a sink that has its patience still.
 */
#ifndef LIBLOG_PATIENCE_H
#define LIBLOG_PATIENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gate.h"

#define SLOG_WAIT_CALL_MS 10
#define SLOG_WAIT_SECOND_MS 50
#define SLOG_STALLED_RETRY_MS 1000

struct slog_patience {
	_Atomic uint64_t used;    /* microseconds of the last halves of a second; see patience.c */
	_Atomic uint64_t failing; /* when a wait was over in vain and nothing has been taken since, in microseconds; or 0 */
	_Atomic uint64_t stalled; /* when the next try may be made, in milliseconds; 0: not stalled */
};

/* What one call may still wait. */
struct slog_call_wait {
	unsigned left_us;
	bool was_ready; /* the descriptor was ready when it was asked, right after it had refused octets */
};

/* Of a call that has just begun. */
#define SLOG_CALL_WAIT ((struct slog_call_wait){.left_us = SLOG_WAIT_CALL_MS * 1000})

/* A wait by other means than slog_patience_wait(). */
struct slog_wait {
	unsigned granted_us; /* at least a millisecond */
	uint64_t start_us;
	uint64_t half;
};

/* True if this call may try to write now. */
bool slog_patience_may_try(struct slog_patience *patience);

/*
 * Waits until a descriptor that has just refused octets may be tried again. False if that was not so within what is left
 * of the patience and of the call, from which the time is taken. Meanwhile the thread is not cancelled: what it has
 * taken of the patience would be lost to the others.
 */
bool slog_patience_wait(struct slog_patience *patience, int fd, struct slog_call_wait *call);

/*
 * Takes a gate, whole, within what is left of the call, which the time is taken from. That is nobody's patience: with the
 * gate held nobody waits for the sink.
 */
bool slog_patience_enter(struct slog_gate *gate, struct slog_call_wait *call);

/* As slog_patience_wait() for a worker, who has all the patience: so many milliseconds at most. */
void slog_patience_sleep(int fd, unsigned ms);

/*
 * Before a wait by other means: true if the call may wait for wait->granted_us, max_us at most. slog_patience_end() says
 * when that is over, and returns the microseconds that it took, at least 1.
 */
bool slog_patience_begin(struct slog_patience *patience, unsigned max_us, struct slog_wait *wait);
unsigned slog_patience_end(struct slog_patience *patience, const struct slog_wait *wait, bool in_vain);

/* A write has succeeded. */
void slog_patience_restore(struct slog_patience *patience);

#endif
