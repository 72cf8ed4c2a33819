/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: into the worker's shared buffer, behind what the owner left of the last time; what it leaves of this time is
 * copied to memory of its own, exact in size. A long unfinished frame is continued in that memory, so that a frame of n
 * octets that comes in small pieces is not copied with each of them.
 */
#include "net/stream_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	DETAIL_MAX_BYTES = 128,
	TRICKLE_MAX_BYTES = 16 * 1024, /* who sends more between two looks may soon have filled the socket's buffer */
	RECORDS_PER_TURN_MAX = 2048,   /* a record may carry a single octet */
};

/* --- memory for what was left ------------------------------------------------------------------------------------ */

static void drop_pending(struct stream *stream)
{
	stream_pool_remove_unfinished(stream->pool, stream);
	stream_pool_give_back(stream->pool, stream, stream->pending_size);
	free(stream->pending);
	stream->pending = NULL;
	stream->pending_len = stream->pending_size = 0;
}

/* Makes the stream's own memory `size` octets; what is in it stays, up to that. */
static bool resize_pending(struct stream *stream, size_t size)
{
	size_t before = stream->pending_size;
	if (size > before && !stream_pool_take(stream->pool, stream, size - before))
		return false;
	uint8_t *memory = realloc(stream->pending, size);
	if (memory == NULL) {
		if (size > before)
			stream_pool_give_back(stream->pool, stream, size - before);
		return false;
	}
	if (size < before)
		stream_pool_give_back(stream->pool, stream, before - size);
	stream->pending = memory;
	stream->pending_size = size;
	return true;
}

/* Puts `rest`, which lies in the shared buffer or in the stream's own memory, at the start of the latter. */
static bool store(struct stream *stream, struct bytes rest)
{
	/* Compared as numbers: they may point into different objects. */
	uintptr_t at = (uintptr_t)rest.at;
	uintptr_t own = (uintptr_t)stream->pending;
	bool is_own = stream->pending != NULL && at >= own && at < own + stream->pending_len;
	bool fits = rest.len <= stream->pending_size;
	if (!is_own && !fits && !resize_pending(stream, rest.len))
		return false;
	memmove(stream->pending, rest.at, rest.len);
	stream->pending_len = rest.len;
	/* Much of it idle: a smaller piece. To shrink cannot be refused, and if it fails nothing is lost. */
	if (stream->pending_size / 2 > rest.len)
		(void)resize_pending(stream, rest.len);
	return true;
}

/* Ends the stream with what was left as its rest, whether it is paused or not: there is no memory to keep it. */
static void end_without_memory(struct stream *stream, struct bytes rest)
{
	stream_note_end(stream, STREAM_END_PENDING_LIMIT, "the memory for unfinished frames is spent");
	stream_tell_end(stream, rest);
}

static void end_too_long(struct stream *stream, struct bytes rest)
{
	char detail[DETAIL_MAX_BYTES];
	snprintf(detail, sizeof(detail), "an unfinished frame of %zu octets is longer than the limit of %zu", rest.len,
			 stream->pending_max_bytes);
	stream_note_end(stream, STREAM_END_PENDING_LIMIT, detail);
	stream_tell_end(stream, rest);
}

/* Places the stream among those with an unfinished frame; one that goes on with a new frame is the youngest. */
static void list_unfinished(struct stream *stream, bool has_progressed)
{
	if (stream_is_held(stream))
		stream_pool_remove_unfinished(stream->pool, stream);
	else if (has_progressed || list_is_empty(&stream->unfinished_link))
		stream_pool_add_unfinished(stream->pool, stream);
}

static void keep(struct stream *stream, struct bytes rest, bool has_progressed)
{
	if (rest.len == 0) {
		drop_pending(stream);
	} else if (!stream_is_held(stream) && rest.len > stream->pending_max_bytes) {
		end_too_long(stream, rest);
	} else if (!store(stream, rest)) {
		end_without_memory(stream, rest);
	} else {
		list_unfinished(stream, has_progressed);
	}
}

/* --- presenting -------------------------------------------------------------------------------------------------- */

static void present(struct stream *stream, struct bytes bytes)
{
	size_t used = stream->events.bytes(stream->context, bytes);
	assert(used <= bytes.len);
	if (stream->state == STREAM_CLOSED)
		return;
	struct bytes rest = bytes_after(bytes, used);
	if (stream->state == STREAM_ENDED && !stream_is_held(stream))
		stream_tell_end(stream, rest);
	else
		keep(stream, rest, used > 0);
}

void stream_present_pending(struct stream *stream)
{
	if (stream->pending_len > 0)
		present(stream, stream_pending(stream));
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* Where octets are read to: `kept` octets of what was left go in front. */
struct target {
	uint8_t *at;
	size_t kept;
	size_t room;
};

/* Makes room behind a long unfinished frame: as much again as there is, or a little when memory is scarce. */
static bool grow_pending(struct stream *stream)
{
	/* One octet more than may be left shows that the frame is too long. */
	size_t size_max = stream->pending_max_bytes + 1;
	assert(stream->pending_len < size_max);
	size_t more = stream->pending_len;
	if (more > stream_pool_left(stream->pool))
		more = STREAM_READ_LEAST_BYTES;
	size_t size = size_max - stream->pending_len > more ? stream->pending_len + more : size_max;
	return stream->pending_size >= size || resize_pending(stream, size);
}

static bool choose_target(struct stream *stream, struct target *target)
{
	size_t most = stream_pool_read_bytes(stream->pool);
	target->kept = stream->pending_len;
	if (stream->pending_len <= STREAM_PENDING_IN_PLACE_BYTES) {
		target->at = stream->pool->read_buffer;
		target->room = STREAM_READ_BUFFER_BYTES - target->kept;
		if (target->room > most)
			target->room = most;
		return true;
	}
	if (!grow_pending(stream))
		return false;
	target->at = stream->pending;
	target->room = stream->pending_size - target->kept;
	return true;
}

static enum stream_io fill(struct stream *stream, const struct target *target, size_t *total)
{
	enum stream_io io;
	unsigned records = 0;
	*total = 0;
	do {
		size_t got = 0;
		io = stream->kind->read(stream, target->at + target->kept + *total, target->room - *total, &got);
		*total += got;
		records++;
	} while (io == STREAM_IO_DONE && stream->kind->reads_records && *total < target->room &&
			 records < RECORDS_PER_TURN_MAX && !stream->was_sidetracked);
	return io;
}

static void present_read(struct stream *stream, const struct target *target, size_t len)
{
	stream->last_active_ns = worker_now_ns(stream->pool->worker);
	if (target->at != stream->pending && target->kept > 0)
		memcpy(target->at, stream->pending, target->kept);
	present(stream, bytes_of(target->at, target->kept + len));
}

void stream_read(struct stream *stream)
{
	struct target target;
	size_t len;
	if (!choose_target(stream, &target)) {
		end_without_memory(stream, stream_pending(stream));
		return;
	}
	enum stream_io io = fill(stream, &target, &len);
	if (stream->is_edge_triggered)
		stream->may_have_more = io == STREAM_IO_DONE && (!stream->short_read_is_last || len == target.room);
	bool has_more = stream->kind->has_buffered != NULL && io == STREAM_IO_DONE;
	/* A read that filled its room, which is small when memory is scarce, says nothing of what is behind it. */
	if (len >= TRICKLE_MAX_BYTES || len == target.room || has_more)
		worker_stay(stream->pool->worker);
	if (len > 0)
		present_read(stream, &target, len);
	/* After a failed write the last word of the peer has been read now. */
	if (io == STREAM_IO_WAIT && stream->state == STREAM_OPEN && stream->write_error != 0)
		stream_note_end(stream, STREAM_END_RESET, strerror(stream->write_error));
	if (stream->state == STREAM_ENDED && !stream_is_held(stream))
		stream_tell_end(stream, stream_pending(stream));
	if (stream->state == STREAM_OPEN && (has_more || stream->write_error != 0))
		stream_pool_defer(stream->pool, stream);
}
