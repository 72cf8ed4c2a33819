/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that a fork cannot leave locked for ever, and that nobody waits for without bound. It remembers the generation
 * of the process whose thread holds it: in a child of that process the holder does not exist, and the gate is free.
 *
 * Held for a copy or a system call that does not block. Zero is a free gate.
 */
#ifndef LIBLOG_GATE_H
#define LIBLOG_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct slog_gate {
	_Atomic uint32_t holder; /* generation of the holder's process; 0: free */
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

#endif
