/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_flag(int fd, int level, int option)
{
	int on = 1;
	/* Each of our flags makes a socket better; without it the socket still works. */
	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

/* What the operator can do about an errno, as the end of a sentence. */
static const char *advice(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "; ports below 1024 need root or CAP_NET_BIND_SERVICE, a path needs a directory we may write to";
	case EADDRINUSE:
		return "; another program listens there: stop it or choose another port";
	case EADDRNOTAVAIL:
		return "; no interface of this machine has that address: write one that it has, or [::] for all";
	case ENOENT:
		return "; the directory must be there before";
	case EMFILE:
	case ENFILE:
		return "; raise the limit of open files (LimitNOFILE)";
	case EAFNOSUPPORT:
		return "; this machine has no such address family";
	default:
		return "";
	}
}

/* Writes "cannot <what> <address>: <errno>; <advice>", closes the descriptor, returns -1. */
static int fail(int fd, const char *what, const struct address *address, char *error)
{
	int saved = errno;
	char text[ADDRESS_TEXT_MAX_BYTES];
	snprintf(error, SOCKET_ERROR_MAX_BYTES, "cannot %s %s: %s%s", what, address_text(address, text), strerror(saved),
			 advice(saved));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int new_socket(const struct address *address, int type)
{
	return socket(address->sa.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int bind_to(int fd, const struct address *address)
{
	if (address->sa.any.sa_family == AF_INET6) {
		/* One socket for both families, whatever net.ipv6.bindv6only says. */
		int off = 0;
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	return bind(fd, &address->sa.any, address->len);
}

static bool is_ipv6_wildcard(const struct address *address)
{
	return address->sa.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->sa.ipv6.sin6_addr);
}

/* The socket for `wanted`; on a machine without IPv6 "[::]" means all there is, and *address becomes 0.0.0.0. */
static int new_inet_socket(const struct address *wanted, int type, struct address *address)
{
	*address = *wanted;
	int fd = new_socket(address, type);
	if (fd >= 0 || errno != EAFNOSUPPORT || !is_ipv6_wildcard(wanted))
		return fd;
	*address = (struct address){.len = sizeof(struct sockaddr_in)};
	address->sa.ipv4.sin_family = AF_INET;
	address->sa.ipv4.sin_port = wanted->sa.ipv6.sin6_port;
	return new_socket(address, type);
}

int socket_listen_tcp(const struct address *address, char *error)
{
	struct address used;
	int fd = new_inet_socket(address, SOCK_STREAM, &used);
	if (fd < 0)
		return fail(fd, "listen on TCP", &used, error);
	set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
	if (bind_to(fd, &used) != 0 || listen(fd, SOCKET_BACKLOG) != 0)
		return fail(fd, "listen on TCP", &used, error);
	return fd;
}

static int receive_buffer_bytes_of(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);
	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len);
	/* The kernel doubles what is asked for, for its own books, and tells the doubled value. */
	return bytes / 2;
}

static int set_receive_buffer(int fd, int wanted)
{
	if (wanted > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
	return receive_buffer_bytes_of(fd);
}

int socket_bind_udp(const struct address *address, bool share, int receive_buffer_bytes, int *got_bytes, char *error)
{
	struct address used;
	int fd = new_inet_socket(address, SOCK_DGRAM, &used);
	if (fd < 0)
		return fail(fd, "receive on UDP", &used, error);
	if (share)
		set_flag(fd, SOL_SOCKET, SO_REUSEPORT);
	set_flag(fd, SOL_SOCKET, SO_TIMESTAMPNS);
	*got_bytes = set_receive_buffer(fd, receive_buffer_bytes);
	if (bind_to(fd, &used) != 0)
		return fail(fd, "receive on UDP", &used, error);
	return fd;
}

bool socket_receive_aggregates(int fd, char *error)
{
	int on = 1;
	if (setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0)
		return true;
	snprintf(error, SOCKET_ERROR_MAX_BYTES, "cannot receive aggregates on UDP: %s; Linux can since 5.0", strerror(errno));
	return false;
}

/* --- Unix sockets ------------------------------------------------------------------------------------------------ */

static bool local_address(const char *path, const char *suffix, struct address *address)
{
	*address = (struct address){.len = 0};
	address->sa.local.sun_family = AF_UNIX;
	size_t room = sizeof(address->sa.local.sun_path);
	int len = snprintf(address->sa.local.sun_path, room, "%s%s", path, suffix);
	address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + 1);
	return len >= 0 && (size_t)len < room;
}

static int refuse_path(const char *path, const char *reason, char *error)
{
	snprintf(error, SOCKET_ERROR_MAX_BYTES, "cannot make the Unix socket \"%.120s\": %s", path, reason);
	return -1;
}

/* Binds to the temporary name with no permissions, gives it those it shall have, and moves it to its place. */
static int bind_local(const char *path, int type, unsigned mode, char *error)
{
	struct address address, temporary;
	struct stat file;
	if (!local_address(path, "", &address) || !local_address(path, SOCKET_LOCAL_SUFFIX, &temporary))
		return refuse_path(path, "the path may have 96 octets at the most", error);
	if (lstat(path, &file) == 0 && !S_ISSOCK(file.st_mode))
		return refuse_path(path, "there is a file that is not a socket: remove it or choose another path", error);
	int fd = new_socket(&temporary, type);
	if (fd < 0)
		return fail(fd, "listen on", &address, error);
	const char *name = temporary.sa.local.sun_path;
	/* Linux makes the file with the socket's own mode: nobody gets in before it has the right one. */
	if (fchmod(fd, 0) != 0 || (unlink(name) != 0 && errno != ENOENT) || bind(fd, &temporary.sa.any, temporary.len) != 0)
		return fail(fd, "listen on", &address, error);
	if (chmod(name, (mode_t)mode) == 0 && (type != SOCK_STREAM || listen(fd, SOCKET_BACKLOG) == 0) &&
		rename(name, path) == 0)
		return fd;
	int saved = errno;
	unlink(name);
	errno = saved;
	return fail(fd, "listen on", &address, error);
}

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof(SOCKET_LOCAL_SUFFIX) == 96, "as the message says");

int socket_listen_local(const char *path, unsigned mode, char *error)
{
	return bind_local(path, SOCK_STREAM, mode, error);
}

int socket_bind_local_datagram(const char *path, unsigned mode, int receive_buffer_bytes, char *error)
{
	int fd = bind_local(path, SOCK_DGRAM, mode, error);
	if (fd < 0)
		return -1;
	set_flag(fd, SOL_SOCKET, SO_PASSCRED);
	set_flag(fd, SOL_SOCKET, SO_TIMESTAMPNS);
	(void)set_receive_buffer(fd, receive_buffer_bytes);
	return fd;
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

int socket_connect(const struct address *address, char *error)
{
	int fd = new_socket(address, SOCK_STREAM);
	if (fd < 0)
		return fail(fd, "connect to", address, error);
	/* An interrupted connect goes on like one that was begun. */
	if (connect(fd, &address->sa.any, address->len) != 0 && errno != EINPROGRESS && errno != EINTR)
		return fail(fd, "connect to", address, error);
	return fd;
}

int socket_connect_udp(const struct address *address, char *error)
{
	int fd = new_socket(address, SOCK_DGRAM);
	if (fd < 0 || connect(fd, &address->sa.any, address->len) != 0)
		return fail(fd, "send UDP to", address, error);
	return fd;
}

int socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return errno;
	return error;
}

static void set_number(int fd, int level, int option, unsigned value)
{
	int number = (int)value;
	if (value > 0)
		(void)setsockopt(fd, level, option, &number, sizeof(number));
}

void socket_set_stream_options(int fd, const struct socket_keepalive *keepalive)
{
	/* We write what belongs together in one call; what is left must not wait for an acknowledgement. */
	set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
	set_flag(fd, SOL_SOCKET, SO_KEEPALIVE);
	set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive->idle_seconds);
	set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive->interval_seconds);
	set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive->probes);
	set_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, keepalive->user_timeout_ms);
}

void socket_acknowledge_next(int fd)
{
	set_flag(fd, IPPROTO_TCP, TCP_QUICKACK);
}

bool socket_peer_has_left(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
	return poll(&peer, 1, 0) > 0;
}

uint32_t socket_drops(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(memory);
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) != 0)
		return 0;
	return memory[SK_MEMINFO_DROPS];
}
