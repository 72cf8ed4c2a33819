/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lane of the asynchronous ring: a bounded queue of encoded events between some threads, one of them at a time, and
 * the worker. Three positions that only grow, in octets since the lane was made: tail <= sent <= head.
 *
 *   head   up to here there are events
 *   sent   up to here the worker has given them to the sink; its own business
 *   tail   up to here they are delivered, and their room is free
 *
 * An event stands in one piece; where it does not fit before the end of the room it begins at the start again. As the
 * lane fills it refuses new events by severity; what it holds is never removed. Some room is kept for the event that
 * tells what was refused: it goes before the next event that gets in.
 */
#ifndef LIBLOG_RING_LANE_H
#define LIBLOG_RING_LANE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "gate.h"
#include "loss.h"

#define SLOG_CACHE_LINE 64
#define SLOG_LANE_SIZE_MIN 16384
#define SLOG_LANE_SIZE_MAX (1UL << 30)

struct slog_ring_lane {
	struct slog_gate gate; /* guards head, for those who put, and loss */
	size_t size;           /* of room, a power of two */
	char *room;
	struct slog_loss loss;
	alignas(SLOG_CACHE_LINE) _Atomic uint64_t head;
	alignas(SLOG_CACHE_LINE) _Atomic uint64_t tail;
	uint64_t sent; /* the worker's */
};

/* An event in a lane, as the worker sees it. */
struct slog_lane_event {
	struct iovec octets;
	enum slog_severity severity;
	uint64_t end; /* the position behind it */
};

/* A lane of this size; NULL without memory. slog_lane_free() gives it back. */
struct slog_ring_lane *slog_ring_lane_make(size_t size);
void slog_ring_lane_free(struct slog_ring_lane *lane);

/* Empties the lane, whatever state it is in. No other thread may use it. */
void slog_ring_lane_reset(struct slog_ring_lane *lane);

/*
 * Puts an event into the lane, for this sink. 0, or EAGAIN if the lane is too full for its severity, or was not to be
 * had. If `refuse` is false the caller will try again, and nothing is noted as lost.
 */
int slog_ring_lane_put(struct slog_ring_lane *lane, const struct slog_sink *sink, const char *octets, size_t length,
                       enum slog_severity severity, bool refuse);

/* Notes that the worker had to drop an event of this lane. */
void slog_ring_lane_lost(struct slog_ring_lane *lane, enum slog_severity severity);

/* Puts the event that tells what was lost, if there is anything to tell. */
void slog_ring_lane_tell(struct slog_ring_lane *lane, const struct slog_sink *sink);

/* The first event at or behind *position, which moves behind it. False if there is none. The worker's. */
bool slog_ring_lane_next(struct slog_ring_lane *lane, uint64_t *position, struct slog_lane_event *event);

/* True if the lane is more than a quarter full. */
bool slog_ring_lane_is_filling(const struct slog_ring_lane *lane);

#endif
