/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a sink may make its callers wait: some milliseconds for one call, and some more for all calls in a second.
 * When that is used up calls no longer wait in that second. If it was used up in vain the sink is stalled: not even a
 * try is made, but for one call in a second, until one succeeds.
 * Any thread; zero is a sink that has its patience still.
 */
#ifndef LIBLOG_PATIENCE_H
#define LIBLOG_PATIENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SLOG_WAIT_CALL_MS 10
#define SLOG_WAIT_SECOND_MS 50
#define SLOG_STALLED_RETRY_MS 1000

struct slog_patience {
	_Atomic uint64_t second;  /* the second that `waited` counts for */
	_Atomic unsigned waited;  /* milliseconds */
	_Atomic uint64_t stalled; /* when the next try may be made, in milliseconds; 0: not stalled */
};

/* True if this call may try to write now. */
bool slog_patience_may_try(struct slog_patience *patience);

/*
 * Waits until a descriptor that has just refused octets may be tried again. False if that was not so within what is left
 * of the patience and of *left_ms, the milliseconds that this call may still wait; what it waited, at least 1, is taken
 * from *left_ms.
 */
bool slog_patience_wait(struct slog_patience *patience, int fd, unsigned *left_ms);

/* The same wait for a worker, who has all the patience: so many milliseconds at most. */
void slog_patience_sleep(int fd, unsigned ms);

/* Milliseconds, max_ms at most, that a call may wait by other means; afterwards it says when it began to wait. */
unsigned slog_patience_left(struct slog_patience *patience, unsigned max_ms);

/* Notes what was waited since start_ms, and returns it: at least 1. */
unsigned slog_patience_spend(struct slog_patience *patience, uint64_t start_ms);

/* A write has succeeded. */
void slog_patience_restore(struct slog_patience *patience);

#endif
