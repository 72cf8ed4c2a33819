/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's lane: the memory that one logging call needs, so that it costs neither stack nor heap. A call that finds
 * its lane busy was made by a sink, or by a signal handler that interrupted a call; it is dropped and counted.
 */
#ifndef LIBLOG_LANE_H
#define LIBLOG_LANE_H

#include <liblog/sink.h>

#define SLOG_LINE_FEED_BYTES 1 /* room kept behind every line */
#define SLOG_LANE_LINE_BYTES SLOG_EVENT_BYTES_MIN

struct slog_lane {
	volatile bool is_busy;
	struct slog_field fields[SLOG_PAIRS_MAX];
	char room[SLOG_LANE_LINE_BYTES + SLOG_LINE_FEED_BYTES];
};

/* This thread's lane, now busy. NULL if it was busy: an event of this severity is then counted as dropped. */
struct slog_lane *slog_lane_take(enum slog_severity severity);

/* The call is over. */
void slog_lane_release(struct slog_lane *lane);

#endif
