/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file with every output's place (spool_format.h). All cursors live in one array for the spool's life; a handle that
 * an output holds points into it. Slots are written and synced by the keeper only.
 *
 * Threads: an output moves its cursor, the keeper writes it down and may make it jump; the mutex of each is between
 * these two. Loading, opening, forgetting and renaming happen before the spool's threads start.
 */
#ifndef RELAYD_SPOOL_CURSOR_H
#define RELAYD_SPOOL_CURSOR_H

#include "spool/disk.h"
#include "spool/spool.h"
#include "spool/spool_format.h"
#include "spool/spool_stream.h"

#include <pthread.h>
#include <stdatomic.h>

struct spool_cursor {
	struct spool *spool;
	unsigned place;                 /* in the file */
	bool used;                      /* on disk there is a cursor here */
	bool lost;                      /* there was one, and both of its slots are damaged */
	bool open;                      /* an output has it */
	char name[SPOOL_NAME_MAX_BYTES + 1];
	char renamed_from[SPOOL_NAME_MAX_BYTES + 1]; /* its older slot has this name; empty: the same */
	uint8_t stream_id[SPOOL_STREAM_ID_BYTES]; /* changes, with the lock held, by its output only: spool_cursor_fork() */
	uint64_t start;
	struct spool_cursor_options options; /* without the name; while it is open */

	pthread_mutex_t lock;           /* for what follows */
	_Atomic uint64_t delivered;     /* written with the lock held */
	uint64_t payload_checksum;      /* of the block that delivered lies in */
	struct spool_place block;
	struct spool_output_totals totals;
	struct spool_stream_server server[CURSOR_SERVERS_MAX];
	unsigned servers;
	uint64_t lost_before;           /* lost by servers, and of streams, that are not known any more */
	uint64_t forks;                 /* since the start: how often the stream got a new id */
	bool dirty;                     /* moved since it was last written */
	bool jumped;                    /* by when_behind; the output has not asked yet */
	uint64_t jump_first;
	uint64_t jump_last;

	/* The keeper's own. */
	uint64_t counter;               /* of the slot written last */
	unsigned synced_slot;           /* 0 or 1: the one that must not be overwritten */
	uint64_t forks_written;         /* `forks` as in the slot written last */
	_Atomic uint64_t forks_synced;  /* and as on the disk for certain; read by the output */
	uint64_t written;               /* delivered as in the slot written last */
	uint64_t synced;                /* delivered as on the disk for certain: what segments are released by */
};

_Static_assert((int)CURSOR_SERVERS_MAX == (int)SPOOL_STREAM_SERVERS_MAX, "and for as many servers");
_Static_assert((int)CURSORS_MAX == (int)SPOOL_CURSORS_MAX, "the format has as many places as the interface promises");

struct cursors {
	int file;                       /* -1: not open */
	bool lost;                      /* the file was missing or its header damaged, with segments there */
	struct spool_cursor cursor[CURSORS_MAX];
};

enum cursors_result {
	CURSORS_LOADED = 0,
	CURSORS_MISSING = 1, /* no such file, or a damaged header */
	CURSORS_NEWER = 2,
	CURSORS_FAILED = 3,  /* I/O error; *error is a negative errno */
};

void cursors_init(struct spool *spool);

/* Opens the file and loads all slots and the spool's id. */
enum cursors_result cursors_load(struct spool *spool, int *error);

/* Makes the file anew, all places free, for the spool's id: written, synced, renamed. 0 or a negative errno. */
int cursors_create(struct spool *spool);

/* Size of the file. */
uint64_t cursors_file_bytes(void);

/* Writes all dirty cursors and syncs them. 0 or a negative errno; after a failed sync the process must end. */
int cursors_sync(struct spool *spool);

/*
 * Ends the renaming of cursors that a power cut has interrupted: rules of the old name are from here on those of the new
 * one. Behind drops_load(), before anything is made of either name. 0 or a negative errno.
 */
int cursors_end_renaming(struct spool *spool);

/* Every sequence up to this one may be released: each cursor on disk is past it for certain. UINT64_MAX: no cursors. */
uint64_t cursors_released_to(struct spool *spool);

/* Highest `delivered` of all; 0 if there are none. */
uint64_t cursors_highest(const struct spool *spool);

/* Moves a cursor that is behind to `sequence` and notes the range for its output: dropped (when_behind). */
void cursor_jump(struct spool_cursor *cursor, uint64_t sequence);

/* Closes the file. The cursors stay as they are. */
void cursors_close(struct spool *spool);

#endif
