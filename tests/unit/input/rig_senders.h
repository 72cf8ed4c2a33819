/* SPDX-License-Identifier: Apache-2.0 */
/* The senders' side of a rig's input: blocking sockets that are connected to it, and what comes back on them. */
#ifndef TESTS_UNIT_INPUT_RIG_SENDERS_H
#define TESTS_UNIT_INPUT_RIG_SENDERS_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>

#include "rig.h"

static inline uint16_t rig_port(const struct rig *rig)
{
	struct input_status status = rig_status(rig);
	const char *colon = strrchr(status.listen, ':');
	ck_assert_ptr_nonnull(colon);
	return (uint16_t)atoi(colon + 1);
}

/* A connected socket of that kind to the input on 127.0.0.1. */
static inline int rig_connect(const struct rig *rig, int type)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig_port(rig))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static inline int rig_connect_local(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static inline void rig_send_octets(int fd, const void *octets, size_t len)
{
	const char *at = octets;
	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
		ck_assert_msg(sent > 0, "send: %s", strerror(errno));
		at += sent;
		len -= (size_t)sent;
	}
}

static inline void rig_send(int fd, const char *text)
{
	rig_send_octets(fd, text, strlen(text));
}

/* Whether something can be read (or the peer has closed) within the time. */
static inline bool rig_is_readable(int fd, int ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	return poll(&wait, 1, ms) > 0;
}

/* Reads until the peer closes or `size` - 1 octets are there; ends the text with NUL and returns its length. */
static inline size_t rig_receive_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	while (len + 1 < size && rig_is_readable(fd, RIG_WAIT_SECONDS * 1000)) {
		ssize_t got = recv(fd, out + len, size - 1 - len, 0);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	out[len] = '\0';
	return len;
}

/* Reads until the text ends with `end`. */
static inline void rig_receive_until(int fd, const char *end, char *out, size_t size)
{
	size_t len = 0, end_len = strlen(end);
	while (len < end_len || memcmp(out + len - end_len, end, end_len) != 0) {
		ck_assert_uint_lt(len + 1, size);
		ck_assert_msg(rig_is_readable(fd, RIG_WAIT_SECONDS * 1000), "no answer");
		ssize_t got = recv(fd, out + len, size - 1 - len, 0);
		ck_assert_msg(got > 0, "the connection ended instead of an answer");
		len += (size_t)got;
	}
	out[len] = '\0';
}

/* Whether the peer closed (orderly or not) within the time; what it still sends is dropped. */
static inline bool rig_is_closed(int fd)
{
	char dropped[4096];
	while (rig_is_readable(fd, RIG_WAIT_SECONDS * 1000)) {
		if (recv(fd, dropped, sizeof dropped, 0) <= 0)
			return true;
	}
	return false;
}

#endif
