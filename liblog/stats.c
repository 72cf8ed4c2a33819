/* SPDX-License-Identifier: Apache-2.0 */
/* See stats.h and slog_stats() in slog.h. */
#include "stats.h"

#include <stdatomic.h>

static _Atomic uint64_t dropped[SLOG_SEVERITIES];
static _Atomic uint64_t cut;
static _Atomic uint64_t unbound;
static _Atomic uint64_t held_back;
static _Atomic int last_error;

void slog_stats_dropped(enum slog_severity severity, int error)
{
	atomic_fetch_add_explicit(&dropped[severity], 1, memory_order_relaxed);
	slog_stats_failed(error);
}

void slog_stats_failed(int error)
{
	atomic_store_explicit(&last_error, error, memory_order_relaxed);
}

void slog_stats_cut(void)
{
	atomic_fetch_add_explicit(&cut, 1, memory_order_relaxed);
}

void slog_stats_held_back(void)
{
	atomic_fetch_add_explicit(&held_back, 1, memory_order_relaxed);
}

void slog_stats_unbound(void)
{
	atomic_fetch_add_explicit(&unbound, 1, memory_order_relaxed);
}

void slog_stats(struct slog_counters *counters)
{
	struct slog_counters now = {.size = counters->size};
	for (int i = 0; i < SLOG_SEVERITIES; i++)
		now.dropped[i] = atomic_load_explicit(&dropped[i], memory_order_relaxed);
	now.cut = atomic_load_explicit(&cut, memory_order_relaxed);
	now.unbound = atomic_load_explicit(&unbound, memory_order_relaxed);
	now.held_back = atomic_load_explicit(&held_back, memory_order_relaxed);
	now.last_error = atomic_load_explicit(&last_error, memory_order_relaxed);
	memcpy(counters, &now, counters->size < sizeof now ? counters->size : sizeof now);
}
