/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel and the disk take for a relay that syncs: the system calls of some rows of tests/bench/compare, at a
 * period of one's choice, in one thread. Beside them it counts LFs (light) or copies each line once (aggregates): no
 * parsing, no checksums, no TLS. A relay that makes these calls as often cannot take less.
 *
 *   light        lines over TCP; every PERIOD: read each connection, write, sync, send on over one TCP connection. The
 *                row `light`
 *   aggregates   datagrams over UDP_GRO; every PERIOD: read, write past the page cache, sync, append as lines to a file,
 *                which is synced every 16 MiB. The row `udp-gro-file`, "relayd aggregates"
 *   datagrams    the same without UDP_GRO, each with its sender's address and the kernel's time. The row `udp-file`
 *   octets       octets over one TCP connection, of LINES lines: read 256 KiB, sum them up, copy them once, and write each
 *                mebibyte past the page cache and sync it. Nothing goes on. What the receiver of blocks in the row
 *                `relay-relay` does with them, but for looking at the messages
 *
 * The part of the spool is a file of 64 MiB that was written before, so no sync has to find blocks for it. It begins with
 * the first message, ends when all senders have closed (light) or nothing came for a second (the others), and prints one
 * line of JSON. Its files are FOLDER/spool and FOLDER/out. Lines are those of bench_send, without --mix but for light.
 *
 * With --messages each datagram is read, packed, checked and found again as well, by relayd's own functions, called for all
 * of a group at once: what its promises take of every message, without threads, accounts and limits.
 *
 * Usage: bench_floor light PORT OUT_PORT FOLDER --period MICROSECONDS [--connections N] [--no-sync]
 *        bench_floor aggregates|datagrams PORT FOLDER --period MICROSECONDS [--messages] [--no-sync]
 *        bench_floor octets PORT FOLDER --lines LINES [--no-sync]
 */
#include "bench_common.h"

#include "base/clock.h"
#include "frame/non_transparent_framing.h"
#include "spool/block.h"
#include "spool/spool.h"
#include "syslog/envelope.h"
#include "syslog/parse.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

enum {
	GROUP_MAX_BYTES = 8 << 20,
	BLOCK_ROOM = 2 * GROUP_MAX_BYTES, /* for the messages of a group and what is packed before each */
	PAGE_BYTES = 4096,
	SPOOL_BYTES = 64 << 20,
	FILE_SYNC_BYTES = 16 << 20,
	FILE_KEPT_BYTES = 4 << 20, /* the rest is given back to the kernel, as relayd's file output does */
	RECEIVE_BUFFER_BYTES = 64 << 20,
	AGGREGATE_MAX_BYTES = 65536,
	DATAGRAMS_BATCH = 128,
	READ_BYTES = 256 << 10, /* of octets; so much is a block, too */
	OCTETS_GROUP_BYTES = 1 << 20,
	CONNECTIONS_MAX = 64,
	QUIET_MS = 1000,
};

/* What was read of a line whose end is not here yet. */
struct begun {
	uint8_t line[LINE_MAX_BYTES + 1];
	size_t len;
};

struct floor {
	bool syncs, messages, aggregates;
	uint64_t period_us;
	struct pollfd in[CONNECTIONS_MAX]; /* of datagrams one; a connection that is over: -1 */
	struct begun begun[CONNECTIONS_MAX];
	unsigned in_count;
	int out, spool;
	uint8_t *group; /* begins with a page */
	size_t len;
	off_t spool_at, out_at, forgotten;
	uint64_t lines, groups, sum;
	uint64_t longest_sync_us;
	double ended; /* the last group */
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
	return open(path, O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
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

/*
 * A segment as one that went round: every block of it was written before, in small pieces where it stays in the page cache,
 * so that the kernel does not take (and count) it in large ones. Not all file systems know O_DIRECT.
 */
static void open_spool(struct floor *floor, const char *folder, bool is_direct)
{
	floor->spool = is_direct ? open_in(folder, "spool", O_DIRECT) : -1;
	off_t piece = floor->spool >= 0 ? GROUP_MAX_BYTES : PAGE_BYTES;
	if (floor->spool < 0)
		floor->spool = open_in(folder, "spool", 0);
	if (floor->spool < 0)
		fail("FOLDER/spool");
	memset(floor->group, 0, GROUP_MAX_BYTES);
	for (off_t at = 0; at < SPOOL_BYTES; at += piece)
		if (pwrite(floor->spool, floor->group, (size_t)piece, at) != piece)
			fail("write");
	fsync(floor->spool);
}

/* Accepts the senders once it is ready, all of them before it reads. */
static void open_light(struct floor *floor, const char *port, const char *out_port, const char *folder)
{
	struct sockaddr_in to = loopback(out_port);
	int listener = bind_to(port, SOCK_STREAM), yes = 1;
	open_spool(floor, folder, false);
	floor->out = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(floor->out, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(floor->out, (struct sockaddr *)&to, sizeof(to)) != 0 || listen(listener, CONNECTIONS_MAX) != 0)
		fail("connect or listen");
	for (unsigned i = 0; i < floor->in_count; i++)
		floor->in[i] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
}

static void open_octets(struct floor *floor, const char *port, const char *folder)
{
	int listener = bind_to(port, SOCK_STREAM);
	open_spool(floor, folder, true);
	if (listen(listener, 1) != 0)
		fail("listen");
	floor->in[0] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
}

static void open_datagrams(struct floor *floor, const char *port, const char *folder)
{
	int yes = 1, room = RECEIVE_BUFFER_BYTES;
	open_spool(floor, folder, true);
	floor->out = open_in(folder, "out", O_APPEND);
	if (floor->out < 0)
		fail("FOLDER/out");
	int fd = bind_to(port, SOCK_DGRAM);
	if ((setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0 &&
	     setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) != 0) ||
	    (floor->aggregates ? setsockopt(fd, IPPROTO_UDP, UDP_GRO, &yes, sizeof(yes))
	                       : setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes))) != 0)
		fail("SO_RCVBUF, UDP_GRO or SO_TIMESTAMPNS");
	floor->in[0] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/* Appends the whole lines that are there to the group, as long as it has room. */
static void read_connection(struct floor *floor, unsigned i)
{
	struct begun *begun = &floor->begun[i];
	uint8_t *start = floor->group + floor->len;
	size_t room = GROUP_MAX_BYTES - floor->len;
	int yes = 1, fd = floor->in[i].fd;
	if (room <= begun->len)
		return; /* the disk stalled, and so much has come that it takes more than one group */
	memcpy(start, begun->line, begun->len);
	ssize_t got = recv(fd, start + begun->len, room - begun->len, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		close(fd);
		floor->in[i].fd = -1;
	}
	if (got <= 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
	uint8_t *end = start + begun->len + got, *next = start;
	for (uint8_t *lf; (lf = memchr(next, '\n', (size_t)(end - next))) != NULL; next = lf + 1)
		floor->lines++;
	begun->len = (size_t)(end - next);
	if (begun->len > sizeof begun->line)
		fail("a line is too long");
	memcpy(begun->line, next, begun->len);
	floor->len += (size_t)(next - start);
}

static bool has_senders(const struct floor *floor)
{
	for (unsigned i = 0; i < floor->in_count; i++)
		if (floor->in[i].fd >= 0)
			return true;
	return false;
}

static void read_connections(struct floor *floor)
{
	floor->len = 0;
	for (unsigned i = 0; i < floor->in_count; i++)
		if (floor->in[i].fd >= 0)
			read_connection(floor, i);
}

/* All datagrams that are there, side by side: their lines are of one length. */
static void read_datagrams(struct floor *floor)
{
	static struct mmsghdr messages[DATAGRAMS_BATCH];
	static struct iovec pieces[DATAGRAMS_BATCH];
	static struct sockaddr_storage peers[DATAGRAMS_BATCH];
	static union {
		struct cmsghdr header;
		uint8_t octets[CMSG_SPACE(sizeof(struct timespec))];
	} controls[DATAGRAMS_BATCH];
	int got = DATAGRAMS_BATCH;
	floor->len = 0;
	while (got == DATAGRAMS_BATCH && floor->len + DATAGRAMS_BATCH * LINE_BYTES <= GROUP_MAX_BYTES) {
		for (unsigned i = 0; i < DATAGRAMS_BATCH; i++) {
			pieces[i] = (struct iovec){floor->group + floor->len + i * LINE_BYTES, LINE_BYTES};
			messages[i].msg_hdr =
				(struct msghdr){&peers[i], sizeof(peers[i]), &pieces[i], 1, &controls[i], sizeof(controls[i]), 0};
		}
		got = recvmmsg(floor->in[0].fd, messages, DATAGRAMS_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < got; i++)
			if (messages[i].msg_len != LINE_BYTES)
				fail("a datagram of another length");
		floor->len += got > 0 ? (size_t)got * LINE_BYTES : 0;
		floor->lines += got > 0 ? (uint64_t)got : 0;
	}
}

/* The same with UDP_GRO. */
static void read_aggregates(struct floor *floor)
{
	floor->len = 0;
	while (floor->len + AGGREGATE_MAX_BYTES <= GROUP_MAX_BYTES) {
		ssize_t got = recv(floor->in[0].fd, floor->group + floor->len, AGGREGATE_MAX_BYTES, MSG_DONTWAIT);
		if (got <= 0)
			break;
		floor->len += (size_t)got;
		floor->lines += (size_t)got / LINE_BYTES;
	}
}

static void sync_spool(struct floor *floor)
{
	uint64_t began = microseconds_now();
	if (fdatasync(floor->spool) != 0)
		fail("sync");
	uint64_t took = microseconds_now() - began;
	floor->longest_sync_us = took > floor->longest_sync_us ? took : floor->longest_sync_us;
}

static void store(struct floor *floor, const uint8_t *octets, size_t whole)
{
	if (floor->spool_at + (off_t)whole > SPOOL_BYTES)
		floor->spool_at = 0;
	if (pwrite(floor->spool, octets, whole, floor->spool_at) != (ssize_t)whole)
		fail("write");
	floor->spool_at += (off_t)whole;
	if (floor->syncs)
		sync_spool(floor);
}

/* Makes a block of the group's messages, which begins with a page; returns its length. */
static size_t pack_block(const struct floor *floor, struct spool_block *block)
{
	static struct parse_context parse;
	static struct envelope envelope = {.peer = {.transport = TRANSPORT_UDP, .port = 514}, .input = 1};
	struct envelope_context packing;
	parse.received_ns = envelope.received_ns = clock_wall_ns();
	block_start(block, envelope.input, parse.received_ns);
	envelope_context_start(&packing, parse.received_ns);
	for (size_t at = 0; at + LINE_BYTES <= floor->len; at += LINE_BYTES) {
		envelope.raw = bytes_of(floor->group + at, LINE_BYTES);
		uint8_t *room = spool_block_reserve(block, ENVELOPE_PACKED_MAX_BYTES + LINE_BYTES);
		if (room == NULL)
			fail("a block is full");
		parse_message(envelope.raw, &parse, &envelope.message);
		size_t packed = envelope_pack(&packing, &envelope, room);
		memcpy(room + packed, envelope.raw.at, LINE_BYTES);
		spool_block_commit(block, packed + LINE_BYTES);
	}
	block_seal(block, NULL, NULL);
	block_header_write(&block->header, 1, block->memory);
	return block_octets(block).len;
}

/* Finds the messages in the block, as an output does that passes them on; returns the length of their lines. */
static size_t lines_of_block(const struct spool_block *block, uint8_t *lines)
{
	struct bytes payload = bytes_of(block->memory + BLOCK_HEADER_BYTES, block->header.stored_len), rest, record, raw;
	struct envelope_context unpacking;
	struct envelope envelope;
	uint64_t replaced = 0;
	size_t len = 0;
	if (!block_payload_is_intact(&block->header, payload))
		fail("a block is damaged");
	envelope_context_start(&unpacking, block->header.base_ns);
	for (rest = bytes_first(payload, block->header.unpacked_len); spool_record_next(&rest, &record);) {
		if (!envelope_skim(&unpacking, record, MESSAGE_FORMATS_ALL, &raw)) {
			if (!envelope_unpack(&unpacking, record, &envelope))
				fail("a record is malformed");
			raw = envelope.raw;
		}
		len += non_transparent_write(raw, ' ', lines + len, &replaced);
	}
	return len;
}

/* One copy of each message with its LF. */
static size_t lines_of_group(const struct floor *floor, uint8_t *lines)
{
	size_t len = 0;
	for (size_t at = 0; at + LINE_BYTES <= floor->len; at += LINE_BYTES, len += LINE_BYTES + 1) {
		memcpy(lines + len, floor->group + at, LINE_BYTES);
		lines[len + LINE_BYTES] = '\n';
	}
	return len;
}

/* One write of all. */
static void append_lines(struct floor *floor, const uint8_t *lines, size_t len)
{
	if (write(floor->out, lines, len) != (ssize_t)len)
		fail("write");
	floor->out_at += (off_t)len;
	if (!floor->syncs || floor->out_at < floor->forgotten + FILE_SYNC_BYTES + FILE_KEPT_BYTES)
		return;
	fdatasync(floor->out);
	posix_fadvise(floor->out, floor->forgotten, FILE_SYNC_BYTES, POSIX_FADV_DONTNEED);
	floor->forgotten += FILE_SYNC_BYTES;
}

static bool wait_for_more(struct floor *floor, int ms)
{
	return poll(floor->in, floor->in_count, ms) > 0;
}

static void run_light(struct floor *floor)
{
	read_connections(floor);
	if (floor->len == 0)
		return;
	floor->groups++;
	store(floor, floor->group, floor->len);
	if (send(floor->out, floor->group, floor->len, MSG_NOSIGNAL) != (ssize_t)floor->len)
		fail("send");
}

static size_t whole_pages(size_t len)
{
	return (len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void run_datagrams(struct floor *floor)
{
	static uint8_t lines[GROUP_MAX_BYTES / LINE_BYTES * (LINE_BYTES + 1)];
	static struct spool_block block;
	if (block.memory == NULL) {
		size_t memory = whole_pages((size_t)block_memory_bytes(BLOCK_ROOM));
		block = (struct spool_block){.memory = aligned_alloc(PAGE_BYTES, memory), .room = BLOCK_ROOM};
		if (block.memory == NULL)
			fail("memory");
		memset(block.memory, 0, memory);
	}
	(floor->aggregates ? read_aggregates : read_datagrams)(floor);
	if (floor->len == 0)
		return;
	floor->groups++;
	if (floor->messages) {
		store(floor, block.memory, whole_pages(pack_block(floor, &block)));
		append_lines(floor, lines, lines_of_block(&block, lines));
	} else {
		store(floor, floor->group, whole_pages(floor->len));
		append_lines(floor, lines, lines_of_group(floor, lines));
	}
}

/* Fills a group, a block's octets at a time. False: the sender has closed. */
static bool read_octets(struct floor *floor, int fd)
{
	static uint8_t octets[READ_BYTES];
	for (floor->len = 0; floor->len < OCTETS_GROUP_BYTES;) {
		ssize_t got = recv(fd, octets, sizeof octets, MSG_WAITALL);
		if (got <= 0)
			return false;
		floor->sum += XXH3_64bits(octets, (size_t)got);
		memcpy(floor->group + floor->len, octets, (size_t)got);
		floor->len += (size_t)got;
	}
	return true;
}

static void run_octets(struct floor *floor)
{
	bool goes_on;
	do {
		goes_on = read_octets(floor, floor->in[0].fd);
		if (floor->len > 0) {
			store(floor, floor->group, whole_pages(floor->len));
			floor->groups++;
		}
	} while (goes_on);
	floor->ended = seconds_now();
}

/* Group after group, until nothing comes any more. */
static void run(struct floor *floor, bool light)
{
	uint64_t next = microseconds_now(), before;
	do {
		before = floor->groups;
		(light ? run_light : run_datagrams)(floor);
		if (floor->groups > before)
			floor->ended = seconds_now();
		uint64_t now = microseconds_now();
		next = next + floor->period_us > now ? next + floor->period_us : now;
		struct timespec until = {.tv_sec = (time_t)(next / 1000000), .tv_nsec = (long)(next % 1000000 * 1000)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	} while (has_senders(floor) && (floor->groups > before || wait_for_more(floor, light ? -1 : QUIET_MS)));
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_floor light PORT OUT_PORT FOLDER --period MICROSECONDS [--connections N] [--no-sync]\n"
	                "       bench_floor aggregates|datagrams PORT FOLDER --period MICROSECONDS [--messages] [--no-sync]\n"
	                "       bench_floor octets PORT FOLDER --lines LINES [--no-sync]\n");
	exit(2);
}

static void read_options(struct floor *floor, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--no-sync") == 0)
			floor->syncs = false;
		else if (strcmp(argv[i], "--messages") == 0)
			floor->messages = true;
		else if (i + 1 < argc && strcmp(argv[i], "--period") == 0)
			floor->period_us = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--lines") == 0)
			floor->lines = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--connections") == 0)
			floor->in_count = (unsigned)atoi(argv[++i]);
		else
			usage();
	}
	if ((floor->period_us == 0) == (floor->lines == 0) || floor->in_count == 0 || floor->in_count > CONNECTIONS_MAX)
		usage();
}

static void tell(const struct floor *floor, double began, const struct rusage *before)
{
	struct rusage after;
	getrusage(RUSAGE_SELF, &after);
	double user = seconds_between(before->ru_utime, after.ru_utime);
	double system = seconds_between(before->ru_stime, after.ru_stime);
	double groups = (double)floor->groups, lines = (double)floor->lines;
	printf("{\"lines\":%.0f,\"groups_per_second\":%.0f,\"lines_per_group\":%.1f,\"cpu_seconds_per_million\":%.2f,"
	       "\"us_per_group\":%.0f,\"user_seconds\":%.3f,\"system_seconds\":%.3f,\"written_bytes\":%llu,"
	       "\"longest_sync_us\":%llu}\n", lines, groups / (floor->ended - began), lines / groups,
	       (user + system) * 1e6 / lines, (user + system) * 1e6 / groups, user, system,
	       (unsigned long long)(after.ru_oublock - before->ru_oublock) * 512, (unsigned long long)floor->longest_sync_us);
}

int main(int argc, char **argv)
{
	static struct floor floor = {.syncs = true, .in_count = 1};
	const char *kind = argc > 4 ? argv[1] : "";
	bool light = argc > 5 && strcmp(kind, "light") == 0, octets = strcmp(kind, "octets") == 0;
	floor.aggregates = strcmp(kind, "aggregates") == 0;
	if (!light && !octets && !floor.aggregates && strcmp(kind, "datagrams") != 0)
		usage();
	read_options(&floor, argc - (light ? 5 : 4), argv + (light ? 5 : 4));
	floor.group = aligned_alloc(PAGE_BYTES, GROUP_MAX_BYTES);
	if (floor.group == NULL)
		fail("memory");
	if (light)
		open_light(&floor, argv[2], argv[3], argv[4]);
	else if (octets)
		open_octets(&floor, argv[2], argv[3]);
	else
		open_datagrams(&floor, argv[2], argv[3]);
	wait_for_more(&floor, -1);
	struct rusage before;
	getrusage(RUSAGE_SELF, &before);
	double began = seconds_now();
	if (octets)
		run_octets(&floor);
	else
		run(&floor, light);
	if (floor.groups == 0) {
		fprintf(stderr, "bench_floor: nothing came\n");
		return 1;
	}
	tell(&floor, began, &before);
	return 0;
}
