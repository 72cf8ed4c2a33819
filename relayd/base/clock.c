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

bool clock_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t monotonic;
	if (pthread_condattr_init(&monotonic) != 0)
		return false;
	bool made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 && pthread_cond_init(condition, &monotonic) == 0;
	pthread_condattr_destroy(&monotonic);
	return made;
}

bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / (uint64_t)CLOCK_NS_PER_SECOND),
	                         .tv_nsec = (long)(until_ns % (uint64_t)CLOCK_NS_PER_SECOND)};
	return pthread_cond_timedwait(condition, lock, &until) == 0;
}
