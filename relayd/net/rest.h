/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a worker leaves its sockets alone for a moment (worker_rest()) and is still there at once for other threads. While it
 * rests it sleeps on a word of memory instead of on its sockets, so that nothing but a ring or the time ends the sleep.
 *
 *     others: count the ring in `rings`, then exchange `bell` for AWAKE; who found RESTING ends the sleep
 *     worker: says RESTING in `bell`, then looks at `rings`, then sleeps
 *
 * Both orders are sequentially consistent, so one of the two sees the other.
 */
#ifndef RELAYD_NET_REST_H
#define RELAYD_NET_REST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* All zero to begin with. */
struct rest {
	_Atomic uint32_t bell;
	_Atomic uint32_t rings; /* not answered yet */

	/* The worker's thread only. */
	uint64_t until_ns;      /* as asked for in this turn; 0: nobody did */
	bool is_refused;        /* somebody has more to do in this turn */
	unsigned watches;       /* how many never let it rest */
};

/* From any thread, when the loop has been told (uv_async_send()): whoever rests gets up. */
void rest_ring(struct rest *rest);

/* The worker has taken a ring, and does what it was for. */
void rest_answer(struct rest *rest);

/* At the end of a turn, before the loop waits: rests, if it was asked for and nothing is due. */
void rest_take(struct rest *rest, uv_loop_t *loop);

#endif
