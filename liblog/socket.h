/* SPDX-License-Identifier: Apache-2.0 */
/* Where a sink's socket leads to, and sockets that never block, never raise SIGPIPE and keep out of the way. */
#ifndef LIBLOG_SOCKET_H
#define LIBLOG_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SLOG_DEV_LOG "/dev/log"
#define SLOG_JOURNALD_SOCKET "/run/systemd/journal/socket"

struct slog_endpoint {
	struct sockaddr_storage address;
	socklen_t length; /* 0: not resolved yet */
	char *name;       /* "host:port" as it was given, from the heap; NULL for Unix sockets */
};

/* A socket and what fstat(2) says of it, by which it is known again. */
struct slog_socket {
	int fd; /* -1: none */
	dev_t device;
	ino_t inode;
};

/* The Unix socket at a path, or abstract if it begins with '@'. False if the path is empty or too long. */
bool slog_endpoint_unix(struct slog_endpoint *endpoint, const char *path);

/*
 * "192.0.2.1:514", "[2001:db8::1]:514", "host.example.net:514"; without port it is 514. Numbers are resolved at once, a
 * host's name only by slog_endpoint_resolve(). 0, EINVAL if the text is none of these, or ENOMEM.
 */
int slog_endpoint_inet(struct slog_endpoint *endpoint, const char *text, int socket_type);

/* Asks the resolver if that is still to be done, which may take many seconds. 0, or EHOSTUNREACH. */
int slog_endpoint_resolve(struct slog_endpoint *endpoint, int socket_type);

/* Makes the next slog_endpoint_resolve() ask again, if a name was given. */
void slog_endpoint_forget(struct slog_endpoint *endpoint);

/* Frees the name. */
void slog_endpoint_free(struct slog_endpoint *endpoint);

/*
 * A socket that does not block and is closed by exec(2), with a connection to the endpoint or one that is on its way
 * (EINPROGRESS). 0, or an errno value; EINPROGRESS also leaves a socket. EDESTADDRREQ if the endpoint is not resolved.
 *
 * Its number is high where the limit allows: a program that closes descriptors that it does not know and opens others
 * then does not get our octets into them.
 */
int slog_socket_connect(struct slog_socket *made, const struct slog_endpoint *endpoint, int socket_type);

/* True if the descriptor still is this socket, and not closed, or taken by the program for something else. */
bool slog_socket_is_ours(const struct slog_socket *socket);

/* Closes the socket if it still is ours; fd is -1 after it. */
void slog_socket_close(struct slog_socket *socket);

/* The descriptor under a high number if there is one, else as it is. Closed by exec(2) in both cases. */
int slog_descriptor_raise(int fd);

#endif
