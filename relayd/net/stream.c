/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a stream: adopted, handshake, open, ended, closed. Its beginning stands in stream_begin.c, reading in
 * stream_read.c, writing in stream_write.c; when to do so in stream_poll.c; how octets get in and out of a descriptor in
 * stream_plain.c and stream_tls.c.
 *
 * Nothing here calls the owner from inside the owner's own call: what such a call finds out is noted, and told by
 * stream_serve() on the next turn. After each call of the owner the stream may be closed; it is freed on a later turn,
 * so that `state` can still be asked.
 */
#include "net/stream.h"

#include "base/clock.h"
#include "net/address.h"
#include "net/socket.h"
#include "net/stream_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- what is due on a turn --------------------------------------------------------------------------------------- */

static void serve_open(struct stream *stream)
{
	if (stream->is_resumed && !stream->is_paused) {
		stream->is_resumed = false;
		stream_present_pending(stream);
	}
	/* A pause holds back bytes and what follows them; a handshake that failed has none. */
	bool may_tell = !stream_is_held(stream) || !stream->was_open;
	if (stream->state == STREAM_ENDED && may_tell && !stream->is_lingering)
		stream_tell_end(stream, stream_pending(stream));
	bool may_read = stream->state == STREAM_OPEN && !stream_is_held(stream);
	bool is_hidden = may_read && stream->kind->has_buffered != NULL && stream->kind->has_buffered(stream);
	if (may_read && (is_hidden || stream->write_error != 0))
		stream_read(stream);
}

void stream_serve(struct stream *stream)
{
	switch (stream->state) {
	case STREAM_NEW:
		stream_begin(stream);
		break;
	case STREAM_HANDSHAKING:
		stream_start_tls(stream);
		break;
	case STREAM_OPEN:
	case STREAM_ENDED:
		serve_open(stream);
		break;
	case STREAM_SILENT:
	case STREAM_WAITING:
	case STREAM_TOLD:
	case STREAM_CLOSED:
		break;
	}
	if (stream->state >= STREAM_OPEN && stream->state != STREAM_CLOSED)
		stream_tell_writable(stream);
	stream_update_poll(stream);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

void stream_note_end(struct stream *stream, enum stream_end end, const char *detail)
{
	if (stream->state >= STREAM_ENDED)
		return;
	bool is_quiet = end == STREAM_END_EOF || end == STREAM_END_WITHOUT_NOTIFY;
	if (is_quiet && stream->write_error != 0) {
		/* The write took the socket's error; the read behind it found only that nothing is left. */
		end = STREAM_END_RESET;
		detail = strerror(stream->write_error);
	}
	stream_pool_leave_handshake(stream->pool, stream);
	stream->state = STREAM_ENDED;
	stream->end = end;
	stream->detail = strdup(detail);
	if (end != STREAM_END_EOF) {
		/* Discarded is not written: nobody is told that it is gone. */
		stream->can_write = stream->output_waits = stream->owes_writable = false;
		buffer_free(&stream->output);
	}
}

void stream_end_later(struct stream *stream, enum stream_end end, const char *detail)
{
	stream_note_end(stream, end, detail);
	stream_pool_defer(stream->pool, stream);
	stream_update_poll(stream);
}

void stream_tell_end(struct stream *stream, struct bytes rest)
{
	assert(stream->state == STREAM_ENDED);
	stream->state = STREAM_TOLD;
	stream_pool_remove_unfinished(stream->pool, stream);
	stream->events.end(stream->context, stream->end, stream->detail != NULL ? stream->detail : "", rest);
}

/* --- for the owner ----------------------------------------------------------------------------------------------- */

void stream_pause(struct stream *stream)
{
	if (stream->is_paused)
		return;
	stream->is_paused = true;
	/* What it holds is not held by a slow peer any more, but by us. */
	stream_pool_remove_unfinished(stream->pool, stream);
	stream_update_poll(stream);
}

/* Whether there is something to serve: before it is open nothing was held back. */
static bool end_pause(struct stream *stream)
{
	if (!stream->is_paused)
		return false;
	stream->is_paused = false;
	stream->is_resumed = stream->state >= STREAM_OPEN;
	return stream->is_resumed;
}

void stream_resume(struct stream *stream)
{
	if (end_pause(stream))
		stream_pool_defer(stream->pool, stream);
}

void stream_resume_now(struct stream *stream)
{
	if (end_pause(stream))
		stream_serve(stream);
}

static struct address ask_peer(int fd)
{
	struct address peer;
	memset(&peer, 0, sizeof(peer));
	socklen_t len = sizeof(peer.sa);
	if (getpeername(fd, &peer.sa.any, &len) == 0)
		peer.len = len;
	return peer;
}

/* The peer as text. A Unix client has no name: its process is what identifies it. */
static void describe_peer(int fd, const struct address *peer, char text[ADDRESS_TEXT_MAX_BYTES])
{
	address_text(peer, text);
	size_t suffix_len = strlen(SOCKET_LOCAL_SUFFIX);
	size_t text_len = strlen(text);
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	if (strcmp(text, "unix:") == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) == 0)
		snprintf(text, ADDRESS_TEXT_MAX_BYTES, "unix:pid=%ld,uid=%lu", (long)credentials.pid,
				 (unsigned long)credentials.uid);
	else if (strncmp(text, "unix:", 5) == 0 && text_len > suffix_len &&
			 strcmp(text + text_len - suffix_len, SOCKET_LOCAL_SUFFIX) == 0)
		text[text_len - suffix_len] = '\0';
}

static bool is_tcp(const struct address *peer)
{
	return peer->sa.any.sa_family == AF_INET || peer->sa.any.sa_family == AF_INET6;
}

static struct stream *new_stream(struct stream_pool *pool, int fd, const struct stream_options *options)
{
	struct address peer = options->peer != NULL ? *options->peer : ask_peer(fd);
	char peer_text[ADDRESS_TEXT_MAX_BYTES];
	describe_peer(fd, &peer, peer_text);
	struct stream *stream = calloc(1, sizeof(*stream) + strlen(peer_text) + 1);
	if (stream == NULL)
		return NULL;
	strcpy(stream->peer_text, peer_text);
	stream->pool = pool;
	stream->fd = fd;
	stream->kind = options->tls != NULL ? &stream_tls : &stream_plain;
	stream->is_edge_triggered = options->tls == NULL && is_tcp(&peer);
	stream->pending_max_bytes = options->pending_max_bytes;
	stream->events = options->events;
	stream->context = options->context;
	stream->handshake_timeout_ns = options->handshake_timeout_ns != 0
									   ? options->handshake_timeout_ns
									   : (uint64_t)STREAM_HANDSHAKE_TIMEOUT_SECONDS * CLOCK_NS_PER_SECOND;
	stream->last_active_ns = worker_now_ns(pool->worker);
	buffer_init(&stream->output, options->output_cap_bytes);
	list_init(&stream->due_link);
	list_init(&stream->unfinished_link);
	list_init(&stream->handshake_link);
	return stream;
}

struct stream *stream_adopt(int *fd, const struct stream_options *options)
{
	assert(*fd >= 0 && options->events.bytes != NULL && options->events.end != NULL);
	struct stream_pool *pool = stream_pool_of(options->worker);
	struct stream *stream = pool != NULL ? new_stream(pool, *fd, options) : NULL;
	if (stream == NULL)
		return NULL;
	if (options->tls != NULL && options->server_name != NULL) {
		stream->server_name = strdup(options->server_name);
		if (stream->server_name == NULL)
			goto free_stream;
	}
	if (!stream_begin_poll(stream))
		goto free_stream;
	stream->tls = options->tls != NULL ? tls_context_hold(options->tls) : NULL;
	pool->streams++;
	stream_pool_defer(pool, stream);
	*fd = -1;
	return stream;
free_stream:
	free(stream->server_name);
	free(stream);
	return NULL;
}

void stream_free(struct stream *stream)
{
	assert(stream->state == STREAM_CLOSED);
	free(stream->pending);
	free(stream->detail);
	free(stream->server_name);
	free(stream);
}

void stream_close(struct stream **stream)
{
	struct stream *closed = *stream;
	if (closed == NULL)
		return;
	*stream = NULL;
	assert(closed->state != STREAM_CLOSED && worker_is_current(closed->pool->worker));
	stream_pool_leave_handshake(closed->pool, closed);
	stream_pool_remove_unfinished(closed->pool, closed);
	stream_pool_give_back(closed->pool, closed, closed->pending_size);
	closed->pending_size = 0;
	if (closed->kind->release != NULL)
		closed->kind->release(closed);
	tls_context_release(&closed->tls);
	buffer_free(&closed->output);
	closed->state = STREAM_CLOSED;
	stream_end_poll(closed);
	close(closed->fd);
	stream_pool_discard(closed->pool, closed);
}

struct buffer *stream_output(struct stream *stream)
{
	return &stream->output;
}

const char *stream_peer_text(const struct stream *stream)
{
	return stream->peer_text;
}

const char *stream_peer_identity(const struct stream *stream)
{
	return stream->ssl != NULL ? tls_peer_identity(stream->ssl) : "";
}

int stream_fd(const struct stream *stream)
{
	return stream->fd;
}

size_t stream_unused(const struct stream *stream)
{
	int unread = 0;
	(void)ioctl(stream->fd, FIONREAD, &unread);
	return stream->pending_len + (unread > 0 ? (size_t)unread : 0);
}

uint64_t stream_last_active_ns(const struct stream *stream)
{
	return stream->last_active_ns;
}

void stream_set_pending_budget(struct worker *worker, size_t max_bytes)
{
	struct stream_pool *pool = stream_pool_of(worker);
	if (pool != NULL)
		pool->pending_max_bytes = max_bytes;
}
