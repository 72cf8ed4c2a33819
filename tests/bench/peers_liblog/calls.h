/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of compare_liblog share: the event that all of them log, and measuring. Each program is called with
 * a number of calls, and prints a line for each thing it does: its name, a tab, nanoseconds of processor time a call, a
 * tab, and the octets of the last line, if it knows them.
 */
#ifndef PEERS_LIBLOG_CALLS_H
#define PEERS_LIBLOG_CALLS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 200, BURST_PAUSE_US = 15000, MEMORY_BYTES = 65536 };

/* Read from memory in each call, so that no compiler knows it. */
static struct {
	const char *volatile msg, *volatile method, *volatile user, *volatile ip, *volatile protocol, *volatile info;
	volatile bool valid;
	volatile int port, attempt;
} login = {
	"Failed password", "password", "root", "192.0.2.147", "ssh2",
	"RSA SHA256:Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0", false, 54460, 3,
};

/* Where lines go that go to memory, and how long the last one was. */
static inline char *memory(void)
{
	static char room[MEMORY_BYTES];
	return room;
}
static size_t memory_length;

static double processor_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Calls in bursts that a socket's queue holds, with time for the reader between them; `pause` 0: without. */
static inline void measure(const char *name, void (*call)(void), int calls, unsigned pause_us)
{
	double spent = 0;
	for (int i = 0; i < BURST; i++)
		call();
	for (int done = 0; done < calls; done += BURST) {
		if (pause_us > 0)
			usleep(pause_us);
		double start = processor_ns();
		for (int i = 0; i < BURST; i++)
			call();
		spent += processor_ns() - start;
	}
	int made = (calls + BURST - 1) / BURST * BURST;
	printf("%s\t%.1f\t%zu\n", name, spent / made, memory_length);
	if (pause_us > 0)
		usleep(pause_us);
}

#endif
