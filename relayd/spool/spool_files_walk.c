/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through all blocks of all segments. What an invalid place means is the format's (spool_format.h, torn tail and
 * damage): in older segments everything was proven, so what is missing is damage; in the newest it is only if a later
 * block says that it had been synced.
 */
#include "spool/spool_files_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "spool/block.h"
#include "spool/segment_walk.h"

static const char header_damaged[] = "a block's header is damaged";

struct spool_files_walk {
	const struct spool_files *files;
	unsigned index;            /* of the segment */
	int file;                  /* -1: it is not open yet */
	struct segment_walk walk;
	uint64_t expected;         /* first sequence of the next block here */
	bool has_block;            /* the block at the walk's offset was lent: it is passed by the next call */
	bool closed;               /* its end block was seen */
	struct block_header header;
	struct ZSTD_DCtx_s *unpacker;
	uint8_t *unpacked;
	size_t unpacked_size;
};

struct spool_files_walk *spool_files_walk_open(const struct spool_files *files, uint64_t sequence)
{
	struct spool_files_walk *walk = calloc(1, sizeof *walk);
	if (walk == NULL)
		return NULL;
	walk->files = files;
	walk->file = -1;
	walk->walk.disk = &files->disk;
	walk->unpacker = ZSTD_createDCtx();
	if (walk->unpacker == NULL)
		spool_files_walk_close(&walk);
	else
		while (walk->index + 1 < files->count && files->segments[walk->index + 1].first <= sequence)
			walk->index++;
	return walk;
}

static void leave(struct spool_files_walk *walk)
{
	if (walk->file >= 0)
		walk->files->disk.close(&walk->files->disk, walk->file);
	walk->file = -1;
}

void spool_files_walk_close(struct spool_files_walk **closing)
{
	struct spool_files_walk *walk = *closing;
	if (walk == NULL)
		return;
	*closing = NULL;
	leave(walk);
	walk_free(&walk->walk);
	ZSTD_freeDCtx(walk->unpacker);
	free(walk->unpacked);
	free(walk);
}

/* ---- where the walk is ---- */

static const struct spool_files_segment *here(const struct spool_files_walk *walk)
{
	return &walk->files->segments[walk->index];
}

/* The segment behind this one; NULL: this is the newest. */
static const struct spool_files_segment *next(const struct spool_files_walk *walk)
{
	return walk->index + 1 < walk->files->count ? here(walk) + 1 : NULL;
}

/* The last sequence that must have been in this segment, as the next one says; 0: nobody knows. */
static uint64_t last_promised(const struct spool_files_walk *walk)
{
	const struct spool_files_segment *behind = next(walk);
	if (behind == NULL)
		return 0;
	return behind->valid ? behind->previous_last : behind->first - 1;
}

static void go_on(struct spool_files_walk *walk)
{
	leave(walk);
	walk->index++;
}

/* Its file has its name no more: the relay released it under our hands, and may be writing something else into it. */
static bool is_released(const struct spool_files_walk *walk)
{
	char name[DISK_NAME_MAX_BYTES];
	const struct spool_files *files = walk->files;
	if (files->file != NULL)
		return false;
	segment_name(here(walk)->counter, here(walk)->first, name);
	return files->disk.size(&files->disk, files->spool.directory, name) == -ENOENT;
}

/* What is behind the end of an older segment: left over from a write that was interrupted and done again in the next. */
static bool is_leftover(const struct spool_files_walk *walk, const struct block_header *header)
{
	const struct spool_files_segment *behind = next(walk);
	return behind != NULL && (header->first > behind->first ||
	                          (header->first == behind->first && header->kind == BLOCK_RECORDS));
}

/* ---- what is found ---- */

static enum spool_place_kind found_damage(struct spool_files_walk *walk, struct spool_place_found *place, uint64_t offset,
                                          uint64_t last, const char *why)
{
	place->offset = offset;
	place->len = walk->walk.offset > offset ? walk->walk.offset - offset : 0;
	place->first = walk->expected;
	place->last = last;
	place->why = why;
	if (last >= walk->expected)
		walk->expected = last + 1;
	return SPOOL_PLACE_DAMAGE;
}

static enum spool_place_kind found_released(struct spool_files_walk *walk)
{
	go_on(walk);
	return SPOOL_PLACE_RELEASED;
}

/* The segment is read to its end. `*again`: there was nothing to tell. */
static enum spool_place_kind end_segment(struct spool_files_walk *walk, struct spool_place_found *place, uint64_t offset,
                                         const char *why, bool *again)
{
	uint64_t promised = last_promised(walk);
	*again = promised < walk->expected;
	if (!*again && is_released(walk)) {
		go_on(walk);
		return SPOOL_PLACE_RELEASED;
	}
	enum spool_place_kind kind = *again ? SPOOL_PLACE_END : found_damage(walk, place, offset, promised, why);
	go_on(walk);
	return kind;
}

/* ---- opening a segment ---- */

static enum spool_place_kind enter(struct spool_files_walk *walk, struct spool_place_found *place, bool *again)
{
	const struct spool_files_segment *segment = here(walk);
	walk->expected = segment->first;
	walk->has_block = walk->closed = false;
	walk->file = spool_files_open_segment(walk->files, segment);
	walk_start(&walk->walk, walk->file, segment->salt, SEGMENT_HEADER_BYTES, segment->size);
	*again = walk->file >= 0 && segment->valid && !segment->foreign;
	if (*again)
		return SPOOL_PLACE_END;
	if (walk->file == -ENOENT)
		return found_released(walk);
	const char *why = walk->file < 0     ? strerror(-walk->file)
	                  : segment->foreign ? "the segment is of another spool"
	                                     : "the segment's header is damaged";
	walk->walk.offset = segment->size;
	uint64_t promised = last_promised(walk);
	enum spool_place_kind kind = found_damage(walk, place, 0, promised > 0 ? promised : segment->first - 1, why);
	go_on(walk);
	return kind;
}

/* ---- an invalid place in the newest segment ---- */

/*
 * Looks from an invalid place of the newest segment for proof that what should be there had been synced. `*next_at` is
 * where the next valid block lies, `*end` behind the last one; both the invalid place itself if there is none.
 */
static bool is_proven(struct spool_files_walk *walk, uint64_t *next_at, uint64_t *end)
{
	struct block_header header;
	*next_at = *end = walk->walk.offset;
	bool any = false;
	enum walk_result result = walk_search(&walk->walk, &header);
	while (result == WALK_BLOCK || result == WALK_INVALID) {
		if (result == WALK_INVALID) {
			result = walk_search(&walk->walk, &header);
			continue;
		}
		if (!any)
			*next_at = walk->walk.offset;
		any = true;
		if (header.synced >= walk->expected)
			return true;
		walk_pass(&walk->walk, &header);
		*end = walk->walk.offset;
		result = walk_look(&walk->walk, &header);
	}
	return false;
}

static enum spool_place_kind at_invalid_in_newest(struct spool_files_walk *walk, struct spool_place_found *place,
                                                  const char *why)
{
	uint64_t offset = walk->walk.offset;
	uint64_t next_at, end;
	bool proven = is_proven(walk, &next_at, &end);
	walk->walk.offset = next_at;
	if (proven) {
		bool is_block = walk_look(&walk->walk, &walk->header) == WALK_BLOCK;
		return found_damage(walk, place, offset, is_block ? walk->header.first - 1 : walk->expected - 1, why);
	}
	place->offset = offset;
	place->len = end - offset;
	place->first = walk->expected;
	place->last = walk->expected - 1;
	go_on(walk);
	return SPOOL_PLACE_TAIL;
}

/* ---- a valid header ---- */

static bool make_room(struct spool_files_walk *walk, size_t size)
{
	if (size <= walk->unpacked_size)
		return true;
	uint8_t *grown = realloc(walk->unpacked, size);
	if (grown == NULL)
		return false;
	walk->unpacked = grown;
	walk->unpacked_size = size;
	return true;
}

/* What is wrong with the payload of the block at hand; NULL: nothing, and its records are in `place`. */
static const char *check_payload(struct spool_files_walk *walk, struct spool_place_found *place)
{
	struct bytes payload;
	if (walk->header.kind == BLOCK_END)
		return NULL; /* it has none */
	switch (walk_payload(&walk->walk, &walk->header, &payload)) {
	case WALK_BLOCK:
		break;
	case WALK_FAILED:
		return strerror(-walk->walk.error);
	default:
		return "the payload's checksum is wrong";
	}
	if (walk->header.kind != BLOCK_RECORDS)
		return NULL;
	if (!make_room(walk, walk->header.unpacked_len))
		return strerror(ENOMEM);
	if (!block_unpack(&walk->header, payload, walk->unpacker, walk->unpacked, &place->records))
		return "the payload cannot be unpacked";
	return block_records_are_well_formed(&walk->header, place->records) ? NULL : "the records are malformed";
}

static enum spool_place_kind at_block(struct spool_files_walk *walk, struct spool_place_found *place, bool *again)
{
	const struct block_header *header = &walk->header;
	uint64_t offset = walk->walk.offset;
	if (walk->files->file != NULL)
		walk->expected = header->first; /* a selection: nothing is missing between them */
	if (is_leftover(walk, header))
		return end_segment(walk, place, offset, "blocks are missing", again);
	if (header->first > walk->expected)
		return found_damage(walk, place, offset, header->first - 1, "blocks are missing");
	const char *why = check_payload(walk, place);
	if (why != NULL && is_released(walk))
		return found_released(walk);
	if (why != NULL && next(walk) == NULL)
		return at_invalid_in_newest(walk, place, why);
	walk->has_block = true;
	place->offset = offset;
	place->len = block_span(header);
	place->first = header->first;
	place->last = header->kind == BLOCK_RECORDS ? header->last : header->first - 1;
	place->header = *header;
	place->why = why;
	if (place->last >= walk->expected)
		walk->expected = place->last + 1;
	walk->closed |= why == NULL && header->kind == BLOCK_END;
	return why == NULL ? SPOOL_PLACE_BLOCK : SPOOL_PLACE_DAMAGE;
}

/* ---- no valid header ---- */

static enum spool_place_kind at_invalid(struct spool_files_walk *walk, struct spool_place_found *place, bool *again)
{
	uint64_t offset = walk->walk.offset;
	if (is_released(walk))
		return found_released(walk);
	if (next(walk) == NULL)
		return at_invalid_in_newest(walk, place, header_damaged);
	if (last_promised(walk) < walk->expected) {
		*again = true; /* complete: what lies behind is from the file's earlier life */
		go_on(walk);
		return SPOOL_PLACE_END;
	}
	if (walk_search(&walk->walk, &walk->header) == WALK_BLOCK && !is_leftover(walk, &walk->header))
		return found_damage(walk, place, offset, walk->header.first - 1, header_damaged);
	walk->walk.offset = here(walk)->size;
	return end_segment(walk, place, offset, header_damaged, again);
}

/* ---- the walk ---- */

static enum spool_place_kind failed(struct spool_files_walk *walk, struct spool_place_found *place)
{
	const char *why = strerror(-walk->walk.error);
	uint64_t offset = walk->walk.offset, promised = last_promised(walk);
	walk->walk.offset = here(walk)->size;
	enum spool_place_kind kind = found_damage(walk, place, offset, promised > 0 ? promised : walk->expected - 1, why);
	go_on(walk);
	return kind;
}

static enum spool_place_kind step(struct spool_files_walk *walk, struct spool_place_found *place, bool *again)
{
	*again = false;
	*place = (struct spool_place_found){.segment = here(walk)};
	if (walk->file < 0)
		return enter(walk, place, again);
	if (walk->has_block)
		walk_pass(&walk->walk, &walk->header);
	walk->has_block = false;
	if (walk->closed)
		return end_segment(walk, place, walk->walk.offset, "blocks are missing", again);
	switch (walk_look(&walk->walk, &walk->header)) {
	case WALK_BLOCK:
		return at_block(walk, place, again);
	case WALK_INVALID:
		return at_invalid(walk, place, again);
	case WALK_END:
		return end_segment(walk, place, walk->walk.offset, "blocks are missing", again);
	case WALK_NEWER:
		return SPOOL_PLACE_NEWER;
	case WALK_FAILED:
		break;
	}
	return failed(walk, place);
}

enum spool_place_kind spool_files_next(struct spool_files_walk *walk, struct spool_place_found *place)
{
	enum spool_place_kind kind = SPOOL_PLACE_END;
	bool again = true;
	*place = (struct spool_place_found){0};
	while (again && walk->index < walk->files->count)
		kind = step(walk, place, &again);
	return again ? SPOOL_PLACE_END : kind;
}
