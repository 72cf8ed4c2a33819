/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sockets are ready: one epoll set for all streams of a worker, and the loop waits for the set.
 *
 * Plain TCP streams are in it edge-triggered. A level-triggered set looks at each socket twice, before it tells of it
 * and when its octets have been read, and with thousands of busy connections every look is a walk through cold memory.
 * The kernel tells once of what is there, and of each thing that comes afterwards. Whoever leaves something behind has
 * to arm the socket again (`stream->may_have_more`): then the kernel looks anew. All others are level-triggered: OpenSSL
 * comes back from a read without having asked the socket, and a Unix socket's read stops where descriptors were sent.
 */
#include "net/stream_internal.h"

#include <assert.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { STREAM_EVENTS_PER_TURN_MAX = 1024 };

/* --- one stream -------------------------------------------------------------------------------------------------- */

/*
 * A read that gave less than it had room for has taken all there was, and the next octet is a new edge; but not where
 * the peer's end, an error or urgent data, at which a read stops, came with the octets.
 */
static void note_edge(struct stream *stream, uint32_t events)
{
	stream->may_have_more |= (events & ~(uint32_t)EPOLLOUT) != 0;
	stream->short_read_is_last = (events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) == 0;
}

static void serve_ready(struct stream *stream, uint32_t events)
{
	/* An error or a hang-up is both: reading or writing says which it was. */
	bool is_readable = (events & ~(uint32_t)EPOLLOUT) != 0;
	bool is_writable = (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
	/* Errors are told of sockets that wait for nothing too; and another's callback may have closed or held this one. */
	if (stream->polled == 0)
		return;
	if (stream->is_edge_triggered)
		note_edge(stream, events);
	if (stream->state == STREAM_SILENT) {
		stream_hear(stream);
	} else if (stream->state == STREAM_HANDSHAKING) {
		stream_step_handshake(stream);
	} else if (stream->is_lingering) {
		stream_linger(stream);
	} else {
		if (stream->output_waits && (stream->write_wants_read || is_writable))
			stream_write_ready(stream);
		bool may_read = stream->state == STREAM_OPEN && !stream_is_held(stream);
		if (may_read && (stream->read_wants_write || is_readable))
			stream_read(stream);
	}
	stream_update_poll(stream);
}

static uint32_t wanted_events(const struct stream *stream)
{
	uint32_t wanted = 0;
	if (stream->state == STREAM_HANDSHAKING && stream->ssl != NULL)
		wanted = stream->handshake_wants_write ? EPOLLOUT : EPOLLIN;
	if (stream->is_lingering || stream->state == STREAM_SILENT)
		wanted = EPOLLIN;
	/* A resumed stream reads when it has presented what was left. What is there and cannot be read yet must not be told. */
	if (stream->state == STREAM_OPEN && !stream_is_held(stream))
		wanted |= stream->read_wants_write ? EPOLLOUT : EPOLLIN;
	if (stream->state >= STREAM_OPEN && stream->can_write && stream->output_waits)
		wanted |= stream->write_wants_read ? EPOLLIN : EPOLLOUT;
	return wanted;
}

/* A socket that waits for nothing is told of errors all the same: once for each change, instead of again and again. */
static int control(struct stream *stream, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = stream};
	if (stream->is_edge_triggered || events == 0)
		event.events |= EPOLLET;
	if (stream->is_edge_triggered && (events & EPOLLIN) != 0)
		event.events |= EPOLLRDHUP | EPOLLPRI;
	stream->polled = events;
	return epoll_ctl(stream->pool->sockets, operation, stream->fd, &event);
}

void stream_update_poll(struct stream *stream)
{
	if (stream->state == STREAM_CLOSED)
		return;
	uint32_t wanted = wanted_events(stream);
	bool is_left_over = stream->may_have_more && (wanted & EPOLLIN) != 0;
	if (wanted == stream->polled && !is_left_over)
		return;
	stream->may_have_more = false;
	int result = control(stream, EPOLL_CTL_MOD, wanted);
	assert(result == 0);
	(void)result;
}

bool stream_begin_poll(struct stream *stream)
{
	return control(stream, EPOLL_CTL_ADD, EPOLLIN) == 0;
}

void stream_end_poll(struct stream *stream)
{
	stream->polled = 0;
	(void)epoll_ctl(stream->pool->sockets, EPOLL_CTL_DEL, stream->fd, NULL);
}

/* --- the set ----------------------------------------------------------------------------------------------------- */

static void on_sockets_ready(uv_poll_t *handle, int status, int loop_events)
{
	struct stream_pool *pool = handle->data;
	struct epoll_event ready[STREAM_EVENTS_PER_TURN_MAX];
	(void)status, (void)loop_events;
	int count = epoll_wait(pool->sockets, ready, STREAM_EVENTS_PER_TURN_MAX, 0);
	/* What is ready beyond these is found on the next turn, which shall come at once: the set is still ready. */
	if (count == STREAM_EVENTS_PER_TURN_MAX)
		worker_stay(pool->worker);
	/* A stream that another's callback closes meanwhile is there until the next turn. */
	for (int i = 0; i < count; i++)
		serve_ready(ready[i].data.ptr, ready[i].events);
}

bool stream_pool_open_sockets(struct stream_pool *pool)
{
	pool->sockets = epoll_create1(EPOLL_CLOEXEC);
	if (pool->sockets < 0)
		return false;
	if (uv_poll_init(worker_loop(pool->worker), &pool->sockets_ready, pool->sockets) != 0) {
		close(pool->sockets);
		return false;
	}
	pool->sockets_ready.data = pool;
	int result = uv_poll_start(&pool->sockets_ready, UV_READABLE, on_sockets_ready);
	assert(result == 0);
	(void)result;
	return true;
}
