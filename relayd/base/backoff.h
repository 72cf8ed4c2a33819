/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delays between attempts: doubling from `min` to `max`, each drawn from the upper half of its step, so that ten
 * thousand senders that lost one relay do not come back in the same millisecond. Randomness is passed in.
 */
#ifndef RELAYD_BASE_BACKOFF_H
#define RELAYD_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t step_ns; /* the next delay before jitter; 0: start at min_ns */
};

/* The next delay: half to whole of the current step, which then doubles up to max_ns. `random`: any 32 random bits. */
uint64_t backoff_next(struct backoff *backoff, uint32_t random);

/* Back to the first step: call it when an attempt has succeeded for good. */
void backoff_reset(struct backoff *backoff);

#endif
