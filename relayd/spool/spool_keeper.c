/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: the spool's housework, in a thread of its own so that the writer never waits for it. In this order:
 * cursors are written and synced; segments that no synced cursor needs are given back (rule 18), kept as spares or
 * removed; spares are made ahead of the writer (rule 7); outputs that are too far behind and may drop are moved
 * (rule 11). With nothing to do it sleeps without any timer.
 */
#include "base/clock.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <liblog/slog.h>
#include <stdlib.h>
#include <time.h>

enum { RECYCLED_SPARES_MAX = 4 }; /* kept beside those that are made ahead */

/* ---- segments that may go ---- */

/* The oldest segment, if everything in it is delivered for certain; it is then out of the table. */
static bool take_releasable(struct spool *spool, uint64_t released_to, struct segment_entry *entry)
{
	struct segment_table *table = &spool->table;
	pthread_mutex_lock(&spool->table_lock);
	bool may_go = table->count > 1 && table->entry[1].first - 1 <= released_to &&
	              table->entry[1].first - 1 <= spool_stored(spool);
	if (may_go) {
		*entry = table->entry[0];
		memmove(table->entry, table->entry + 1, --table->count * sizeof *table->entry);
		uint64_t first = table->entry[0].first;
		atomic_fetch_add_explicit(&spool->ledger.released, first - entry->first, memory_order_relaxed);
		atomic_store_explicit(&spool->first, first, memory_order_release);
	}
	uint64_t next = table->count > 1 ? table->entry[1].first - 1 : UINT64_MAX;
	atomic_store_explicit(&spool->release_at, next, memory_order_relaxed);
	pthread_mutex_unlock(&spool->table_lock);
	return may_go;
}

/*
 * More are kept than are made ahead, as far as max_size allows, so that one which comes back late still has a use: octets
 * that were written before are cheaper to write over than those of a new file.
 */
static bool has_use_for_spare(struct spool *spool)
{
	unsigned wanted = space_spares_wanted(spool);
	pthread_mutex_lock(&spool->table_lock);
	unsigned spares = spool->table.spares;
	bool wants = spares < wanted || (spares < wanted + RECYCLED_SPARES_MAX && space_may_grow(spool));
	pthread_mutex_unlock(&spool->table_lock);
	return wants;
}

/*
 * A released file becomes a spare if it has the right size. The directory is synced in between: else a power cut could
 * bring back the old name over the new content.
 */
static int give_back(struct spool *spool, const struct segment_entry *entry)
{
	const struct disk *disk = spool->disk;
	struct segment_table *table = &spool->table;
	char name[DISK_NAME_MAX_BYTES], spare[DISK_NAME_MAX_BYTES];
	segment_name(entry->counter, entry->first, name);
	if (entry->size != spool->options.segment_size_bytes || !has_use_for_spare(spool))
		return disk->unlink(disk, spool->directory, name);

	pthread_mutex_lock(&spool->table_lock);
	uint64_t number = table->next_number++;
	pthread_mutex_unlock(&spool->table_lock);
	segment_spare_name(number, spare);
	int result = disk->rename(disk, spool->directory, name, spare);
	if (result == 0)
		result = disk->sync_directory(disk, spool->directory);
	if (result < 0)
		return result;
	pthread_mutex_lock(&spool->table_lock);
	if (table->spares < SPARES_MAX)
		table->spare[table->spares++] = number;
	pthread_mutex_unlock(&spool->table_lock);
	return 0;
}

static void release_segments(struct spool *spool)
{
	struct segment_entry entry;
	uint64_t released_to = cursors_released_to(spool);
	while (take_releasable(spool, released_to, &entry)) {
		int result = give_back(spool, &entry);
		uint64_t held_back;
		if (result < 0 && rate_limit_pass(&spool->keeper.log, clock_monotonic_ns(), &held_back))
			slog_warning("spool_segment_not_removed", "path", spool->path, "segment", entry.counter, "error",
			             strerror(-result), "held_back", held_back);
	}
}

/* ---- spares ---- */

/* One that is kept beside those made ahead and that max_size does not allow, out of the table then. */
static bool take_surplus_spare(struct spool *spool, uint64_t *number)
{
	struct segment_table *table = &spool->table;
	pthread_mutex_lock(&spool->table_lock);
	bool surplus = table->spares > space_spares_wanted(spool) && space_on_disk(spool) > spool->options.max_size_bytes;
	if (surplus)
		*number = table->spare[--table->spares];
	pthread_mutex_unlock(&spool->table_lock);
	return surplus;
}

/* There are some where max_size was lowered since they were kept. */
static void remove_surplus_spares(struct spool *spool)
{
	uint64_t number;
	char name[DISK_NAME_MAX_BYTES];
	while (take_surplus_spare(spool, &number)) {
		segment_spare_name(number, name);
		int result = spool->disk->unlink(spool->disk, spool->directory, name);
		uint64_t held_back;
		if (result < 0 && rate_limit_pass(&spool->keeper.log, clock_monotonic_ns(), &held_back))
			slog_warning("spool_segment_not_removed", "path", spool->path, "spare", name, "error", strerror(-result),
			             "held_back", held_back);
	}
}

static void note_file_system_full(struct spool *spool, bool full, int error)
{
	pthread_mutex_lock(&spool->table_lock);
	bool before = spool->table.file_system_full;
	spool->table.file_system_full = full;
	pthread_mutex_unlock(&spool->table_lock);
	if (full && !before)
		slog_warning("spool_no_space", "path", spool->path, "error", strerror(-error), "wanted",
		             spool->options.segment_size_bytes);
	else if (!full && before)
		slog_notice("spool_space_again", "path", spool->path);
}

/*
 * A file system that was full is tried also when released files have filled up the spares meanwhile: nothing else finds out
 * that it has room again. With as many spares as there may be, no file is wanted any more, and it has no say.
 */
static bool shall_make_spare(struct spool *spool)
{
	const struct segment_table *table = &spool->table;
	pthread_mutex_lock(&spool->table_lock);
	bool make = (table->spares < space_spares_wanted(spool) || table->file_system_full) && space_may_grow(spool);
	bool at_most = table->file_system_full && table->spares == SPARES_MAX;
	pthread_mutex_unlock(&spool->table_lock);
	if (at_most)
		note_file_system_full(spool, false, 0);
	return make;
}

static void make_spares(struct spool *spool)
{
	while (shall_make_spare(spool)) {
		int result = segment_make_spare(spool);
		if (result == -EIO || result == -EROFS) {
			/* Not full, but broken: nobody is to wait for room on a disk that takes nothing any more. */
			spool_fail(spool, "cannot make a file for a segment", result);
			return;
		}
		note_file_system_full(spool, result < 0, result);
		if (result < 0) {
			spool->keeper.retry = true;
			return;
		}
		space_settle(spool, 0);
	}
}

/* ---- outputs that are behind ---- */

/* When the segment was begun, as its header says: of one that is from before this start. */
static int64_t read_begun_ns(const struct spool *spool, const struct segment_entry *entry)
{
	struct segment_header header = {.begun_ns = INT64_MAX}; /* not readable: not old */
	int error, file = segment_open(spool, entry->counter, entry->first);
	if (file >= 0) {
		(void)segment_header_load(spool->disk, file, entry->counter, entry->first, &header, &error);
		spool->disk->close(spool->disk, file);
	}
	return header.begun_ns;
}

/* The first segment that begins behind what is delivered, by its index in the table; `count` if there is none. */
static unsigned segment_behind(const struct segment_table *table, uint64_t delivered)
{
	unsigned next = 1;
	while (next < table->count && table->entry[next].first - 1 <= delivered)
		next++;
	return next < table->count ? next : table->count;
}

/* With the table locked: a segment whose age an output's max_lag_ns asks for, and nobody knows; false if there is none. */
static bool wants_begun_ns(struct spool *spool, struct segment_entry *entry)
{
	const struct segment_table *table = &spool->table;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		pthread_mutex_lock(&cursor->lock);
		bool asks = cursor->used && cursor->open && cursor->options.when_behind == SPOOL_DROP_OLDEST &&
		            cursor->options.max_lag_ns > 0;
		unsigned next = asks ? segment_behind(table, spool_cursor_delivered(cursor)) : table->count;
		pthread_mutex_unlock(&cursor->lock);
		if (next >= table->count || table->entry[next].begun_ns != 0)
			continue;
		*entry = table->entry[next];
		return true;
	}
	return false;
}

/* Looks up what is asked for with the table unlocked: nobody waits for the disk. */
static void learn_begun_ns(struct spool *spool)
{
	struct segment_table *table = &spool->table;
	struct segment_entry entry;
	pthread_mutex_lock(&spool->table_lock);
	while (wants_begun_ns(spool, &entry)) {
		pthread_mutex_unlock(&spool->table_lock);
		int64_t begun_ns = read_begun_ns(spool, &entry);
		pthread_mutex_lock(&spool->table_lock);
		for (unsigned i = 0; i < table->count; i++)
			if (table->entry[i].counter == entry.counter)
				table->entry[i].begun_ns = begun_ns != 0 ? begun_ns : INT64_MAX;
	}
	pthread_mutex_unlock(&spool->table_lock);
}

/* Is the cursor farther behind the newest segment than its output wants, by size or by time? `next` follows its own. */
static bool lags(const struct spool_cursor_options *options, const struct segment_table *table, unsigned next)
{
	uint64_t bytes = 0;
	for (unsigned i = next; i < table->count; i++)
		bytes += table->entry[i].end;
	if (options->max_lag_bytes > 0 && bytes > options->max_lag_bytes)
		return true;
	/* One that is not known yet is looked up the next time. */
	if (options->max_lag_ns == 0 || table->entry[next].begun_ns == 0)
		return false;
	int64_t age = clock_wall_ns() - table->entry[next].begun_ns;
	return age > 0 && (uint64_t)age > options->max_lag_ns;
}

/* Where a cursor should jump to whose segment is followed by `next`: that one's last sequence; 0 if it stays. */
static uint64_t jump_target(struct spool *spool, unsigned next, const struct spool_cursor_options *options, bool full)
{
	struct segment_table *table = &spool->table;
	if (table->entry[next].first - 1 > spool_stored(spool))
		return 0;
	bool holds_oldest = next == 1;
	return (full && holds_oldest) || lags(options, table, next) ? table->entry[next].first - 1 : 0;
}

/* A full spool is worth dropping for only if that frees a segment: not while an output that holds needs it too. */
static bool only_droppers_hold_the_oldest(struct spool *spool)
{
	struct segment_table *table = &spool->table;
	uint64_t last = table->count > 1 ? table->entry[1].first - 1 : 0;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		pthread_mutex_lock(&cursor->lock);
		bool drops = cursor->open && cursor->options.when_behind == SPOOL_DROP_OLDEST;
		bool holds = cursor->used && !drops && spool_cursor_delivered(cursor) < last;
		pthread_mutex_unlock(&cursor->lock);
		if (holds)
			return false;
	}
	return true;
}

/* Returns whether a cursor moved. */
static bool drop_oldest(struct spool *spool)
{
	bool moved = false;
	learn_begun_ns(spool);
	pthread_mutex_lock(&spool->table_lock);
	/* In the reserve already: from there on inputs wait or shed, and it would never be full. */
	bool full = spool_level(spool) != SPOOL_LEVEL_OPEN && only_droppers_hold_the_oldest(spool);
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		pthread_mutex_lock(&cursor->lock);
		bool drops = cursor->used && cursor->open && cursor->options.when_behind == SPOOL_DROP_OLDEST;
		struct spool_cursor_options options = cursor->options;
		pthread_mutex_unlock(&cursor->lock);
		if (!drops)
			continue;
		unsigned next = segment_behind(&spool->table, spool_cursor_delivered(cursor));
		if (next == spool->table.count)
			continue; /* a new segment wakes us */
		if (options.max_lag_ns > 0)
			spool->keeper.retry = true; /* time passes without anybody's wake-up */
		uint64_t target = jump_target(spool, next, &options, full);
		if (target == 0)
			continue;
		cursor_jump(cursor, target);
		moved = true;
	}
	pthread_mutex_unlock(&spool->table_lock);
	if (moved) {
		spool_note_loss(spool);
		spool_note_move(spool);
	}
	return moved;
}

/* ---- damage found by readers ---- */

static bool take_damage(struct spool *spool, struct damage_note *note)
{
	struct segment_table *table = &spool->table;
	pthread_mutex_lock(&spool->table_lock);
	/* The notes stay, so that the next reader that comes past is not news; `len` says what is still to be done. */
	bool found = false;
	for (unsigned i = 0; i < table->damages && !found; i++) {
		if (table->damage[i].len == 0)
			continue;
		*note = table->damage[i];
		table->damage[i].len = 0;
		found = true;
	}
	uint64_t room = table->set_aside_bytes < SET_ASIDE_MAX_BYTES ? SET_ASIDE_MAX_BYTES - table->set_aside_bytes : 0;
	if (found && note->len > room)
		note->len = room;
	pthread_mutex_unlock(&spool->table_lock);
	return found;
}

static uint64_t segment_first(struct spool *spool, uint64_t counter)
{
	uint64_t first = 0;
	pthread_mutex_lock(&spool->table_lock);
	for (unsigned i = 0; i < spool->table.count; i++)
		if (spool->table.entry[i].counter == counter)
			first = spool->table.entry[i].first;
	pthread_mutex_unlock(&spool->table_lock);
	return first;
}

static int copy_octets(struct spool *spool, const struct damage_note *note, int to)
{
	const struct disk *disk = spool->disk;
	uint8_t *octets = malloc((size_t)note->len + 1);
	int from = octets != NULL ? segment_open(spool, note->counter, segment_first(spool, note->counter)) : -ENOMEM;
	int64_t got = from >= 0 ? disk->read(disk, from, octets, (size_t)note->len, note->offset) : from;
	if (got > 0) {
		struct iovec part = {.iov_base = octets, .iov_len = (size_t)got};
		int result = disk_write(disk, to, &part, 1, 0);
		got = result < 0 ? result : got;
	}
	if (from >= 0)
		disk->close(disk, from);
	free(octets);
	return (int)got;
}

static void report_damage(struct spool *spool, const struct damage_note *note, const char *name)
{
	uint64_t lost = note->last >= note->first ? note->last - note->first + 1 : 0;
	ledger_count_damaged(&spool->ledger, lost);
	if (lost > 0)
		slog_err("spool_damaged", "path", spool->path, "segment", note->counter, "offset", note->offset,
		         "first", note->first,
		         "last", note->last, "lost", lost, "set_aside", name);
	else
		slog_warning("spool_damaged", "path", spool->path, "segment", note->counter, "offset", note->offset, "lost", 0,
		             "set_aside", name);
}

/*
 * Copies damaged octets to a file of their own, for a look at them: nothing depends on it, so it is not synced. That the
 * file is there also says that the place was counted, in an earlier run perhaps.
 */
static void set_damage_aside(struct spool *spool)
{
	struct damage_note note;
	while (take_damage(spool, &note)) {
		char name[DISK_NAME_MAX_BYTES];
		segment_damaged_name(note.counter, note.offset, name);
		int file = spool->disk->open(spool->disk, spool->directory, name, DISK_OPEN_CREATE);
		if (file == -EEXIST)
			continue;
		int copied = file >= 0 ? copy_octets(spool, &note, file) : 0;
		if (file >= 0)
			spool->disk->close(spool->disk, file);
		pthread_mutex_lock(&spool->table_lock);
		spool->table.set_aside_bytes += copied > 0 ? (uint64_t)copied : 0;
		pthread_mutex_unlock(&spool->table_lock);
		report_damage(spool, &note, name);
		writer_nudge(spool); /* the file says that it was counted, so the count must not wait for the next message */
	}
}

/* ---- the thread ---- */

void keeper_turn(struct spool *spool)
{
	spool->keeper.retry = false;
	if (spool_has_failed(spool))
		return;
	do {
		int result = cursors_sync(spool);
		if (result < 0) {
			spool_fail(spool, "cannot write and sync the cursors", result);
			return;
		}
		result = drops_expire(spool);
		if (result < 0) {
			spool_fail(spool, "cannot write and sync the rules of spool drop", result);
			return;
		}
		set_damage_aside(spool);
		release_segments(spool);
		remove_surplus_spares(spool);
		make_spares(spool);
		space_settle(spool, 0);
	} while (drop_oldest(spool));
}

void keeper_wake(struct spool *spool, bool now)
{
	struct keeper *keeper = &spool->keeper;
	pthread_mutex_lock(&keeper->lock);
	bool signal = now ? !keeper->now : !keeper->dirty;
	keeper->now = keeper->now || now;
	keeper->dirty = true;
	if (signal)
		pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}

/* With the lock held: waits until there is something to do. False to stop. */
static bool wait_for_work(struct keeper *keeper)
{
	uint64_t begun = clock_monotonic_ns();
	while (!keeper->now && !keeper->stop) {
		uint64_t now = clock_monotonic_ns();
		uint64_t due = begun + (keeper->dirty ? CURSOR_SYNC_NS : SPACE_RETRY_NS);
		if ((keeper->dirty || keeper->retry) && now >= due)
			break;
		if (keeper->dirty || keeper->retry)
			clock_wait(&keeper->wake, &keeper->lock, due);
		else
			pthread_cond_wait(&keeper->wake, &keeper->lock);
	}
	keeper->now = keeper->dirty = false;
	return !keeper->stop;
}

void *keeper_main(void *context)
{
	struct spool *spool = context;
	struct keeper *keeper = &spool->keeper;
	bool go_on = true;
	while (go_on) {
		keeper_turn(spool);
		pthread_mutex_lock(&keeper->lock);
		go_on = wait_for_work(keeper);
		pthread_mutex_unlock(&keeper->lock);
	}
	return NULL;
}

void keeper_stop(struct spool *spool)
{
	struct keeper *keeper = &spool->keeper;
	pthread_mutex_lock(&keeper->lock);
	keeper->stop = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}
