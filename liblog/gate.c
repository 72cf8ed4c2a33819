/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See gate.h. A holder is gone after a few hundred nanoseconds, unless it lost its processor: then we sleep rather than
 * yield, or a real-time thread would spin against a holder of lower priority.
 */
#include "gate.h"

#include <time.h>

#include "clock.h"
#include "generation.h"

#define SPINS_MAX 128
#define NAP_NS 50000

static bool take_now(struct slog_gate *gate, uint32_t holder, uint32_t generation)
{
	return atomic_compare_exchange_weak_explicit(&gate->holder, &holder, generation, memory_order_acquire,
	                                             memory_order_relaxed);
}

enum slog_gate_outcome slog_gate_take(struct slog_gate *gate, unsigned wait_ms)
{
	static const struct timespec nap = {0, NAP_NS};
	uint32_t generation = slog_generation();
	uint64_t deadline = 0;
	for (unsigned spins = 0;; spins++) {
		uint32_t holder = atomic_load_explicit(&gate->holder, memory_order_relaxed);
		if ((holder == 0 || holder != generation) && take_now(gate, holder, generation))
			return holder == 0 ? SLOG_GATE_TAKEN : SLOG_GATE_INHERITED;
		if (spins < SPINS_MAX)
			continue;
		uint64_t now = slog_clock_monotonic_ms();
		if (deadline == 0)
			deadline = now + wait_ms;
		if (wait_ms == 0 || now >= deadline)
			return SLOG_GATE_BUSY;
		nanosleep(&nap, NULL);
	}
}

enum slog_gate_outcome slog_gate_take_whole(struct slog_gate *gate, unsigned wait_ms)
{
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	enum slog_gate_outcome outcome = slog_gate_take(gate, wait_ms);
	if (outcome == SLOG_GATE_BUSY)
		pthread_setcancelstate(cancel_state, &cancel_state);
	else
		gate->cancel_state = cancel_state;
	return outcome;
}
