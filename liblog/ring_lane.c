/* SPDX-License-Identifier: Apache-2.0 */
/* See ring_lane.h. */
#include "ring_lane.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "patience.h"

#define ALIGNMENT 8
#define LOSS_RESERVE (2 * (SLOG_LOSS_BYTES_MAX + ALIGNMENT)) /* twice: it may have to begin at the start of the room */
#define PERCENT 100

struct header {
	uint32_t length;
	uint8_t severity; /* or SKIP */
	uint8_t zero[3];
};

_Static_assert(sizeof(struct header) == ALIGNMENT, "every position is aligned");
_Static_assert(SLOG_LANE_SIZE_MIN > 2 * LOSS_RESERVE, "the smallest lane has room for events");

enum { SKIP = UINT8_MAX }; /* what follows is at the start of the room */

/* How full a lane may be, in percent, with an event of this severity in it. */
static const unsigned char limit_percent[SLOG_SEVERITIES] = {100, 100, 100, 100, 90, 75, 75, 50, 50};

struct slog_ring_lane *slog_ring_lane_make(size_t size)
{
	struct slog_ring_lane *lane = aligned_alloc(SLOG_CACHE_LINE, sizeof *lane);
	assert(size >= SLOG_LANE_SIZE_MIN && (size & (size - 1)) == 0);
	if (lane == NULL)
		return NULL;
	memset(lane, 0, sizeof *lane);
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED) {
		free(lane);
		return NULL;
	}
	lane->size = size;
	lane->room = room;
	return lane;
}

void slog_ring_lane_free(struct slog_ring_lane *lane)
{
	if (lane == NULL)
		return;
	munmap(lane->room, lane->size);
	free(lane);
}

void slog_ring_lane_reset(struct slog_ring_lane *lane)
{
	atomic_store_explicit(&lane->head, 0, memory_order_relaxed);
	atomic_store_explicit(&lane->tail, 0, memory_order_relaxed);
	lane->sent = 0;
	memset(&lane->loss, 0, sizeof lane->loss);
	slog_gate_leave(&lane->gate);
}

static size_t record_size(size_t length)
{
	return sizeof(struct header) + (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_header(struct slog_ring_lane *lane, uint64_t position, size_t length, unsigned severity)
{
	struct header header = {.length = (uint32_t)length, .severity = (uint8_t)severity};
	memcpy(lane->room + (position & (lane->size - 1)), &header, sizeof header);
}

/*
 * Finds room for a record of this length if the lane then is filled to `limit` octets at the most. Gives the position of
 * the record, behind a skip if it needs one. In an empty lane the skip fills nothing: else a record that does not fit
 * before the end would be refused for ever, since only records move the head.
 */
static bool find_room(struct slog_ring_lane *lane, size_t length, size_t limit, uint64_t *position)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	uint64_t used = head - atomic_load_explicit(&lane->tail, memory_order_acquire);
	size_t to_end = lane->size - (head & (lane->size - 1));
	size_t skip = record_size(length) > to_end ? to_end : 0;
	size_t filled = (used > 0 ? used + skip : 0) + record_size(length);
	if (filled > limit || used + skip + record_size(length) > lane->size)
		return false;
	if (skip > 0)
		put_header(lane, head, skip - sizeof(struct header), SKIP);
	*position = head + skip;
	return true;
}

/*
 * The octets stand behind the position: from now on the worker may see them. Sequentially consistent with the worker's
 * state, so that either it sees the event or we see that it sleeps.
 */
static void publish(struct slog_ring_lane *lane, uint64_t position, size_t length, unsigned severity)
{
	put_header(lane, position, length, severity);
	atomic_store(&lane->head, position + record_size(length));
}

static char *room_at(struct slog_ring_lane *lane, uint64_t position)
{
	return lane->room + (position & (lane->size - 1)) + sizeof(struct header);
}

/* The gate is held. What does not fit now is told later. */
static void tell(struct slog_ring_lane *lane, const struct slog_sink *sink)
{
	uint64_t position;
	if (!lane->loss.is_any || !find_room(lane, SLOG_LOSS_BYTES_MAX, lane->size, &position))
		return;
	struct slog_line line = slog_line_in(room_at(lane, position), SLOG_LOSS_BYTES_MAX - 1);
	slog_loss_put(&lane->loss, sink, &line);
	if (line.overflowed)
		return;
	if (sink->driver->line_feed)
		line.text[line.length++] = '\n';
	publish(lane, position, line.length, SLOG_WARNING);
	memset(&lane->loss, 0, sizeof lane->loss);
}

static size_t limit_of(const struct slog_ring_lane *lane, enum slog_severity severity)
{
	return (lane->size - LOSS_RESERVE) / PERCENT * limit_percent[severity];
}

int slog_ring_lane_put(struct slog_ring_lane *lane, const struct slog_sink *sink, const char *octets, size_t length,
                       enum slog_severity severity, bool refuse)
{
	uint64_t position;
	size_t limit = limit_of(lane, severity);
	if (slog_gate_take(&lane->gate, SLOG_WAIT_CALL_MS) == SLOG_GATE_BUSY)
		return EAGAIN;
	bool fits = find_room(lane, length, limit, &position);
	if (fits && lane->loss.is_any) {
		tell(lane, sink);
		fits = find_room(lane, length, limit, &position);
	}
	if (fits) {
		memcpy(room_at(lane, position), octets, length);
		publish(lane, position, length, severity);
	} else if (refuse) {
		slog_loss_add(&lane->loss, severity);
	}
	slog_gate_leave(&lane->gate);
	return fits ? 0 : EAGAIN;
}

void slog_ring_lane_lost(struct slog_ring_lane *lane, enum slog_severity severity)
{
	if (slog_gate_take(&lane->gate, SLOG_WAIT_CALL_MS) == SLOG_GATE_BUSY)
		return;
	slog_loss_add(&lane->loss, severity);
	slog_gate_leave(&lane->gate);
}

void slog_ring_lane_tell(struct slog_ring_lane *lane, const struct slog_sink *sink)
{
	if (slog_gate_take(&lane->gate, SLOG_WAIT_CALL_MS) == SLOG_GATE_BUSY)
		return;
	tell(lane, sink);
	slog_gate_leave(&lane->gate);
}

bool slog_ring_lane_next(struct slog_ring_lane *lane, uint64_t *position, struct slog_lane_event *event)
{
	while (*position != atomic_load(&lane->head)) {
		struct header header;
		memcpy(&header, lane->room + (*position & (lane->size - 1)), sizeof header);
		char *octets = room_at(lane, *position);
		*position += record_size(header.length);
		if (header.severity == SKIP)
			continue;
		event->octets = (struct iovec){octets, header.length};
		event->severity = (enum slog_severity)header.severity;
		event->end = *position;
		return true;
	}
	return false;
}

bool slog_ring_lane_is_filling(const struct slog_ring_lane *lane)
{
	uint64_t used = atomic_load_explicit(&lane->head, memory_order_relaxed) -
	                atomic_load_explicit(&lane->tail, memory_order_relaxed);
	return used > lane->size / 4;
}
