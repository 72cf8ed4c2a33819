/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the streams of one worker share: the read buffer, the budget of memory for unfinished frames, the streams that
 * have something to do on the next turn, and the slots for TLS handshakes. Made by the worker's first stream.
 */
#ifndef RELAYD_NET_STREAM_POOL_H
#define RELAYD_NET_STREAM_POOL_H

#include "base/list.h"
#include "net/worker.h"

#include <stddef.h>
#include <stdint.h>

enum {
	STREAM_READ_BUFFER_BYTES = 256 * 1024,   /* the most that is read from one stream in one turn */
	STREAM_READ_LEAST_BYTES = 4096,          /* the least, when the budget is nearly spent */
	STREAM_PENDING_BUDGET_BYTES = 64 << 20,  /* unless stream_set_pending_budget() says otherwise */
	STREAM_HANDSHAKES_MAX = 64,              /* in progress at the same time */
	STREAM_HANDSHAKES_WAITING_MAX = 4096,    /* accepted and begun by the peer, but not by us */
	STREAM_HANDSHAKE_CROWDED_MS = 3000,      /* the time limit while others wait for a slot */
	STREAM_HANDSHAKE_SILENT_MS = 500,        /* and for the peer's next octets: who is half a world away answers in 300 */
	STREAM_HANDSHAKE_STEPS_PER_TURN_MAX = 8, /* about 0.35 ms of CPU each: other sockets are served in between */
	STREAM_LINGER_MS = 1000,                 /* for a refused peer to read the alert */
};

struct stream;

struct stream_pool {
	struct worker *worker;
	uint8_t *read_buffer; /* STREAM_READ_BUFFER_BYTES */

	int sockets; /* the epoll set of all its streams' sockets */
	uv_poll_t sockets_ready;

	size_t pending_bytes;     /* allocated to all streams */
	size_t unfinished_bytes;  /* of these, to streams with an unfinished frame */
	size_t pending_max_bytes; /* the budget */
	struct list unfinished;   /* streams with an unfinished frame; the one that has waited longest is first */

	uv_idle_t next_turn; /* runs only while one of these is not empty */
	struct list due;     /* streams to be served on the next turn */
	struct list closed;  /* streams to be freed on the next turn: now a callback may hold a view of their octets */

	unsigned handshakes;
	struct list handshaking; /* `handshakes` of them */
	unsigned waiting_handshakes;
	struct list waiting;
	struct list silent;         /* servers' streams, no whole record of the peer's yet; the first to go is first */
	struct list lingering;      /* refused in the handshake; the first to go is first */
	uv_timer_t handshake_timer; /* set for the first deadline of these; stopped when there is none */
	struct turn_count steps;

	unsigned streams; /* that are not closed: none when the pool closes */
	unsigned handles_open;
};

/* The worker's pool, made if there is none yet. NULL if memory is short. From the worker's thread. */
struct stream_pool *stream_pool_of(struct worker *worker);

/* All its streams are closed before; the memory goes when the loop has let go of the handles. Clears; harmless if NULL.
 */
void stream_pool_close(struct stream_pool **pool);

/* Has stream_serve() called on the next turn. */
void stream_pool_defer(struct stream_pool *pool, struct stream *stream);

/* The stream is closed: has it freed on the next turn. */
void stream_pool_discard(struct stream_pool *pool, struct stream *stream);

/* Makes the epoll set, and has the loop wait for it (stream_poll.c). False if memory or descriptors are short. */
bool stream_pool_open_sockets(struct stream_pool *pool);

/* --- the budget -------------------------------------------------------------------------------------------------- */

/*
 * Takes `bytes` from the budget, for a stream whose `pending_size` is still what it was before. If unfinished frames have
 * spent it, the streams whose frames have waited longest are ended (on the next turn) until there is enough. False if
 * `stream` itself would be the next. What paused streams hold ends nobody: it is we who hold it.
 */
bool stream_pool_take(struct stream_pool *pool, struct stream *stream, size_t bytes);
void stream_pool_give_back(struct stream_pool *pool, struct stream *stream, size_t bytes);

/* Places the stream behind the others with an unfinished frame, wherever it was before. */
void stream_pool_add_unfinished(struct stream_pool *pool, struct stream *stream);

/* It has none any more, or is held, or over. Harmless if it had none. */
void stream_pool_remove_unfinished(struct stream_pool *pool, struct stream *stream);

/* What is left of it for unfinished frames and paused streams together. */
size_t stream_pool_left(const struct stream_pool *pool);

/*
 * How much to read at once: the whole buffer while there is plenty of budget, less when paused streams hold much of it.
 * What a stream leaves when it pauses is kept even over the budget, so this is what bounds it.
 */
size_t stream_pool_read_bytes(const struct stream_pool *pool);

/* --- handshakes -------------------------------------------------------------------------------------------------- */

/* The peer shall begin its handshake within the stream's time limit. */
void stream_pool_expect_handshake(struct stream_pool *pool, struct stream *stream);

/* Begins the stream's handshake now or when it is its turn (stream_begin_handshake()). False if too many wait. */
bool stream_pool_queue_handshake(struct stream_pool *pool, struct stream *stream);

/* May a step of a handshake be taken in this turn? Counts it. */
bool stream_pool_may_step(struct stream_pool *pool);

/* Holds a refused stream until its peer has closed, or for STREAM_LINGER_MS; then it is served. */
void stream_pool_linger(struct stream_pool *pool, struct stream *stream);

/*
 * The stream's handshake is over, or it closes, or its peer has spoken: leaves the slot or list that it is in, and lets
 * the next one begin. Harmless in none.
 */
void stream_pool_leave_handshake(struct stream_pool *pool, struct stream *stream);

#endif
