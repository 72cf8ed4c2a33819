/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that a fork cannot leave locked for ever, and that nobody waits for without bound. It remembers the generation
 * of the process whose thread holds it: in a child of that process the holder does not exist, and the gate is free.
 *
 * Held for a copy or some system calls that do not block; threads that come again without pause do not shut out one that
 * waits. Zero is a free gate. A thread that is cancelled while it holds one would close it to the others for ever, so
 * whoever calls what may be a cancellation point, as most system calls are, takes it by slog_gate_take_whole().
 */
#ifndef LIBLOG_GATE_H
#define LIBLOG_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct slog_gate {
	_Atomic uint32_t holder; /* generation of the holder's process; 0: free */
	int cancel_state;        /* of a thread that took it whole, as it was before */
	_Atomic uint32_t urgent; /* a thread waits for long: so many that come let it go first */
};

enum slog_gate_outcome {
	SLOG_GATE_BUSY,     /* not taken */
	SLOG_GATE_TAKEN,
	SLOG_GATE_INHERITED /* taken; who held it is not in this process, and what it guards may be half changed */
};

/* Takes the gate, waiting at most so many milliseconds. Any thread. */
enum slog_gate_outcome slog_gate_take(struct slog_gate *gate, unsigned wait_ms);

/* Leaves a gate that this thread took. */
static inline void slog_gate_leave(struct slog_gate *gate)
{
	atomic_store_explicit(&gate->holder, 0, memory_order_release);
}

/* As slog_gate_take(), and until this thread has left the gate by slog_gate_leave_whole() it is not cancelled. */
enum slog_gate_outcome slog_gate_take_whole(struct slog_gate *gate, unsigned wait_ms);

/* Leaves a gate that this thread took whole. */
static inline void slog_gate_leave_whole(struct slog_gate *gate)
{
	int cancel_state = gate->cancel_state;
	slog_gate_leave(gate);
	pthread_setcancelstate(cancel_state, &cancel_state);
}

#endif
