/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See datagram.h. The socket is connected: that is faster than an address with each datagram, and outlives chroot(2).
 * When it fails it is connected again in place, or replaced if it is no longer ours.
 */
#include "datagram.h"

#include <errno.h>
#include <poll.h>

#define TRIES_MAX 8 /* of one datagram; the bound of time is the patience */
#define GATE_WAIT_MS 1

static bool is_unix(const struct slog_datagram *datagram)
{
	return datagram->to.address.ss_family == AF_UNIX;
}

/* The gate is held. */
static int connect_anew(struct slog_datagram *datagram)
{
	struct slog_socket made = {.fd = -1};
	int error = slog_socket_connect(&made, &datagram->to, SOCK_DGRAM);
	slog_socket_close(&datagram->socket);
	datagram->socket = made;
	atomic_store_explicit(&datagram->fd, made.fd, memory_order_release);
	return error;
}

static int connect_again(struct slog_datagram *datagram)
{
	if (!is_unix(datagram) || !slog_socket_is_ours(&datagram->socket))
		return connect_anew(datagram);
	if (connect(datagram->socket.fd, (const struct sockaddr *)&datagram->to.address, datagram->to.length) == 0)
		return 0;
	return errno;
}

/* After a failure of this descriptor (-1: there is none): 0 if the next try may succeed. */
static int repair(struct slog_datagram *datagram, int failed_fd)
{
	int error = 0;
	if (slog_gate_take_whole(&datagram->gate, GATE_WAIT_MS) == SLOG_GATE_BUSY)
		return EAGAIN;
	if (failed_fd < 0 && datagram->socket.fd < 0)
		error = connect_anew(datagram);
	else if (datagram->socket.fd == failed_fd)
		error = connect_again(datagram);
	slog_gate_leave_whole(&datagram->gate);
	return error;
}

int slog_datagram_start(struct slog_datagram *datagram, const struct slog_endpoint *to)
{
	datagram->to = *to;
	datagram->socket.fd = -1;
	datagram->fd = -1;
	return repair(datagram, -1);
}

/* True if the error may mean that the socket, not this datagram, is what is wrong. */
static bool is_of_socket(int error)
{
	switch (error) {
	case EBADF:
	case ENOTSOCK:
	case ECONNREFUSED:
	case ECONNRESET:
	case ENOTCONN:
	case EDESTADDRREQ:
	case EPIPE:
	case EOPNOTSUPP:
	case EISCONN:
		return true;
	default:
		return false;
	}
}

/* What to do after a failure: 0 to try again at once, else what to tell the caller. */
static int recover(struct slog_datagram *datagram, int fd, int error, unsigned tries)
{
	if (error == EINTR)
		return 0;
	if (!is_of_socket(error) || tries > 1)
		return error;
	/* On UDP ECONNREFUSED is the answer to an earlier datagram; this one was not sent. */
	if (error == ECONNREFUSED && !is_unix(datagram))
		return 0;
	return repair(datagram, fd);
}

static int fd_of(struct slog_datagram *datagram, int *error)
{
	int fd = atomic_load_explicit(&datagram->fd, memory_order_acquire);
	if (fd >= 0)
		return fd;
	*error = repair(datagram, -1);
	return atomic_load_explicit(&datagram->fd, memory_order_acquire);
}

/* send(2) is measurably cheaper than sendmsg(2) where there is but one piece. */
static ssize_t transmit(int fd, const struct msghdr *message)
{
	if (message->msg_iovlen == 1 && message->msg_control == NULL)
		return send(fd, message->msg_iov->iov_base, message->msg_iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sendmsg(fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_one(struct slog_datagram *datagram, const struct msghdr *message, struct slog_call_wait *call)
{
	int error = EAGAIN;
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		int fd = fd_of(datagram, &error);
		if (fd < 0)
			return error;
		if (transmit(fd, message) >= 0)
			return 0;
		error = errno;
		if (error == EAGAIN && call != NULL) {
			if (!slog_patience_wait(&datagram->patience, fd, call))
				return EAGAIN;
			continue;
		}
		int hopeless = recover(datagram, fd, error, tries);
		if (hopeless != 0)
			return hopeless;
	}
	return error;
}

int slog_datagram_send(struct slog_datagram *datagram, const struct msghdr *message)
{
	struct slog_call_wait call = SLOG_CALL_WAIT;
	if (!slog_patience_may_try(&datagram->patience))
		return EAGAIN;
	int error = send_one(datagram, message, &call);
	if (error == 0)
		slog_patience_restore(&datagram->patience);
	return error;
}

int slog_datagram_try(struct slog_datagram *datagram, const struct msghdr *message)
{
	return send_one(datagram, message, NULL);
}

static size_t send_batch(int fd, const struct iovec *pieces, size_t n)
{
	struct mmsghdr messages[SLOG_DATAGRAMS_MAX];
	for (size_t i = 0; i < n; i++)
		messages[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = (struct iovec *)(size_t)&pieces[i], .msg_iovlen = 1},
		};
	int sent = sendmmsg(fd, messages, (unsigned)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent > 0 ? (size_t)sent : 0;
}

size_t slog_datagram_send_many(struct slog_datagram *datagram, const struct iovec *pieces, size_t n, int *error)
{
	size_t sent = 0;
	if (n > SLOG_DATAGRAMS_MAX)
		n = SLOG_DATAGRAMS_MAX;
	for (unsigned tries = 0; sent < n && tries < TRIES_MAX; tries++) {
		int fd = fd_of(datagram, error);
		if (fd < 0)
			return sent;
		size_t more = send_batch(fd, pieces + sent, n - sent);
		sent += more;
		if (more > 0)
			continue;
		*error = errno;
		int hopeless = recover(datagram, fd, *error, tries);
		if (hopeless != 0) {
			*error = hopeless;
			return sent;
		}
	}
	return sent;
}

void slog_datagram_wait(struct slog_datagram *datagram, unsigned ms)
{
	struct pollfd poller = {.fd = atomic_load_explicit(&datagram->fd, memory_order_acquire), .events = POLLOUT};
	poll(&poller, 1, (int)ms);
}

void slog_datagram_end(struct slog_datagram *datagram)
{
	slog_socket_close(&datagram->socket);
	datagram->fd = -1;
	slog_endpoint_free(&datagram->to);
}
