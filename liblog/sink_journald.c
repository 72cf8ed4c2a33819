/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to journald by its native protocol: a datagram each, or, for those too large for the socket, a datagram that
 * carries nothing but the descriptor of a sealed memfd with the same octets.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "carrier.h"
#include "datagram.h"
#include "losses.h"

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct sink_journald {
	struct slog_sink sink;
	struct slog_losses losses;
	struct slog_datagram datagram;
};

static bool is_too_large(int error)
{
	return error == EMSGSIZE || error == ENOBUFS;
}

static int write_whole(int fd, const char *octets, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, octets, length);
		if (written < 0 && errno != EINTR)
			return errno;
		if (written > 0) {
			octets += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

/* A sealed memfd with these octets, or a negative errno value. */
static int make_memfd(const struct iovec *event)
{
	int fd = memfd_create("liblog", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int error = write_whole(fd, event->iov_base, event->iov_len);
	if (error == 0 && fcntl(fd, F_ADD_SEALS, ALL_SEALS) != 0)
		error = errno;
	if (error == 0)
		return fd;
	close(fd);
	return -error;
}

/* Sends by memfd, within the patience or, if wait is false, without waiting. A thread that is cancelled would leave it. */
static int send_memfd(struct sink_journald *to, const struct iovec *event, bool wait)
{
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	int fd = make_memfd(event);
	if (fd < 0) {
		pthread_setcancelstate(cancel_state, &cancel_state);
		return -fd;
	}
	struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	int error = wait ? slog_datagram_send(&to->datagram, &message) : slog_datagram_try(&to->datagram, &message);
	close(fd);
	pthread_setcancelstate(cancel_state, &cancel_state);
	return error;
}

static int write_raw(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct sink_journald *to = (struct sink_journald *)sink;
	struct iovec event = {(char *)(size_t)line, length};
	struct msghdr message = {.msg_iov = &event, .msg_iovlen = 1};
	(void)severity;
	int error = slog_datagram_send(&to->datagram, &message);
	return is_too_large(error) ? send_memfd(to, &event, true) : error;
}

static int write_journald(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	return slog_losses_write(&((struct sink_journald *)sink)->losses, write_raw, sink, line, length, severity);
}

static size_t send_journald(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_journald *to = (struct sink_journald *)sink;
	size_t sent = slog_datagram_send_many(&to->datagram, events, n, error);
	while (sent < n && is_too_large(*error)) {
		*error = send_memfd(to, &events[sent], false);
		if (*error != 0)
			return sent;
		sent++;
		if (sent < n)
			sent += slog_datagram_send_many(&to->datagram, events + sent, n - sent, error);
	}
	return sent;
}

static void wait_journald(struct slog_sink *sink, unsigned ms)
{
	slog_datagram_wait(&((struct sink_journald *)sink)->datagram, ms);
}

static void close_journald(struct slog_sink *sink)
{
	struct sink_journald *to = (struct sink_journald *)sink;
	slog_losses_tell(&to->losses, write_raw, sink);
	slog_datagram_end(&to->datagram);
	free(to);
}

static const struct slog_carrier carrier = {.send = send_journald, .wait = wait_journald};

static const struct slog_sink_driver driver = {
	.name = "journald", .write = write_journald, .close = close_journald, .carrier = &carrier,
};

struct slog_sink *slog_sink_journald(const char *path)
{
	struct slog_endpoint endpoint;
	if (!slog_endpoint_unix(&endpoint, path != NULL ? path : SLOG_JOURNALD_SOCKET)) {
		errno = EINVAL;
		return NULL;
	}
	struct sink_journald *to = calloc(1, sizeof *to);
	if (to == NULL)
		return NULL;
	to->sink.driver = &driver;
	to->sink.encoder = &slog_encoder_journald;
	to->sink.max_size = SLOG_EVENT_BYTES_JOURNALD;
	slog_datagram_start(&to->datagram, &endpoint);
	return &to->sink;
}
