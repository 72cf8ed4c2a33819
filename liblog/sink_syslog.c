/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to the system's syslog socket: a datagram each, or, where the daemon listens on a stream socket (EPROTOTYPE),
 * ended by NUL as glibc does it. Which of the two it is may change when the daemon is restarted.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "carrier.h"
#include "datagram.h"
#include "losses.h"
#include "stream.h"

#define FRAME_PARTS 2

struct sink_syslog {
	struct slog_sink sink;
	struct slog_losses losses;
	_Atomic bool is_stream;
	struct slog_datagram datagram;
	struct slog_stream stream;
};

static int write_datagram(struct sink_syslog *to, struct iovec *piece)
{
	struct msghdr message = {.msg_iov = piece, .msg_iovlen = 1};
	return slog_datagram_send(&to->datagram, &message);
}

static int write_raw(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	static char nul[1];
	struct sink_syslog *to = (struct sink_syslog *)sink;
	struct iovec frame[FRAME_PARTS] = {{(char *)(size_t)line, length}, {nul, 1}};
	bool is_stream = atomic_load_explicit(&to->is_stream, memory_order_relaxed);
	for (int kinds = 0;; kinds++) {
		int error = is_stream ? slog_stream_write(&to->stream, frame, FRAME_PARTS, severity) : write_datagram(to, frame);
		if (error != EPROTOTYPE || kinds > 0)
			return error;
		is_stream = !is_stream;
		atomic_store_explicit(&to->is_stream, is_stream, memory_order_relaxed);
	}
}

static int write_syslog(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	return slog_losses_write(&((struct sink_syslog *)sink)->losses, write_raw, sink, line, length, severity);
}

static size_t send_over_stream(struct sink_syslog *to, const struct iovec *events, size_t n, int *error)
{
	static char nul[1];
	struct iovec frames[SLOG_CARGO_MAX * FRAME_PARTS];
	for (size_t i = 0; i < n; i++) {
		frames[FRAME_PARTS * i] = events[i];
		frames[FRAME_PARTS * i + 1] = (struct iovec){nul, 1};
	}
	*error = slog_stream_ready(&to->stream);
	return *error == 0 ? slog_stream_send(&to->stream, frames, FRAME_PARTS, n, SLOG_INFO, error) : 0;
}

static size_t send_syslog(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_syslog *to = (struct sink_syslog *)sink;
	bool is_stream = atomic_load_explicit(&to->is_stream, memory_order_relaxed);
	size_t sent = is_stream ? send_over_stream(to, events, n, error)
	                        : slog_datagram_send_many(&to->datagram, events, n, error);
	if (sent == 0 && *error == EPROTOTYPE)
		atomic_store_explicit(&to->is_stream, !is_stream, memory_order_relaxed);
	return sent;
}

static bool has_rest_syslog(struct slog_sink *sink)
{
	return slog_stream_has_rest(&((struct sink_syslog *)sink)->stream);
}

static void finish_syslog(struct slog_sink *sink)
{
	slog_stream_give_up_rest(&((struct sink_syslog *)sink)->stream);
}

static void wait_syslog(struct slog_sink *sink, unsigned ms)
{
	struct sink_syslog *to = (struct sink_syslog *)sink;
	if (atomic_load_explicit(&to->is_stream, memory_order_relaxed))
		slog_stream_wait(&to->stream, POLLOUT, ms);
	else
		slog_datagram_wait(&to->datagram, ms);
}

static void close_syslog(struct slog_sink *sink)
{
	struct sink_syslog *to = (struct sink_syslog *)sink;
	slog_losses_tell(&to->losses, write_raw, sink);
	slog_datagram_end(&to->datagram);
	slog_stream_end(&to->stream);
	free(to);
}

static const struct slog_carrier carrier = {
	.send = send_syslog, .wait = wait_syslog, .has_rest = has_rest_syslog, .finish = finish_syslog,
};

static const struct slog_sink_driver driver = {
	.name = "syslog", .write = write_syslog, .close = close_syslog, .carrier = &carrier,
};

struct slog_sink *slog_sink_syslog(const char *path, const struct slog_encoder *encoder)
{
	struct slog_endpoint endpoint;
	if (!slog_endpoint_unix(&endpoint, path != NULL ? path : SLOG_DEV_LOG)) {
		errno = EINVAL;
		return NULL;
	}
	struct sink_syslog *to = calloc(1, sizeof *to);
	if (to == NULL)
		return NULL;
	to->sink.driver = &driver;
	to->sink.encoder = encoder != NULL ? encoder : &slog_encoder_cee;
	to->sink.max_size = SLOG_EVENT_BYTES_SYSLOG;
	to->is_stream = slog_datagram_start(&to->datagram, &endpoint) == EPROTOTYPE;
	slog_stream_start(&to->stream, &endpoint);
	return &to->sink;
}
