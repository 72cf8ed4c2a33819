/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accept loop of a stream input, on one worker's thread. It takes many connections a turn, because after an outage
 * all senders come back at once, and it rests for a second when descriptors or memory run out, instead of spinning on a
 * socket that stays readable. What waits meanwhile waits in the kernel's queue. The last descriptors of the process are
 * not for connections: one that would get such is closed.
 */
#ifndef RELAYD_INPUT_LISTENER_H
#define RELAYD_INPUT_LISTENER_H

#include "base/rate_limit.h"
#include "net/address.h"
#include "net/worker.h"

enum {
	LISTENER_ACCEPTS_PER_TURN = 64,
	LISTENER_REST_MS = 1000, /* when descriptors or memory have run out */
	LISTENER_RESERVED_DESCRIPTORS = 64, /* at most half of all: for the spool, the outputs and reloads */
};

struct listener {
	struct worker *worker;
	const char *input;               /* name, for the log */
	int fd;                          /* owned; -1 when closed */
	/* Takes over an accepted, non-blocking descriptor. */
	void (*accepted)(void *context, int fd, const struct address *peer);
	void *context;

	/* Private. */
	uv_poll_t poll;
	uv_timer_t rest;
	bool is_polling;
	struct rate_limit limit;
	unsigned handles;                /* not closed yet */
	worker_fn closed;
	void *closed_context;
	_Atomic uint64_t exhausted;      /* times that it had to rest: from any thread */
};

/* Begins to accept. The fields of the first part are set. On the worker's thread. */
void listener_start(struct listener *listener);

/*
 * Accepts what waits in the kernel's queue, closes the socket and all handles, then calls `closed(context)` on a later
 * turn. On the worker's thread.
 */
void listener_stop(struct listener *listener, worker_fn closed, void *context);

#endif
