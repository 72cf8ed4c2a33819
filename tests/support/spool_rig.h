/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small spool for tests: 4 KiB blocks in segments of 256 KiB, so that a few hundred records rotate it. Records are
 * numbered by the test in the order in which it submits them; on one worker that is their sequence, and the text of
 * each says it, so that what is read back proves itself.
 *
 * Without rig_start() the spool has no threads, and tests step the writer and the keeper by hand.
 */
#ifndef TESTS_SUPPORT_SPOOL_RIG_H
#define TESTS_SUPPORT_SPOOL_RIG_H

#include "spool/spool_internal.h"

#include <check.h>
#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	RIG_RECORD_BYTES = 200,
	RIG_BLOCK_BYTES = 4096,
	RIG_SEGMENT_BYTES = 256 << 10,
	RIG_MAX_BYTES = 4 << 20,
	RIG_RECENT_BYTES = 32 << 10,
};

struct rig {
	struct spool_options options;
	struct spool *spool;
	struct spool_recovery recovery;
	char error[SPOOL_ERROR_MAX_BYTES];
	int input;
	size_t recent_least; /* groups of so many octets go through the window of recent ones; 0: of the preset's */
	unsigned recent_patience_ns; /* of it, for each octet, with readers that follow */
	uint64_t submitted; /* number of the last record handed over */
	int64_t base_ns;    /* receive time of the next block; a test may use it to tell one block from another */
	const int64_t *base_of; /* by sequence: the one it must have when it is read; NULL: any */
	_Atomic uint64_t stored_events;
	_Atomic uint64_t room_events;
	_Atomic uint64_t lost_events;
	_Atomic uint64_t moved_events;
	_Atomic uint64_t failed_events;
};

static inline void rig_on_stored(void *context, unsigned worker)
{
	(void)worker;
	atomic_fetch_add(&((struct rig *)context)->stored_events, 1);
}

static inline void rig_on_room(void *context)
{
	atomic_fetch_add(&((struct rig *)context)->room_events, 1);
}

static inline void rig_on_lost(void *context)
{
	atomic_fetch_add(&((struct rig *)context)->lost_events, 1);
}

static inline void rig_on_moved(void *context)
{
	atomic_fetch_add(&((struct rig *)context)->moved_events, 1);
}

static inline void rig_on_failed(void *context, const char *error)
{
	(void)error;
	atomic_fetch_add(&((struct rig *)context)->failed_events, 1);
}

static inline void rig_init(struct rig *rig, const char *path, const struct disk *disk)
{
	slog_set_level(&slog_default_logger, SLOG_OFF); /* what goes wrong here goes wrong on purpose */
	memset(rig, 0, sizeof *rig);
	rig->base_ns = 1000;
	rig->options = (struct spool_options){
		.path = path,
		.disk = disk,
		.max_size_bytes = RIG_MAX_BYTES,
		.segment_size_bytes = RIG_SEGMENT_BYTES,
		.block_size_bytes = RIG_BLOCK_BYTES,
		.workers = 1,
		.blocks_per_worker = 8,
		.events = {.context = rig, .worker_stored = rig_on_stored, .room = rig_on_room, .lost = rig_on_lost,
		           .moved = rig_on_moved, .failed = rig_on_failed},
	};
}

/* The window of a spool as small as this one has no room for a group. */
static inline void rig_widen_recent(struct rig *rig)
{
	struct recent *recent = &rig->spool->recent;
	recent_free(recent);
	recent_init(recent, RIG_RECENT_BYTES, rig->recent_patience_ns);
	recent->least = rig->recent_least;
}

/* Opens the spool and registers the input "udp". */
static inline enum spool_open_result rig_open(struct rig *rig)
{
	enum spool_open_result result = spool_open(&rig->options, &rig->spool, &rig->recovery, rig->error);
	if (result == SPOOL_OPENED) {
		rig->input = spool_register_input(rig->spool, "udp");
		rig->submitted = spool_stored(rig->spool);
		if (rig->recent_least > 0)
			rig_widen_recent(rig);
	}
	return result;
}

static inline void rig_open_ok(struct rig *rig)
{
	enum spool_open_result result = rig_open(rig);
	ck_assert_msg(result == SPOOL_OPENED, "%d: %s", result, rig->error);
}

static inline size_t rig_record(uint64_t number, char *text)
{
	int len = snprintf(text, RIG_RECORD_BYTES, "record %llu ", (unsigned long long)number);
	size_t fill = (size_t)(number * 7 % (RIG_RECORD_BYTES - 40));
	for (size_t i = 0; i < fill; i++)
		text[len++] = (char)('a' + (number + i * i) % 26);
	return (size_t)len;
}

/* Submits a block of `records` records, as many as fit. False if no block could be had. */
static inline bool rig_put(struct rig *rig, unsigned records)
{
	struct spool_block *block = spool_take_block(rig->spool, 0, SPOOL_BLOCK_WAITS, (unsigned)rig->input, rig->base_ns);
	if (block == NULL)
		return false;
	for (unsigned i = 0; i < records; i++) {
		uint8_t *room = spool_block_reserve(block, RIG_RECORD_BYTES);
		if (room == NULL)
			break;
		char text[RIG_RECORD_BYTES];
		size_t len = rig_record(rig->submitted + 1, text);
		memcpy(room, text, len);
		spool_block_commit(block, len);
		rig->submitted++;
	}
	spool_submit_block(rig->spool, block);
	return true;
}

/* One block, written at once. */
static inline bool rig_store(struct rig *rig, unsigned records)
{
	return rig_put(rig, records) && writer_turn(rig->spool);
}

static inline uint64_t rig_check_records(const struct spool_view *view)
{
	struct bytes records = view->records, record;
	uint64_t sequence = view->first;
	while (spool_record_next(&records, &record)) {
		char text[RIG_RECORD_BYTES];
		size_t len = rig_record(sequence, text);
		ck_assert_msg(bytes_equal(record, bytes_of(text, len)), "record %llu is \"%.*s\"", (unsigned long long)sequence,
		              (int)record.len, (const char *)record.at);
		sequence++;
	}
	ck_assert_uint_eq(records.len, 0);
	ck_assert_uint_eq(sequence - 1, view->last);
	ck_assert_uint_eq(view->count, view->last - view->first + 1);
	return view->last;
}

/* What a reader found from `first` to the end of what is stored. */
struct rig_read {
	uint64_t records;
	uint64_t damaged;  /* sequences reported lost */
	uint64_t ranges;   /* reports */
	uint64_t next;     /* behind the last thing read */
	uint64_t damage_first[16];
	uint64_t damage_last[16];
};

/* Reads everything, checks every record and that nothing is doubled, skipped or out of order. */
static inline struct rig_read rig_read_all(struct rig *rig, uint64_t first)
{
	struct rig_read read = {.next = first};
	struct spool_reader *reader = spool_reader_open(rig->spool, first);
	struct spool_view view;
	enum spool_read_result result;
	while ((result = spool_read(reader, &view)) != SPOOL_READ_CAUGHT_UP) {
		ck_assert_msg(result != SPOOL_READ_FAILED, "%s", spool_reader_error(reader));
		if (read.records == 0 && read.damaged == 0)
			ck_assert(view.first <= read.next || first < spool_first(rig->spool));
		else
			ck_assert_uint_eq(view.first, read.next);
		if (result == SPOOL_READ_DAMAGE) {
			ck_assert_uint_le(view.first, view.last);
			if (read.ranges < 16) {
				read.damage_first[read.ranges] = view.first;
				read.damage_last[read.ranges] = view.last;
			}
			read.damaged += view.last - view.first + 1;
			read.ranges++;
			read.next = view.last + 1;
		} else {
			read.next = rig_check_records(&view) + 1;
			for (uint64_t i = view.first; rig->base_of != NULL && i <= view.last; i++)
				ck_assert_msg(rig->base_of[i] == view.base_ns, "record %llu is of another block", (unsigned long long)i);
			read.records += view.count;
		}
	}
	spool_reader_close(&reader);
	return read;
}

static inline struct spool_cursor *rig_cursor(struct rig *rig, const char *name, enum spool_from from,
                                              enum spool_when_behind when_behind)
{
	struct spool_cursor_options options = {.name = name, .from = from, .when_behind = when_behind};
	struct spool_cursor *cursor = spool_cursor_open(rig->spool, &options, rig->error);
	ck_assert_msg(cursor != NULL, "%s", rig->error);
	return cursor;
}

static inline void rig_deliver(struct spool_cursor *cursor, uint64_t sequence)
{
	struct spool_output_totals totals;
	spool_cursor_totals(cursor, &totals);
	totals.delivered += sequence - spool_cursor_delivered(cursor);
	spool_cursor_deliver(cursor, sequence, NULL, &totals);
}

#endif
