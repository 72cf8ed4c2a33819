/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a spool after anything: what files are there, what the newest segment holds (spool_recover_scan.c), and a new
 * segment to go on in. Nothing is ever appended to a segment of an earlier run, and blocks that nothing proves to be on
 * the disk are written again and synced before anybody is told of them (rules 23 and 24).
 */
#include "spool/spool_recover.h"

#include "base/little_endian.h"
#include "spool/block.h"

#include <errno.h>
#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>

static enum spool_open_result unusable(const struct spool *spool, char *error, const char *what, int code)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: %s: %s", spool->path, what, strerror(-code));
	return SPOOL_UNUSABLE;
}

static enum spool_open_result newer(const struct spool *spool, char *error)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: was written by a newer version of this program: use that one, or give this "
	         "one another path", spool->path);
	return SPOOL_NEWER_VERSION;
}

/* Why the segments cannot be gone on from: which one, and where in it. */
static enum spool_open_result refuse(const struct spool *spool, enum recover_result result, const struct found *found,
                                     int code, char *error)
{
	unsigned long long segment = found->trouble_segment, offset = found->trouble_offset;
	if (result == RECOVER_NEWER)
		return newer(spool, error);
	if (result == RECOVER_FOREIGN)
		snprintf(error, SPOOL_ERROR_MAX_BYTES,
		         "%s: segment %llu belongs to another spool: remove it, or bring back the file of cursors that belongs to "
		         "it", spool->path, segment);
	else
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: segment %llu cannot be read at offset %llu: %s", spool->path, segment,
		         offset, strerror(-code));
	return SPOOL_UNUSABLE;
}

/* ---- the directory ---- */

struct listing {
	struct spool *spool;
	int error;
};

static void take_entry(void *context, const char *name)
{
	struct listing *listing = context;
	struct spool *spool = listing->spool;
	struct segment_table *table = &spool->table;
	struct segment_entry entry = {0};
	uint64_t number = 0, offset;
	bool segment = segment_name_parse(name, &entry.counter, &entry.first);
	bool spare = segment_spare_name_parse(name, &number);
	bool damaged = segment_damaged_name_parse(name, &number, &offset);
	bool aside = segment_aside_name_parse(name, &number, &offset);
	if (!segment && !spare && !damaged && !aside)
		return;
	int64_t size = spool->disk->size(spool->disk, spool->directory, name);
	if (size < 0) {
		listing->error = (int)size;
		return;
	}
	entry.size = entry.end = (uint64_t)size;
	if (segment && entry.size > UINT32_MAX) {
		listing->error = -EFBIG; /* the place of a block has 32 bits */
		return;
	}
	if (segment && !segments_add(spool, &entry))
		listing->error = -ENOMEM;
	if (damaged || aside)
		table->set_aside_bytes += (uint64_t)size;
	if (!spare)
		return;
	if (number >= table->next_number)
		table->next_number = number + 1;
	/* A spare of another size is from another configuration, or was never finished. */
	if ((uint64_t)size == spool->options.segment_size_bytes && table->spares < SPARES_MAX)
		table->spare[table->spares++] = number;
	else
		spool->disk->unlink(spool->disk, spool->directory, name);
}

static int by_counter(const void *a, const void *b)
{
	uint64_t x = ((const struct segment_entry *)a)->counter, y = ((const struct segment_entry *)b)->counter;
	return (x > y) - (x < y);
}

/* A name is no proof: files that cannot be ours are an error, not a guess. */
static enum spool_open_result list_files(struct spool *spool, char *error)
{
	struct listing listing = {.spool = spool};
	struct segment_table *table = &spool->table;
	int result = spool->disk->list(spool->disk, spool->directory, take_entry, &listing);
	if (result == 0)
		result = listing.error;
	if (result < 0)
		return unusable(spool, error, "cannot be read", result);
	if (table->count > 0)
		qsort(table->entry, table->count, sizeof *table->entry, by_counter);
	for (unsigned i = 1; i < table->count; i++) {
		if (table->entry[i - 1].counter < table->entry[i].counter && table->entry[i - 1].first <= table->entry[i].first)
			continue;
		snprintf(error, SPOOL_ERROR_MAX_BYTES, 
		         "%s: the segments %llu and %llu do not belong to one spool: remove the one that was copied "
		         "there",
		         spool->path, (unsigned long long)table->entry[i - 1].counter,
		         (unsigned long long)table->entry[i].counter);
		return SPOOL_UNUSABLE;
	}
	return SPOOL_OPENED;
}

/* ---- cursors ---- */

static enum spool_open_result make_cursors(struct spool *spool, struct spool_recovery *recovery, char *error)
{
	const struct segment_table *table = &spool->table;
	struct segment_header header;
	bool valid = false;
	int code = 0;
	spool_random(spool->id, sizeof spool->id);
	recovery->created = table->count == 0;
	spool->cursors.lost = table->count > 0;
	/* The segments still know whose they are. One that cannot be read now must not get another's id for ever. */
	for (unsigned i = table->count; i-- > 0 && !valid;) {
		enum recover_result result = recover_read_header(spool, &table->entry[i], &header, &valid, &code);
		if (result == RECOVER_FAILED)
			return unusable(spool, error, "cannot read a segment, to make the file of cursors anew", code);
		if (result == RECOVER_NEWER)
			return newer(spool, error);
	}
	if (valid)
		memcpy(spool->id, header.spool_id, sizeof spool->id);
	code = cursors_create(spool);
	return code < 0 ? unusable(spool, error, "cannot make the file of cursors", code) : SPOOL_OPENED;
}

static enum spool_open_result load_cursors(struct spool *spool, struct spool_recovery *recovery, char *error)
{
	int code = 0;
	switch (cursors_load(spool, &code)) {
	case CURSORS_LOADED:
		return SPOOL_OPENED;
	case CURSORS_MISSING:
		return make_cursors(spool, recovery, error);
	case CURSORS_NEWER:
		return newer(spool, error);
	case CURSORS_FAILED:
		break;
	}
	return unusable(spool, error, "cannot read the file of cursors", code);
}

/* Before anything is changed: a newer version may have made rules that we do not understand. */
static enum spool_open_result load_drops(struct spool *spool, char *error)
{
	int code = drops_load(spool);
	if (code == -ENOTSUP)
		return newer(spool, error);
	return code < 0 ? unusable(spool, error, "cannot read the rules of spool drop", code) : SPOOL_OPENED;
}

/* A file system without room for the file of rules is no reason not to start: it is tried again when there is a rule. */
static enum spool_open_result settle_drops(struct spool *spool, char *error)
{
	int code = drops_create(spool, NULL);
	if (code < 0 && code != -ENOSPC && code != -EDQUOT)
		return unusable(spool, error, "cannot make the file of rules of spool drop", code);
	code = cursors_end_renaming(spool);
	if (code == 0)
		code = drops_settle(spool, spool->writer.next - 1);
	return code < 0 ? unusable(spool, error, "cannot write the rules of spool drop", code) : SPOOL_OPENED;
}

/* ---- going on ---- */

/* Writes one block again, with the new segment's salt; its payload is carried over as it is. */
static int rewrite_block(struct spool *spool, struct current_segment *segment, struct block_header *header,
                         struct bytes payload)
{
	static const uint8_t zeros[FORMAT_ALIGN_BYTES];
	uint8_t octets[BLOCK_HEADER_BYTES];
	size_t padding = (size_t)(FORMAT_ALIGNED((uint64_t)payload.len) - payload.len);
	struct iovec part[3] = {
		{.iov_base = octets, .iov_len = sizeof octets},
		{.iov_base = (void *)(uintptr_t)payload.at, .iov_len = payload.len},
		{.iov_base = (void *)(uintptr_t)zeros, .iov_len = padding},
	};
	header->header_len = BLOCK_HEADER_BYTES;
	header->synced = segment->first - 1;
	block_header_write(header, segment->salt, octets);
	int result = disk_write(spool->disk, segment->file, part, 3, segment->offset);
	if (result < 0)
		return result;
	segment->offset += block_span(header);
	ledger_count_block(&spool->ledger, header);
	marks_note_written(&spool->marks, header);
	return 0;
}

/* Copies the blocks above `proven` into the new segment. Their payloads were checked a moment ago, and are again. */
static int rewrite_blocks(struct spool *spool, const struct found *found, const struct segment_entry *old,
                          struct current_segment *segment, uint64_t *blocks)
{
	struct segment_walk walk = {.disk = spool->disk};
	struct block_header header;
	struct bytes payload;
	int file = segment_open(spool, old->counter, old->first);
	if (file < 0)
		return file;
	int result = 0;
	walk_start(&walk, file, found->salt, found->unproven_at, found->tail_at);
	while (result == 0 && walk.offset < walk.limit) {
		enum walk_result looked = walk_look(&walk, &header);
		if (looked == WALK_BLOCK)
			looked = walk_payload(&walk, &header, &payload);
		if (looked != WALK_BLOCK) {
			result = looked == WALK_FAILED ? walk.error : -EIO;
			break;
		}
		uint64_t span = block_span(&header);
		*blocks += header.kind == BLOCK_RECORDS;
		result = rewrite_block(spool, segment, &header, payload);
		walk.offset += span;
	}
	walk_free(&walk);
	spool->disk->close(spool->disk, file);
	return result;
}

/*
 * On a disk that is full, a newest segment without any record is the only file there is to go on in. All it holds is a
 * checkpoint, which the segments before it give again.
 */
static int reuse_empty_newest(struct spool *spool, struct found *found)
{
	struct segment_table *table = &spool->table;
	char from[DISK_NAME_MAX_BYTES], to[DISK_NAME_MAX_BYTES];
	if (table->spares > 0 || table->count < 2)
		return 0;
	const struct segment_entry *newest = &table->entry[table->count - 1];
	if (newest->size != spool->options.segment_size_bytes ||
	    found->last >= newest->first || found->unproven_at != found->tail_at)
		return 0;
	segment_name(newest->counter, newest->first, from);
	segment_spare_name(table->next_number, to);
	int result = spool->disk->rename(spool->disk, spool->directory, from, to);
	if (result == 0)
		result = spool->disk->sync_directory(spool->disk, spool->directory);
	if (result < 0)
		return result;
	table->spare[table->spares++] = table->next_number++;
	table->count--;
	found->newest_is_gone = true;
	return 0;
}

/*
 * On a disk that is full the newest segment's unwritten room makes place for the next one. Nothing behind its last good
 * block is needed, so it may be cut before the new one is there; a smaller one is better than none.
 */
static int prepare_on_full_disk(struct spool *spool, const struct found *found, const struct segment_header *header,
                                uint64_t least, struct current_segment *segment, uint64_t *spare)
{
	struct segment_table *table = &spool->table;
	if (table->count == 0 || found->newest_is_gone)
		return -ENOSPC;
	segment_cut(spool, &table->entry[table->count - 1], found->tail_at);
	uint64_t size = spool->options.segment_size_bytes > least ? spool->options.segment_size_bytes : least;
	int result = -ENOSPC;
	for (; result == -ENOSPC && size >= least; size = size / 2 & ~(uint64_t)(FORMAT_ALIGN_BYTES - 1))
		result = segment_prepare(spool, header, size, segment, spare);
	return result;
}

/*
 * Behind blocks that were written again: sequences that are not used again, as a segment set aside had them or a cursor
 * has seen them, end the segment, and the next one's checkpoint counts them. So no start counts them twice.
 */
static int pass_missing(struct spool *spool, struct found *found, uint64_t highest)
{
	recover_count_aside(spool, found);
	uint64_t next = (highest > found->last ? highest : found->last) + 1;
	if (next == spool->writer.next)
		return 0;
	atomic_fetch_add_explicit(&spool->ledger.unused, next - 1 - found->last, memory_order_relaxed);
	spool->writer.next = next;
	return writer_rotate(spool, next, found->last);
}

/*
 * Begins the segment that this run writes to: first what nothing proves to be on the disk, synced, and only then its
 * name.
 */
static int begin_segment(struct spool *spool, struct found *found, struct spool_recovery *recovery)
{
	struct segment_table *table = &spool->table;
	struct current_segment segment;
	uint64_t spare;
	bool rewrites = found->unproven_at < found->tail_at;
	uint64_t highest = cursors_highest(spool);
	uint64_t last = rewrites ? found->proven : found->last;
	uint64_t first = last + 1;
	/* Only somebody's own numbers lead here: at a million messages a second it would take 70,000 years. */
	if (first > SEQUENCE_MAX / 2 || highest > SEQUENCE_MAX / 2 || found->aside_last > SEQUENCE_MAX / 2 ||
	    found->counter > SEQUENCE_MAX / 2)
		return -EOVERFLOW;
	/* A cursor ahead of the records: the disk lost what an output has already seen. Its sequences are never used again. */
	if (!rewrites && highest > last) {
		atomic_fetch_add_explicit(&spool->ledger.unused, highest - last, memory_order_relaxed);
		first = highest + 1;
	}
	unsigned old = table->count - 1; /* only used if there is one */
	struct segment_header header = {.counter = found->counter + 1, .first = first, .previous_last = last};
	uint64_t least = FORMAT_ALIGNED(SEGMENT_HEADER_BYTES + block_memory_bytes(space_checkpoint_bytes(spool)) +
	                                (found->tail_at - found->unproven_at) + BLOCK_HEADER_BYTES);
	uint64_t size = spool->options.segment_size_bytes > least ? spool->options.segment_size_bytes : least;
	int result = segment_prepare(spool, &header, size, &segment, &spare);
	if (result == -ENOSPC)
		result = prepare_on_full_disk(spool, found, &header, least, &segment, &spare);
	if (result < 0)
		return result;
	if (rewrites)
		result = rewrite_blocks(spool, found, &table->entry[old], &segment, &recovery->rewritten_blocks);
	if (result == 0)
		result = segment_publish(spool, &segment, spare);
	if (result < 0) {
		spool->disk->close(spool->disk, segment.file);
		return result;
	}
	if (table->count > 1 && !found->newest_is_gone)
		segment_cut(spool, &table->entry[old], found->unproven_at);
	spool->writer.current = segment;
	spool->writer.next = rewrites ? found->last + 1 : first;
	spool->writer.synced = spool->writer.next - 1;
	return rewrites ? pass_missing(spool, found, highest) : 0;
}

static void log_recovery(const struct spool *spool, const struct spool_recovery *recovery)
{
	if (recovery->created || (recovery->clean && recovery->damaged_ranges == 0))
		return;
	slog_notice("spool_recovered", "path", spool->path, "clean", slog_bool(recovery->clean), "last", recovery->last_sequence,
	            "torn_octets", recovery->torn_octets, "damaged_ranges", recovery->damaged_ranges, "damaged",
	            recovery->damaged_sequences, "rewritten_blocks", recovery->rewritten_blocks);
}

enum spool_open_result recover(struct spool *spool, struct spool_recovery *recovery, char *error)
{
	struct found found = {0};
	int code = 0;
	enum spool_open_result result = list_files(spool, error);
	if (result == SPOOL_OPENED)
		result = load_cursors(spool, recovery, error);
	if (result == SPOOL_OPENED)
		result = load_drops(spool, error);
	if (result != SPOOL_OPENED)
		return result;

	enum recover_result scanned = recover_scan(spool, &found, &code);
	if (scanned != RECOVERED)
		return refuse(spool, scanned, &found, code, error);
	recovery->clean = (recovery->created || found.clean) && !found.aside;
	/* Before the next checkpoint says how many sources there are, and never behind it: nothing is counted twice. */
	ledger_sources_make_room(spool->ledger.sources);
	/* Segments that were given back behind the last checkpoint. */
	if (spool->table.count > 0)
		atomic_store(&spool->ledger.released, spool->table.entry[0].first - 1);
	code = reuse_empty_newest(spool, &found);
	if (code == 0)
		code = begin_segment(spool, &found, recovery);
	if (code < 0)
		return unusable(spool, error, "cannot begin a segment: free some space, or see to the disk", code);

	result = settle_drops(spool, error);
	if (result != SPOOL_OPENED)
		return result;
	marks_settle(&spool->marks);
	recovery->first_sequence = spool->table.entry[0].first;
	recovery->last_sequence = found.last;
	recovery->torn_octets = found.torn_octets;
	recovery->damaged_ranges = found.damaged_ranges;
	recovery->damaged_sequences = found.damaged_sequences;
	atomic_store(&spool->first, spool->table.entry[0].first);
	atomic_store(&spool->appended, spool->writer.next - 1);
	atomic_store(&spool->stored, spool->writer.next - 1);
	log_recovery(spool, recovery);
	return SPOOL_OPENED;
}
