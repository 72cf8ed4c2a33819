/* SPDX-License-Identifier: Apache-2.0 */
/* See socket.h. */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_PORT "514"
#define HOST_MAX 256 /* octets with NUL: RFC 1035, 2.3.4 */
#define PORT_MAX 16
#define PORT_NUMBER_MAX 65535
#define HIGH_DESCRIPTOR 512       /* half of the common limit of 1024 */
#define USER_TIMEOUT_MS 30000U    /* octets that stay unacknowledged that long break a TCP connection */

bool slog_endpoint_unix(struct slog_endpoint *endpoint, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, length);
	endpoint->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	if (path[0] == '@') {
		address.sun_path[0] = '\0';
		endpoint->length--;
	}
	memcpy(&endpoint->address, &address, sizeof address);
	endpoint->name = NULL;
	return true;
}

/* Cuts "host:port", "[host]:port" or "host". False if it is none. */
static bool split(const char *text, char host[HOST_MAX], char port[PORT_MAX])
{
	const char *colon = strrchr(text, ':');
	const char *host_end = colon != NULL ? colon : text + strlen(text);
	const char *port_start = colon != NULL ? colon + 1 : DEFAULT_PORT;
	if (text[0] == '[') {
		text++;
		host_end = strchr(text, ']');
		if (host_end == NULL || (host_end[1] != '\0' && host_end[1] != ':'))
			return false;
		port_start = host_end[1] == ':' ? host_end + 2 : DEFAULT_PORT;
	} else if (memchr(text, ':', (size_t)(host_end - text)) != NULL) {
		return false;
	}
	size_t length = (size_t)(host_end - text);
	if (length == 0 || length >= HOST_MAX || strlen(port_start) == 0 || strlen(port_start) >= PORT_MAX)
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	strcpy(port, port_start);
	return true;
}

/* 1 to 65535 in digits; getaddrinfo() would take the lower 16 bits of a larger number. */
static bool is_port(const char *text)
{
	unsigned long port = text[strspn(text, "0123456789")] == '\0' ? strtoul(text, NULL, 10) : 0;
	return port > 0 && port <= PORT_NUMBER_MAX;
}

/* 0, EAI_NONAME if it is a name and only numbers are wanted, or another EAI_ value. */
static int look_up(struct slog_endpoint *endpoint, const char *text, int socket_type, int flags)
{
	struct addrinfo hints = {.ai_socktype = socket_type, .ai_flags = flags | AI_NUMERICSERV};
	struct addrinfo *found;
	char host[HOST_MAX];
	char port[PORT_MAX];
	if (!split(text, host, port))
		return EAI_SERVICE;
	int error = getaddrinfo(host, port, &hints, &found);
	if (error != 0)
		return error;
	memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
	endpoint->length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int slog_endpoint_inet(struct slog_endpoint *endpoint, const char *text, int socket_type)
{
	char host[HOST_MAX];
	char port[PORT_MAX];
	if (!split(text, host, port) || !is_port(port))
		return EINVAL;
	endpoint->length = 0;
	look_up(endpoint, text, socket_type, AI_NUMERICHOST);
	endpoint->name = strdup(text);
	return endpoint->name == NULL ? ENOMEM : 0;
}

int slog_endpoint_resolve(struct slog_endpoint *endpoint, int socket_type)
{
	if (endpoint->length != 0)
		return 0;
	return look_up(endpoint, endpoint->name, socket_type, AI_ADDRCONFIG) == 0 ? 0 : EHOSTUNREACH;
}

void slog_endpoint_forget(struct slog_endpoint *endpoint)
{
	if (endpoint->name != NULL)
		endpoint->length = 0;
}

void slog_endpoint_free(struct slog_endpoint *endpoint)
{
	free(endpoint->name);
	endpoint->name = NULL;
}

int slog_descriptor_raise(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

static void set_tcp_options(int fd)
{
	int on = 1;
	unsigned timeout = USER_TIMEOUT_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

int slog_socket_connect(struct slog_socket *made, const struct slog_endpoint *endpoint, int socket_type)
{
	struct stat status;
	if (endpoint->length == 0)
		return EDESTADDRREQ;
	int family = endpoint->address.ss_family;
	int fd = socket(family, socket_type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	fd = slog_descriptor_raise(fd);
	if (family != AF_UNIX && socket_type == SOCK_STREAM)
		set_tcp_options(fd);
	int error = connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->length) == 0 ? 0 : errno;
	if ((error != 0 && error != EINPROGRESS) || fstat(fd, &status) != 0) {
		close(fd);
		return error != 0 ? error : EBADF;
	}
	*made = (struct slog_socket){.fd = fd, .device = status.st_dev, .inode = status.st_ino};
	return error;
}

bool slog_socket_is_ours(const struct slog_socket *socket)
{
	struct stat status;
	return socket->fd >= 0 && fstat(socket->fd, &status) == 0 && status.st_dev == socket->device &&
	       status.st_ino == socket->inode;
}

void slog_socket_close(struct slog_socket *socket)
{
	if (slog_socket_is_ours(socket))
		close(socket->fd);
	socket->fd = -1;
}
