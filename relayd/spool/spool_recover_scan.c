/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first half of recovery: reading the newest segment, twice. The first pass looks at headers only and learns what is
 * proven to be on the disk: each header says up to where the spool was synced when it was written. The second goes
 * through the blocks in order and tells damage from the torn tail with that number (spool_format.h). Only blocks above
 * it are read whole: the others are checked by readers when their turn comes, so opening is quick.
 */
#include "spool/block.h"
#include "spool/spool_recover.h"

#include <errno.h>
#include <liblog/slog.h>

/* One segment being scanned. */
struct scan {
	struct spool *spool;
	const struct segment_entry *entry;
	struct segment_walk walk;
	struct found *found;
	bool newest;        /* else it is an older one, and everything in it is proven */
	uint64_t expected;  /* first sequence of the next block of records */
	uint64_t good_end;  /* behind the last good block */
	uint64_t life_end;  /* behind the last block of this life of the file, good or not */
};

enum recover_result recover_read_header(struct spool *spool, const struct segment_entry *entry,
                                        struct segment_header *header, bool *valid, int *error)
{
	*valid = false;
	int file = segment_open(spool, entry->counter, entry->first);
	if (file < 0) {
		*error = file;
		return RECOVER_FAILED;
	}
	enum segment_header_result result =
		segment_header_load(spool->disk, file, entry->counter, entry->first, header, error);
	spool->disk->close(spool->disk, file);
	if (*error < 0)
		return RECOVER_FAILED;
	if (result == SEGMENT_HEADER_NEWER)
		return RECOVER_NEWER;
	*valid = result == SEGMENT_HEADER_VALID;
	bool foreign = *valid && memcmp(header->spool_id, spool->id, sizeof spool->id) != 0;
	return foreign ? RECOVER_FOREIGN : RECOVERED;
}

/* A file that turns out shorter than its size said just has its end there. */
static enum walk_result look(struct segment_walk *walk, struct block_header *header)
{
	enum walk_result result = walk_look(walk, header);
	if (result != WALK_FAILED || walk->error != -ENODATA)
		return result;
	walk->limit = walk->buffer_at + walk->len;
	return walk_look(walk, header);
}

static enum walk_result search(struct segment_walk *walk, struct block_header *header)
{
	enum walk_result result;
	walk->read_bytes = WALK_READ_BYTES;
	do {
		walk->offset += FORMAT_ALIGN_BYTES;
		result = look(walk, header);
	} while (result == WALK_INVALID);
	return result;
}

static enum recover_result walk_problem(const struct scan *scan, enum walk_result result, int *error)
{
	*error = scan->walk.error;
	scan->found->trouble_offset = scan->walk.offset;
	return result == WALK_NEWER ? RECOVER_NEWER : RECOVER_FAILED;
}

/* ---- the checkpoint ---- */

/* What a checkpoint or a control block says, to the ledger and to the marks. */
static enum ledger_read_result read_sections(struct spool *spool, struct bytes payload, bool checkpoint)
{
	struct section section;
	struct bytes rest = payload;
	enum ledger_read_result result = ledger_read(&spool->ledger, payload, checkpoint);
	while (result == LEDGER_READ && section_next(&rest, &section))
		if (!marks_read_section(&spool->marks, &section, checkpoint))
			result = LEDGER_MALFORMED;
	return result;
}

/* The first block of the segment; `*valid` is false if it is damaged or not a checkpoint. */
static enum recover_result read_checkpoint(struct scan *scan, bool *valid, int *error)
{
	struct block_header header;
	struct bytes payload;
	*valid = false;
	enum walk_result result = look(&scan->walk, &header);
	if (result == WALK_BLOCK && header.kind == BLOCK_CHECKPOINT && header.first == scan->entry->first)
		result = walk_payload(&scan->walk, &header, &payload);
	else if (result == WALK_BLOCK)
		result = WALK_INVALID;
	if (result == WALK_NEWER || result == WALK_FAILED)
		return walk_problem(scan, result, error);
	if (result != WALK_BLOCK || header.codec != BLOCK_CODEC_NONE)
		return RECOVERED;
	ledger_clear(&scan->spool->ledger);
	marks_clear(&scan->spool->marks);
	enum ledger_read_result read = read_sections(scan->spool, payload, true);
	if (read == LEDGER_NEWER)
		return RECOVER_NEWER;
	*valid = read == LEDGER_READ;
	return RECOVERED;
}

/*
 * Goes behind the checkpoint, whether it is valid or not: it was synced before the segment got its name, so what is wrong
 * with it is damage, never a torn tail that takes the blocks behind it along.
 */
static enum recover_result pass_checkpoint(struct scan *scan, int *error)
{
	struct block_header header;
	enum walk_result result = look(&scan->walk, &header);
	if (result == WALK_BLOCK && header.kind == BLOCK_CHECKPOINT)
		walk_pass(&scan->walk, &header);
	else if (result == WALK_INVALID)
		result = search(&scan->walk, &header);
	return result == WALK_NEWER || result == WALK_FAILED ? walk_problem(scan, result, error) : RECOVERED;
}

/* ---- first pass: what is proven ---- */

static enum recover_result find_proven(struct scan *scan, int *error)
{
	struct block_header header;
	struct found *found = scan->found;
	bool unbroken = true;
	enum walk_result result;
	scan->walk.read_bytes = WALK_PEEK_BYTES;
	found->proven = scan->entry->first - 1;
	while ((result = look(&scan->walk, &header)) == WALK_BLOCK || result == WALK_INVALID) {
		if (result == WALK_INVALID) {
			unbroken = false;
			if ((result = search(&scan->walk, &header)) != WALK_BLOCK)
				break;
		}
		if (header.synced > found->proven)
			found->proven = header.synced;
		walk_pass(&scan->walk, &header);
		scan->life_end = scan->walk.offset;
		found->clean = unbroken && header.kind == BLOCK_END;
		if (found->clean)
			break;
	}
	return result == WALK_BLOCK || result == WALK_END ? RECOVERED : walk_problem(scan, result, error);
}

/* ---- second pass: block by block ---- */

static void note_damage(struct scan *scan, uint64_t last)
{
	struct found *found = scan->found;
	struct damage_note note = {
		.counter = scan->entry->counter,
		.offset = scan->good_end,
		.len = scan->walk.offset > scan->good_end ? scan->walk.offset - scan->good_end : 1,
		.first = scan->expected,
		.last = last,
	};
	segments_note_damage(scan->spool, &note);
	found->damaged_ranges++;
	found->damaged_sequences += last + 1 - scan->expected;
	/* Whose records these were is lost with their headers. */
	atomic_fetch_add_explicit(&scan->spool->ledger.unattributed, last + 1 - scan->expected, memory_order_relaxed);
	scan->expected = last + 1;
	/* The octets stay where they are: they will be set aside, and read over. */
	if (scan->walk.offset > scan->good_end)
		scan->good_end = scan->walk.offset;
}

/* What a good block at or below `proven` says is taken over. */
static enum recover_result take_over(struct scan *scan, const struct block_header *header, int *error)
{
	struct bytes payload;
	ledger_count_block(&scan->spool->ledger, header);
	marks_note_written(&scan->spool->marks, header);
	if (header->kind != BLOCK_CONTROL)
		return RECOVERED;
	enum walk_result result = walk_payload(&scan->walk, header, &payload);
	if (result == WALK_FAILED)
		return walk_problem(scan, result, error);
	if (result == WALK_BLOCK && read_sections(scan->spool, payload, false) == LEDGER_NEWER)
		return RECOVER_NEWER;
	return RECOVERED;
}

/*
 * The block at the walk's offset, whose header is good. `*done` at the torn tail. Below `proven` a step in the sequence
 * is damage; above it, the tail begins at the first block that does not follow its neighbour, or whose payload is bad.
 */
static enum recover_result take_block(struct scan *scan, const struct block_header *header, bool *done, int *error)
{
	struct found *found = scan->found;
	struct bytes payload;
	if (header->first < scan->expected) {
		walk_pass(&scan->walk, header); /* cannot be; but whoever wrote it, it is not the next block */
		return RECOVERED;
	}
	if (header->first > scan->expected && scan->expected <= found->proven)
		note_damage(scan, header->first - 1 < found->proven ? header->first - 1 : found->proven);
	*done = header->first > scan->expected;
	if (*done)
		return RECOVERED;
	if (scan->newest && scan->expected > found->proven && !found->clean) {
		if (scan->good_end != scan->walk.offset && found->unproven_at != 0) {
			*done = true; /* an invalid place above what is proven */
			return RECOVERED;
		}
		enum walk_result result = walk_payload(&scan->walk, header, &payload);
		if (result == WALK_FAILED)
			return walk_problem(scan, result, error);
		*done = result != WALK_BLOCK;
		if (*done)
			return RECOVERED;
		/* Its records are counted when they are written again. */
		if (header->kind == BLOCK_CONTROL && read_sections(scan->spool, payload, false) == LEDGER_NEWER)
			return RECOVER_NEWER;
		if (found->unproven_at == 0)
			found->unproven_at = scan->walk.offset;
	} else {
		enum recover_result result = take_over(scan, header, error);
		if (result != RECOVERED)
			return result;
	}
	scan->expected = header->last + 1;
	walk_pass(&scan->walk, header);
	scan->good_end = scan->walk.offset;
	return RECOVERED;
}

static enum recover_result take_blocks(struct scan *scan, int *error)
{
	struct block_header header;
	struct found *found = scan->found;
	enum walk_result result;
	bool done = false;
	scan->walk.read_bytes = WALK_PEEK_BYTES;
	while (!done && ((result = look(&scan->walk, &header)) == WALK_BLOCK || result == WALK_INVALID)) {
		if (result == WALK_INVALID) {
			if (scan->expected > found->proven)
				break;
			if ((result = search(&scan->walk, &header)) != WALK_BLOCK)
				break;
		}
		if (header.kind == BLOCK_END)
			break;
		enum recover_result taken = take_block(scan, &header, &done, error);
		if (taken != RECOVERED)
			return taken;
	}
	if (!done && (result == WALK_NEWER || result == WALK_FAILED))
		return walk_problem(scan, result, error);
	if (scan->expected <= found->proven)
		note_damage(scan, found->proven);
	return RECOVERED;
}

static enum recover_result scan_newest(struct scan *scan, int *error)
{
	struct found *found = scan->found;
	uint64_t start = scan->walk.offset;
	scan->life_end = start;
	enum recover_result result = find_proven(scan, error);
	if (result != RECOVERED)
		return result;
	scan->walk.offset = scan->good_end = start;
	scan->expected = scan->entry->first;
	result = take_blocks(scan, error);
	found->last = scan->expected - 1;
	found->tail_at = scan->good_end;
	if (found->unproven_at == 0)
		found->unproven_at = found->tail_at;
	found->torn_octets = scan->life_end > found->tail_at && !found->clean ? scan->life_end - found->tail_at : 0;
	return result;
}

/* A segment between the one whose checkpoint was read and the newest: all proven, up to where the next one begins. */
static enum recover_result scan_older(struct scan *scan, uint64_t previous_last, int *error)
{
	struct found *found = scan->found;
	found->proven = previous_last;
	scan->good_end = scan->walk.offset;
	scan->expected = scan->entry->first;
	uint64_t next = scan->entry[1].first;
	struct block_header header;
	enum walk_result result;
	scan->walk.read_bytes = WALK_PEEK_BYTES;
	while ((result = look(&scan->walk, &header)) == WALK_BLOCK || result == WALK_INVALID) {
		if (result == WALK_INVALID && scan->expected > previous_last)
			break;
		if (result == WALK_INVALID && (result = search(&scan->walk, &header)) != WALK_BLOCK)
			break;
		if (header.first > next || (header.first == next && header.kind == BLOCK_RECORDS))
			break;
		bool done = false;
		enum recover_result taken = take_block(scan, &header, &done, error);
		if (taken != RECOVERED || done)
			return taken;
	}
	if (result == WALK_NEWER || result == WALK_FAILED)
		return walk_problem(scan, result, error);
	if (scan->expected <= previous_last)
		note_damage(scan, previous_last);
	return RECOVERED;
}

/* ---- which segments ---- */

/*
 * Scans segment `index`. With `checkpoint` its own must be valid and is where the ledger starts; *valid says whether it
 * is. Without, only its blocks count.
 */
static enum recover_result scan_segment(struct spool *spool, unsigned index, bool checkpoint, struct found *found,
                                        bool *valid, int *error)
{
	struct segment_table *table = &spool->table;
	struct segment_header header = {0}, next;
	struct scan scan = {.spool = spool, .entry = &table->entry[index], .found = found, .walk = {.disk = spool->disk}};
	found->trouble_segment = scan.entry->counter;
	enum recover_result result = recover_read_header(spool, scan.entry, &header, valid, error);
	if (result != RECOVERED)
		return result;
	scan.newest = index + 1 == table->count;
	uint64_t previous_last = scan.newest ? 0 : scan.entry[1].first - 1;
	if (!scan.newest) {
		bool next_valid;
		result = recover_read_header(spool, scan.entry + 1, &next, &next_valid, error);
		if (result != RECOVERED)
			return result;
		previous_last = next_valid ? next.previous_last : previous_last;
	}
	if (!*valid && checkpoint)
		return RECOVERED;

	int file = segment_open(spool, scan.entry->counter, scan.entry->first);
	if (file < 0) {
		*error = file;
		return RECOVER_FAILED;
	}
	found->salt = header.salt;
	walk_start(&scan.walk, file, *valid ? header.salt : 0, SEGMENT_HEADER_BYTES, *valid ? scan.entry->size : 0);
	scan.walk.read_bytes = WALK_PEEK_BYTES; /* the checkpoint as far as it goes, then headers */
	if (checkpoint)
		result = read_checkpoint(&scan, valid, error);
	bool goes_on = result == RECOVERED && (*valid || !checkpoint);
	if (goes_on)
		result = pass_checkpoint(&scan, error);
	if (goes_on && result == RECOVERED)
		result = scan.newest ? scan_newest(&scan, error) : scan_older(&scan, previous_last, error);
	walk_free(&scan.walk);
	spool->disk->close(spool->disk, file);
	return result;
}

static enum recover_result drop_unreadable(struct spool *spool, struct found *found, int *error)
{
	struct segment_table *table = &spool->table;
	struct segment_header header;
	bool valid = false;
	while (table->count > 0 && !valid) {
		found->trouble_segment = table->entry[table->count - 1].counter;
		enum recover_result result =
			recover_read_header(spool, &table->entry[table->count - 1], &header, &valid, error);
		if (result == RECOVERED && !valid)
			result = recover_set_newest_aside(spool, found, error);
		if (result != RECOVERED)
			return result;
	}
	return RECOVERED;
}

enum recover_result recover_scan(struct spool *spool, struct found *found, int *error)
{
	const struct segment_table *table = &spool->table;
	*found = (struct found){.counter = table->count > 0 ? table->entry[table->count - 1].counter : 0};
	enum recover_result result = drop_unreadable(spool, found, error);
	if (result == RECOVERED)
		result = recover_find_aside(spool, found, error);
	if (result != RECOVERED || spool->table.count == 0) {
		recover_count_aside(spool, found);
		return result;
	}
	/* Back to a segment whose checkpoint is valid: mostly the newest. */
	unsigned base = spool->table.count;
	bool valid = false;
	while (base > 0 && !valid) {
		base--;
		result = scan_segment(spool, base, true, found, &valid, error);
		if (result != RECOVERED)
			return result;
	}
	/* No checkpoint at all: then the ledger starts with the oldest segment's blocks. */
	if (!valid) {
		ledger_clear(&spool->ledger);
		marks_clear(&spool->marks);
		atomic_store_explicit(&spool->ledger.unattributed, spool->table.entry[0].first - 1, memory_order_relaxed);
	}
	for (unsigned i = valid ? base + 1 : 0; i < spool->table.count; i++) {
		bool readable;
		result = scan_segment(spool, i, false, found, &readable, error);
		if (result != RECOVERED)
			return result;
	}
	/* What is written again comes first: the segment's checkpoint must not count what is missing behind its blocks. */
	if (found->unproven_at == found->tail_at)
		recover_count_aside(spool, found);
	return RECOVERED;
}
