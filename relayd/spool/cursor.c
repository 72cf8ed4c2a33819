/* SPDX-License-Identifier: Apache-2.0 */
/* What an output does with its cursor, and what the operator does with cursors. Their file is cursor_file.c. */
#include "spool/cursor.h"

#include "spool/spool_internal.h"

#include <liblog/slog.h>
#include <stdio.h>

/* ---- finding and making ---- */

static struct spool_cursor *find(struct spool *spool, const char *name)
{
	for (unsigned i = 0; i < CURSORS_MAX; i++)
		if (spool->cursors.cursor[i].used && strcmp(spool->cursors.cursor[i].name, name) == 0)
			return &spool->cursors.cursor[i];
	return NULL;
}

/* A place whose slots are damaged first: the cursor that was there may be the one now asked for. */
static struct spool_cursor *find_place(struct spool *spool)
{
	struct spool_cursor *empty = NULL;
	for (unsigned i = CURSORS_MAX; i-- > 0;) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (cursor->lost)
			return cursor;
		if (!cursor->used)
			empty = cursor;
	}
	return empty;
}

static void set_name(struct spool_cursor *cursor, const char *name)
{
	size_t len = strlen(name);
	assert(len > 0 && len <= SPOOL_NAME_MAX_BYTES);
	memset(cursor->name, 0, sizeof cursor->name);
	memcpy(cursor->name, name, len);
}

/*
 * A cursor that was lost to damage begins with the oldest record, whatever `from` says: sending twice is better than
 * passing over what was accepted.
 */
static void create(struct spool_cursor *cursor, const struct spool_cursor_options *options)
{
	struct spool *spool = cursor->spool;
	uint64_t oldest = spool_first(spool) - 1;
	bool lost = cursor->lost || spool->cursors.lost;
	if (lost)
		slog_warning("spool_cursor_lost", "output", options->name, "resumes_behind", oldest);
	set_name(cursor, options->name);
	spool_random(cursor->stream_id, sizeof cursor->stream_id);
	cursor->start = lost || options->from == SPOOL_FROM_OLDEST ? oldest : spool_stored(spool);
	atomic_store_explicit(&cursor->delivered, cursor->start, memory_order_release);
	cursor->payload_checksum = 0;
	cursor->servers = 0;
	cursor->lost_before = 0;
	cursor->block = (struct spool_place){0};
	cursor->totals = (struct spool_output_totals){0};
	cursor->used = true;
	cursor->lost = false;
	cursor->dirty = true;
}

/* Segments that the cursor still needed are gone (removed by hand, lost by the file system): counted, not hidden. */
static void pass_over_missing(struct spool_cursor *cursor)
{
	uint64_t delivered = spool_cursor_delivered(cursor);
	uint64_t oldest = spool_first(cursor->spool) - 1;
	if (delivered >= oldest)
		return;
	slog_warning("spool_segments_missing", "output", cursor->name, "first", delivered + 1, "last", oldest);
	cursor->totals.damaged += oldest - delivered;
	atomic_store_explicit(&cursor->delivered, oldest, memory_order_release);
	cursor->dirty = true;
}

static bool sync_now(struct spool *spool, char *error)
{
	int result = cursors_sync(spool);
	if (result < 0)
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s/cursors: cannot write: %s", spool->path, strerror(-result));
	return result == 0;
}

struct spool_cursor *spool_cursor_open(struct spool *spool, const struct spool_cursor_options *options, char *error)
{
	assert(!spool->started);
	struct spool_cursor *cursor = find(spool, options->name);
	if (cursor == NULL) {
		cursor = find_place(spool);
		if (cursor == NULL) {
			snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: %u outputs have a place in it already, which is all it has",
			         spool->path,
			         (unsigned)CURSORS_MAX);
			return NULL;
		}
		create(cursor, options);
		/* One slot now, the other below: a cursor is never a place with one slot, which could be one half born. */
		if (!sync_now(spool, error))
			return NULL;
		cursor->dirty = true;
	}
	assert(!cursor->open);
	pass_over_missing(cursor);
	if (!sync_now(spool, error))
		return NULL;
	cursor->options = *options;
	cursor->options.name = cursor->name;
	cursor->open = true;
	return cursor;
}

void spool_cursor_close(struct spool_cursor **cursor)
{
	if (*cursor == NULL)
		return;
	pthread_mutex_lock(&(*cursor)->lock);
	(*cursor)->open = false;
	(*cursor)->jumped = false; /* the next one begins behind the jump, with its totals */
	pthread_mutex_unlock(&(*cursor)->lock);
	*cursor = NULL;
}

/* ---- what it says ---- */

uint64_t spool_cursor_delivered(const struct spool_cursor *cursor)
{
	return atomic_load_explicit(&cursor->delivered, memory_order_acquire);
}

uint64_t spool_cursor_start(const struct spool_cursor *cursor)
{
	return cursor->start;
}

void spool_cursor_totals(const struct spool_cursor *cursor, struct spool_output_totals *totals)
{
	struct spool_cursor *locked = &cursor->spool->cursors.cursor[cursor->place];
	pthread_mutex_lock(&locked->lock);
	*totals = locked->totals;
	pthread_mutex_unlock(&locked->lock);
}

/* ---- moving ---- */

void spool_cursor_deliver(struct spool_cursor *cursor, uint64_t sequence, const struct spool_view *view,
                          const struct spool_output_totals *totals)
{
	struct spool *spool = cursor->spool;
	assert(sequence <= spool_stored(spool));
	pthread_mutex_lock(&cursor->lock);
	bool moves = sequence > spool_cursor_delivered(cursor);
	bool was_dirty = cursor->dirty;
	bool loses = false;
	if (moves) {
		/*
		 * A jump that the output has not asked about yet, and is already behind: what was to be passed over has been
		 * delivered and is in `totals`. So the jump never happened.
		 */
		uint64_t overtaken = cursor->jumped ? cursor->jump_last - cursor->jump_first + 1 : 0;
		uint64_t dropped = cursor->totals.dropped_oldest - overtaken;
		cursor->jumped = false;
		loses = totals->damaged != cursor->totals.damaged || totals->dropped_by_rule != cursor->totals.dropped_by_rule;
		cursor->totals = *totals;
		cursor->totals.dropped_oldest = dropped;
		if (view != NULL) {
			cursor->payload_checksum = view->payload_checksum;
			cursor->block = view->place;
		}
		cursor->dirty = true;
		atomic_store_explicit(&cursor->delivered, sequence, memory_order_release);
	}
	pthread_mutex_unlock(&cursor->lock);
	if (!moves)
		return;
	if (loses)
		spool_note_loss(spool);
	bool releases = sequence >= atomic_load_explicit(&spool->release_at, memory_order_relaxed) &&
	                spool_level(spool) != SPOOL_LEVEL_OPEN;
	if (releases || !was_dirty)
		keeper_wake(spool, releases);
	if (!was_dirty)
		spool_note_move(spool);
}

void cursor_jump(struct spool_cursor *cursor, uint64_t sequence)
{
	pthread_mutex_lock(&cursor->lock);
	uint64_t delivered = spool_cursor_delivered(cursor);
	if (sequence > delivered) {
		if (!cursor->jumped)
			cursor->jump_first = delivered + 1;
		cursor->jump_last = sequence;
		cursor->jumped = true;
		cursor->totals.dropped_oldest += sequence - delivered;
		cursor->dirty = true;
		atomic_store_explicit(&cursor->delivered, sequence, memory_order_release);
	}
	pthread_mutex_unlock(&cursor->lock);
}

bool spool_cursor_jumped(struct spool_cursor *cursor, uint64_t *first, uint64_t *last)
{
	pthread_mutex_lock(&cursor->lock);
	bool jumped = cursor->jumped;
	if (jumped) {
		*first = cursor->jump_first;
		*last = cursor->jump_last;
		cursor->jumped = false;
	}
	pthread_mutex_unlock(&cursor->lock);
	return jumped;
}

/* ---- for the operator ---- */

unsigned spool_orphans(const struct spool *spool, struct spool_orphan *orphans, unsigned max)
{
	unsigned found = 0;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (!cursor->used || cursor->open)
			continue;
		if (found < max) {
			struct spool_orphan *orphan = &orphans[found];
			memcpy(orphan->name, cursor->name, sizeof orphan->name);
			orphan->delivered = spool_cursor_delivered(cursor);
			orphan->damaged = cursor->lost;
			orphan->pending = spool_stored(spool) > orphan->delivered ? spool_stored(spool) - orphan->delivered : 0;
		}
		found++;
	}
	return found;
}

bool spool_forget_cursor(struct spool *spool, const char *name, char *error)
{
	assert(!spool->started);
	struct spool_cursor *cursor = find(spool, name);
	if (cursor == NULL || cursor->open) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: %s output \"%s\"", spool->path,
		         cursor == NULL ? "has no place of an" : "still in use by the", name);
		return false;
	}
	/* One slot after the other: a power cut between them leaves the cursor as it was, or gone, never damaged. */
	cursor->used = cursor->lost = false;
	for (int slot = 0; slot < 2; slot++) {
		cursor->dirty = true;
		if (!sync_now(spool, error))
			return false;
	}
	return true;
}

/*
 * Rules follow their output to its new name. Until all have, the older slot of the cursor keeps the old one: by that a start
 * after a power cut knows that they are to follow. Writing the cursor once more ends it.
 */
static int end_renaming(struct spool_cursor *cursor)
{
	struct spool *spool = cursor->spool;
	bool is_taken = find(spool, cursor->renamed_from) != NULL; /* by an output whose rules these are */
	int result = is_taken ? 0 : drops_rename(spool, cursor->renamed_from, cursor->name);
	if (result < 0)
		return result;
	cursor->renamed_from[0] = '\0';
	cursor->dirty = true;
	return cursors_sync(spool);
}

int cursors_end_renaming(struct spool *spool)
{
	int result = 0;
	for (unsigned i = 0; i < CURSORS_MAX && result == 0; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (cursor->used && cursor->renamed_from[0] != '\0')
			result = end_renaming(cursor);
	}
	return result;
}

bool spool_rename_cursor(struct spool *spool, const char *name, const char *new_name, char *error)
{
	assert(!spool->started);
	struct spool_cursor *cursor = find(spool, name);
	if (cursor == NULL || cursor->open || find(spool, new_name) != NULL) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES,
		         cursor == NULL ? "%s: has no place of an output \"%s\", which was to be renamed \"%s\""
		         : cursor->open ? "%s: the output \"%s\" is in use: it cannot be renamed \"%s\""
		                        : "%s: the output \"%s\" cannot be renamed \"%s\": there is one of that name",
		         spool->path, name, new_name);
		return false;
	}
	memcpy(cursor->renamed_from, cursor->name, sizeof cursor->renamed_from);
	set_name(cursor, new_name);
	cursor->dirty = true;
	if (!sync_now(spool, error))
		return false;
	int result = end_renaming(cursor);
	if (result < 0)
		snprintf(error, SPOOL_ERROR_MAX_BYTES,
		         "%s: the output is renamed; its rules of spool drop could not follow, and will at the next start: %s",
		         spool->path, strerror(-result));
	return result == 0;
}
