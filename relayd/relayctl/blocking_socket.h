/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets as a command wants them that does one thing after the other: calls return when they are done. */
#ifndef RELAYD_RELAYCTL_BLOCKING_SOCKET_H
#define RELAYD_RELAYCTL_BLOCKING_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/bytes.h"

/*
 * A connected socket, or -1 with errno. A call on it, connecting too, fails with EAGAIN or EINPROGRESS after so many
 * seconds; 0: whenever the system thinks so.
 */
int blocking_socket_connect(const struct sockaddr *address, socklen_t len, int type, unsigned seconds);

/* Sends all of it; false with errno. */
bool blocking_socket_send(int fd, struct bytes bytes);

#endif
