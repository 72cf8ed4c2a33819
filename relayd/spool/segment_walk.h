/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the blocks of one segment file, in large reads through one buffer: what readers and recovery share. It says what
 * lies at a place; what that means (end, torn tail, damage) is for the caller to decide.
 */
#ifndef RELAYD_SPOOL_SEGMENT_WALK_H
#define RELAYD_SPOOL_SEGMENT_WALK_H

#include "spool/block_header.h"
#include "spool/disk.h"
#include "spool/recent.h"

enum {
	WALK_READ_BYTES = 1 << 20,   /* read at once when blocks are wanted whole */
	WALK_PEEK_BYTES = 4 << 10,   /* when only headers are */
	WALK_PAST_CACHE_BYTES = 128 << 10, /* so much is read past the page cache: large groups were written past it */
};

struct segment_walk {
	const struct disk *disk;
	struct recent *recent; /* NULL: everything is read from the disk */
	struct follower following; /* joined by its owner, if there is `recent` */
	uint64_t counter;      /* of the segment, set by its owner, for `recent` */
	int file;
	uint64_t salt;
	uint64_t offset;   /* of the place looked at */
	uint64_t limit;    /* nothing at or behind it is read */
	size_t read_bytes; /* WALK_READ_BYTES or WALK_PEEK_BYTES */
	int error;         /* a negative errno, after WALK_FAILED */

	uint8_t *buffer;   /* begins with a page */
	size_t size;       /* allocated */
	size_t len;        /* octets of the file in it */
	uint64_t buffer_at;/* where they lie in the file: at the begin of a page */
};

enum walk_result {
	WALK_BLOCK = 0,   /* a header with a right checksum, and room for its block before the limit */
	WALK_INVALID = 1, /* none */
	WALK_END = 2,     /* no room for a header before the limit */
	WALK_NEWER = 3,   /* written by a version that knows more */
	WALK_FAILED = 4,  /* I/O error or no memory */
};

/* All-zero but for `disk` is a fresh walk. Points it at a file; the buffer's memory stays. */
void walk_start(struct segment_walk *walk, int file, uint64_t salt, uint64_t offset, uint64_t limit);
void walk_free(struct segment_walk *walk);

/* Looks at the header at the offset. */
enum walk_result walk_look(struct segment_walk *walk, struct block_header *header);

/*
 * Looks for what may be a header at the offset, without the segment's salt (block_header_guess()). WALK_BLOCK, WALK_INVALID,
 * WALK_END or WALK_FAILED.
 */
enum walk_result walk_guess(struct segment_walk *walk, struct block_header *header);

/*
 * Lends the payload of the block at the offset, whose header was just looked at: WALK_BLOCK if its checksum is right,
 * else WALK_INVALID. The view lives until the next call on the walk.
 */
enum walk_result walk_payload(struct segment_walk *walk, const struct block_header *header, struct bytes *payload);

/* Goes on to where the next block would begin. */
void walk_pass(struct segment_walk *walk, const struct block_header *header);

/* Goes on to the next multiple of 64 that has a header with a right checksum; WALK_END at the limit if there is none. */
enum walk_result walk_search(struct segment_walk *walk, struct block_header *header);

#endif
