/* SPDX-License-Identifier: Apache-2.0 */
/* See stream.h. */
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "generation.h"
#include "stats.h"

#define DISCARDED_BYTES 256

void slog_stream_start(struct slog_stream *stream, const struct slog_endpoint *to)
{
	stream->to = *to;
	stream->socket.fd = -1;
}

static void forget_rest(struct slog_stream *stream)
{
	free(stream->rest);
	stream->rest = NULL;
}

void slog_stream_disconnect(struct slog_stream *stream, int error)
{
	if (stream->rest != NULL && !stream->resends)
		slog_stats_dropped(stream->rest_severity, error);
	forget_rest(stream);
	slog_socket_close(&stream->socket);
	stream->is_connected = false;
}

/* In a child the connection, and the rest of a frame on it, are the parent's. */
static void leave_to_parent(struct slog_stream *stream)
{
	if (stream->generation == slog_generation())
		return;
	forget_rest(stream);
	slog_socket_close(&stream->socket);
	stream->is_connected = false;
	stream->may_connect_at = 0;
	stream->generation = slog_generation();
}

int slog_stream_enter(struct slog_stream *stream, struct slog_call_wait *call)
{
	if (!slog_patience_enter(&stream->gate, call))
		return EAGAIN;
	leave_to_parent(stream);
	return 0;
}

bool slog_stream_is_open(struct slog_stream *stream)
{
	leave_to_parent(stream);
	return stream->socket.fd >= 0;
}

void slog_stream_leave(struct slog_stream *stream)
{
	slog_gate_leave_whole(&stream->gate);
}

static int start_connection(struct slog_stream *stream)
{
	uint64_t now = slog_clock_monotonic_ms();
	if (now < stream->may_connect_at)
		return EAGAIN;
	int error = slog_socket_connect(&stream->socket, &stream->to, SOCK_STREAM);
	stream->is_connected = error == 0;
	if (error == EINPROGRESS)
		return EAGAIN;
	/* An attempt on a Unix socket is over at once; one on the network is an attempt at somebody else's peace. */
	if (error != 0 && stream->to.address.ss_family != AF_UNIX)
		stream->may_connect_at = now + SLOG_RECONNECT_MS;
	return error;
}

static int finish_connection(struct slog_stream *stream)
{
	struct pollfd poller = {.fd = stream->socket.fd, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof error;
	if (poll(&poller, 1, 0) <= 0)
		return EAGAIN;
	if (getsockopt(stream->socket.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		slog_stream_disconnect(stream, error);
		stream->may_connect_at = slog_clock_monotonic_ms() + SLOG_RECONNECT_MS;
		return error;
	}
	stream->is_connected = true;
	return 0;
}

int slog_stream_ready(struct slog_stream *stream)
{
	leave_to_parent(stream);
	if (stream->socket.fd < 0)
		return start_connection(stream);
	return stream->is_connected ? 0 : finish_connection(stream);
}

/* Sends the rest of the last frame. 0 if there is none any more. */
static int send_rest(struct slog_stream *stream)
{
	while (stream->rest != NULL) {
		ssize_t sent = send(stream->socket.fd, stream->rest + stream->rest_start,
		                    stream->rest_length - stream->rest_start, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EINTR)
			return errno;
		if (sent > 0)
			stream->rest_start += (size_t)sent;
		if (stream->rest_start == stream->rest_length)
			forget_rest(stream);
	}
	return 0;
}

bool slog_stream_has_rest(struct slog_stream *stream)
{
	leave_to_parent(stream);
	int error = send_rest(stream);
	if (error != 0 && error != EAGAIN)
		slog_stream_disconnect(stream, error);
	return stream->rest != NULL;
}

void slog_stream_give_up_rest(struct slog_stream *stream)
{
	leave_to_parent(stream);
	if (stream->rest != NULL)
		slog_stream_disconnect(stream, ETIMEDOUT);
}

/* Keeps what of a frame follows its first `sent` octets. False without memory: the frame is torn then. */
static bool keep_rest(struct slog_stream *stream, const struct iovec *pieces, size_t parts, size_t sent,
                      enum slog_severity severity)
{
	size_t length = 0;
	for (size_t i = 0; i < parts; i++)
		length += pieces[i].iov_len;
	stream->rest = malloc(length - sent);
	if (stream->rest == NULL)
		return false;
	stream->rest_start = 0;
	stream->rest_length = 0;
	stream->rest_severity = severity;
	for (size_t i = 0; i < parts; i++) {
		size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
		memcpy(stream->rest + stream->rest_length, (const char *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
		stream->rest_length += pieces[i].iov_len - skip;
		sent -= skip;
	}
	return true;
}

/* Frames that `sent` octets began; of the last one the rest is kept. */
static size_t count_frames(struct slog_stream *stream, const struct iovec *pieces, size_t parts, size_t sent,
                           enum slog_severity severity)
{
	size_t frames = 0;
	while (sent > 0) {
		const struct iovec *frame = pieces + frames * parts;
		size_t length = 0;
		for (size_t i = 0; i < parts; i++)
			length += frame[i].iov_len;
		if (sent < length) {
			if (!keep_rest(stream, frame, parts, sent, severity)) {
				slog_stream_disconnect(stream, ENOMEM);
				return frames;
			}
			return frames + 1;
		}
		sent -= length;
		frames++;
	}
	return frames;
}

size_t slog_stream_send(struct slog_stream *stream, struct iovec *pieces, size_t parts, size_t frames,
                        enum slog_severity severity, int *error)
{
	ssize_t sent = -1;
	*error = send_rest(stream);
	if (*error == 0) {
		struct msghdr message = {.msg_iov = pieces, .msg_iovlen = parts * frames};
		do
			sent = sendmsg(stream->socket.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		while (sent < 0 && errno == EINTR);
		*error = sent < 0 ? errno : 0;
	}
	if (*error != 0) {
		if (*error != EAGAIN)
			slog_stream_disconnect(stream, *error);
		return 0;
	}
	size_t taken = count_frames(stream, pieces, parts, (size_t)sent, severity);
	if (taken < frames)
		*error = stream->socket.fd >= 0 ? EAGAIN : ENOMEM;
	return taken;
}

/* One try; EAGAIN if waiting may help. */
static int try_to_write(struct slog_stream *stream, struct iovec *pieces, size_t parts, enum slog_severity severity)
{
	int error = slog_stream_ready(stream);
	if (error == 0)
		slog_stream_send(stream, pieces, parts, 1, severity, &error);
	return error;
}

/* A connection that turns out to be dead took nothing: once more on a new one. */
static int write_now(struct slog_stream *stream, struct iovec *pieces, size_t parts, enum slog_severity severity)
{
	int error = try_to_write(stream, pieces, parts, severity);
	return error == 0 || error == EAGAIN ? error : try_to_write(stream, pieces, parts, severity);
}

/*
 * Nobody waits with the gate held: others could not write meanwhile, and their wait would come from nobody's patience.
 * So the socket that is waited for may be closed by another thread, and its number may lead elsewhere; that costs no more
 * than a wait in vain, since what is written is written with the gate held.
 */
int slog_stream_write(struct slog_stream *stream, struct iovec *pieces, size_t parts, enum slog_severity severity)
{
	struct slog_call_wait call = SLOG_CALL_WAIT;
	int error = EAGAIN;
	int fd = -1;
	if (!slog_patience_may_try(&stream->patience))
		return EAGAIN;
	do {
		if (slog_stream_enter(stream, &call) != 0)
			break;
		if (fd < 0 && slog_stream_is_over(stream))
			slog_stream_disconnect(stream, ECONNRESET);
		error = write_now(stream, pieces, parts, severity);
		fd = stream->socket.fd;
		slog_stream_leave(stream);
	} while (error == EAGAIN && fd >= 0 && slog_patience_wait(&stream->patience, fd, &call));
	pthread_testcancel(); /* a thread that does nothing but log can be cancelled */
	if (error == 0)
		slog_patience_restore(&stream->patience);
	return error;
}

bool slog_stream_is_over(struct slog_stream *stream)
{
	char discarded[DISCARDED_BYTES];
	if (!stream->is_connected)
		return false;
	ssize_t length = recv(stream->socket.fd, discarded, sizeof discarded, MSG_DONTWAIT);
	return length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
}

void slog_stream_wait(struct slog_stream *stream, short events, unsigned ms)
{
	struct pollfd poller = {.fd = stream->socket.fd, .events = events};
	if (stream->socket.fd >= 0 && !stream->is_connected)
		poller.events = POLLOUT;
	poll(&poller, 1, (int)ms);
}

/* The rest of a frame that was reported as sent. 0, or why the peer has not taken it. */
static int finish_rest(struct slog_stream *stream)
{
	uint64_t now = slog_clock_monotonic_ms();
	uint64_t give_up_at = now + SLOG_WAIT_SECOND_MS;
	int error = send_rest(stream);
	while (error == EAGAIN && now < give_up_at) {
		slog_stream_wait(stream, POLLOUT, (unsigned)(give_up_at - now));
		error = send_rest(stream);
		now = slog_clock_monotonic_ms();
	}
	return error;
}

void slog_stream_end(struct slog_stream *stream)
{
	leave_to_parent(stream);
	slog_stream_disconnect(stream, finish_rest(stream));
	slog_endpoint_free(&stream->to);
}
