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
	SPOOL_CONNECTION_MAX_BYTES = 79, /* of a connection's name, for people */
	SPOOL_STREAM_SERVERS_MAX = 64,   /* servers that a stream of ours remembers */
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
	uint64_t records;    /* of it that were stored here, */
	uint64_t lost;       /* and that were lost with what a restored disk had (spool_stream_note_lost()) */
	int64_t last_ns;     /* wall clock: when its newest block came; 0: not known */
	uint64_t duplicates; /* records that came again and were not stored again, since the start */
	char connection[SPOOL_CONNECTION_MAX_BYTES + 1]; /* that speaks it now; "": none */
};

/* Fills at most `max` entries, beginning with that of index `from`; returns how many streams there are. From any thread. */
unsigned spool_streams(struct spool *spool, unsigned from, struct spool_stream_entry *entries, unsigned max);

/* ---- what becomes of a stream otherwise than by its blocks; from any thread ---- */

enum spool_stream_change {
	SPOOL_STREAM_CHANGED = 0,
	SPOOL_STREAM_UNKNOWN = 1,  /* there is no such stream */
	SPOOL_STREAM_ACTIVE = 2,   /* a connection speaks it */
	SPOOL_STREAM_NO_PLACE = 3, /* the identity has as many as one may have, or there is no place for one more */
	SPOOL_STREAM_BUSY = 4,     /* too many changes wait to be written: try again */
};

/* A sentence for each. */
const char *spool_stream_change_text(enum spool_stream_change change);

/*
 * Gives the stream to another identity (rule 26). A session that the identity of before has open is over. In effect at once;
 * on the disk when spool_stream_changes_are_stored().
 */
enum spool_stream_change spool_stream_adopt(struct spool *spool, const uint8_t *stream, const char *identity);

/*
 * Forgets a stream that no connection speaks, which makes its place free. If its relay ever comes back with it, nothing is
 * known of it: whatever that relay still has is stored again. Likewise.
 */
enum spool_stream_change spool_stream_forget(struct spool *spool, const uint8_t *stream);

/* Whether everything that these two changed is on the disk. */
bool spool_stream_changes_are_stored(struct spool *spool);

/* The session's connection, which has a name for people, speaks the stream from now on; and does no more. */
void spool_stream_connected(struct spool *spool, const struct spool_stream_session *session, const char *connection);
void spool_stream_disconnected(struct spool *spool, const struct spool_stream_session *session);

/* Records of the stream that were stored here, and lost. Zeros for one that is not known. */
void spool_stream_counts(struct spool *spool, const uint8_t *stream, uint64_t *records, uint64_t *lost);

/*
 * The stream's relay says that so many records, in all, were acknowledged here, are gone (this spool was restored from an
 * older state), and cannot come again. That is its word, of its own stream: nothing here can tell whether it is true, and no
 * sum of this spool has it. A number that is not higher than the last one, or higher than any stream could have, changes
 * nothing. Returns how much higher it is. Reaches the disk with the next group.
 */
uint64_t spool_stream_note_lost(struct spool *spool, const struct spool_stream_session *session, uint64_t lost);

/*
 * The next stream from `*at` (0: the first) on of which more is lost than was told of it downstream (spool_stream_told()),
 * and `*at` is behind it; false if there is none. A look that begins at 0 so ends, whatever the relays say meanwhile, and
 * shows each stream once at the most; the next look shows what it missed. Of what was lost before the spool was opened all
 * is told. `*told`: how much was.
 */
bool spool_stream_untold(struct spool *spool, unsigned *at, struct spool_stream_entry *entry, uint64_t *told);
void spool_stream_told(struct spool *spool, const uint8_t *stream, uint64_t lost);

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

/* What one server, known by its spool's id, has acknowledged of a stream of ours, as blocks. */
struct spool_stream_server {
	uint8_t spool[SPOOL_STREAM_ID_BYTES];
	uint64_t sequence; /* the highest one */
	uint64_t records;  /* of the stream */
	uint64_t lost;     /* of these, lost with what its disk had, and not here any more either: lost by peer */
};

/* What is known of the server; false, and zeros but for its id, if it is not known. */
bool spool_cursor_server(struct spool_cursor *cursor, const uint8_t *id, struct spool_stream_server *server);

/*
 * Sets what is known of a server. Reaches the disk with the cursor's next move, a loss within a second. Of more than
 * SPOOL_STREAM_SERVERS_MAX servers the one whose sequence is the least is forgotten.
 */
void spool_cursor_set_server(struct spool_cursor *cursor, const struct spool_stream_server *server);

/* How many servers are known. */
unsigned spool_cursor_servers(struct spool_cursor *cursor);

/* Records lost by peers, of all streams and servers that this cursor ever had. From any thread. */
uint64_t spool_cursor_lost_by_peer(const struct spool_cursor *cursor);

/* The stream of an output, for status, ledger and `relayctl stream ls`. */
struct spool_sent_stream {
	char name[SPOOL_NAME_MAX_BYTES + 1]; /* of the output */
	uint8_t stream[SPOOL_STREAM_ID_BYTES];
	uint64_t delivered;                  /* sequence */
	uint64_t lost_by_peer;
	unsigned servers;
	struct spool_stream_server server[SPOOL_STREAM_SERVERS_MAX];
};

/* The stream of the cursor with this index, below SPOOL_CURSORS_MAX. False if there is none there. From any thread. */
bool spool_sent_stream(const struct spool *spool, unsigned index, struct spool_sent_stream *sent);

#endif
