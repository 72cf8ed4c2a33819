/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include <assert.h>

uint64_t backoff_next(struct backoff *backoff, uint32_t random)
{
	assert(backoff->min_ns > 0 && backoff->min_ns <= backoff->max_ns);
	uint64_t step = backoff->step_ns > 0 ? backoff->step_ns : backoff->min_ns;
	backoff->step_ns = step > backoff->max_ns / 2 ? backoff->max_ns : step * 2;
	uint64_t half = step / 2;
	return step - half + (uint64_t)(((__uint128_t)half * random) >> 32);
}

void backoff_reset(struct backoff *backoff)
{
	backoff->step_ns = 0;
}
