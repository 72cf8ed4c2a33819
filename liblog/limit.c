/* SPDX-License-Identifier: Apache-2.0 */
/* slog_limited(): a count for each second, in one word with the second, and what was held back since it was last told. */
#include <liblog/slog.h>

#include "clock.h"
#include "stats.h"

#define MS_PER_SECOND 1000

/* Counts one event of this second. True if it is one of the first per_second. */
static bool count(struct slog_limit *limit, unsigned per_second)
{
	uint64_t second = slog_clock_monotonic_ms() / MS_PER_SECOND + 1; /* no event was ever counted in second 0 */
	uint64_t known = __atomic_load_n(&limit->second, __ATOMIC_RELAXED);
	uint64_t next;
	do {
		uint64_t events = known >> 32 == (uint32_t)second ? known & UINT32_MAX : 0;
		if (events >= per_second)
			return false;
		next = second << 32 | (events + 1);
	} while (!__atomic_compare_exchange_n(&limit->second, &known, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static void hold_back(struct slog_limit *limit)
{
	if (__atomic_fetch_add(&limit->held_back, 1, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&limit->since, (int64_t)slog_clock_now().tv_sec, __ATOMIC_RELAXED);
	slog_stats_held_back();
}

bool slog_limit_passes_1(struct slog_limit *limit, struct slog_logger *logger, int severity, const char *event,
                         unsigned per_second)
{
	if (!count(limit, per_second)) {
		hold_back(limit);
		return false;
	}
	if (__atomic_load_n(&limit->held_back, __ATOMIC_RELAXED) == 0)
		return true;
	struct timespec since = {.tv_sec = (time_t)__atomic_load_n(&limit->since, __ATOMIC_RELAXED)};
	uint64_t held_back = __atomic_exchange_n(&limit->held_back, 0, __ATOMIC_RELAXED);
	const struct slog_field fields[] = {
		slog_kv("event", event), slog_kv("held_back", held_back), slog_kv("since", slog_time(since)),
	};
	if (held_back > 0)
		slog_event(logger, (enum slog_severity)severity, "slog_limited", fields, sizeof fields / sizeof *fields);
	return true;
}
