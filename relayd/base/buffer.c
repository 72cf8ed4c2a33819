/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue in one piece of memory: consuming moves `start`, and room is made by moving the rest to the front before the
 * memory is grown. Growth doubles, so appending is linear in total; an emptied buffer starts at the front again.
 */
#include "base/buffer.h"

#include <stdlib.h>

enum { BUFFER_FIRST_SIZE_BYTES = 512 };

void buffer_init(struct buffer *buffer, size_t cap)
{
	*buffer = (struct buffer){.cap = cap};
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->base);
	buffer_init(buffer, buffer->cap);
}

void buffer_consume(struct buffer *buffer, size_t len)
{
	assert(len <= buffer_len(buffer));
	buffer->start += len;
	if (buffer->start == buffer->end)
		buffer->start = buffer->end = 0;
}

static bool grow(struct buffer *buffer, size_t wanted)
{
	size_t size = buffer->size > 0 ? buffer->size : BUFFER_FIRST_SIZE_BYTES;
	while (size < wanted)
		size *= 2;
	if (size > buffer->cap)
		size = buffer->cap;
	uint8_t *base = realloc(buffer->base, size);
	if (base == NULL)
		return false;
	buffer->base = base;
	buffer->size = size;
	return true;
}

uint8_t *buffer_make_room(struct buffer *buffer, size_t len)
{
	if (len > buffer_room(buffer))
		return NULL;
	if (buffer->size - buffer->end < len && buffer->start > 0) {
		memmove(buffer->base, buffer->base + buffer->start, buffer_len(buffer));
		buffer->end -= buffer->start;
		buffer->start = 0;
	}
	if (buffer->size - buffer->end < len && !grow(buffer, buffer->end + len))
		return NULL;
	/* Room of zero bytes in a buffer without memory must not look like a failure. */
	static uint8_t nothing[1];
	return buffer->base != NULL ? buffer->base + buffer->end : nothing;
}

void buffer_commit(struct buffer *buffer, size_t len)
{
	assert(len <= buffer->size - buffer->end);
	buffer->end += len;
	assert(buffer_len(buffer) <= buffer->cap);
}

bool buffer_append(struct buffer *buffer, struct bytes bytes)
{
	uint8_t *room = buffer_reserve(buffer, bytes.len);
	if (room == NULL)
		return false;
	if (bytes.len > 0)
		memcpy(room, bytes.at, bytes.len);
	buffer_commit(buffer, bytes.len);
	return true;
}
