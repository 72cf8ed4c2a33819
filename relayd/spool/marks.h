/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of marks (rules 26 and 30): every stream that another relay ever stored here, whose it is, and how far it has
 * come. A mark has three ages, which only the writer moves, always in this order:
 *
 *     appended >= written >= stored
 *
 * appended: decided, as the next block of the stream will be judged by. written: its block is in a segment, so it belongs
 * into the next segment's checkpoint. stored: synced, what peers are told.
 *
 * Threads: the writer judges, notes and publishes; workers look; all under `lock`, which nobody holds for long.
 */
#ifndef RELAYD_SPOOL_MARKS_H
#define RELAYD_SPOOL_MARKS_H

#include "spool/block.h"
#include "spool/sections.h"
#include "spool/spool_stream.h"

#include <pthread.h>

enum {
	MARKS_PEERS_AT_ONCE = 16,    /* new identities that one control block has room for, */
	MARKS_CHANGES_AT_ONCE = 64,  /* and streams that were changed otherwise than by their blocks */
	MARKS_SEGMENT_SHARE = 16,    /* a segment's part of so much is kept for marks in its checkpoint, */
	MARKS_ROOM_MAX_BYTES = 2 << 20, /* and never more than this: all identities and streams at their longest */
};

struct mark_entry {
	uint8_t stream[SPOOL_STREAM_ID_BYTES];
	uint32_t peer;
	struct spool_mark appended;
	struct spool_mark written;
	struct spool_mark stored;
	uint64_t session;              /* 0: none since the start, or it was ended */
	uint64_t ended_session;        /* which, */
	enum spool_stream_state ended; /* and why */
	bool counted;                  /* this session has had a block: the next one's count must continue it */
	uint64_t session_count;
	uint64_t duplicates;
	uint64_t records;              /* of it that were written here */
	uint64_t lost;                 /* and that its relay knows to be lost with what a restored disk had */
	uint64_t lost_told;            /* of these, told downstream */
	int64_t last_ns;               /* wall clock: when the newest of its blocks came; 0: not known */
	uint64_t connected;            /* session of the connection that speaks it now; 0: none */
	char connection[SPOOL_CONNECTION_MAX_BYTES + 1];
	bool changed;                  /* otherwise than by its blocks, and not written yet */
};

struct mark_peer {
	char *identity; /* NULL: nobody's place; or, with streams, not known (what told it was damaged) */
	uint32_t streams;
	bool written;   /* the identity is on the disk, or on its way there */
};

struct marks {
	pthread_mutex_t lock;
	struct mark_entry *entry; /* in the order in which they came */
	unsigned count;
	unsigned entries_room;
	struct mark_peer *peer;
	unsigned peers;
	unsigned peers_room;
	unsigned peers_unwritten; /* of these, identities that are not */
	uint16_t *index;          /* by stream: entry + 1; 0: none */
	bool settled;             /* recovery is over */
	unsigned changed;         /* entries that are */
	uint8_t forgotten[MARKS_CHANGES_AT_ONCE][SPOOL_STREAM_ID_BYTES]; /* not written yet */
	unsigned forgotten_count;
	uint64_t changes;         /* of both kinds, ever; and how many of these are written, and synced */
	uint64_t changes_written;
	uint64_t changes_stored;
	size_t room;              /* octets that the sections may take */
	size_t bytes;             /* octets that they would take now */
};

/* An empty table for segments of this size. False if memory is short. */
bool marks_init(struct marks *marks, uint32_t segment_size);
void marks_free(struct marks *marks);
/* Back to nothing known. Only while one thread has the table. */
void marks_clear(struct marks *marks);

/* Octets that a checkpoint of this segment size has to have in reserve for marks. */
size_t marks_room(uint32_t segment_size);
/* Octets of the sections of a control block, at most; those of a checkpoint are at most `room`, which never changes after
 * recovery. */
size_t marks_changes_bytes_max(void);

/* ---- recovery ---- */

/*
 * Takes over a section of a checkpoint or a control block; false if it is malformed. Of other types: nothing. Records are
 * taken from checkpoints only: behind them they are counted block by block.
 */
bool marks_read_section(struct marks *marks, const struct section *section, bool checkpoint);

/* Everything found is stored. At the end of recovery. */
void marks_settle(struct marks *marks);

/* ---- the writer ---- */

/*
 * Judges a block or a fence, in the order in which they came: true if it is to be appended (the mark is then as if it
 * were, and the block's header has the index of the stream's peer).
 */
bool marks_judge(struct marks *marks, struct spool_block *block);

/* A block was written, or found by recovery. Others than those of a stream: nothing. */
void marks_note_written(struct marks *marks, const struct block_header *header);

/* All blocks written so far are synced. `block`: those of the group. */
void marks_publish(struct marks *marks, struct spool_block *const *block, unsigned count);

/* The sections of a checkpoint. Returns their length, at most `room` of the marks. */
size_t marks_write_all(struct marks *marks, uint8_t *out, size_t room);

/* Identities that are not on the disk yet, and streams that were adopted, forgotten, or lost something. */
bool marks_have_changes(struct marks *marks);
size_t marks_write_changes(struct marks *marks, uint8_t *out, size_t room);

#endif
