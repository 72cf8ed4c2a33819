/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events over TCP with octet counting (RFC 6587, 3.4.1): SYSLOG-FRAME = MSG-LEN SP SYSLOG-MSG. TCP tells nobody what
 * arrived: what lay in the buffers of a connection that breaks is lost.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "carrier.h"
#include "losses.h"
#include "number.h"
#include "stream.h"

#define FRAME_PARTS 2
#define MSG_LEN_MAX (SLOG_U64_MAX + 1) /* digits and SP */

struct sink_tcp {
	struct slog_sink sink;
	struct slog_losses losses;
	struct slog_stream stream;
};

static void make_frame(struct iovec frame[FRAME_PARTS], char msg_len[MSG_LEN_MAX], const struct iovec *event)
{
	size_t digits = slog_number_u64(msg_len, event->iov_len);
	msg_len[digits] = ' ';
	frame[0] = (struct iovec){msg_len, digits + 1};
	frame[1] = *event;
}

static int write_raw(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct iovec event = {(char *)(size_t)line, length};
	struct iovec frame[FRAME_PARTS];
	char msg_len[MSG_LEN_MAX];
	make_frame(frame, msg_len, &event);
	return slog_stream_write(&((struct sink_tcp *)sink)->stream, frame, FRAME_PARTS, severity);
}

static int write_tcp(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	return slog_losses_write(&((struct sink_tcp *)sink)->losses, write_raw, sink, line, length, severity);
}

static size_t send_tcp(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_tcp *to = (struct sink_tcp *)sink;
	struct iovec frames[SLOG_CARGO_MAX * FRAME_PARTS];
	char msg_lens[SLOG_CARGO_MAX][MSG_LEN_MAX];
	for (size_t i = 0; i < n; i++)
		make_frame(&frames[FRAME_PARTS * i], msg_lens[i], &events[i]);
	if (slog_stream_is_over(&to->stream))
		slog_stream_disconnect(&to->stream, ECONNRESET);
	*error = slog_endpoint_resolve(&to->stream.to, SOCK_STREAM);
	if (*error == 0)
		*error = slog_stream_ready(&to->stream);
	if (*error == 0)
		return slog_stream_send(&to->stream, frames, FRAME_PARTS, n, SLOG_INFO, error);
	/* A host may have moved. */
	if (*error != EAGAIN)
		slog_endpoint_forget(&to->stream.to);
	return 0;
}

static bool has_rest_tcp(struct slog_sink *sink)
{
	return slog_stream_has_rest(&((struct sink_tcp *)sink)->stream);
}

static void finish_tcp(struct slog_sink *sink)
{
	slog_stream_give_up_rest(&((struct sink_tcp *)sink)->stream);
}

static void wait_tcp(struct slog_sink *sink, unsigned ms)
{
	slog_stream_wait(&((struct sink_tcp *)sink)->stream, POLLOUT, ms);
}

static void close_tcp(struct slog_sink *sink)
{
	struct sink_tcp *to = (struct sink_tcp *)sink;
	slog_losses_tell(&to->losses, write_raw, sink);
	slog_stream_end(&to->stream);
	free(to);
}

static const struct slog_carrier carrier = {
	.send = send_tcp, .wait = wait_tcp, .has_rest = has_rest_tcp, .finish = finish_tcp,
};

static const struct slog_sink_driver driver = {
	.name = "tcp", .write = write_tcp, .close = close_tcp, .carrier = &carrier,
};

struct slog_sink *slog_sink_tcp(const char *address, const struct slog_encoder *encoder)
{
	struct slog_endpoint endpoint;
	struct sink_tcp *to = calloc(1, sizeof *to);
	int error = to == NULL ? ENOMEM : slog_endpoint_inet(&endpoint, address, SOCK_STREAM);
	if (error != 0) {
		free(to);
		errno = error;
		return NULL;
	}
	to->sink.driver = &driver;
	to->sink.encoder = encoder != NULL ? encoder : &slog_encoder_rfc5424;
	to->sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	slog_stream_start(&to->stream, &endpoint);
	return &to->sink;
}
