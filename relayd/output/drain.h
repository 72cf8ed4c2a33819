/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far an unconfirmed stream has got: which messages have left this machine. A write that succeeds means "in my
 * kernel's buffer"; here a message counts only when the kernel's send queue has drained past it, that is when the peer's
 * kernel has taken it. What a peer's kernel held when the peer died is the loss that remains.
 */
#ifndef RELAYD_OUTPUT_DRAIN_H
#define RELAYD_OUTPUT_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DRAIN_MARKS = 1024,
	DRAIN_MARK_OCTETS = 4096, /* marks are so far apart, or one write if that is less */
};

/* A place in the stream: all octets before `octets` carry the messages up to `sequence`. */
struct drain_mark {
	uint64_t octets;
	uint64_t sequence;
};

/* One connection's. All zero is a new one. */
struct drain {
	struct drain_mark marks[DRAIN_MARKS]; /* ring */
	size_t first, count;
	uint64_t octets;      /* appended to the stream's output so far */
	uint64_t sequence;    /* of the last message appended */
	uint64_t marked;      /* octets at the newest mark */
};

/* A message that took so many octets was appended. */
void drain_note(struct drain *drain, uint64_t sequence, size_t octets);

/* What was appended so far is written out: marks it, however little it is. */
void drain_mark(struct drain *drain);

/*
 * `left` octets (or more than so many of the application's) are still on this machine. True if messages have left since the
 * last call: all up to `*sequence`.
 */
bool drain_advance(struct drain *drain, uint64_t left, uint64_t *sequence);

/* Whether everything appended and marked has left. */
static inline bool drain_is_dry(const struct drain *drain)
{
	return drain->count == 0 && drain->marked == drain->octets;
}

enum drain_socket {
	DRAIN_SOCKET_GOOD = 0,
	DRAIN_SOCKET_BROKEN = 1, /* the peer has closed, or there is an error: its queue says nothing any more */
};

/* Octets in the kernel's send queue. `closing`: we have shut our side down, so the peer's end is no surprise. */
enum drain_socket drain_queued(int fd, bool closing, uint64_t *octets);

#endif
