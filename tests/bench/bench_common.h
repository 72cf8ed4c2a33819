/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the load and sink programs share: clocks, their own CPU time, a histogram of latencies, and how a line is
 * numbered.
 *
 * Every line carries "n=NNNNNNNNNN t=TTTTTTTTTTTTT ": its number, and the monotonic clock in microseconds when it was
 * made. Who receives it on the same host can tell what is missing, what came twice and how long each took. No other '='
 * of a line has an 'n' before it, so a sink finds the number whatever was written around it.
 */
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum {
	NUMBER_DIGITS = 10,
	TIME_DIGITS = 13,
	STAMP_BYTES = 2 + NUMBER_DIGITS + 3 + TIME_DIGITS, /* n=NNNNNNNNNN t=TTTTTTTTTTTTT */
	LINE_BYTES = 213,                                  /* with what ordinary daemons say */
	LINE_MAX_BYTES = 8000,
};

static inline uint64_t microseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static inline double seconds_now(void)
{
	return (double)microseconds_now() / 1e6;
}

static inline double cpu_seconds(void)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		   (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* As many descriptors as the system allows: ten thousand connections are more than it gives unasked. */
static inline void raise_file_limit(void)
{
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static inline double seconds_between(struct timeval before, struct timeval after)
{
	return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_usec - before.tv_usec) / 1e6;
}

static inline void put_digits(char *at, int digits, uint64_t value)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
}

static inline uint64_t take_digits(const char *at, int digits)
{
	uint64_t value = 0;
	for (int i = 0; i < digits; i++)
		value = value * 10 + (uint64_t)(at[i] - '0');
	return value;
}

/*
 * A TCP socket for a connection of a load; -1 with errno. On loopback most of what a sender transmits is transmitted in the
 * receiver's time, while it acknowledges; a congestion control that paces (BBR, where the machine is set to it) would have
 * the receiver pay for the sender's timers as well. So it is cubic, Linux's own preset, if the kernel lets us choose.
 */
static inline int load_socket(void)
{
	static const char control[] = "cubic";
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, sizeof(control) - 1);
	return fd;
}

/* A TCP socket that listens on 127.0.0.1; without one the program says why, and ends. */
static inline int listen_on_loopback(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, SOMAXCONN) < 0) {
		fprintf(stderr, "%s: port %d: %s\n", program_invocation_short_name, port, strerror(errno));
		exit(1);
	}
	return fd;
}

/* ---- latencies: 64 steps in each power of two, so at most 1.6 % off ---- */

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_STEP_BITS = 6, HISTOGRAM_POWERS = 40 };

struct histogram {
	uint64_t steps[HISTOGRAM_STEPS * HISTOGRAM_POWERS];
	uint64_t count;
};

static inline void histogram_note(struct histogram *histogram, uint64_t us)
{
	size_t at = (size_t)us;
	if (us >= HISTOGRAM_STEPS) {
		unsigned shift = 63 - (unsigned)__builtin_clzll(us) - HISTOGRAM_STEP_BITS;
		at = (size_t)(shift + 1) * HISTOGRAM_STEPS + (size_t)((us >> shift) - HISTOGRAM_STEPS);
	}
	if (at >= HISTOGRAM_STEPS * HISTOGRAM_POWERS)
		at = HISTOGRAM_STEPS * HISTOGRAM_POWERS - 1;
	histogram->steps[at]++;
	histogram->count++;
}

/* The time in microseconds under which that share of the notes lies; 0 without notes. */
static inline uint64_t histogram_at(const struct histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
	for (size_t at = 0; at < HISTOGRAM_STEPS * HISTOGRAM_POWERS; at++) {
		seen += histogram->steps[at];
		if (seen > wanted || (seen > 0 && seen == histogram->count))
			return at < HISTOGRAM_STEPS
					   ? at
					   : (uint64_t)(HISTOGRAM_STEPS + at % HISTOGRAM_STEPS) << (at / HISTOGRAM_STEPS - 1);
	}
	return 0;
}
