/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See backtrace.h. The ring is one block of memory with records from `first` on, each a header and a line, padded to
 * the header's size. A record does not wrap: where it does not fit before the end, a header without a sink says that the
 * rest is unused. What a parent held is the parent's: a child begins with an empty ring.
 */
#include "backtrace.h"

#include <errno.h>
#include <stdlib.h>

#include "gate.h"
#include "generation.h"
#include "logger.h"
#include "stats.h"

#define WAIT_MS 10 /* for the ring, before an error is written; whoever holds it may be writing it out */

struct record {
	struct slog_sink *sink; /* NULL: nothing more before the end of the ring */
	uint32_t length;
	uint32_t severity;
};

static struct slog_gate gate;
static _Atomic bool is_on;
static uint32_t generation; /* of the process whose events these are */
static char *ring;
static size_t size;  /* of the ring, a multiple of the header's */
static size_t first; /* where the oldest record begins */
static size_t used;  /* octets from there on, in the ring's order */

static size_t record_size(size_t length)
{
	return (sizeof(struct record) + length + sizeof(struct record) - 1) / sizeof(struct record) * sizeof(struct record);
}

/* Takes the ring. False if there is none, or not in this time. */
static bool enter(unsigned wait_ms)
{
	if (!atomic_load_explicit(&is_on, memory_order_relaxed) || slog_gate_take_whole(&gate, wait_ms) == SLOG_GATE_BUSY)
		return false;
	if (generation != slog_generation()) {
		generation = slog_generation();
		first = 0;
		used = 0;
	}
	return true;
}

/* The oldest record, or NULL if it is only the rest before the end of the ring. */
static const struct record *oldest(size_t *length)
{
	const struct record *record = (const struct record *)(const void *)(ring + first);
	*length = record->sink != NULL ? record_size(record->length) : size - first;
	return record->sink != NULL ? record : NULL;
}

static void drop_oldest(void)
{
	size_t length;
	oldest(&length);
	first = (first + length) % size;
	used -= length;
}

static void append(const struct record *record, const char *line)
{
	size_t need = record_size(record->length);
	size_t at = (first + used) % size;
	if (size - at < need) { /* the rest stays unused */
		size_t rest = size - at;
		while (size - used < rest)
			drop_oldest();
		memset(ring + at, 0, sizeof *record);
		used += rest;
		at = 0;
	}
	while (size - used < need)
		drop_oldest();
	memcpy(ring + at, record, sizeof *record);
	memcpy(ring + at + sizeof *record, line, record->length);
	used += need;
}

void slog_backtrace_hold(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	const struct record record = {sink, (uint32_t)length, (uint32_t)severity};
	if (!enter(0)) {
		slog_stats_dropped(severity, EBUSY);
		return;
	}
	if (record_size(length) <= size / 2)
		append(&record, line);
	else
		slog_stats_dropped(severity, EMSGSIZE);
	slog_gate_leave_whole(&gate);
}

void slog_backtrace_write(void)
{
	if (!enter(WAIT_MS))
		return;
	while (used > 0) {
		size_t length;
		const struct record *record = oldest(&length);
		if (record != NULL) {
			enum slog_severity severity = (enum slog_severity)record->severity;
			int error = record->sink->driver->write(record->sink, (const char *)(record + 1), record->length, severity);
			if (error != 0)
				slog_stats_dropped(severity, error);
		}
		drop_oldest();
	}
	slog_gate_leave_whole(&gate);
}

void slog_backtrace_forget(void)
{
	if (!enter(WAIT_MS))
		return;
	first = 0;
	used = 0;
	slog_gate_leave_whole(&gate);
}

int slog_set_backtrace(size_t new_size, int level)
{
	if (new_size != 0 && (new_size < SLOG_BACKTRACE_BYTES_MIN || level < SLOG_EMERG || level > SLOG_TRACE))
		return EINVAL;
	new_size -= new_size % sizeof(struct record);
	char *new_ring = NULL;
	if (new_size != 0 && (new_ring = malloc(new_size)) == NULL)
		return ENOMEM;
	slog_registry_set_backtrace(SLOG_OFF);
	atomic_store(&is_on, false);
	free(ring);
	ring = new_ring;
	size = new_size;
	first = 0;
	used = 0;
	generation = slog_generation();
	atomic_store(&is_on, new_ring != NULL);
	if (new_ring != NULL)
		slog_registry_set_backtrace(level);
	return 0;
}
