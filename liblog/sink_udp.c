/* SPDX-License-Identifier: Apache-2.0 */
/* Events over UDP (RFC 5426), a datagram each. The network may lose them, and nobody is told. */
#include <liblog/sink.h>

#include <errno.h>
#include <stdlib.h>

#include "carrier.h"
#include "datagram.h"
#include "losses.h"

struct sink_udp {
	struct slog_sink sink;
	struct slog_losses losses;
	struct slog_datagram datagram;
};

static int write_raw(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct iovec event = {(char *)(size_t)line, length};
	struct msghdr message = {.msg_iov = &event, .msg_iovlen = 1};
	(void)severity;
	return slog_datagram_send(&((struct sink_udp *)sink)->datagram, &message);
}

static int write_udp(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	return slog_losses_write(&((struct sink_udp *)sink)->losses, write_raw, sink, line, length, severity);
}

static size_t send_udp(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_udp *to = (struct sink_udp *)sink;
	*error = slog_endpoint_resolve(&to->datagram.to, SOCK_DGRAM);
	return *error == 0 ? slog_datagram_send_many(&to->datagram, events, n, error) : 0;
}

static void wait_udp(struct slog_sink *sink, unsigned ms)
{
	slog_datagram_wait(&((struct sink_udp *)sink)->datagram, ms);
}

static void close_udp(struct slog_sink *sink)
{
	struct sink_udp *to = (struct sink_udp *)sink;
	slog_losses_tell(&to->losses, write_raw, sink);
	slog_datagram_end(&to->datagram);
	free(to);
}

static const struct slog_carrier carrier = {.send = send_udp, .wait = wait_udp};

static const struct slog_sink_driver driver = {
	.name = "udp", .write = write_udp, .close = close_udp, .carrier = &carrier,
};

struct slog_sink *slog_sink_udp(const char *address, const struct slog_encoder *encoder)
{
	struct slog_endpoint endpoint;
	struct sink_udp *to = calloc(1, sizeof *to);
	int error = to == NULL ? ENOMEM : slog_endpoint_inet(&endpoint, address, SOCK_DGRAM);
	if (error != 0) {
		free(to);
		errno = error;
		return NULL;
	}
	to->sink.driver = &driver;
	to->sink.encoder = encoder != NULL ? encoder : &slog_encoder_rfc5424;
	to->sink.max_size = SLOG_EVENT_BYTES_UDP;
	slog_datagram_start(&to->datagram, &endpoint);
	return &to->sink;
}
