/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a sink in tests: sockets in a folder of the test's own, read with a limit of time. */
#ifndef TESTS_UNIT_LIBLOG_PEER_H
#define TESTS_UNIT_LIBLOG_PEER_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <liblog/sink.h>

/* The thread sanitizer does not let children of programs with threads start any, unless it is asked. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

#define PEER_WAIT_MS 5000
#define PEER_BYTES (1 << 20)

static char peer_folder[64];
static char peer_path[96];
static char peer_text[PEER_BYTES + 1];

static inline void peer_make_folder(void)
{
	strcpy(peer_folder, "/tmp/liblog-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(peer_folder));
	snprintf(peer_path, sizeof peer_path, "%s/socket", peer_folder);
}

static inline void peer_remove_folder(void)
{
	unlink(peer_path);
	rmdir(peer_folder);
}

/* A socket bound to peer_path; a stream socket listens. */
static inline int peer_unix(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, peer_path);
	unlink(peer_path);
	int fd = socket(AF_UNIX, type, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

/* A socket on a loopback port (0: any), which is put as "127.0.0.1:port" into text. */
static inline int peer_inet(int type, int port, char text[32])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t size = sizeof address;
	int on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(text, 32, "127.0.0.1:%d", ntohs(address.sin_port));
	return fd;
}

static inline bool peer_has_something(int fd, int ms)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	return poll(&poller, 1, ms) > 0;
}

static inline int peer_accept(int listener)
{
	ck_assert(peer_has_something(listener, PEER_WAIT_MS));
	int fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* One datagram, or what a stream has now, as text. */
static inline const char *peer_read(int fd)
{
	ck_assert(peer_has_something(fd, PEER_WAIT_MS));
	ssize_t length = read(fd, peer_text, PEER_BYTES);
	ck_assert_int_ge(length, 0);
	peer_text[length] = '\0';
	return peer_text;
}

/* Reads a stream until it has given this many octets. */
static inline const char *peer_read_all(int fd, size_t wanted)
{
	size_t length = 0;
	while (length < wanted) {
		ck_assert(peer_has_something(fd, PEER_WAIT_MS));
		ssize_t more = read(fd, peer_text + length, PEER_BYTES - length);
		ck_assert_int_gt(more, 0);
		length += (size_t)more;
	}
	peer_text[length] = '\0';
	return peer_text;
}

static inline void peer_use(struct slog_sink *sink)
{
	struct slog_options options = {.size = sizeof options, .app_name = "app", .hostname = "host", .sink = sink};
	ck_assert_ptr_nonnull(sink);
	ck_assert_int_eq(slog_open(&options), 0);
}

static inline struct slog_counters peer_counted(void)
{
	struct slog_counters counters = {.size = sizeof counters};
	slog_stats(&counters);
	return counters;
}

static inline uint64_t peer_dropped_info(void)
{
	return peer_counted().dropped[SLOG_INFO];
}

static inline long peer_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif
