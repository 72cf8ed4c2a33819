/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel and the disk take for a relay that syncs: the system calls of two rows of tests/bench/compare, at a
 * period of one's choice, in one thread. Beside them it counts LFs (light) or copies each line once (aggregates): no
 * parsing, no checksums, no TLS. A relay that makes these calls as often cannot take less.
 *
 *   light        lines over TCP, one connection; every PERIOD: read, write, sync, send on over TCP. The row `light`
 *   aggregates   datagrams over UDP_GRO; every PERIOD: read, write past the page cache, sync, append as lines to a file,
 *                which is synced every 16 MiB. The row `udp-gro-file`, "relayd aggregates"
 *
 * The part of the spool is a file of 64 MiB that was written before, so no sync has to find blocks for it. It begins with
 * the first message, ends when the sender closes (light) or nothing came for a second (aggregates), and prints one line of
 * JSON. Lines are those of bench_send without --mix for aggregates.
 *
 * Usage: bench_floor light PORT OUT_PORT FOLDER --period MICROSECONDS [--no-sync]
 *        bench_floor aggregates PORT FOLDER --period MICROSECONDS [--no-sync]
 */
#include "bench_common.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	GROUP_MAX_BYTES = 8 << 20,
	PAGE_BYTES = 4096,
	SPOOL_BYTES = 64 << 20,
	FILE_SYNC_BYTES = 16 << 20,
	FILE_KEPT_BYTES = 4 << 20, /* the rest is given back to the kernel, as relayd's file output does */
	RECEIVE_BUFFER_BYTES = 64 << 20,
	AGGREGATE_MAX_BYTES = 65536,
	QUIET_MS = 1000,
};

struct floor {
	bool syncs;
	uint64_t period_us;
	int in, out, spool;
	uint8_t *group; /* begins with a page */
	size_t len;
	off_t spool_at, out_at, forgotten;
	uint64_t lines, groups;
	double ended; /* the last group */
	bool is_over; /* the sender has closed */
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int open_in(const char *folder, const char *name, int flags)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
	if (fd < 0)
		fail(path);
	return fd;
}

static int bind_to(const char *port, int kind)
{
	struct sockaddr_in at = loopback(port);
	int fd = socket(AF_INET, kind, 0), yes = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		fail("bind");
	return fd;
}

/* A segment as one that went round: every block of it was written before. */
static void open_spool(struct floor *floor, const char *folder, int flags)
{
	floor->spool = open_in(folder, "bench_floor.spool", flags);
	memset(floor->group, 0, GROUP_MAX_BYTES);
	for (off_t at = 0; at < SPOOL_BYTES; at += GROUP_MAX_BYTES)
		if (pwrite(floor->spool, floor->group, GROUP_MAX_BYTES, at) != GROUP_MAX_BYTES)
			fail("write");
	fsync(floor->spool);
}

static void open_light(struct floor *floor, const char *port, const char *out_port, const char *folder)
{
	struct sockaddr_in to = loopback(out_port);
	int listener = bind_to(port, SOCK_STREAM), yes = 1;
	open_spool(floor, folder, 0);
	floor->out = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(floor->out, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(floor->out, (struct sockaddr *)&to, sizeof(to)) != 0 || listen(listener, 1) != 0)
		fail("connect or listen");
	floor->in = accept(listener, NULL, NULL);
}

static void open_aggregates(struct floor *floor, const char *port, const char *folder)
{
	int yes = 1, room = RECEIVE_BUFFER_BYTES;
	open_spool(floor, folder, O_DIRECT);
	floor->out = open_in(folder, "bench_floor.out", O_APPEND);
	floor->in = bind_to(port, SOCK_DGRAM);
	if (setsockopt(floor->in, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0 ||
	    setsockopt(floor->in, IPPROTO_UDP, UDP_GRO, &yes, sizeof(yes)) != 0)
		fail("SO_RCVBUFFORCE or UDP_GRO");
}

static void read_stream(struct floor *floor)
{
	int yes = 1;
	ssize_t got = recv(floor->in, floor->group, GROUP_MAX_BYTES, 0);
	floor->len = got > 0 ? (size_t)got : 0;
	floor->is_over = got <= 0;
	setsockopt(floor->in, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
	for (const uint8_t *at = floor->group; (at = memchr(at, '\n', (size_t)(floor->group + floor->len - at))) != NULL; at++)
		floor->lines++;
}

/* All datagrams that are there; their lines are of one length. */
static void read_datagrams(struct floor *floor)
{
	floor->len = 0;
	while (floor->len + AGGREGATE_MAX_BYTES <= GROUP_MAX_BYTES) {
		ssize_t got = recv(floor->in, floor->group + floor->len, AGGREGATE_MAX_BYTES, MSG_DONTWAIT);
		if (got <= 0)
			break;
		floor->len += (size_t)got;
		floor->lines += (size_t)got / LINE_BYTES;
	}
}

static void store(struct floor *floor, size_t whole)
{
	if (floor->spool_at + (off_t)whole > SPOOL_BYTES)
		floor->spool_at = 0;
	if (pwrite(floor->spool, floor->group, whole, floor->spool_at) != (ssize_t)whole)
		fail("write");
	floor->spool_at += (off_t)whole;
	if (floor->syncs && fdatasync(floor->spool) != 0)
		fail("sync");
}

/* One copy of each message with its LF, one write of all. */
static void append_lines(struct floor *floor)
{
	static char lines[GROUP_MAX_BYTES / LINE_BYTES * (LINE_BYTES + 1)];
	size_t len = 0;
	for (size_t at = 0; at + LINE_BYTES <= floor->len; at += LINE_BYTES, len += LINE_BYTES + 1) {
		memcpy(lines + len, floor->group + at, LINE_BYTES);
		lines[len + LINE_BYTES] = '\n';
	}
	if (write(floor->out, lines, len) != (ssize_t)len)
		fail("write");
	floor->out_at += (off_t)len;
	if (!floor->syncs || floor->out_at < floor->forgotten + FILE_SYNC_BYTES + FILE_KEPT_BYTES)
		return;
	fdatasync(floor->out);
	posix_fadvise(floor->out, floor->forgotten, FILE_SYNC_BYTES, POSIX_FADV_DONTNEED);
	floor->forgotten += FILE_SYNC_BYTES;
}

static bool wait_for_more(const struct floor *floor, int ms)
{
	struct pollfd in = {.fd = floor->in, .events = POLLIN};
	return poll(&in, 1, ms) > 0;
}

static void run_light(struct floor *floor)
{
	read_stream(floor);
	if (floor->is_over)
		return;
	floor->groups++;
	store(floor, floor->len);
	if (send(floor->out, floor->group, floor->len, 0) != (ssize_t)floor->len)
		fail("send");
}

static void run_aggregates(struct floor *floor)
{
	read_datagrams(floor);
	if (floor->len == 0)
		return;
	floor->groups++;
	store(floor, (floor->len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
	append_lines(floor);
}

int main(int argc, char **argv)
{
	bool light = argc > 1 && strcmp(argv[1], "light") == 0;
	int options = light ? 5 : 4;
	bool no_sync = argc == options + 3 && strcmp(argv[options + 2], "--no-sync") == 0;
	if ((!light && (argc < 2 || strcmp(argv[1], "aggregates") != 0)) || (argc != options + 2 && !no_sync) ||
	    strcmp(argv[options], "--period") != 0) {
		fprintf(stderr, "usage: bench_floor light PORT OUT_PORT FOLDER --period MICROSECONDS [--no-sync]\n"
		                "       bench_floor aggregates PORT FOLDER --period MICROSECONDS [--no-sync]\n");
		return 2;
	}
	struct floor floor = {.syncs = !no_sync, .period_us = strtoull(argv[options + 1], NULL, 10)};
	floor.group = aligned_alloc(PAGE_BYTES, GROUP_MAX_BYTES);
	if (floor.group == NULL)
		fail("memory");
	if (light)
		open_light(&floor, argv[2], argv[3], argv[4]);
	else
		open_aggregates(&floor, argv[2], argv[3]);
	wait_for_more(&floor, -1);
	double began = seconds_now(), used = cpu_seconds();
	uint64_t next = microseconds_now();
	uint64_t before;
	do {
		before = floor.groups;
		(light ? run_light : run_aggregates)(&floor);
		if (floor.groups > before)
			floor.ended = seconds_now();
		uint64_t now = microseconds_now();
		next = next + floor.period_us > now ? next + floor.period_us : now;
		struct timespec until = {.tv_sec = (time_t)(next / 1000000), .tv_nsec = (long)(next % 1000000 * 1000)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	} while (!floor.is_over && (floor.groups > before || wait_for_more(&floor, QUIET_MS)));
	double seconds = floor.ended - began, groups = (double)floor.groups, lines = (double)floor.lines;
	if (floor.lines == 0) {
		fprintf(stderr, "bench_floor: no line came\n");
		return 1;
	}
	printf("{\"lines\":%.0f,\"groups_per_second\":%.0f,\"lines_per_group\":%.1f,\"cpu_seconds_per_million\":%.2f,"
	       "\"us_per_group\":%.0f}\n", lines, groups / seconds, lines / groups, (cpu_seconds() - used) * 1e6 / lines,
	       (cpu_seconds() - used) * 1e6 / groups);
	return 0;
}
