/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's own struct, for the files of this folder and for tests that step its threads by hand.
 *
 * Who may touch what:
 *   - `table` is under `table_lock`: segments, spare files, what they take on the disk. Taken by the writer once per
 *     group, by readers once per refill, by the keeper; never by workers.
 *   - `current` and the rest of `writer` are the writer's; nobody else writes to segments.
 *   - Atomics are what others look at.
 *
 * Invariants (spool_check() asserts them):
 *   1. appended >= stored >= delivered of each cursor.
 *   2. Segments are in the order of their counters, and their first sequences never go down.
 *   3. The newest segment is the one being written; its `end` is behind the block that holds `stored`.
 *   4. Segments hold all that the cursors on disk still need.
 *   5. slots_free = capacity - blocks that workers or the queue have: every one of these has its place on the disk.
 *   6. The ledger: stored of all inputs + unattributed + unused = appended.
 */
#ifndef RELAYD_SPOOL_SPOOL_INTERNAL_H
#define RELAYD_SPOOL_SPOOL_INTERNAL_H

#include "base/rate_limit.h"
#include "spool/cursor.h"
#include "spool/disk.h"
#include "spool/drops.h"
#include "spool/ledger.h"
#include "spool/marks.h"
#include "spool/pool.h"
#include "spool/recent.h"
#include "spool/segment.h"
#include "spool/spool.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	SPARES_MAX = 64,
	RECENT_POOL_PART = 2,               /* the window of recent groups is this part of all pools */
	LONG_SEGMENT_PART = 64,             /* a start looks long through blocks that fill more than this part of a segment */
	GROUP_GATHER_BYTES = 256 << 10,     /* a group of so much is written at once */
	GROUP_MAX_BYTES = 4 << 20,          /* the rest waits for the next sync */
	GROUP_GATHER_NS = 1000 * 1000,      /* from the start of one group to that of the next, if less waits */
	GROUP_GATHER_UNAWAITED_NS = 1250 * 1000, /* the same, while no sender waits for an answer */
	GROUP_AWAITED_NS = 100 * 1000 * 1000,    /* so long after the last one that did, none does */
	CURSOR_SYNC_NS = 250 * 1000 * 1000, /* from a cursor's move to its sync; a second is promised */
	SPACE_RETRY_NS = 1000 * 1000 * 1000,/* between attempts when the file system was full */
	DAMAGE_NOTES_MAX = 64,              /* places found by readers that the keeper has not yet looked at */
	SET_ASIDE_MAX_BYTES = 16 << 20,     /* of damaged octets kept, all together */
	SEGMENT_SLOTS_MIN = 4,              /* blocks of full size that a segment must hold */
};

struct segment_entry {
	uint64_t counter;
	uint64_t first;
	uint64_t size;    /* of the file */
	uint64_t end;     /* readers may read up to here: everything before is final */
	int64_t begun_ns; /* 0: not known yet; INT64_MAX: not readable */
};

/* A damaged place, for the keeper to log and set aside. */
struct damage_note {
	uint64_t counter;
	uint64_t offset;
	uint64_t len;
	uint64_t first;   /* sequences lost; last < first: none */
	uint64_t last;
};

struct segment_table {
	struct segment_entry *entry; /* oldest first */
	unsigned count;
	unsigned room;
	uint64_t spare[SPARES_MAX];  /* numbers of spare files, all of segment_size_bytes */
	unsigned spares;
	uint64_t next_number;        /* for the next spare file */
	bool file_system_full;       /* the last attempt to make one failed for want of space */
	uint64_t set_aside_bytes;
	int64_t capacity;            /* blocks of full size that fit into the current segment and the usable spares */
	struct damage_note damage[DAMAGE_NOTES_MAX];
	unsigned damages;
	uint64_t damage_counted_to;  /* without a note, because there was no room for it */
};

/* The segment being written. */
struct current_segment {
	int file; /* -1: none */
	uint64_t counter;
	uint64_t first;
	uint64_t salt;
	uint64_t size;
	uint64_t head;   /* octets of its header and checkpoint: blocks come behind */
	uint64_t offset; /* where the next block goes */
};

enum writer_sleep {
	WRITER_AWAKE = 0,
	WRITER_IDLE = 1,      /* any block wakes it */
	WRITER_GATHERING = 2, /* enough octets wake it */
};

struct writer {
	pthread_t thread;
	struct current_segment current;
	struct spool_block **group;
	struct spool_block **voids;  /* those that are not written, while a group is judged */
	unsigned group_count;
	struct spool_block control;  /* its memory is the writer's own */
	int64_t control_slots;       /* that it took */
	uint64_t next;               /* sequence of the next record */
	uint64_t synced;             /* everything up to this sequence is on the disk */
	unsigned bad_writes;         /* one after the other */
	_Atomic uint64_t waiting_bytes;
	_Atomic uint32_t sleep;      /* enum writer_sleep; a futex */
	atomic_bool stop;
	atomic_bool nudged;          /* writer_nudge() */
	atomic_bool busy;            /* writing a group */
	_Atomic uint64_t group_started_ns;
	_Atomic uint64_t awaited_ns; /* when last something was handed over whose sender waits for an answer */
	_Atomic uint64_t groups;
	_Atomic uint64_t syncs;
	_Atomic uint64_t written_bytes;
};

struct keeper {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool now;     /* something that cannot wait */
	bool dirty;   /* a cursor moved */
	bool stop;
	bool retry;   /* the keeper's own: come back in a second */
	struct rate_limit log;
};

struct spool {
	struct spool_options options;
	char *path;
	const struct disk *disk;
	int directory;
	int lock_file;
	bool started;
	uint8_t id[SPOOL_ID_BYTES];
	struct ledger ledger;
	atomic_bool loss_is_told;   /* events.lost was called, and nobody has asked again; by the counters that drops write */
	struct marks marks;
	_Atomic uint64_t voided[SPOOL_INPUTS_MAX]; /* spool_stream_voided() */
	struct cursors cursors;
	struct drops drops;
	struct pool *pool; /* one per worker */
	struct recent recent;

	pthread_mutex_t table_lock;
	struct segment_table table;

	_Atomic uint64_t appended;
	_Atomic uint64_t stored;
	_Atomic uint64_t first;
	_Atomic int64_t slots_free;
	_Atomic int level;
	atomic_bool wants_room;     /* a worker went without a block */
	_Atomic uint64_t release_at;/* a cursor that reaches this may free a segment */

	pthread_mutex_t readers_lock;
	struct spool_reader *readers;

	struct writer writer;
	struct keeper keeper;

	atomic_bool failed;
	pthread_mutex_t failed_lock;
	char error[SPOOL_ERROR_MAX_BYTES];
};

/* ---- spool.c ---- */

/* Ends all writing for good and tells the owner, once. From any of the spool's threads. */
void spool_fail(struct spool *spool, const char *doing, int error);

static inline bool spool_has_failed(const struct spool *spool)
{
	return atomic_load_explicit(&spool->failed, memory_order_acquire);
}

/* A count of what is lost has moved: tells the owner, if he waits for it. With no lock held. From any thread. */
void spool_note_loss(struct spool *spool);

/* The number line has moved: tells the owner. From any thread. */
void spool_note_move(struct spool *spool);

/* Random octets; never fails. */
void spool_random(void *out, size_t len);

/* ---- spool_segments.c: files of segments and spares ---- */

/* Adds a segment as the newest. False if memory is short. table_lock held, or before the threads start. */
bool segments_add(struct spool *spool, const struct segment_entry *entry);

/*
 * Writes the header (counter, first and previous_last are given) and the checkpoint of a new segment into a spare file of
 * at least `size` octets, made if there is none: everything but its name. 0 or a negative errno, and then it is closed.
 */
int segment_prepare(struct spool *spool, const struct segment_header *place, uint64_t size,
                    struct current_segment *segment, uint64_t *spare);

/* Syncs a prepared segment and gives it its name, and its place in the table. 0 or a negative errno. */
int segment_publish(struct spool *spool, struct current_segment *segment, uint64_t spare);
/* Gives back the room behind a segment's last good block: nothing there will ever be read. Only then it is closed. */
void segment_cut(struct spool *spool, struct segment_entry *entry, uint64_t at);

/* Makes a preallocated spare file and notes it. 0 or a negative errno. */
int segment_make_spare(struct spool *spool);

/* Opens the segment for reading. A handle, or a negative errno. */
int segment_open(const struct spool *spool, uint64_t counter, uint64_t first);

/* Notes a damaged place for the keeper. Beyond DAMAGE_NOTES_MAX only the sequences are counted. */
void segments_note_damage(struct spool *spool, const struct damage_note *note);

/* ---- spool_space.c: slots and the level ---- */

/* Octets that the largest block takes. */
uint64_t space_slot_bytes(const struct spool *spool);

/* Octets that a checkpoint may take: all that is known now, and the marks' reserve. */
uint32_t space_checkpoint_bytes(const struct spool *spool);

/* How many spare files there should be. */
unsigned space_spares_wanted(const struct spool *spool);

/* May another spare file be made within max_size? table_lock held. */
bool space_may_grow(const struct spool *spool);

/* Octets of all files. table_lock held. */
uint64_t space_on_disk(const struct spool *spool);

/* Reserves the places of `slots` full blocks; false if there are not so many. From any thread. */
bool space_reserve(struct spool *spool, int64_t slots);

/*
 * Recounts after blocks were written or returned (`slots` of them) or files came or went: slots, level. Tells the owner
 * if there is more room than before. From any thread.
 */
void space_settle(struct spool *spool, int64_t slots);

/* ---- spool_writer.c ---- */

/* Writes, syncs and publishes one group of what waits. False if nothing waited or the spool has failed. */
bool writer_turn(struct spool *spool);
/* Writes a control block by itself, if the ledger changed. */
void writer_flush_ledger(struct spool *spool);
/* Marks the segment as closed in order. */
void writer_end(struct spool *spool);
/*
 * Leaves the current segment for a new one whose first record is `first` (rule 17). Sequences behind `previous_last` were
 * never used. 0 or a negative errno.
 */
int writer_rotate(struct spool *spool, uint64_t first, uint64_t previous_last);
void *writer_main(void *spool);
void writer_stop(struct spool *spool);
/* There is something for a control block though no blocks wait. From any thread. */
void writer_nudge(struct spool *spool);
/* A worker has queued `len` octets. */
void writer_notify(struct spool *spool, uint64_t len);

/* ---- spool_keeper.c ---- */

/* Does everything that is due: cursors, releasing, spares, outputs that are behind. */
void keeper_turn(struct spool *spool);
void *keeper_main(void *spool);
void keeper_stop(struct spool *spool);
/* Wakes the keeper at once, or (`now` false) within CURSOR_SYNC_NS. From any thread but workers. */
void keeper_wake(struct spool *spool, bool now);

/* ---- spool_recover.c ---- */

/* Loads or creates everything below the open and locked directory; see spool_open(). */
enum spool_open_result recover(struct spool *spool, struct spool_recovery *recovery, char *error);

/* ---- spool_reader.c ---- */

/* Wakes the readers that wait. By the writer, after `stored` has moved. */
void readers_wake(struct spool *spool);

/* Wakes those who watch the operator's rules: there is a new one. From any thread. */
void readers_wake_for_drops(struct spool *spool);

#endif
