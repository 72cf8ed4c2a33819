/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process this is, for what must not be shared with a parent: queues, streams, locks held by threads that a child
 * does not have. A child of fork() has another generation than its parent, however it was forked; nothing runs at the
 * fork itself, so that no lock is taken there.
 */
#ifndef LIBLOG_GENERATION_H
#define LIBLOG_GENERATION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Where the number lies, 0 in a process that has not asked yet; NULL until any has. For the function below. */
extern _Atomic(_Atomic uint32_t *) slog_generation_word;
uint32_t slog_generation_begin(void);

/* Never 0. Two loads, but for the first call in a process. Any thread. */
static inline uint32_t slog_generation(void)
{
	_Atomic uint32_t *word = atomic_load_explicit(&slog_generation_word, memory_order_acquire);
	uint32_t known = word != NULL ? atomic_load_explicit(word, memory_order_acquire) : 0;
	return known != 0 ? known : slog_generation_begin();
}

#endif
