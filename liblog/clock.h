/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of liblog. */
#ifndef LIBLOG_CLOCK_H
#define LIBLOG_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The wall clock. */
struct timespec slog_clock_now(void);

/* Milliseconds of a clock that never goes back; a few milliseconds coarse. */
uint64_t slog_clock_monotonic_ms(void);

/* The same clock in microseconds, exact; it takes longer to ask. */
uint64_t slog_clock_monotonic_us(void);

/*
 * Seconds that local time is ahead of UTC at this time. The zone is the one that TZ or /etc/localtime says when this is
 * first called in a process and its ancestors; UTC where it cannot be read. Nothing of libc's zone is used, whose lock a
 * fork can leave held. Any thread.
 */
long slog_clock_zone_offset(time_t time);

/* For tests: from now on the wall clock says *time, or runs again if time is NULL. No other thread may log. */
void slog_clock_freeze(const struct timespec *time);

#endif
