/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writer has written last, in memory: a window over the end of the newest segment and of the one before it, from
 * which readers that keep up are served without a look at the disk. It is laid out in whole pages, and the writer writes
 * straight from it, past the page cache: to fill that costs several times the CPU of the disk's own transfer
 * (docs/performance.md), and nobody would read it.
 *
 * A reader that keeps up is waited for before what it would read next is filled again (followers.h).
 *
 * Only while groups are large: at light load the page cache is the cheaper way, and the window's memory is given back.
 *
 * The writer's thread puts; any thread reads.
 */
#ifndef RELAYD_SPOOL_RECENT_H
#define RELAYD_SPOOL_RECENT_H

#include "spool/disk.h"
#include "spool/followers.h"

#include <pthread.h>
#include <stdbool.h>

enum {
	RECENT_LEAST_BYTES = 128 << 10, /* a group of so much is a large one */
	RECENT_PARTS_MAX = 2,           /* the window goes round, so what lies in it is one piece or two */
	RECENT_RUNS = 2,
	RECENT_PATIENCE_NS = 5,         /* an octet, with readers that follow: 21 ms for 4 MiB */
	RECENT_SMALL_PART = 8,          /* small groups use it too, until they have filled this part of it */
	RECENT_HEAD_PART = 8,           /* so much of it a segment's head may take, ... */
	RECENT_HEAD_MAX_BYTES = 256 << 10, /* ... and no more than this */
};

/* Part of a segment in the window. */
struct recent_run {
	uint64_t counter; /* of the segment; 0: none */
	uint64_t begin;   /* in the file, a multiple of DISK_PAGE_BYTES */
	uint64_t end;
	uint64_t place;   /* of `begin` in all that ever went through the window; its remainder by the size is where it lies */
};

struct recent {
	uint8_t *memory; /* NULL until it is needed */
	size_t size;     /* a multiple of DISK_PAGE_BYTES */
	size_t least;    /* RECENT_LEAST_BYTES, but for tests */
	size_t small;    /* octets of the small groups since the last large one */
	struct followers followers;
	pthread_rwlock_t lock;
	/* Written by the writer with the lock; others read with it. */
	struct recent_run run[RECENT_RUNS]; /* the one that grows, and the one before it */
	uint64_t floor;           /* places before it are being filled again, or in no run any more */
};

/* What is to be written: where, and its parts. */
struct recent_group {
	int file;
	uint64_t counter; /* of the segment, 1 or more */
	uint64_t offset;
	const struct iovec *part;
	int count;
	size_t len; /* of all parts together */
};

/* The same in the window: whole pages, for disk_write_pages(). */
struct recent_pages {
	struct iovec part[RECENT_PARTS_MAX];
	int count;
	uint64_t offset;
};

/*
 * A window of `size` octets, rounded up to pages, for which no memory is taken yet. `patience_ns` is RECENT_PATIENCE_NS,
 * or 0 if nobody is to be waited for. False if there is no memory for its locks.
 */
bool recent_init(struct recent *recent, size_t size, unsigned patience_ns);
void recent_free(struct recent *recent);

/* Whether a group of `len` octets goes through the window. By the writer, once for each group. */
bool recent_wants(struct recent *recent, size_t len);

/*
 * Puts a group that recent_wants() into the window. The pages have in front of it what the file has there, and zeros behind
 * it. False if there is no memory or the file cannot be read: then the group is to be written as it is.
 */
bool recent_put(struct recent *recent, const struct disk *disk, const struct recent_group *group,
                struct recent_pages *pages);

/*
 * Copies what the window has of `len` octets at `offset` of a segment, from their first on; returns how much that is.
 * `reader` has joined recent->followers and goes on from there.
 */
size_t recent_read(struct recent *recent, struct follower *reader, uint64_t counter, uint64_t offset, uint8_t *out,
                   size_t len);

#endif
