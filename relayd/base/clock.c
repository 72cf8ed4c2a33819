/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now;
	int result = clock_gettime(id, &now);
	assert(result == 0);
	(void)result;
	return (int64_t)now.tv_sec * CLOCK_NS_PER_SECOND + now.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}
