/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A newest segment whose header is damaged. With it the salt is lost, and no block in it can be proven: nothing of it is
 * ever delivered. But each payload has a checksum of its own without the salt, and what lies there with the sequence that
 * comes next was there: so far it can be said what is missing (rule 22), and these sequences are not used again.
 *
 * It is counted when the segment that this start begins has its name, with a first sequence behind it. Until then each
 * start finds it again by its own name: the power may go at any time.
 */
#include "spool/spool_recover.h"

#include <errno.h>
#include <liblog/slog.h>

enum recover_result recover_set_newest_aside(struct spool *spool, struct found *found, int *error)
{
	struct segment_table *table = &spool->table;
	const struct segment_entry *entry = &table->entry[table->count - 1];
	char from[DISK_NAME_MAX_BYTES], to[DISK_NAME_MAX_BYTES];
	segment_name(entry->counter, entry->first, from);
	segment_aside_name(entry->counter, entry->first, to);
	*error = spool->disk->rename(spool->disk, spool->directory, from, to);
	if (*error == 0)
		*error = spool->disk->sync_directory(spool->disk, spool->directory);
	if (*error < 0)
		return RECOVER_FAILED;
	found->aside = true;
	found->aside_from = entry->counter; /* they go from the newest on */
	table->set_aside_bytes += entry->size;
	table->count--;
	return RECOVERED;
}

/* ---- what they had ---- */

/*
 * The last sequence that the blocks at the walk's offset and behind it show, of records that begin with `first`; the one
 * before it if they show none. What is left of the file's earlier life has lower sequences.
 */
static enum walk_result last_shown(struct segment_walk *walk, uint64_t first, uint64_t *last)
{
	struct block_header header;
	struct bytes payload;
	enum walk_result result;
	*last = first - 1;
	while ((result = walk_guess(walk, &header)) == WALK_BLOCK || result == WALK_INVALID) {
		bool is_next = result == WALK_BLOCK && header.kind == BLOCK_RECORDS && header.first == *last + 1;
		if (is_next)
			result = walk_payload(walk, &header, &payload);
		if (result == WALK_FAILED)
			break;
		if (is_next && result == WALK_BLOCK) {
			*last = header.last;
			walk_pass(walk, &header);
		} else {
			walk->offset += FORMAT_ALIGN_BYTES;
		}
	}
	/* A file that is shorter than its size said has its end there. */
	return result == WALK_FAILED && walk->error == -ENODATA ? WALK_END : result;
}

struct aside {
	struct spool *spool;
	struct found *found;
	uint64_t from; /* only segments that begin here or behind */
	int error;
};

/* One that could not be read now, but a minute later, would then have had sequences that are used again. */
static void note_aside(struct aside *aside, const char *name, uint64_t counter, uint64_t first)
{
	struct found *found = aside->found;
	const struct disk *disk = aside->spool->disk;
	struct segment_walk walk = {.disk = disk};
	uint64_t last = 0;
	found->trouble_segment = counter;
	int64_t size = disk->size(disk, aside->spool->directory, name);
	int file = size >= 0 ? disk->open(disk, aside->spool->directory, name, DISK_OPEN_READ) : (int)size;
	if (file < 0) {
		aside->error = file;
		return;
	}
	walk_start(&walk, file, 0, SEGMENT_HEADER_BYTES, (uint64_t)size);
	if (last_shown(&walk, first, &last) == WALK_FAILED) {
		found->trouble_offset = walk.offset;
		aside->error = walk.error;
	}
	walk_free(&walk);
	disk->close(disk, file);
	if (aside->error < 0)
		return;
	/* One that shows nothing counts for nothing, so that each start finds it again: it is news to the first one only. */
	bool is_new = found->aside_from > 0 && counter >= found->aside_from;
	if (last >= first || is_new)
		slog_err("spool_segment_damaged", "path", aside->spool->path, "segment", counter, "first", first, "last", last,
		         "lost_at_least", last + 1 - first, "set_aside", name);
	if (found->aside_first == 0 || first < found->aside_first)
		found->aside_first = first;
	if (last > found->aside_last)
		found->aside_last = last;
}

static void take_aside(void *context, const char *name)
{
	struct aside *aside = context;
	uint64_t counter, first;
	if (!segment_aside_name_parse(name, &counter, &first))
		return;
	if (counter > aside->found->counter)
		aside->found->counter = counter;
	if (first >= aside->from && aside->error == 0)
		note_aside(aside, name, counter, first);
}

/* With no segment left only the newest of them may be not counted yet. */
static void find_newest(void *context, const char *name)
{
	struct aside *aside = context;
	uint64_t counter, first;
	if (segment_aside_name_parse(name, &counter, &first) && first > aside->from)
		aside->from = first;
}

enum recover_result recover_find_aside(struct spool *spool, struct found *found, int *error)
{
	const struct segment_table *table = &spool->table;
	struct aside aside = {.spool = spool, .found = found};
	*error = 0;
	if (table->count > 0)
		aside.from = table->entry[table->count - 1].first;
	else
		*error = spool->disk->list(spool->disk, spool->directory, find_newest, &aside);
	if (*error == 0)
		*error = spool->disk->list(spool->disk, spool->directory, take_aside, &aside);
	if (*error == 0)
		*error = aside.error;
	return *error < 0 ? RECOVER_FAILED : RECOVERED;
}

void recover_count_aside(struct spool *spool, struct found *found)
{
	if (found->aside_first == 0)
		return;
	bool alone = spool->table.count == 0;
	/* All before the segment was proven by its name, whether it is still here or was released. */
	if (alone)
		found->last = found->aside_first - 1;
	if (alone)
		atomic_store_explicit(&spool->ledger.unattributed, found->last, memory_order_relaxed);
	if (found->aside_last <= found->last)
		return;
	uint64_t lost = found->aside_last - found->last;
	found->aside = true;
	found->damaged_ranges++;
	found->damaged_sequences += lost;
	/* Whose records these were is lost with their headers. */
	atomic_fetch_add_explicit(&spool->ledger.unattributed, lost, memory_order_relaxed);
	found->last = found->aside_last;
}
