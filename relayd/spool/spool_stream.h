/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams from other relays: their blocks are stored exactly once. A *mark* says how far a stream is stored. It moves with
 * the block that it speaks of, in one commit, and only the spool's writer moves it; so whatever a peer sends again after
 * an answer was lost is recognised, whenever either end died.
 *
 * A session of a stream begins with a fence, which goes through the writer like a block: the session before it is over from
 * there on, and what it still had on its way is void. When the fence is stored, spool_stream_look() tells the mark.
 * Every block of the session carries the session's number. A block is never trimmed: it is new, or wholly known already, or
 * ends the session.
 */
#ifndef RELAYD_SPOOL_SPOOL_STREAM_H
#define RELAYD_SPOOL_SPOOL_STREAM_H

#include "spool/spool.h"

enum {
	SPOOL_STREAMS_PER_PEER_MAX = 64, /* streams of one identity */
	SPOOL_STREAMS_MAX = 4096,        /* streams in all; none is ever forgotten silently */
	SPOOL_IDENTITY_MAX_BYTES = 255,  /* of a peer's identity */
};

/* How far a stream is stored. */
struct spool_mark {
	uint64_t sequence; /* in the stream; 0: nothing */
	uint64_t checksum; /* of the payload of the block that ended there */
	uint64_t count;    /* records of the stream up to there, as its relay counts them */
};

/* Which stream, whose, and which session of it. */
struct spool_stream_session {
	uint8_t stream[SPOOL_STREAM_ID_BYTES];
	char identity[SPOOL_IDENTITY_MAX_BYTES + 1]; /* of the peer, as it was authenticated; not empty */
	uint64_t number;                             /* random, not 0: spool_stream_draw() */
};

/* What became of a session. */
enum spool_stream_state {
	SPOOL_STREAM_HOLDS = 0,        /* it is the stream's session */
	SPOOL_STREAM_FENCED = 1,       /* a later session has the stream */
	SPOOL_STREAM_OVERLAP = 2,      /* ended: a block began at or before the mark and ended behind it */
	SPOOL_STREAM_MISCOUNT = 3,     /* ended: a block's cumulative count did not continue the one before it */
	SPOOL_STREAM_OTHER_PEER = 4,   /* refused: the stream belongs to another identity */
	SPOOL_STREAM_PEER_LIMIT = 5,   /* refused: the identity has SPOOL_STREAMS_PER_PEER_MAX streams */
	SPOOL_STREAM_SPOOL_LIMIT = 6,  /* refused: SPOOL_STREAMS_MAX, or as many as a segment has room to remember */
};

/* A sentence for the log and for the peer: what is wrong; "the session holds" for SPOOL_STREAM_HOLDS. */
const char *spool_stream_state_text(enum spool_stream_state state);

/* A number for a new session. */
uint64_t spool_stream_draw(void);

/* The spool's random id: how peers tell this spool from another one. SPOOL_STREAM_ID_BYTES octets. */
const uint8_t *spool_id(const struct spool *spool);

/*
 * Queues the fence of a session for the writer. False if there is no block for it now: events.room tells when to try
 * again. When the block `*ordinal` of this worker is stored, spool_stream_look() knows. By the worker it names.
 */
bool spool_stream_fence(struct spool *spool, unsigned worker, const struct spool_stream_session *session,
                        uint64_t *ordinal);

/*
 * What became of the session, and the stream's stored mark. If this says SPOOL_STREAM_HOLDS after a block of the session
 * was stored, then the block is in the spool, or was before: it may be answered. `owner` (SPOOL_IDENTITY_MAX_BYTES + 1,
 * may be NULL) gets the identity that the stream belongs to. From any thread.
 */
enum spool_stream_state spool_stream_look(struct spool *spool, const struct spool_stream_session *session,
                                          struct spool_mark *mark, char *owner);

/* A block as it came from another relay, without its payload. */
struct spool_stream_block {
	uint64_t first, last;   /* the range of the stream that it covers: last - first < BLOCK_PAYLOAD_MAX_BYTES */
	uint64_t total;         /* records of the stream up to its end, itself included */
	uint32_t records;       /* in it: 1 .. last - first + 1 */
	uint32_t unpacked_len;  /* octets */
	uint8_t codec;          /* enum block_codec */
	int64_t base_ns;        /* receive time that the records' times count from */
	uint64_t checksum;      /* of the payload as it is shipped */
	int64_t received_ns;    /* when this hop received it, wall clock */
};

/* Whether the numbers are such as a block of a stream may have; `*reason` is a constant sentence if not. */
bool spool_stream_block_is_sound(const struct spool_stream_block *block, size_t payload_len, const char **reason);

/*
 * Most octets of payload that spool_stream_submit() can take, packed; and unpacked, which is what readers make room for.
 */
uint32_t spool_stream_packed_max(const struct spool *spool);
uint32_t spool_stream_unpacked_max(const struct spool *spool);

/*
 * Makes `block`, an empty one from spool_take_block(), the session's next block, its payload unchanged, and queues it for
 * the writer, who owns it from here on. It must be sound, checked in full (block_payload_is_intact() and all records), and
 * not longer than spool_stream_packed_max(). Returns its ordinal at its worker.
 */
uint64_t spool_stream_submit(struct spool *spool, struct spool_block *block, const struct spool_stream_session *session,
                             const struct spool_stream_block *from, struct bytes payload);

/*
 * Records of this input that came again, or too late for their session, and were not stored: since the start. What the
 * input took is stored, dropped, or this. From any thread.
 */
uint64_t spool_stream_voided(const struct spool *spool, unsigned input);

/* One stream in the table, for status and `relayctl stream ls`. */
struct spool_stream_entry {
	uint8_t stream[SPOOL_STREAM_ID_BYTES];
	char identity[SPOOL_IDENTITY_MAX_BYTES + 1];
	struct spool_mark mark;
	uint64_t duplicates; /* records that came again and were not stored again, since the start */
};

/* Fills at most `max` entries, beginning with that of index `from`; returns how many streams there are. From any thread. */
unsigned spool_streams(struct spool *spool, unsigned from, struct spool_stream_entry *entries, unsigned max);

/* ---- the sending side: a cursor and its stream; by the cursor's output ---- */

/*
 * The stream's id, and the checksum that goes with `delivered`. False if the id is not on the disk yet (a fork that was not
 * synced): then nothing may be sent under it, because after a crash the old one would be back.
 */
bool spool_cursor_stream(struct spool_cursor *cursor, uint8_t *stream, uint64_t *checksum);

/*
 * The stream has forked (rule 27): a new random id, which the keeper syncs at once. What servers acknowledged was of the old
 * one.
 */
void spool_cursor_fork(struct spool_cursor *cursor);

/* The highest sequence that the server with this spool id has acknowledged of the stream, as blocks; 0: none known. */
uint64_t spool_cursor_acknowledged(struct spool_cursor *cursor, const uint8_t *server);

/*
 * The server has acknowledged so far; lower than before only after it was restored and this was reported. Reaches the disk
 * with the cursor. Of more than CURSOR_SERVERS_MAX servers the one with the least is forgotten.
 */
void spool_cursor_acknowledge(struct spool_cursor *cursor, const uint8_t *server, uint64_t sequence);

#endif
