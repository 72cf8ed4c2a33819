/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counter that one thread moves and any thread may read: two plain instructions on the road of every message, without
 * a locked one.
 */
#ifndef RELAYD_INTAKE_COUNTER_H
#define RELAYD_INTAKE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

/* By the one thread that owns the counter. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t count)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, value + count, memory_order_relaxed);
}

/* From any thread. */
static inline uint64_t counter_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
