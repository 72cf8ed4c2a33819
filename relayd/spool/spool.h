/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: one queue on disk that every message crosses. Input workers fill blocks of records, the writer thread
 * writes and syncs what waits as one group, readers (one per output) walk the blocks up to `stored`, and cursors say how
 * far each output has come. The number line:
 *
 *     appended >= stored >= (sent >=) delivered
 *
 * `appended` and `stored` belong to the spool and are here; `delivered` belongs to each cursor; `sent` to the output.
 * The format on disk is described in spool_format.h, the policy of writing and syncing in spool_writer.c.
 *
 * Threads: each input worker uses only its own blocks; the writer and keeper threads are the spool's own; a reader and
 * a cursor belong to one thread each. What may be called from anywhere says so.
 */
#ifndef RELAYD_SPOOL_SPOOL_H
#define RELAYD_SPOOL_SPOOL_H

#include "base/bytes.h"
#include "base/varint.h"

struct disk;
struct spool;
struct spool_block;
struct spool_reader;
struct spool_cursor;

enum spool_sync {
	SPOOL_SYNC_GROUP = 0, /* stored means synced (default) */
	SPOOL_SYNC_OFF = 1,   /* stored means written */
};

enum spool_compression {
	SPOOL_COMPRESSION_NONE = 0,
	SPOOL_COMPRESSION_ZSTD = 1,
};

enum {
	SPOOL_NAME_MAX_BYTES = 64,    /* of an input's or output's name */
	SPOOL_INPUTS_MAX = 256,       /* names of inputs that one spool remembers */
	SPOOL_WORKERS_MAX = 64,
	SPOOL_CURSORS_MAX = 64,       /* outputs that one spool has places for */
	SPOOL_ERROR_MAX_BYTES = 512,
	SPOOL_STREAM_ID_BYTES = 16,
	SPOOL_DROP_RULES_MAX = 16,    /* rules of `relayctl spool drop` at a time */
};

/* Why a message that was received is not in the spool. Kept on disk by number: values never change. */
enum spool_drop_reason {
	SPOOL_DROP_SPOOL_FULL = 0,       /* "spool-full": it was full or in its reserve; datagrams, TCP that could not wait */
	SPOOL_DROP_NO_BUFFER = 1,        /* "no-buffer": a datagram while no block was free, or TCP when our stop was over */
	SPOOL_DROP_KERNEL = 2,           /* "kernel": the socket's receive buffer was full (SO_MEMINFO) */
	SPOOL_DROP_PEER_NOT_ALLOWED = 3, /* "peer-not-allowed": a datagram from outside `allowed_peers` */
	SPOOL_DROP_EMPTY = 4,            /* "empty": a datagram of no octets */
	SPOOL_DROP_KERNEL_AGGREGATES = 5, /* "kernel-aggregates": likewise; each one of 1 to 128 datagrams: a lower bound */
	SPOOL_DROP_REASONS = 16,         /* room in the format */
};

/* The words above ("spool-full"); NULL for a number without a name. */
const char *spool_drop_reason_name(enum spool_drop_reason reason);

/*
 * What the spool tells its owner. All are called from the spool's own threads, `lost` and `moved` also from those of workers
 * and outputs, and must only note it and wake somebody.
 */
struct spool_events {
	void *context;
	/* A group was stored and blocks of this worker were in it: once per worker and group. */
	void (*worker_stored)(void *context, unsigned worker);
	/* The level (spool_level) or the number of free blocks became better: inputs that paused may go on. */
	void (*room)(void *context);
	/* A count of what is lost has moved, for the first time since the start or since spool_await_loss(). */
	void (*lost)(void *context);
	/* `stored` has moved, with each group; or an output's `delivered`, at the first time after its cursor was written. */
	void (*moved)(void *context);
	/* A sync or write failed. Nothing after the last `stored` is safe; the process must end (design, section 3). */
	void (*failed)(void *context, const char *error);
};

struct spool_options {
	const char *path;            /* a directory of its own; created with mode 0700 */
	const struct disk *disk;     /* NULL: the real one */
	uint64_t max_size_bytes;     /* of all files together */
	uint64_t reserve_bytes;      /* of max_size, kept for emerg..err from inputs that shed */
	uint32_t segment_size_bytes; /* preallocated size of a segment file */
	uint32_t block_size_bytes;   /* largest unpacked payload of a block */
	enum spool_sync sync;
	enum spool_compression compression;
	bool inputs_lose;            /* what an input does not read in time is gone: the writer waits for no reader */
	unsigned workers;            /* input workers, each with a pool of its own */
	unsigned blocks_per_worker;  /* >= 4; one of them only for inputs that shed */
	struct spool_events events;
};

enum spool_open_result {
	SPOOL_OPENED = 0,
	SPOOL_LOCKED = 1,        /* another process has it */
	SPOOL_NEWER_VERSION = 2, /* written by a version that knows more than we do */
	SPOOL_UNUSABLE = 3,      /* I/O error, not a directory, no permission, no space for its first segment */
};

/* What recovery found; for the log and the status. */
struct spool_recovery {
	bool created;              /* there was none */
	bool clean;                /* it was closed in order */
	uint64_t first_sequence;   /* oldest record kept */
	uint64_t last_sequence;    /* newest record kept, 0 if none ever */
	uint64_t torn_octets;      /* discarded behind the last valid block */
	uint64_t damaged_ranges;   /* places skipped */
	uint64_t damaged_sequences;/* exactly so many records are missing */
	uint64_t rewritten_blocks; /* written again because nothing proved that they were synced (rule 23) */
};

/*
 * Whether a spool of these sizes has room to work; if not, `error` (SPOOL_ERROR_MAX_BYTES) is a sentence with the least
 * that would do. Looks at no file.
 */
bool spool_options_are_sound(const struct spool_options *options, char *error);

/*
 * Opens or creates the spool and recovers it (spool rules 21-24). Starts no thread. On failure `*spool` is NULL and
 * `error` (SPOOL_ERROR_MAX_BYTES) is a sentence with the path, what is wrong and what would be right. The time does not
 * depend on the backlog.
 */
enum spool_open_result spool_open(const struct spool_options *options, struct spool **spool,
                                  struct spool_recovery *recovery, char *error);

/* Starts the writer and keeper threads. Register inputs and open cursors before. */
void spool_start(struct spool *spool);

/*
 * Stops: everything submitted is written and synced, cursors are synced, the segment is closed as clean, the threads end
 * and the lock is given up. Readers and cursors must be closed before. Clears *spool; harmless if NULL.
 */
void spool_close(struct spool **spool);

/* ---- the number line; from any thread ---- */

uint64_t spool_appended(const struct spool *spool);
uint64_t spool_stored(const struct spool *spool);

/* The directory that it was opened with. Lives as long as the spool. From any thread. */
const char *spool_path(const struct spool *spool);

/* The oldest sequence still kept (1 in a new spool). */
uint64_t spool_first(const struct spool *spool);

/* Octets of files in use, max_size, and reserve, for the status. */
struct spool_usage {
	uint64_t used_bytes;     /* segments that hold records some output still needs */
	uint64_t on_disk_bytes;  /* all files, spare segments too */
	uint64_t max_size_bytes;
	uint64_t reserve_bytes;
	uint64_t segments;
	uint64_t groups;         /* written since the start */
	uint64_t syncs;          /* since the start */
	uint64_t written_bytes;  /* of blocks, since the start */
	uint64_t damaged_sequences;
};
void spool_usage(const struct spool *spool, struct spool_usage *usage);

enum spool_level {
	SPOOL_LEVEL_OPEN = 0,    /* everything is taken */
	SPOOL_LEVEL_RESERVE = 1, /* only emerg..err from inputs that shed; inputs that can wait pause */
	SPOOL_LEVEL_FULL = 2,    /* nothing is taken */
};

/* One atomic load: read it per record before it enters a block (rule 8). From any thread. */
enum spool_level spool_level(const struct spool *spool);

/* ---- inputs and their ledger ---- */

/*
 * The index of an input's name in this spool's table, which is kept on disk: the same name has the same index for the
 * spool's life. -1 if SPOOL_INPUTS_MAX names are in use. Before spool_start() only.
 */
int spool_register_input(struct spool *spool, const char *name);

/* The name of an index, for readers; "" for one that is not known. Lives as long as the spool. From any thread. */
const char *spool_input_name(const struct spool *spool, unsigned index);

/* Counts `count` dropped messages. By the worker it names; it reaches the disk with the next group. */
void spool_count_drop(struct spool *spool, unsigned worker, unsigned input, enum spool_drop_reason reason,
                      uint64_t count);

/*
 * Asks to be told, once (events.lost), when one of these counts moves: what inputs dropped, what sources are suspected to
 * have lost, what outputs passed over or found damaged, what next hops and relays before us have lost. Whoever asks first
 * and looks at them then has seen, or is told of, all that is counted meanwhile. From any thread.
 */
void spool_await_loss(struct spool *spool);

/* Totals of one input since the spool was created (ledger, spool-rules.md, section 8). From any thread. */
struct spool_input_totals {
	uint64_t stored;                          /* records in stored groups */
	uint64_t dropped[SPOOL_DROP_REASONS];     /* as counted so far */
};
void spool_input_totals(const struct spool *spool, unsigned input, struct spool_input_totals *totals);

/* ---- writing: by input workers ---- */

/* Whether the input can wait (streams: reading stops) or sheds (datagrams: it drops and counts). */
enum spool_block_use {
	SPOOL_BLOCK_WAITS = 0,
	SPOOL_BLOCK_SHEDS = 1, /* may take the worker's last block (rule 9) */
};

/*
 * Takes an empty block from the worker's pool, with space on disk reserved for it (rule 7), for records of one input.
 * `base_ns` is the receive time that record times count from. NULL if no block is free or the spool has no space for it:
 * then events.room tells when to try again.
 */
struct spool_block *spool_take_block(struct spool *spool, unsigned worker, enum spool_block_use use, unsigned input,
                                     int64_t base_ns);

/* Whether the worker would find one now, but for a failure or a level. If not, events.room tells when to look again. */
bool spool_has_block(struct spool *spool, unsigned worker, enum spool_block_use use);

/* Room for one record of at most `len` octets; NULL if the block has not so much left. Until the next call on it. */
uint8_t *spool_block_reserve(struct spool_block *block, size_t len);

/* Makes the first `len` octets of the reserved room the block's next record. */
void spool_block_commit(struct spool_block *block, size_t len);

/* Records in the block so far. */
uint32_t spool_block_count(const struct spool_block *block);

/*
 * Seals the block (checksum, compression: in the calling worker's thread) and queues it for the writer, who owns it from
 * here on. An empty block just goes back to the pool. Returns the block's ordinal at this worker: 1, 2, 3 ...; for an
 * empty block that of the last one submitted.
 */
uint64_t spool_submit_block(struct spool *spool, struct spool_block *block);

/* Ordinal of the worker's last stored block: a receipt with an ordinal <= this may be answered. From any thread. */
uint64_t spool_worker_stored(const struct spool *spool, unsigned worker);

/* Would the writer start a group now? Then part-filled blocks are handed over at the end of the loop turn (rule 2). */
bool spool_would_start_group(const struct spool *spool);

/*
 * When the writer is busy or gathering: monotonic time of the next group's start, so that a worker that kept a part-filled
 * block knows when to hand it over. Never further away than one and a quarter milliseconds, or one while senders wait
 * for answers, and the sync in flight.
 */
uint64_t spool_next_group_ns(const struct spool *spool);

/*
 * The sender of what is handed over next waits for an answer: while such come, a group starts a millisecond after the
 * one before; else a quarter of one later. From any thread.
 */
void spool_await_group(struct spool *spool);

/*
 * Until when nothing that comes from now on would start a group: monotonic time; 0: it would start one at once. If the
 * writer is late, still at work with a group when the next one is due, it may be ready before. From any thread.
 */
uint64_t spool_gathers_until_ns(const struct spool *spool, bool *is_late);

/* ---- reading: one reader per output ---- */

/* Where a block lies: for cursors. Opaque outside the spool. */
struct spool_place {
	uint64_t segment;
	uint32_t offset;
};

/* One block as a reader lends it: valid until the next call on the reader. */
struct spool_view {
	uint64_t first;            /* sequence of the first record */
	uint64_t last;             /* of the last record */
	uint32_t count;            /* records: last - first + 1 */
	int64_t base_ns;           /* receive time that record times count from */
	unsigned input;            /* index of its input (spool_input_name) */
	struct bytes records;      /* walk it with spool_record_next(); empty if it was to stay packed */
	struct bytes packed;       /* the payload as it lies in the spool */
	uint32_t unpacked_len;     /* octets of the records */
	uint8_t codec;             /* enum block_codec, of `packed` */
	uint64_t payload_checksum; /* of `packed`: for cursors and marks */
	struct spool_place place;
};

/* Cuts the first record off `*records`. False at the end (then it is empty) or if the rest is malformed (it is not). */
static inline bool spool_record_next(struct bytes *records, struct bytes *record)
{
	uint64_t len;
	size_t prefix = varint_read(*records, &len);
	if (prefix == 0 || len > records->len - prefix)
		return false;
	*record = bytes_of(records->at + prefix, (size_t)len);
	*records = bytes_of(record->at + len, records->len - prefix - (size_t)len);
	return true;
}

enum spool_read_result {
	SPOOL_READ_BLOCK = 0,
	SPOOL_READ_CAUGHT_UP = 1, /* nothing stored beyond; see spool_reader_wait() */
	SPOOL_READ_DAMAGE = 2,    /* `first`..`last` of the view are lost: count them; reading goes on behind */
	SPOOL_READ_FAILED = 3,    /* I/O error: `error` says it; try again later */
};

/* Opens a reader that begins with the block that holds `sequence` (or the first one kept behind it). */
struct spool_reader *spool_reader_open(struct spool *spool, uint64_t sequence);
void spool_reader_close(struct spool_reader **reader);

/* Goes to `sequence`, forward or back (after a reconnect): the next block read holds it. */
void spool_reader_seek(struct spool_reader *reader, uint64_t sequence);

/* Whether blocks are lent as they lie, without unpacking them: `records` is empty. From the next spool_read() on. */
void spool_reader_leave_packed(struct spool_reader *reader, bool packed);

/* Lends the next block, if stored. Records before the sequence sought are in the view: the caller skips them. */
enum spool_read_result spool_read(struct spool_reader *reader, struct spool_view *view);

/* Why the last spool_read() failed; "" otherwise. */
const char *spool_reader_error(const struct spool_reader *reader);

/*
 * Asks to be woken, once, when something behind this reader is stored: `wake` is called from the writer thread, once per
 * group, and must only wake. Returns false, and does not call it, if there is something already.
 */
bool spool_reader_wait(struct spool_reader *reader, void (*wake)(void *context), void *context);

/*
 * From here on `changed` is called when there is a new rule of `relayctl spool drop` (spool_drops.h): from any thread, and
 * it must only wake.
 */
void spool_reader_watch_drops(struct spool_reader *reader, void (*changed)(void *context), void *context);

/* ---- cursors: one per output ---- */

enum spool_from {
	SPOOL_FROM_NEW = 0,    /* a new output begins behind what is stored now */
	SPOOL_FROM_OLDEST = 1, /* it begins with the oldest record kept */
};

enum spool_when_behind {
	SPOOL_HOLD = 0,        /* the spool fills until inputs must wait or shed */
	SPOOL_DROP_OLDEST = 1, /* the cursor jumps to the next segment, the range is counted (rule 11) */
};

struct spool_cursor_options {
	const char *name; /* the operator's label */
	enum spool_from from;
	enum spool_when_behind when_behind;
	uint64_t max_lag_bytes; /* 0: only a full spool makes it drop */
	uint64_t max_lag_ns;    /* 0: likewise */
};

/* What one rule of `relayctl spool drop` has cost an output so far. */
struct spool_drop_count {
	uint64_t id;            /* of the rule; 0: none */
	uint64_t dropped;
};

/* An output's own totals since its cursor was created; kept in its slot. */
struct spool_output_totals {
	uint64_t delivered;     /* records acknowledged by the next hop (or taken by an unconfirmed transport) */
	uint64_t filtered;
	uint64_t quarantined;
	uint64_t dropped_oldest;/* passed over because the output was behind */
	uint64_t damaged;
	uint64_t dropped_by_rule;/* by rules of the operator's: spool_drops.h */
	struct spool_drop_count rule[SPOOL_DROP_RULES_MAX]; /* part of dropped_by_rule, by the rule's place */
};

/*
 * Opens the cursor of that name, or creates it with a new random stream id. NULL with `error` if the file cannot be
 * written. Before spool_start() only.
 */
struct spool_cursor *spool_cursor_open(struct spool *spool, const struct spool_cursor_options *options, char *error);
void spool_cursor_close(struct spool_cursor **cursor);

/* Sequence up to which everything is delivered (or filtered, or dropped). From any thread. */
uint64_t spool_cursor_delivered(const struct spool_cursor *cursor);

/* The sequence where the cursor began: stored - start = delivered + filtered + ... + pending. */
uint64_t spool_cursor_start(const struct spool_cursor *cursor);

/* What this output has counted, loaded at open and as last set. From any thread. */
void spool_cursor_totals(const struct spool_cursor *cursor, struct spool_output_totals *totals);

/*
 * Moves `delivered` to `sequence` (never back: a lower one is ignored) with the output's totals as of there, and the view's
 * place and checksum for the slot. Cheap; reaches the disk within a second and before any segment is released.
 */
void spool_cursor_deliver(struct spool_cursor *cursor, uint64_t sequence, const struct spool_view *view,
                          const struct spool_output_totals *totals);

/*
 * If when_behind made the cursor jump: true, with the range that was passed over, once. It is counted already
 * (spool_cursor_totals); the output seeks behind `*last`. Ask before reading and on each wake-up. If
 * spool_cursor_deliver() comes first and goes beyond the range, then nothing was passed over: it is not told, and not
 * counted.
 */
bool spool_cursor_jumped(struct spool_cursor *cursor, uint64_t *first, uint64_t *last);

/* Cursors on disk without an open spool_cursor: outputs that left the configuration (rule 12). */
struct spool_orphan {
	char name[SPOOL_NAME_MAX_BYTES + 1];
	uint64_t delivered;
	uint64_t pending; /* messages that it holds back */
	bool damaged;     /* both its slots are: the name is only its place, and the next new cursor takes it */
};

/*
 * Fills at most `max` of the cursors that are not open now and returns how many there are, SPOOL_CURSORS_MAX at the most:
 * before any is opened, all; afterwards, those that nobody asked for. Before spool_start().
 */
unsigned spool_orphans(const struct spool *spool, struct spool_orphan *orphans, unsigned max);

/* Removes the cursor of that name, open spool, not started. False if there is none. For `relayctl spool forget`. */
bool spool_forget_cursor(struct spool *spool, const char *name, char *error);

/*
 * Gives the cursor a new name, its stream id included; rules of `relayctl spool drop` for it follow, if the power goes
 * meanwhile at the next start. False with `error` if there is none or the new name is taken.
 */
bool spool_rename_cursor(struct spool *spool, const char *name, const char *new_name, char *error);

/* Asserts every invariant of the open spool: for tests. */
void spool_check(const struct spool *spool);

#endif
