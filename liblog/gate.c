/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See gate.h. A holder is gone after a few hundred nanoseconds, unless it lost its processor: then we sleep rather than
 * yield, or a real-time thread would spin against a holder of lower priority.
 *
 * Who comes while the gate happens to be free overtakes who sleeps. Where threads come without pause one could wait in
 * vain until its time is over; so after some naps it says so, and of those that come next each naps first. They count
 * down, so that nothing is left of it when the thread that said so has ended.
 */
#include "gate.h"

#include <time.h>

#include "clock.h"
#include "generation.h"

#define SPINS_MAX 128
#define NAP_NS 50000
#define PATIENT_NAPS 8
#define TO_BE_LET_BY 16

static bool take_now(struct slog_gate *gate, uint32_t holder, uint32_t generation)
{
	return atomic_compare_exchange_weak_explicit(&gate->holder, &holder, generation, memory_order_acquire,
	                                             memory_order_relaxed);
}

static void nap(void)
{
	static const struct timespec nap_time = {0, NAP_NS};
	nanosleep(&nap_time, NULL);
}

enum slog_gate_outcome slog_gate_take(struct slog_gate *gate, unsigned wait_ms)
{
	uint32_t generation = slog_generation();
	uint64_t deadline = 0;
	uint32_t urgent = atomic_load_explicit(&gate->urgent, memory_order_relaxed);
	if (urgent > 0 && wait_ms > 0) {
		atomic_store_explicit(&gate->urgent, urgent - 1, memory_order_relaxed);
		nap();
	}
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
		nap();
		if (spins > SPINS_MAX + PATIENT_NAPS)
			atomic_store_explicit(&gate->urgent, TO_BE_LET_BY, memory_order_relaxed);
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
