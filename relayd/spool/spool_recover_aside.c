/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A newest segment whose header is damaged. With it the salt is lost, and no block in it can be proven: nothing of it is
 * ever delivered. But each payload has a checksum of its own without the salt, and what lies there with the sequence that
 * comes next was there: so far it can be said what is missing (rule 22), and these sequences are not used again.
 */
#include "spool/spool_recover.h"

#include <errno.h>
#include <liblog/slog.h>

/* The last sequence that the segment shows; the one before its first if it shows none. */
static uint64_t last_shown(const struct spool *spool, const struct segment_entry *entry)
{
	struct segment_walk walk = {.disk = spool->disk};
	struct block_header header;
	struct bytes payload;
	uint64_t last = entry->first - 1;
	int file = segment_open(spool, entry->counter, entry->first);
	if (file < 0)
		return last;
	walk_start(&walk, file, 0, SEGMENT_HEADER_BYTES, entry->size);
	enum walk_result result;
	while ((result = walk_guess(&walk, &header)) == WALK_BLOCK || result == WALK_INVALID) {
		/* What is left of the file's earlier life has lower sequences. */
		bool is_next = result == WALK_BLOCK && header.kind == BLOCK_RECORDS && header.first == last + 1;
		if (is_next && walk_payload(&walk, &header, &payload) == WALK_BLOCK) {
			last = header.last;
			walk_pass(&walk, &header);
		} else {
			walk.offset += FORMAT_ALIGN_BYTES;
		}
	}
	walk_free(&walk);
	spool->disk->close(spool->disk, file);
	return last;
}

enum recover_result recover_set_newest_aside(struct spool *spool, struct found *found, int *error)
{
	struct segment_table *table = &spool->table;
	const struct segment_entry *entry = &table->entry[table->count - 1];
	char from[DISK_NAME_MAX_BYTES], to[DISK_NAME_MAX_BYTES];
	uint64_t last = last_shown(spool, entry);
	segment_name(entry->counter, entry->first, from);
	segment_damaged_name(entry->counter, 0, to);
	slog_err("spool_segment_damaged", "path", spool->path, "segment", entry->counter, "first", entry->first, "last", last,
	         "lost_at_least", last + 1 - entry->first, "set_aside", to);
	*error = spool->disk->rename(spool->disk, spool->directory, from, to);
	if (*error == 0)
		*error = spool->disk->sync_directory(spool->disk, spool->directory);
	if (*error < 0)
		return RECOVER_FAILED;
	if (found->aside_first == 0)
		found->aside_last = last;
	found->aside_first = entry->first; /* from the newest to older ones */
	table->set_aside_bytes += entry->size;
	table->count--;
	return RECOVERED;
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
	found->damaged_ranges++;
	found->damaged_sequences += lost;
	/* Whose records these were is lost with their headers. */
	atomic_fetch_add_explicit(&spool->ledger.unattributed, lost, memory_order_relaxed);
	found->last = found->aside_last;
}
