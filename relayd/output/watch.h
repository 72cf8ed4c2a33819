/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until a descriptor is writable, on a worker's loop. The watch may be dropped at any time, from inside its
 * function too.
 */
#ifndef RELAYD_OUTPUT_WATCH_H
#define RELAYD_OUTPUT_WATCH_H

#include "net/worker.h"

struct watch;

/*
 * Takes over a non-blocking socket (sets *fd to -1). NULL if memory is short or the loop refuses: then *fd is still
 * the caller's.
 */
struct watch *watch_open(struct worker *worker, int *fd, worker_fn fn, void *context);

/* Calls the function once when the socket is writable or has an error. */
void watch_writable(struct watch *watch);

int watch_fd(const struct watch *watch);

/* Ends the watch and gives the descriptor back. Clears the pointer. */
int watch_take(struct watch **watch);

/* Ends the watch and closes the descriptor. Clears the pointer; harmless if NULL. */
void watch_close(struct watch **watch);

#endif
