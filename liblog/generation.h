/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process this is, for what must not be shared with a parent: queues, streams, locks held by threads that a child
 * does not have. A child of fork() has another generation than its parent, however it was forked; nothing runs at the
 * fork itself, so that no lock is taken there.
 */
#ifndef LIBLOG_GENERATION_H
#define LIBLOG_GENERATION_H

#include <stdint.h>

/* Never 0. One load, but for the first call in a process. Any thread. */
uint32_t slog_generation(void);

#endif
