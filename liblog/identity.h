/* SPDX-License-Identifier: Apache-2.0 */
/* Who logs: HOSTNAME, APP-NAME and PROCID of every event. */
#ifndef LIBLOG_IDENTITY_H
#define LIBLOG_IDENTITY_H

#include <stdatomic.h>
#include <stdint.h>

#include "generation.h"

/* Never NULL; "" if not known. */
const char *slog_identity_hostname(void);
const char *slog_identity_app_name(void);

/* The process id, asked of the kernel once in each process, also after a fork. */
long slog_identity_pid(void);

/* Another number whenever one of the three may have become another; never 0. */
extern _Atomic uint32_t slog_identity_names; /* grows when the names change */
static inline uint64_t slog_identity_version(void)
{
	return (uint64_t)atomic_load_explicit(&slog_identity_names, memory_order_relaxed) << 32 | slog_generation();
}

/* Sets the names, which are copied and cut; NULL: what the system says. No other thread may log. */
void slog_identity_set(const char *hostname, const char *app_name);

#endif
