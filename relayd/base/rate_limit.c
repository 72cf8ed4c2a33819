/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rate_limit.h"

bool rate_limit_pass(struct rate_limit *limit, uint64_t now_ns, uint64_t *held_back)
{
	if (limit->since_ns == 0 || now_ns - limit->since_ns >= limit->interval_ns) {
		limit->since_ns = now_ns;
		limit->used = 0;
	}
	if (limit->used >= limit->burst) {
		limit->held_back++;
		return false;
	}
	limit->used++;
	*held_back = limit->held_back;
	limit->held_back = 0;
	return true;
}
