/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets as we want them: non-blocking, close-on-exec, with the options that a log relay needs. Functions that open
 * give a descriptor, or -1 and a sentence in `error` that names the address, what is wrong and what would be right.
 */
#ifndef RELAYD_NET_SOCKET_H
#define RELAYD_NET_SOCKET_H

#include "net/address.h"

enum {
	SOCKET_ERROR_MAX_BYTES = 384,
	SOCKET_BACKLOG = 65535, /* after an outage all senders come back at once; the kernel caps it at somaxconn */
};

/* Listens on TCP (SO_REUSEADDR; an IPv6 wildcard takes IPv4 too, and is 0.0.0.0 on a machine without IPv6). */
int socket_listen_tcp(const struct address *address, char *error);

/*
 * Behind the name of a Unix socket while it is being made. It stays in the address that the kernel knows; what shows
 * such an address to people cuts it off.
 */
#define SOCKET_LOCAL_SUFFIX ".relayd-new"

/*
 * Listens on a Unix stream socket: binds to path + SOCKET_LOCAL_SUFFIX and renames, so that a stale socket is replaced
 * in one step and is never there with other permissions than `mode`. Anything but a socket at `path` is left and is an
 * error.
 */
int socket_listen_local(const char *path, unsigned mode, char *error);

/*
 * A bound UDP socket. `share`: SO_REUSEPORT. Options: SO_TIMESTAMPNS and the receive buffer: forced past the system's
 * limit if we may (CAP_NET_ADMIN), else up to it; *got_bytes is what is in effect, in the unit of the request. Not
 * SO_RXQ_OVFL: it costs a control message in each datagram and tells less than socket_drops().
 */
int socket_bind_udp(const struct address *address, bool share, int receive_buffer_bytes, int *got_bytes, char *error);

/*
 * From now on the UDP socket receives what the kernel has put together, or a local sender has sent so, as aggregates
 * (UDP_GRO); socket_drops() then counts an aggregate as one. False and a sentence if the kernel cannot (before Linux 5.0).
 */
bool socket_receive_aggregates(int fd, char *error);

/* A bound Unix datagram socket, as socket_listen_local(), with SO_PASSCRED and SO_TIMESTAMPNS. */
int socket_bind_local_datagram(const char *path, unsigned mode, int receive_buffer_bytes, char *error);

/* Starts a TCP or Unix stream connect: the descriptor is connected or connecting (poll for writable, then
 * socket_error()). */
int socket_connect(const struct address *address, char *error);

/* A connected UDP socket for sending. */
int socket_connect_udp(const struct address *address, char *error);

/* SO_ERROR of a connecting socket: 0 when it is connected. */
int socket_error(int fd);

/*
 * For TCP: TCP_NODELAY, SO_KEEPALIVE with these times, TCP_USER_TIMEOUT. What a listening socket has, each that is accepted
 * from it has too (Linux), which saves six calls a connection. Harmless on Unix sockets.
 */
struct socket_keepalive {
	unsigned idle_seconds;
	unsigned interval_seconds;
	unsigned probes;
	unsigned user_timeout_ms;
};
void socket_set_stream_options(int fd, const struct socket_keepalive *keepalive);

/*
 * What has been read over TCP is acknowledged now, and what comes next when it is read, until something is sent; not up to
 * 40 ms later. Harmless on Unix sockets.
 */
void socket_acknowledge_next(int fd);

/*
 * Whether the peer of a stream socket has shut its side, or is gone. What it sent before may still be unread, so that
 * reading would not say so yet.
 */
bool socket_peer_has_left(int fd);

/*
 * The kernel's count of datagrams dropped at this socket since it was opened (SO_MEMINFO), modulo 2^32: callers add up
 * differences. 0 where it is not known.
 */
uint32_t socket_drops(int fd);

#endif
