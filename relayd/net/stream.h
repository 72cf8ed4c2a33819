/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An established byte stream, plain or TLS, on a worker's loop. Reading goes into one large buffer that all streams of
 * a worker share; what the owner leaves of it (an unfinished frame) is kept in private memory until more comes. Writing
 * goes through a bounded output buffer: the owner fills it and flushes; a full TLS record and one system call carry
 * many small messages.
 *
 * Callbacks run on the worker's thread and never from inside a call on the stream: failures are delivered by the loop
 * on its next turn. A stream may be closed from inside any callback.
 */
#ifndef RELAYD_NET_STREAM_H
#define RELAYD_NET_STREAM_H

#include "base/buffer.h"
#include "net/address.h"
#include "net/tls_context.h"
#include "net/worker.h"

struct stream;

enum stream_end {
	STREAM_END_EOF = 0,            /* the peer closed in order (over TLS: with close_notify) */
	STREAM_END_WITHOUT_NOTIFY = 1, /* TLS ended by EOF alone: something may have been cut off */
	STREAM_END_RESET = 2,          /* connection reset or another socket error */
	STREAM_END_TLS = 3,            /* handshake or record error, or a refused certificate */
	STREAM_END_HANDSHAKE_TIMEOUT = 4,
	STREAM_END_PENDING_LIMIT = 5, /* the unfinished frame passed the limit or the worker's budget */
};

struct stream_events {
	/* The handshake is over (plain streams: on the next turn after opening). Optional. */
	void (*ready)(void *context);
	/*
	 * Bytes came. Returns how many of them were used; the rest is presented again, in front of what comes next. A
	 * paused stream gets no more calls until it resumes, then first what was left.
	 */
	size_t (*bytes)(void *context, struct bytes bytes);
	/*
	 * What a flush had to leave in the output buffer has been written out wholly, or has fallen to half the buffer's
	 * cap after having been above. Not called for output that went out at once. It goes on after an end by EOF.
	 * Optional.
	 */
	void (*writable)(void *context);
	/*
	 * No more bytes will come; told once. What was left unused is in `rest`. The owner closes the stream: at once, or,
	 * after STREAM_END_EOF, when it has written its answers. Views and texts live until the owner's callback has
	 * returned, even if it closes the stream.
	 */
	void (*end)(void *context, enum stream_end end, const char *detail, struct bytes rest);
};

struct stream_options {
	struct worker *worker;
	struct tls_context *tls;       /* NULL: plain. The stream holds it */
	const char *server_name;       /* for TLS clients: SNI and name check */
	const struct address *peer;    /* NULL: the socket is asked. Not used after stream_adopt() */
	size_t output_cap_bytes;       /* of the output buffer */
	size_t pending_max_bytes;      /* of an unfinished frame; a longer one ends the stream */
	uint64_t handshake_timeout_ns; /* 0: 10 s */
	struct stream_events events;
	void *context;
};

/* Takes over a connected, non-blocking descriptor (sets *fd to -1) and starts. NULL if memory is short (or the
 * kernel's for epoll sets, or descriptors for the worker's first): then *fd is still the caller's. */
struct stream *stream_adopt(int *fd, const struct stream_options *options);

/* The output buffer: append to it, then stream_flush(). */
struct buffer *stream_output(struct stream *stream);

/*
 * Writes what the output buffer holds as far as the socket takes it; the rest goes when it is writable, or when the
 * stream is ready. If writing fails, the output is discarded, what the peer sent before is read and presented, and then
 * the end is told.
 */
void stream_flush(struct stream *stream);

/*
 * Holds back bytes, and the end that follows them, until resumed; nothing is read meanwhile. What was left then does
 * not count as an unfinished frame. Only a failed handshake is told to a paused stream.
 */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* The same, and what was left is presented at once: for owners that are not inside a call of a stream. */
void stream_resume_now(struct stream *stream);

/* Writes the rest of the output, then shuts the sending side down (TLS: close_notify first). Reading goes on. */
void stream_shutdown(struct stream *stream);

/*
 * Closes at once, without events; over TLS with close_notify, if it can be said without waiting. What the peer sent and
 * nobody read makes the kernel reset the connection, which destroys output on its way: an owner whose answers matter
 * calls stream_shutdown() and reads on to the end first. Clears the pointer; harmless if NULL.
 */
void stream_close(struct stream **stream);

/* The peer's address as text. */
const char *stream_peer_text(const struct stream *stream);

/* TLS: who the peer was found to be, from `ready` on (tls_context.h says what that is); "" for plain streams. */
const char *stream_peer_identity(const struct stream *stream);

int stream_fd(const struct stream *stream);

/* Octets that have come and were not used: what the owner left, and what nobody has read yet (of TLS, as it was sent). */
size_t stream_unused(const struct stream *stream);

/* Monotonic time when bytes last came or went. */
uint64_t stream_last_active_ns(const struct stream *stream);

/*
 * Most octets of unfinished frames that all streams of this worker may hold (64 MiB if not set); when they are spent,
 * those that have waited longest end with STREAM_END_PENDING_LIMIT. What paused streams hold is no such frame and ends
 * nobody, but the more it is, the less is read at once. From the worker's thread, before its first stream.
 */
void stream_set_pending_budget(struct worker *worker, size_t max_bytes);

#endif
