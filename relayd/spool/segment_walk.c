/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/segment_walk.h"

#include "spool/block.h"

#include <errno.h>
#include <stdlib.h>

void walk_start(struct segment_walk *walk, int file, uint64_t salt, uint64_t offset, uint64_t limit)
{
	walk->file = file;
	walk->salt = salt;
	walk->offset = offset;
	walk->limit = limit;
	walk->read_bytes = WALK_READ_BYTES;
	walk->error = 0;
	walk->len = 0;
	walk->buffer_at = offset;
}

void walk_free(struct segment_walk *walk)
{
	free(walk->buffer);
	walk->buffer = NULL;
	walk->size = 0;
	walk->len = 0;
}

static bool grow_buffer(struct segment_walk *walk, size_t size)
{
	if (size <= walk->size)
		return true;
	uint8_t *buffer = realloc(walk->buffer, size);
	if (buffer == NULL) {
		walk->error = -ENOMEM;
		return false;
	}
	walk->buffer = buffer;
	walk->size = size;
	return true;
}

/* Keeps what the buffer has from the offset on, at its start. */
static void drop_before_offset(struct segment_walk *walk)
{
	uint64_t end = walk->buffer_at + walk->len;
	size_t keep = walk->offset >= walk->buffer_at && walk->offset < end ? (size_t)(end - walk->offset) : 0;
	if (keep > 0)
		memmove(walk->buffer, walk->buffer + (walk->offset - walk->buffer_at), keep);
	walk->len = keep;
	walk->buffer_at = walk->offset;
}

/* Gets the `len` octets at the offset, which lie before the limit, into the buffer. */
static bool fetch(struct segment_walk *walk, size_t len, struct bytes *octets)
{
	assert(len <= walk->limit - walk->offset);
	uint64_t end = walk->buffer_at + walk->len;
	if (walk->offset < walk->buffer_at || walk->offset + len > end) {
		if (!grow_buffer(walk, len > walk->read_bytes ? len : walk->read_bytes))
			return false;
		drop_before_offset(walk);
		size_t wanted = len > walk->read_bytes ? len : walk->read_bytes;
		if (wanted > walk->limit - walk->offset)
			wanted = (size_t)(walk->limit - walk->offset);
		int64_t got = walk->disk->read(walk->disk, walk->file, walk->buffer + walk->len, wanted - walk->len,
		                               walk->offset + walk->len);
		if (got < 0) {
			walk->error = (int)got;
			return false;
		}
		walk->len += (size_t)got;
		if (walk->len < len) {
			walk->error = -ENODATA; /* the file is shorter than its owner thinks */
			return false;
		}
	}
	*octets = bytes_of(walk->buffer + (walk->offset - walk->buffer_at), len);
	return true;
}

enum walk_result walk_look(struct segment_walk *walk, struct block_header *header)
{
	uint64_t left = walk->limit > walk->offset ? walk->limit - walk->offset : 0;
	if (left < BLOCK_HEADER_BYTES)
		return WALK_END;
	struct bytes octets;
	if (!fetch(walk, left < BLOCK_HEADER_MAX_BYTES ? (size_t)left : BLOCK_HEADER_MAX_BYTES, &octets))
		return WALK_FAILED;
	switch (block_header_read(octets, walk->salt, header)) {
	case BLOCK_HEADER_VALID:
		return block_span(header) <= left ? WALK_BLOCK : WALK_INVALID;
	case BLOCK_HEADER_NEWER:
		return WALK_NEWER;
	case BLOCK_HEADER_INVALID:
		break;
	}
	return WALK_INVALID;
}

enum walk_result walk_guess(struct segment_walk *walk, struct block_header *header)
{
	uint64_t left = walk->limit > walk->offset ? walk->limit - walk->offset : 0;
	struct bytes octets;
	if (left < BLOCK_HEADER_BYTES)
		return WALK_END;
	if (!fetch(walk, BLOCK_HEADER_BYTES, &octets))
		return WALK_FAILED;
	return block_header_guess(octets, header) && block_span(header) <= left ? WALK_BLOCK : WALK_INVALID;
}

enum walk_result walk_payload(struct segment_walk *walk, const struct block_header *header, struct bytes *payload)
{
	struct bytes octets;
	if (!fetch(walk, (size_t)header->header_len + header->stored_len, &octets))
		return WALK_FAILED;
	*payload = bytes_after(octets, header->header_len);
	return block_payload_is_intact(header, *payload) ? WALK_BLOCK : WALK_INVALID;
}

void walk_pass(struct segment_walk *walk, const struct block_header *header)
{
	walk->offset += block_span(header);
}

enum walk_result walk_search(struct segment_walk *walk, struct block_header *header)
{
	enum walk_result result;
	do {
		walk->offset += FORMAT_ALIGN_BYTES;
		result = walk_look(walk, header);
	} while (result == WALK_INVALID);
	return result;
}
