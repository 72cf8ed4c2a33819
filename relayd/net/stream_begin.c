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
	stream->last_active_ns = worker_now_ns(stream->pool->worker);
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

/* How many octets the TLS record that begins so has; 0 if it is none (or one of SSL 2). */
static size_t record_bytes(struct bytes in)
{
	if (in.len < SSL3_RT_HEADER_LENGTH)
		return SSL3_RT_HEADER_LENGTH;
	size_t body_len = (size_t)in.at[3] << 8 | in.at[4];
	if (in.at[1] != SSL3_VERSION_MAJOR || body_len > SSL3_RT_MAX_ENCRYPTED_LENGTH)
		return 0;
	return SSL3_RT_HEADER_LENGTH + body_len;
}

/* The socket is readable when so many octets lie there, or when the peer sends no more. */
static void await_octets(struct stream *stream, size_t len)
{
	int least = (int)len;
	stream->awaited = len;
	(void)setsockopt(stream->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

/*
 * A slot is for who has sent a whole record: with fewer octets OpenSSL can do nothing, and to send one costs a peer
 * nothing. What is no record goes on at once, so that it is refused. A socket that is readable with fewer octets than
 * were awaited gets no more.
 */
void stream_hear(struct stream *stream)
{
	uint8_t *record = stream->pool->read_buffer;
	ssize_t got = recv(stream->fd, record, SSL3_RT_HEADER_LENGTH + SSL3_RT_MAX_ENCRYPTED_LENGTH, MSG_PEEK);
	size_t needed = got > 0 ? record_bytes(bytes_of(record, (size_t)got)) : 0;
	if (got > 0 && needed > (size_t)got && needed > stream->awaited) {
		await_octets(stream, needed);
		return;
	}
	if (stream->awaited > 0)
		await_octets(stream, 1);
	stream_pool_leave_handshake(stream->pool, stream);
	if (got == 0) {
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
