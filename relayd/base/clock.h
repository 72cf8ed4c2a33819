/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks. Only event loops and threads read them, once per turn; everything else gets time as a parameter, so
 * that tests pass numbers.
 */
#ifndef RELAYD_BASE_CLOCK_H
#define RELAYD_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NS_PER_SECOND 1000000000LL
#define CLOCK_NS_PER_MS 1000000LL
#define CLOCK_NS_PER_US 1000LL

/* Nanoseconds since an arbitrary start, never going back (CLOCK_MONOTONIC): for time-outs and intervals. */
uint64_t clock_monotonic_ns(void);

/* Nanoseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME): for what is written down. It may jump. */
int64_t clock_wall_ns(void);

/* Makes a condition for clock_wait(); false if there is no memory. */
bool clock_condition_init(pthread_cond_t *condition);

/* pthread_cond_timedwait() until a time of clock_monotonic_ns(). False when it has come. */
bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns);

#endif
