/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's lane: the memory that one logging call needs, so that it costs neither stack nor heap. A call that finds
 * its lane busy was made by a sink, or by a signal handler that interrupted a call; it is dropped and counted.
 */
#ifndef LIBLOG_LANE_H
#define LIBLOG_LANE_H

#include <liblog/sink.h>

#include "headers.h"
#include "site_memo.h"
#include "stats.h"

#define SLOG_LINE_FEED_BYTES 1 /* room kept behind every line */
#define SLOG_LANE_LINE_BYTES SLOG_EVENT_BYTES_MIN
#define SLOG_LANE_LARGE_BYTES (320 * 1024 + SLOG_LINE_FEED_BYTES) /* the most that a thread keeps for large events */

struct slog_lane {
	/* Aligned, so that no write into a line crosses a page, which is several times as slow. */
	_Alignas(SLOG_LANE_LINE_BYTES) char room[SLOG_LANE_LINE_BYTES + SLOG_LINE_FEED_BYTES];
	volatile bool is_busy;
	struct slog_headers headers;
	struct slog_site_memos memos;
	char *large; /* slog_lane_large(); NULL: none yet */
	size_t large_size;
	struct slog_field fields[SLOG_PAIRS_MAX];
};

extern _Thread_local struct slog_lane slog_lane_own;

/* This thread's lane, now busy. NULL if it was busy: an event of this severity is then counted as dropped. */
static inline struct slog_lane *slog_lane_take(enum slog_severity severity)
{
	struct slog_lane *lane = &slog_lane_own;
	if (lane->is_busy) {
		slog_stats_dropped(severity, EDEADLK);
		return NULL;
	}
	lane->is_busy = true;
	return lane;
}

/*
 * Room for a large event, at least size octets, until the call is over; NULL without memory. What is larger than
 * SLOG_LANE_LARGE_BYTES is given back at the end of the call, other room when the thread ends.
 */
char *slog_lane_large(struct slog_lane *lane, size_t size);

/* The call is over; what it had of large room may be given back. */
void slog_lane_keep_large(struct slog_lane *lane);
static inline void slog_lane_release(struct slog_lane *lane)
{
	if (lane->large != NULL)
		slog_lane_keep_large(lane);
	lane->is_busy = false;
}

#endif
