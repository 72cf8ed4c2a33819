/* SPDX-License-Identifier: Apache-2.0 */
/* See clock.h. */
#include "clock.h"

#include <stdatomic.h>
#include <stdbool.h>

#define QUARTER_SECONDS 900 /* zones change at full quarters of an hour */

static struct {
	bool is_frozen;
	struct timespec time;
} frozen;

struct timespec slog_clock_now(void)
{
	if (frozen.is_frozen)
		return frozen.time;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

uint64_t slog_clock_monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Quarter and offset share one word, so that no thread sees the offset of another quarter. */
long slog_clock_zone_offset(time_t time)
{
	static _Atomic int64_t known;
	const int64_t offset_bias = 1 << 20; /* more than any zone's seconds, and keeps a filled word from being 0 */
	int64_t quarter = time / QUARTER_SECONDS;
	int64_t word = atomic_load_explicit(&known, memory_order_relaxed);
	if (word == 0 || word >> 22 != quarter) {
		struct tm local;
		long offset = localtime_r(&time, &local) != NULL ? local.tm_gmtoff : 0;
		word = quarter * (1 << 22) + offset + offset_bias;
		atomic_store_explicit(&known, word, memory_order_relaxed);
	}
	return (long)((word & ((1 << 22) - 1)) - offset_bias);
}

void slog_clock_freeze(const struct timespec *time)
{
	frozen.is_frozen = time != NULL;
	if (time != NULL)
		frozen.time = *time;
}
