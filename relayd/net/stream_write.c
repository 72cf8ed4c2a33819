/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: what the output buffer holds goes out at once as far as the socket takes it, the rest when the socket is
 * writable. The buffer's memory is there only while something waits.
 */
#include "net/stream_internal.h"

/* The peer may have sent answers, or the reason, before it went away: they are read first, then the end is told. */
static void give_up_writing(struct stream *stream)
{
	stream->can_write = false;
	stream->output_waits = stream->owes_writable = false;
	buffer_free(&stream->output);
	stream_pool_defer(stream->pool, stream);
}

/* False if nothing can be written any more, because it failed. */
static bool finish(struct stream *stream)
{
	if (!stream->is_shutting_down || stream->is_finished)
		return true;
	switch (stream->kind->finish(stream)) {
	case STREAM_IO_DONE:
		stream->is_finished = true;
		stream->can_write = false;
		return true;
	case STREAM_IO_WAIT:
		stream->output_waits = true;
		return true;
	case STREAM_IO_END:
		break;
	}
	give_up_writing(stream);
	return false;
}

/* Writes as far as possible; then `output_waits` says if something is left. False if nothing can be written any more.
 */
static bool write_out(struct stream *stream)
{
	stream->output_waits = false;
	while (buffer_len(&stream->output) > 0) {
		size_t put = 0;
		switch (stream->kind->write(stream, buffer_peek(&stream->output), &put)) {
		case STREAM_IO_DONE:
			buffer_consume(&stream->output, put);
			stream->last_active_ns = worker_now_ns(stream->pool->worker);
			break;
		case STREAM_IO_WAIT:
			stream->output_waits = true;
			return true;
		case STREAM_IO_END:
			give_up_writing(stream);
			return false;
		}
	}
	buffer_free(&stream->output);
	return finish(stream);
}

void stream_flush(struct stream *stream)
{
	/* Before the stream is open its output waits; after it has failed it goes nowhere. */
	if (stream->state < STREAM_OPEN) {
		stream->owes_writable = buffer_len(&stream->output) > 0;
		return;
	}
	if (!stream->can_write) {
		buffer_free(&stream->output);
		return;
	}
	if (!write_out(stream))
		return;
	size_t left = buffer_len(&stream->output);
	if (left > stream->output.cap / 2)
		stream->was_above_half = true;
	if (left > 0)
		stream->owes_writable = true;
	else if (stream->owes_writable)
		/* What an earlier flush left went out with this one: whoever waits since then is told. */
		stream_pool_defer(stream->pool, stream);
	stream_update_poll(stream);
}

void stream_tell_writable(struct stream *stream)
{
	size_t left = buffer_len(&stream->output);
	bool has_fallen = stream->was_above_half && left <= stream->output.cap / 2;
	if (!stream->owes_writable || (left > 0 && !has_fallen))
		return;
	stream->was_above_half = false;
	stream->owes_writable = left > 0;
	if (stream->events.writable != NULL)
		stream->events.writable(stream->context);
}

void stream_write_ready(struct stream *stream)
{
	if (write_out(stream))
		stream_tell_writable(stream);
}

void stream_shutdown(struct stream *stream)
{
	stream->is_shutting_down = true;
	stream_flush(stream);
}
