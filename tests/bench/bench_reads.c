/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel takes for reading lines from many TCP connections, in one thread: the system calls of the row
 * `connections` of tests/bench/compare but those of disk and output. The connections are all there before the first line
 * comes; each is read when the kernel tells of it (edge-triggered, as relayd's), its LFs are counted, and that is all. It
 * ends when so many lines have come, and prints one line of JSON with the CPU time since the first of them.
 *
 * Usage: bench_reads PORT --connections N --lines N
 */
#include "bench_common.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, EVENTS_MAX = 1024 };

static uint64_t lines, reads;

static void fail(const char *what)
{
	fprintf(stderr, "bench_reads: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int accept_all(int port, uint64_t connections)
{
	int listener = listen_on_loopback(port), set = epoll_create1(0);
	raise_file_limit();
	for (uint64_t i = 0; i < connections; i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = accept(listener, NULL, NULL)};
		if (event.data.fd < 0 || epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
			fail("a connection");
	}
	return set;
}

/* Until a read does not fill its room: what comes behind it is told anew. */
static void read_edge(int fd)
{
	static uint8_t octets[READ_BYTES];
	ssize_t got;
	do {
		got = recv(fd, octets, READ_BYTES, MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0)
			fail("a connection ended before all lines had come");
		reads++;
		const uint8_t *next = octets, *end = octets + got;
		for (const uint8_t *lf; (lf = memchr(next, '\n', (size_t)(end - next))) != NULL; next = lf + 1)
			lines++;
	} while (got == READ_BYTES);
}

static void read_until(int set, uint64_t wanted)
{
	struct epoll_event ready[EVENTS_MAX];
	while (lines < wanted) {
		int count = epoll_wait(set, ready, EVENTS_MAX, -1);
		for (int i = 0; i < count; i++)
			read_edge(ready[i].data.fd);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_reads PORT --connections N --lines N\n");
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t connections = 0, wanted = 0;
	if (argc != 6)
		usage();
	for (int i = 2; i < argc; i += 2)
		*(strcmp(argv[i], "--connections") == 0 ? &connections : &wanted) = strtoull(argv[i + 1], NULL, 10);
	if (connections == 0 || wanted == 0)
		usage();
	int set = accept_all(atoi(argv[1]), connections);
	poll(&(struct pollfd){.fd = set, .events = POLLIN}, 1, -1); /* takes nothing out of the set */
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	read_until(set, wanted);
	getrusage(RUSAGE_SELF, &after);
	printf("{\"lines\":%llu,\"lines_per_read\":%.1f,\"user_seconds\":%.3f,\"system_seconds\":%.3f,"
		   "\"last_at\":%.6f}\n", (unsigned long long)lines, (double)lines / (double)reads,
		   seconds_between(before.ru_utime, after.ru_utime), seconds_between(before.ru_stime, after.ru_stime),
		   seconds_now());
	return 0;
}
