/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sender of numbered lines (bench_lines.h), cheap enough not to be the bottleneck: lines are made once, and sent in turn
 * with only their stamps written anew; UDP goes out in batches, or by segmentation offload where asked. Prints one line of
 * JSON when all is sent: messages, when it began (monotonic clock), seconds, its own CPU seconds.
 *
 * With --hold it says "connected" when all connections are, sends when it is told a line, and closes them when it is told
 * another: so their coming and going can be measured apart.
 *
 * Usage: bench_send udp|tcp HOST PORT --count N [--first N] [--rate PER_SECOND] [--connections N]
 *                   [--burst LINES_AT_ONCE] [--line-bytes N] [--gso] [--mix] [--hold]
 */
#include "bench_lines.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 10000,
	WRITE_BYTES = 64 << 10,
	UDP_BATCH = 64,
	GSO_SEGMENTS = 60,
	SEND_BUFFER_BYTES = 4 << 20
};

struct options {
	bool udp, gso, mix, hold;
	struct sockaddr_in to;
	uint64_t count, first, rate, burst;
	unsigned connections;
	size_t line_bytes;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Lines that are sent `each` at once, and again from the first when all are gone. */
static struct queue {
	struct lines lines;
	size_t next;
	uint64_t each;
	struct line_stamp stamp;
} queue;

/* How many lines go at once: as was asked for, or what a millisecond brings at a given rate, else as many as there may. */
static uint64_t burst(const struct options *options, uint64_t most)
{
	uint64_t lines = options->burst > 0 ? options->burst : options->rate > 0 ? options->rate / 1000 + 1 : most;
	return lines < most ? lines : most;
}

static void make_queue(const struct options *options, uint64_t most, bool with_lf)
{
	lines_make(&queue.lines, options->line_bytes, options->mix, with_lf);
	queue.each = burst(options, most < queue.lines.most ? most : queue.lines.most);
	queue.lines.most -= queue.lines.most % queue.each;
}

/* The next lines, at most queue.each, with that number and those behind it. */
static char *stamped_lines(uint64_t first, uint64_t count)
{
	if (queue.next == queue.lines.most)
		queue.next = 0;
	char *at = queue.lines.at + queue.next * queue.lines.step, *line = at;
	line_stamp_begin(&queue.stamp, first);
	for (uint64_t i = 0; i < count; i++, line += queue.lines.step)
		line_stamp(&queue.stamp, &queue.lines.places[queue.next + i], line);
	queue.next += count;
	return at;
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

static void await_line(void)
{
	int octet;
	while ((octet = getchar()) != EOF && octet != '\n')
		;
}

/* Returns when it began to send. */
static double send_tcp(const struct options *options)
{
	static int fds[CONNECTIONS_MAX];
	raise_file_limit();
	for (unsigned i = 0; i < options->connections; i++) {
		fds[i] = load_socket();
		if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)&options->to, sizeof(options->to)) < 0)
			fail("connect");
	}
	make_queue(options, WRITE_BYTES / (options->line_bytes + 1) + 1, true);
	if (options->hold) {
		printf("connected\n");
		fflush(stdout);
		await_line();
	}
	uint64_t sent = 0;
	double started = seconds_now();
	for (unsigned turn = 0; sent < options->count; turn++) {
		uint64_t now = options->count - sent < queue.each ? options->count - sent : queue.each;
		pace(options, started, sent);
		const char *lines = stamped_lines(options->first + sent, now);
		write_all(fds[turn % options->connections], lines, now * queue.lines.step);
		sent += now;
	}
	if (options->hold)
		await_line();
	for (unsigned i = 0; i < options->connections; i++) {
		shutdown(fds[i], SHUT_WR);
		char rest[256];
		while (read(fds[i], rest, sizeof(rest)) > 0)
			;
		close(fds[i]);
	}
	return started;
}

/* Sends the lines as datagrams; returns how many went. */
static uint64_t send_datagrams(int fd, const struct options *options, char *lines, uint64_t count)
{
	static struct mmsghdr headers[UDP_BATCH];
	static struct iovec parts[UDP_BATCH];
	size_t step = queue.lines.step;
	if (options->gso) {
		ssize_t sent = send(fd, lines, count * step, 0);
		if (sent < 0 && errno != EINTR)
			fail("send");
		return sent > 0 ? count : 0;
	}
	for (uint64_t i = 0; i < count; i++) {
		parts[i] = (struct iovec){lines + i * step, step};
		headers[i].msg_hdr.msg_iov = &parts[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	int sent = sendmmsg(fd, headers, (unsigned)count, 0);
	if (sent < 0 && errno != EINTR)
		fail("sendmmsg");
	return sent > 0 ? (uint64_t)sent : 0;
}

static int datagram_socket(const struct options *options)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), segment = (int)options->line_bytes, room = SEND_BUFFER_BYTES;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&options->to, sizeof(options->to)) < 0)
		fail("connect");
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (options->gso && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		fail("UDP_SEGMENT");
	return fd;
}

/* From as many source ports as there are connections, for receivers that share them among sockets. */
static void send_udp(const struct options *options, double started)
{
	static int fds[CONNECTIONS_MAX];
	raise_file_limit();
	for (unsigned i = 0; i < options->connections; i++)
		fds[i] = datagram_socket(options);
	make_queue(options, options->gso ? GSO_SEGMENTS : UDP_BATCH, false);
	uint64_t sent = 0;
	for (unsigned turn = 0; sent < options->count; turn++) {
		uint64_t now = options->count - sent < queue.each ? options->count - sent : queue.each;
		pace(options, started, sent);
		sent += send_datagrams(fds[turn % options->connections], options, stamped_lines(options->first + sent, now), now);
	}
	for (unsigned i = 0; i < options->connections; i++)
		close(fds[i]);
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_send udp|tcp HOST PORT --count N [--first N] [--rate PER_SECOND] [--connections N]\n"
					"                  [--burst LINES_AT_ONCE] [--line-bytes N] [--gso] [--mix] [--hold]\n");
	exit(2);
}

static struct options read_options(int argc, char **argv)
{
	struct options options = {.connections = 1, .line_bytes = LINE_BYTES};
	if (argc < 4 || (strcmp(argv[1], "udp") != 0 && strcmp(argv[1], "tcp") != 0))
		usage();
	options.udp = strcmp(argv[1], "udp") == 0;
	options.to.sin_family = AF_INET;
	options.to.sin_port = htons((uint16_t)atoi(argv[3]));
	if (inet_pton(AF_INET, argv[2], &options.to.sin_addr) != 1)
		usage();
	for (int i = 4; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		bool *flag = strcmp(argv[i], "--gso") == 0    ? &options.gso
					 : strcmp(argv[i], "--mix") == 0  ? &options.mix
					 : strcmp(argv[i], "--hold") == 0 ? &options.hold
													  : NULL;
		if (flag != NULL) {
			*flag = true;
			continue;
		}
		if (strcmp(argv[i], "--count") == 0)
			options.count = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--first") == 0)
			options.first = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--rate") == 0)
			options.rate = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--burst") == 0)
			options.burst = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--connections") == 0)
			options.connections = (unsigned)atoi(value);
		else if (strcmp(argv[i], "--line-bytes") == 0)
			options.line_bytes = (size_t)atoi(value);
		else
			usage();
		i++;
	}
	if (options.count == 0 || options.connections == 0 || options.connections > CONNECTIONS_MAX ||
		options.line_bytes < LINE_BYTES || options.line_bytes > LINE_MAX_BYTES)
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
		started = send_tcp(&options);
	printf("{\"sent\":%llu,\"began\":%.6f,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", (unsigned long long)options.count,
		   started, seconds_now() - started, cpu_seconds());
	return 0;
}
