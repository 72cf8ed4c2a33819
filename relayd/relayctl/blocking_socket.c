/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/blocking_socket.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

int blocking_socket_connect(const struct sockaddr *address, socklen_t len, int type, unsigned seconds)
{
	const struct timeval limit = {.tv_sec = seconds};
	int fd = socket(address->sa_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, address, len) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool blocking_socket_send(int fd, struct bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		bytes = bytes_after(bytes, (size_t)sent);
	}
	return true;
}
