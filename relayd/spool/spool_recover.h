/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of recovery share: finding out what is there, what was set aside, and going on from it. */
#ifndef RELAYD_SPOOL_SPOOL_RECOVER_H
#define RELAYD_SPOOL_SPOOL_RECOVER_H

#include "spool/segment_walk.h"
#include "spool/spool_internal.h"

/* What was found in the newest segments. */
struct found {
	uint64_t last;          /* last sequence kept */
	uint64_t proven;        /* everything up to this is on the disk for certain */
	bool clean;             /* the newest segment has its end block */
	uint64_t unproven_at;   /* where in the newest segment the first block above `proven` lies; == tail_at: none */
	uint64_t tail_at;       /* behind the last good block */
	uint64_t torn_octets;   /* of blocks behind it */
	uint64_t damaged_ranges;
	uint64_t damaged_sequences;
	uint64_t salt;          /* of the newest segment */
	uint64_t trouble_segment; /* unless RECOVERED: where */
	uint64_t trouble_offset;
	uint64_t aside_first;   /* sequences that segments had which were set aside; aside_last < aside_first: none known */
	uint64_t aside_last;
	bool aside;             /* such a segment was found, or is counted now */
	uint64_t aside_from;    /* the lowest counter of those that this start set aside; 0: it did so with none */
	uint64_t counter;       /* the highest of all segments, those that were set aside included */
	bool newest_is_gone;    /* it was empty and became a spare: the offsets above mean nothing any more */
};

enum recover_result {
	RECOVERED = 0,
	RECOVER_NEWER = 1,   /* a newer version wrote it */
	RECOVER_FAILED = 2,  /* I/O error: *error is a negative errno */
	RECOVER_FOREIGN = 3, /* a segment has another spool's id */
};

/*
 * Reads the newest segment with a valid checkpoint and all that follow it: the ledger up to `proven`, and what was found.
 * Segments at the end whose header is damaged are taken out of the table and set aside.
 */
enum recover_result recover_scan(struct spool *spool, struct found *found, int *error);

/*
 * Reads and checks a segment's header. RECOVERED with *valid false if it is damaged; RECOVER_FOREIGN, with *valid true, if
 * it is that of another spool.
 */
enum recover_result recover_read_header(struct spool *spool, const struct segment_entry *entry,
                                        struct segment_header *header, bool *valid, int *error);

/* ---- spool_recover_aside.c ---- */

/*
 * The newest file cannot be read: its blocks cannot be told from anything. It is kept under another name, and out of the
 * table.
 */
enum recover_result recover_set_newest_aside(struct spool *spool, struct found *found, int *error);

/*
 * What the segments had that are set aside and not counted yet, as far as their payloads still show it: those of this start,
 * and of one that was cut before its own segment had its name. The table has what is left.
 */
enum recover_result recover_find_aside(struct spool *spool, struct found *found, int *error);

/*
 * Behind the scan of what is left, and behind what of it is written again: sequences of segments that were set aside are
 * damaged, and not given to other records.
 */
void recover_count_aside(struct spool *spool, struct found *found);

#endif
