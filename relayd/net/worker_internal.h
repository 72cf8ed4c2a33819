/* SPDX-License-Identifier: Apache-2.0 */
/* What only the other files of net/ may ask of a worker. */
#ifndef RELAYD_NET_WORKER_INTERNAL_H
#define RELAYD_NET_WORKER_INTERNAL_H

#include "net/worker.h"

#include <stdint.h>

struct rest;
struct stream_pool;

/* Where the worker keeps what its streams share; made by the first stream, closed when the worker stops. */
struct stream_pool **worker_stream_pool(struct worker *worker);

/* Who wakes the worker rings, and answers for it when it is served. */
struct rest *worker_bell(struct worker *worker);

/* The ordinal of this loop turn, for limits per turn. From the worker's thread. */
uint64_t worker_turn(const struct worker *worker);

#endif
