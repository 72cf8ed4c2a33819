/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a spool, looked at from outside: its segments, block by block, with every place that is damaged. Changes
 * nothing and takes no lock, so that it works beside a running relay: what is written or released meanwhile is seen as it
 * was when the spool was opened here, or not at all.
 *
 * One thread. What a place lends lives until the next call on the walk.
 */
#ifndef RELAYD_SPOOL_SPOOL_FILES_H
#define RELAYD_SPOOL_SPOOL_FILES_H

#include "spool/block_header.h"
#include "spool/disk.h"
#include "spool/spool_drops.h"
#include "spool/spool_peek.h"

struct spool_files;

/* One segment, oldest first. */
struct spool_files_segment {
	uint64_t counter;
	uint64_t first;         /* as its name says */
	uint64_t size;          /* of the file */
	bool valid;             /* its header is; the rest means nothing otherwise */
	uint64_t previous_last; /* last sequence stored before it */
	uint64_t salt;
	int64_t begun_ns;
	bool foreign;           /* its header names another spool: somebody copied it here, and relayd refuses to start */
};

/* The name of the segment's file; `name` has DISK_NAME_MAX_BYTES. */
void spool_files_name(const struct spool_files_segment *segment, char *name);

/* Renames the segment's file, "set-aside-" before its name, and syncs that: out of the spool. 0 or a negative errno. */
int spool_files_set_segment_aside(const struct spool_files *files, const struct spool_files_segment *segment);

/* Opens the spool at `path`. NULL and a sentence in `error` (SPOOL_ERROR_MAX_BYTES) if it is none or cannot be read. */
struct spool_files *spool_files_open(const char *path, char *error);

/*
 * The same of one file of blocks that lies below the spool: an output's quarantine. It has no cursors, and sequences that
 * are not in it are not missing. `name` is relative to the spool's directory.
 */
struct spool_files *spool_files_open_file(const char *path, const char *name, char *error);

void spool_files_close(struct spool_files **files);

unsigned spool_files_count(const struct spool_files *files);
const struct spool_files_segment *spool_files_segment(const struct spool_files *files, unsigned index);

/* Octets of spare files, and how many files hold octets that were set aside as damaged. */
uint64_t spool_files_spare_bytes(const struct spool_files *files);
unsigned spool_files_set_aside(const struct spool_files *files);

/* The cursors as they were last written; at most `max` are filled in, all are counted. Negative errno: not readable. */
int spool_files_cursors(const struct spool_files *files, struct spool_peeked *cursors, unsigned max);

/* The last sequence there is, 0 if there never was one. Looks through the headers of the newest segment's blocks. */
uint64_t spool_files_last(const struct spool_files *files);

/*
 * The rule of `relayctl spool drop` at a place (0 .. SPOOL_DROP_RULES_MAX - 1), as it was when the spool was opened here,
 * and what it had dropped as cursors were last written. False if there is none.
 */
bool spool_files_drop(struct spool_files *files, unsigned place, struct spool_drop_rule *rule, uint64_t *dropped);

/* The spool's random id, SPOOL_STREAM_ID_BYTES octets: means something if its cursors can be read. */
const uint8_t *spool_files_id(const struct spool_files *files);

/* For spool_input_name() only: the names that records mean by their inputs. */
const struct spool *spool_files_names(const struct spool_files *files);

/* For spool_streams(), spool_sent_stream() and spool_id() only: the streams as they were last written. */
struct spool *spool_files_streams(struct spool_files *files);

/* ---- walking ---- */

enum spool_place_kind {
	SPOOL_PLACE_BLOCK = 0,    /* a valid block of any kind */
	SPOOL_PLACE_DAMAGE = 1,   /* octets that should be a block, and the sequences that are missing for it */
	SPOOL_PLACE_TAIL = 2,     /* the end of what was written; `len` octets of an unfinished write lie behind it */
	SPOOL_PLACE_RELEASED = 3, /* the segment was given back while it was walked: the next one follows */
	SPOOL_PLACE_NEWER = 4,    /* a newer version wrote this; the walk is at its end */
	SPOOL_PLACE_END = 5,      /* all was seen */
};

struct spool_place_found {
	const struct spool_files_segment *segment;
	uint64_t offset;
	uint64_t len;                /* of octets from there on */
	uint64_t first;              /* sequences in the block, or missing; last < first: none */
	uint64_t last;
	const char *why;             /* of damage: what is wrong */
	struct block_header header;  /* of a block */
	struct bytes records;        /* of a block of records, unpacked */
};

struct spool_files_walk;

/* A walk that begins with the segment that `sequence` is in. NULL if memory is short. */
struct spool_files_walk *spool_files_walk_open(const struct spool_files *files, uint64_t sequence);
void spool_files_walk_close(struct spool_files_walk **walk);

/* The next place; payloads are checked, too, and those of records unpacked. */
enum spool_place_kind spool_files_next(struct spool_files_walk *walk, struct spool_place_found *place);

#endif
