/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping on a word in memory until somebody changes it: no descriptor that a program could close under us. */
#ifndef LIBLOG_FUTEX_H
#define LIBLOG_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOG_FUTEX_FOR_EVER UINT_MAX

/* Sleeps while the word has this value, so many milliseconds at most. May return early. */
static inline void slog_futex_wait(_Atomic uint32_t *word, uint32_t value, unsigned ms)
{
	struct timespec timeout = {ms / 1000, (long)(ms % 1000) * 1000000};
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ms == SLOG_FUTEX_FOR_EVER ? NULL : &timeout, NULL, 0);
}

/* Wakes all that sleep on the word. */
static inline void slog_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#endif
