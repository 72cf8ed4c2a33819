/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte queue with a hard cap: bytes are appended at the end and consumed from the front. Readers peek, then consume;
 * writers reserve, then commit (or append). It never holds more than its cap, whatever a peer does.
 */
#ifndef RELAYD_BASE_BUFFER_H
#define RELAYD_BASE_BUFFER_H

#include "base/bytes.h"

/* All-zero is an empty buffer with a cap of 0; set the cap with buffer_init(). The fields are private. */
struct buffer {
	uint8_t *base;
	size_t size;  /* allocated bytes */
	size_t start; /* first byte that was not consumed */
	size_t end;   /* behind the last byte */
	size_t cap;   /* most bytes it may hold */
};

/* Makes an empty buffer that holds at most `cap` bytes. Allocates nothing yet. */
void buffer_init(struct buffer *buffer, size_t cap);

/* Gives the memory back and leaves an empty buffer with the same cap. */
void buffer_free(struct buffer *buffer);

static inline size_t buffer_len(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

/* How many more bytes fit below the cap. */
static inline size_t buffer_room(const struct buffer *buffer)
{
	return buffer->cap - buffer_len(buffer);
}

/* How many more bytes it has memory for, without moving those that it holds. */
static inline size_t buffer_allocated(const struct buffer *buffer)
{
	return buffer->size - buffer->end;
}

/* Lends what is queued; the view lives until the next call on this buffer. */
static inline struct bytes buffer_peek(const struct buffer *buffer)
{
	return bytes_of(buffer->base != NULL ? buffer->base + buffer->start : NULL, buffer_len(buffer));
}

/* Drops the first `len` bytes, which must be there. */
void buffer_consume(struct buffer *buffer, size_t len);

/* Of buffer_reserve(): moves the bytes to the front, or takes more memory. */
uint8_t *buffer_make_room(struct buffer *buffer, size_t len);

/*
 * Lends room for `len` bytes behind the end, until the next call on this buffer. NULL if that would pass the cap or
 * memory is short; then the buffer is as before.
 */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t len)
{
	if (buffer_allocated(buffer) > len) /* what is allocated is below the cap */
		return buffer->base + buffer->end;
	return buffer_make_room(buffer, len);
}

/* Makes the first `len` bytes of the last reserved room part of the queue. */
void buffer_commit(struct buffer *buffer, size_t len);

/* Copies `bytes` to the end. False, and nothing appended, if they do not fit below the cap or memory is short. */
bool buffer_append(struct buffer *buffer, struct bytes bytes);

#endif
