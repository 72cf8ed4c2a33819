/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams to one peer that may be slow, away, or back again. Any thread, several at a time; no lock is held while a
 * datagram is sent. A child of fork() uses its parent's socket: datagrams do not mix.
 *
 * When the peer is gone each call tries once to find it again, which costs two system calls that do not wait.
 */
#ifndef LIBLOG_DATAGRAM_H
#define LIBLOG_DATAGRAM_H

#include "gate.h"
#include "patience.h"
#include "socket.h"

#define SLOG_DATAGRAMS_MAX 128 /* in one system call */

struct slog_datagram {
	struct slog_endpoint to;
	struct slog_patience patience;
	struct slog_gate gate; /* guards socket */
	struct slog_socket socket;
	_Atomic int fd; /* socket.fd, for those that send */
};

/* Prepares it for the endpoint, which it takes over, and tries to connect. 0, or why there is no connection yet. */
int slog_datagram_start(struct slog_datagram *datagram, const struct slog_endpoint *to);

/* Sends one datagram within the sink's patience. 0, or the errno value with which it was given up. */
int slog_datagram_send(struct slog_datagram *datagram, const struct msghdr *message);

/*
 * Sends up to SLOG_DATAGRAMS_MAX datagrams, one for each piece, without waiting. Returns how many were sent; if not
 * all, *error says what the next one met.
 */
size_t slog_datagram_send_many(struct slog_datagram *datagram, const struct iovec *pieces, size_t n, int *error);

/* Sends one datagram without waiting. 0 or an errno value. */
int slog_datagram_try(struct slog_datagram *datagram, const struct msghdr *message);

/* Waits until it may take datagrams again, so many milliseconds at most. */
void slog_datagram_wait(struct slog_datagram *datagram, unsigned ms);

/* Closes the socket and frees the endpoint. */
void slog_datagram_end(struct slog_datagram *datagram);

#endif
