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
	uint8_t *buffer = aligned_alloc(DISK_PAGE_BYTES, size);
	if (buffer == NULL) {
		walk->error = -ENOMEM;
		return false;
	}
	if (walk->len > 0)
		memcpy(buffer, walk->buffer, walk->len);
	free(walk->buffer);
	walk->buffer = buffer;
	walk->size = size;
	return true;
}

/* Keeps what the buffer has from the page at `from` on, at its start, but for the page that it has in part. */
static void drop_before(struct segment_walk *walk, uint64_t from)
{
	uint64_t end = walk->buffer_at + walk->len;
	end -= end % DISK_PAGE_BYTES;
	size_t keep = from >= walk->buffer_at && from < end ? (size_t)(end - from) : 0;
	if (keep > 0)
		memmove(walk->buffer, walk->buffer + (from - walk->buffer_at), keep);
	walk->len = keep;
	walk->buffer_at = from;
}

/* Reads whole pages behind what the buffer has, from memory if they were written lately; a negative errno if that fails. */
static int64_t read_behind(struct segment_walk *walk, size_t len)
{
	uint8_t *to = walk->buffer + walk->len;
	uint64_t from = walk->buffer_at + walk->len;
	size_t got = walk->recent != NULL ? recent_read(walk->recent, &walk->following, walk->counter, from, to, len) : 0;
	if (got > 0)
		return (int64_t)got;
	bool past_cache = len >= WALK_PAST_CACHE_BYTES && len % DISK_PAGE_BYTES == 0 && from % DISK_PAGE_BYTES == 0;
	return past_cache ? disk_read_pages(walk->disk, walk->file, to, len, from)
	                  : walk->disk->read(walk->disk, walk->file, to, len, from);
}

/* Fills the buffer, so that it has at least what lies between the offset and `end`; nothing behind the limit counts. */
static bool fill_buffer(struct segment_walk *walk, uint64_t end)
{
	uint64_t from = disk_page_begin(walk->offset);
	uint64_t to = walk->offset + walk->read_bytes > end ? walk->offset + walk->read_bytes : end;
	size_t wanted = (size_t)(disk_page_end(to < walk->limit ? to : walk->limit) - from);
	if (!grow_buffer(walk, wanted))
		return false;
	drop_before(walk, from);
	while (walk->buffer_at + walk->len < end) {
		int64_t got = read_behind(walk, wanted - walk->len);
		if (got <= 0) {
			walk->error = got < 0 ? (int)got : -ENODATA; /* the file is shorter than its owner thinks */
			return false;
		}
		walk->len += (size_t)got;
	}
	if (walk->buffer_at + walk->len > walk->limit)
		walk->len = (size_t)(walk->limit - walk->buffer_at);
	return true;
}

/* Gets the `len` octets at the offset, which lie before the limit, into the buffer. */
static bool fetch(struct segment_walk *walk, size_t len, struct bytes *octets)
{
	assert(len <= walk->limit - walk->offset);
	uint64_t end = walk->offset + len;
	if ((walk->offset < walk->buffer_at || end > walk->buffer_at + walk->len) && !fill_buffer(walk, end))
		return false;
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
