/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sender of numbered RFC 3164 lines, cheap enough not to be the bottleneck: lines are made in place in large buffers, UDP
 * goes out by segmentation offload where asked. Each line carries n=0000000000 ..; who receives can tell what is missing
 * or doubled. Prints one line: messages, seconds, its own CPU seconds.
 *
 * Usage: bench_send udp|tcp HOST PORT --count N [--connections N] [--rate PER_SECOND] [--gso]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 213, NUMBER_DIGITS = 10, CONNECTIONS_MAX = 64, LINES_PER_WRITE = 300,
       UDP_BATCH = 64, GSO_SEGMENTS = 60 };

static const char line_start[] = "<38>Oct 11 22:14:15 web01.example.net sshd[4711]: n=";
static const char line_end[] = " Failed password for invalid user administrator from 192.0.2.147 port 54460 ssh2: RSA "
                               "SHA256:Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5d2FsZG9mcmVkcGx1Z2h4eXp6eXRodWQ";

struct options {
	bool udp, gso;
	struct sockaddr_in to;
	uint64_t count, rate;
	unsigned connections;
};

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* One line without its end of line; exactly LINE_BYTES. */
static void make_line(char *at, uint64_t number)
{
	size_t start = sizeof line_start - 1;
	memcpy(at, line_start, start);
	for (int digit = NUMBER_DIGITS - 1; digit >= 0; digit--, number /= 10)
		at[start + (size_t)digit] = (char)('0' + number % 10);
	size_t used = start + NUMBER_DIGITS;
	size_t rest = LINE_BYTES - used;
	size_t end = sizeof line_end - 1 < rest ? sizeof line_end - 1 : rest;
	memcpy(at + used, line_end, end);
	memset(at + used + end, 'x', rest - end);
}

/* Waits until `sent` messages are due at the rate asked for. */
static void pace(const struct options *options, double started, uint64_t sent)
{
	if (options->rate == 0)
		return;
	double ahead = started + (double)sent / (double)options->rate - seconds_now();
	if (ahead > 0.0005)
		usleep((useconds_t)(ahead * 1e6));
}

static uint64_t burst(const struct options *options, uint64_t most)
{
	uint64_t lines = options->rate > 0 ? options->rate / 1000 + 1 : most;
	return lines < most ? lines : most;
}

static void write_all(int fd, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, at, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			fail("write");
		at += written;
		len -= (size_t)written;
	}
}

static void send_tcp(const struct options *options, double started)
{
	int fds[CONNECTIONS_MAX];
	for (unsigned i = 0; i < options->connections; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)&options->to, sizeof options->to) < 0)
			fail("connect");
	}
	static char buffer[LINES_PER_WRITE * (LINE_BYTES + 1)];
	uint64_t sent = 0, each = burst(options, LINES_PER_WRITE);
	for (unsigned turn = 0; sent < options->count; turn++) {
		uint64_t lines = options->count - sent < each ? options->count - sent : each;
		char *at = buffer;
		for (uint64_t i = 0; i < lines; i++, at += LINE_BYTES + 1) {
			make_line(at, sent + i);
			at[LINE_BYTES] = '\n';
		}
		pace(options, started, sent);
		write_all(fds[turn % options->connections], buffer, (size_t)(at - buffer));
		sent += lines;
	}
	for (unsigned i = 0; i < options->connections; i++) {
		shutdown(fds[i], SHUT_WR);
		char rest[256];
		while (read(fds[i], rest, sizeof rest) > 0)
			;
		close(fds[i]);
	}
}

static uint64_t send_segments(int fd, uint64_t first, uint64_t lines)
{
	static char buffer[GSO_SEGMENTS * LINE_BYTES];
	for (uint64_t i = 0; i < lines; i++)
		make_line(buffer + i * LINE_BYTES, first + i);
	if (send(fd, buffer, lines * LINE_BYTES, 0) < 0 && errno != EINTR)
		fail("send");
	return lines;
}

static uint64_t send_batch(int fd, uint64_t first, uint64_t lines)
{
	static char buffer[UDP_BATCH * LINE_BYTES];
	static struct mmsghdr headers[UDP_BATCH];
	static struct iovec parts[UDP_BATCH];
	for (uint64_t i = 0; i < lines; i++) {
		make_line(buffer + i * LINE_BYTES, first + i);
		parts[i] = (struct iovec){buffer + i * LINE_BYTES, LINE_BYTES};
		headers[i].msg_hdr.msg_iov = &parts[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	int sent = sendmmsg(fd, headers, (unsigned)lines, 0);
	if (sent < 0 && errno != EINTR)
		fail("sendmmsg");
	return sent > 0 ? (uint64_t)sent : 0;
}

static void send_udp(const struct options *options, double started)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&options->to, sizeof options->to) < 0)
		fail("connect");
	int segment = LINE_BYTES, room = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	if (options->gso && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0)
		fail("UDP_SEGMENT");
	uint64_t sent = 0, each = burst(options, options->gso ? GSO_SEGMENTS : UDP_BATCH);
	while (sent < options->count) {
		uint64_t lines = options->count - sent < each ? options->count - sent : each;
		pace(options, started, sent);
		sent += options->gso ? send_segments(fd, sent, lines) : send_batch(fd, sent, lines);
	}
	close(fd);
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_send udp|tcp HOST PORT --count N [--connections N] [--rate PER_SECOND] [--gso]\n");
	exit(2);
}

static struct options read_options(int argc, char **argv)
{
	struct options options = {.connections = 1};
	if (argc < 4)
		usage();
	options.udp = strcmp(argv[1], "udp") == 0;
	options.to.sin_family = AF_INET;
	options.to.sin_port = htons((uint16_t)atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &options.to.sin_addr) != 1)
		usage();
	for (int i = 4; i < argc; i++) {
		if (strcmp(argv[i], "--gso") == 0)
			options.gso = true;
		else if (i + 1 < argc && strcmp(argv[i], "--count") == 0)
			options.count = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--rate") == 0)
			options.rate = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--connections") == 0)
			options.connections = (unsigned)atoi(argv[++i]);
		else
			usage();
	}
	if (options.count == 0 || options.connections == 0 || options.connections > CONNECTIONS_MAX)
		usage();
	return options;
}

int main(int argc, char **argv)
{
	struct options options = read_options(argc, argv);
	double started = seconds_now();
	if (options.udp)
		send_udp(&options, started);
	else
		send_tcp(&options, started);
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	             (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	printf("{\"sent\":%llu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", (unsigned long long)options.count,
	       seconds_now() - started, cpu);
	return 0;
}
