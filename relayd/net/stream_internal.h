/* SPDX-License-Identifier: Apache-2.0 */
/* The stream's struct, what its kinds (plain, TLS) provide, and what its files call of each other. */
#ifndef RELAYD_NET_STREAM_INTERNAL_H
#define RELAYD_NET_STREAM_INTERNAL_H

#include "net/stream.h"
#include "net/stream_pool.h"

enum {
	STREAM_HANDSHAKE_TIMEOUT_SECONDS = 10,
	STREAM_PENDING_IN_PLACE_BYTES = 16 * 1024, /* a longer unfinished frame is continued in its own memory */
	STREAM_POST_HANDSHAKE_MAX = 64,            /* messages of TLS itself without data between them */
};

/* Goes forward only. */
enum stream_state {
	STREAM_NEW,     /* adopted; nothing happened yet */
	STREAM_SILENT,  /* a TLS server's: the peer has not sent a whole record of its handshake */
	STREAM_WAITING, /* for a handshake slot */
	STREAM_HANDSHAKING,
	STREAM_OPEN,
	STREAM_ENDED,  /* no more bytes will come; told when the stream is not paused */
	STREAM_TOLD,   /* after an end in order the owner may still write */
	STREAM_CLOSED, /* freed on a later turn */
};

/* The outcome of one operation of a kind. */
enum stream_io {
	STREAM_IO_DONE,
	STREAM_IO_WAIT, /* nothing possible now: poll (the kind has set what it needs beyond the obvious) */
	STREAM_IO_END,  /* over: the kind called stream_note_end(), or set write_error */
};

struct stream_kind {
	/* Takes a step of the handshake. NULL: there is none. */
	enum stream_io (*handshake)(struct stream *stream);
	/* Reads once, up to `room` octets; *got > 0 if DONE. */
	enum stream_io (*read)(struct stream *stream, uint8_t *into, size_t room, size_t *got);
	/* One read gives a record only: read on until the room is filled. */
	bool reads_records;
	/* Is there something to read that the socket will not tell of? NULL: never. */
	bool (*has_buffered)(const struct stream *stream);
	/* Writes once; *put > 0 if DONE. END: nothing can be written any more, but what the peer sent may be read. */
	enum stream_io (*write)(struct stream *stream, struct bytes bytes, size_t *put);
	/* Everything is written: says so to the peer and shuts the sending side down. */
	enum stream_io (*finish)(struct stream *stream);
	/* At the very end, the descriptor still open. */
	void (*release)(struct stream *stream);
};

extern const struct stream_kind stream_plain;
extern const struct stream_kind stream_tls;

/*
 * Kept small: thousands are idle at a time. What few streams need for a short time (unfinished frame, output, detail)
 * has memory of its own while it is needed.
 */
struct stream {
	struct stream_pool *pool;
	const struct stream_kind *kind;
	int fd;
	enum stream_state state;
	enum stream_end end;
	int write_error; /* errno of the write that failed, or 0 */
	uint32_t polled; /* EPOLLIN, EPOLLOUT: what the stream waits for */

	bool is_edge_triggered;
	bool short_read_is_last; /* if so: a read that does not fill its room has taken all there was, as far as is known */
	bool may_have_more;      /* and something may be there that the kernel has told of and will not tell of again */

	bool was_open;
	bool can_write;
	bool is_paused;
	bool is_resumed;       /* what was left is presented on the next turn, before anything is read */
	bool is_shutting_down; /* finish once the output is written */
	bool is_finished;      /* the sending side is shut */
	bool output_waits;     /* a flush left something: poll for writable */
	bool owes_writable;    /* a flush left something, and the owner has not been told since that it is gone */
	bool was_above_half;   /* of the output's cap, at a flush */
	bool read_wants_write; /* TLS: the protocol itself must write before it reads on */
	bool write_wants_read; /* TLS: the other way round */
	bool handshake_wants_write;
	bool was_sidetracked;    /* TLS: the last read came upon messages of the protocol itself; no more in this turn */
	unsigned post_handshake; /* TLS: such messages since the last data */
	bool is_lingering; /* ended in the handshake; the peer is given time to read why */

	struct list due_link;
	struct list unfinished_link;
	struct list handshake_link;

	uint8_t *pending; /* what the owner left; NULL if nothing */
	size_t pending_len;
	size_t pending_size; /* allocated; counted in the pool */
	size_t pending_max_bytes;

	struct buffer output;
	uint64_t last_active_ns;
	uint64_t deadline_ns; /* of the handshake */
	uint64_t handshake_timeout_ns;
	struct tls_context *tls;
	SSL *ssl;
	char *server_name; /* until the handshake begins */
	size_t awaited;    /* STREAM_SILENT: the socket is readable with so many octets; 0: with the first */
	char *detail;      /* of the end */
	struct stream_events events;
	void *context;
	char peer_text[];
};

/* --- stream.c ---------------------------------------------------------------------------------------------------- */

/* Does what became due: begins, presents what was left, tells of the end. */
void stream_serve(struct stream *stream);

/* Remembers that the stream is over; the first end counts. Whoever called the kind goes on to stream_tell_end(). */
void stream_note_end(struct stream *stream, enum stream_end end, const char *detail);

/* The same from elsewhere: told on the next turn. */
void stream_end_later(struct stream *stream, enum stream_end end, const char *detail);

/* Tells the owner, who may close the stream. */
void stream_tell_end(struct stream *stream, struct bytes rest);

/* Frees what a closed stream has left. When nobody can hold a view of its octets any more. */
void stream_free(struct stream *stream);

/* --- stream_poll.c ----------------------------------------------------------------------------------------------- */

/* Has the socket watched, for reading to begin with. False if memory is short. */
bool stream_begin_poll(struct stream *stream);

/* Before the descriptor is closed. */
void stream_end_poll(struct stream *stream);

/* Waits for what the stream needs now; what was left behind is told of again. Harmless when closed. */
void stream_update_poll(struct stream *stream);

/* --- stream_begin.c ---------------------------------------------------------------------------------------------- */

/* The first turn: opens, queues for the handshake, or waits for the peer to begin it. */
void stream_begin(struct stream *stream);

/*
 * The peer has sent something, or is gone. When a whole record lies there, or what is none, the handshake is queued.
 * The stream may be closed afterwards.
 */
void stream_hear(struct stream *stream);

/* It has its slot: the handshake begins, on the next turn. */
void stream_begin_handshake(struct stream *stream);

/* Makes the SSL, only when the handshake begins: those that wait for a slot take little memory. */
void stream_start_tls(struct stream *stream);

/* The socket is ready for a step of the handshake. The stream may be closed afterwards. */
void stream_step_handshake(struct stream *stream);

/* The refused peer has sent or closed. The stream may be closed afterwards. */
void stream_linger(struct stream *stream);

/* --- stream_write.c ---------------------------------------------------------------------------------------------- */

/* Tells the owner, if it is owed, that the output is gone, or half of it. The stream may be closed afterwards. */
void stream_tell_writable(struct stream *stream);

/* The socket takes more: writes on, and tells the owner if enough is gone. The stream may be closed afterwards. */
void stream_write_ready(struct stream *stream);

/* --- stream_read.c ----------------------------------------------------------------------------------------------- */

/* Reads what is there, within the turn's limit, and presents it. The stream may be closed afterwards. */
void stream_read(struct stream *stream);

/* Presents what was left before. The stream may be closed afterwards. */
void stream_present_pending(struct stream *stream);

/* The owner holds the bytes back, not the peer. */
static inline bool stream_is_held(const struct stream *stream)
{
	return stream->is_paused || stream->is_resumed;
}

static inline struct bytes stream_pending(const struct stream *stream)
{
	return bytes_of(stream->pending, stream->pending_len);
}

#endif
