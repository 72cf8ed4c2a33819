/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a stream begins: at once, or with a TLS handshake when it has its slot; and what becomes of one that is refused
 * in its handshake.
 */
#include "net/socket.h"
#include "net/stream_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void open_now(struct stream *stream)
{
	stream->state = STREAM_OPEN;
	stream->was_open = stream->can_write = true;
	stream->last_active_ns = worker_now_ns(stream->pool->worker);
	if (stream->events.ready != NULL)
		stream->events.ready(stream->context);
	if (stream->state != STREAM_OPEN)
		return;
	/* What the owner flushed before, and what came right behind the handshake. */
	stream_flush(stream);
	/*
	 * Behind a TLS 1.3 handshake come session tickets. A server that leaves Nagle's algorithm on keeps its first answer
	 * back until they are acknowledged.
	 */
	if (stream->tls != NULL && tls_context_role(stream->tls) == TLS_CLIENT)
		socket_acknowledge_next(stream->fd);
	if (stream->kind->has_buffered != NULL && stream->kind->has_buffered(stream))
		stream_pool_defer(stream->pool, stream);
	stream_update_poll(stream);
}

/*
 * To close now would send a reset, since the peer's octets are unread, and a reset destroys the alert on its way: the
 * peer would never see why. So they are read and thrown away until it closes, for a short time.
 */
void stream_linger(struct stream *stream)
{
	ssize_t got = recv(stream->fd, stream->pool->read_buffer, STREAM_READ_BUFFER_BYTES, 0);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	stream_pool_leave_handshake(stream->pool, stream);
	stream_tell_end(stream, bytes_of(NULL, 0));
}

static void refuse(struct stream *stream)
{
	(void)shutdown(stream->fd, SHUT_WR);
	/* The alert is out: the rest needs no TLS, and many may linger. */
	stream->kind->release(stream);
	stream_pool_linger(stream->pool, stream);
	stream_linger(stream);
}

void stream_step_handshake(struct stream *stream)
{
	/* If not, the socket is still ready on the next turn, which shall come at once. */
	if (!stream_pool_may_step(stream->pool)) {
		worker_stay(stream->pool->worker);
		return;
	}
	switch (stream->kind->handshake(stream)) {
	case STREAM_IO_DONE:
		stream_pool_leave_handshake(stream->pool, stream);
		open_now(stream);
		break;
	case STREAM_IO_WAIT:
		break;
	case STREAM_IO_END:
		if (stream->end == STREAM_END_TLS)
			refuse(stream);
		else
			stream_tell_end(stream, bytes_of(NULL, 0));
		break;
	}
}

void stream_begin_handshake(struct stream *stream)
{
	assert(stream->state == STREAM_WAITING);
	stream->state = STREAM_HANDSHAKING;
	stream_pool_defer(stream->pool, stream);
}

static void queue_handshake(struct stream *stream)
{
	if (!stream_pool_queue_handshake(stream->pool, stream))
		stream_end_later(stream, STREAM_END_TLS, "too many connections wait for their TLS handshake");
}

void stream_begin(struct stream *stream)
{
	if (stream->kind->handshake == NULL) {
		open_now(stream);
	} else if (tls_context_role(stream->tls) == TLS_SERVER) {
		/* The client speaks first: one that only connects gets neither a slot nor the memory of an SSL. */
		stream->state = STREAM_SILENT;
		stream_pool_expect_handshake(stream->pool, stream);
	} else {
		queue_handshake(stream);
	}
}

void stream_hear(struct stream *stream)
{
	uint8_t first;
	stream_pool_leave_handshake(stream->pool, stream);
	if (recv(stream->fd, &first, sizeof(first), MSG_PEEK) == 0) {
		/* It has said nothing: somebody looked if the port is open, and nobody is refused. */
		stream_note_end(stream, STREAM_END_EOF, "the peer closed the connection");
		stream_tell_end(stream, bytes_of(NULL, 0));
		return;
	}
	queue_handshake(stream);
}

void stream_start_tls(struct stream *stream)
{
	if (stream->ssl != NULL)
		return;
	stream->ssl = tls_context_new_ssl(stream->tls, stream->server_name);
	if (stream->ssl == NULL || SSL_set_fd(stream->ssl, stream->fd) != 1) {
		stream_end_later(stream, STREAM_END_TLS, "no memory for the TLS handshake");
		return;
	}
	free(stream->server_name);
	stream->server_name = NULL;
	stream->handshake_wants_write = SSL_is_server(stream->ssl) == 0;
}
