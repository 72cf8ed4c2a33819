/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames over a stream socket to one peer that may be slow, away, or back again. A frame is sent whole or not at all:
 * of one that the socket took in part the rest is kept and goes first. What was sent before a connection broke may not
 * have arrived; a stream cannot know.
 *
 * The gate guards everything; the functions below are called with it held (slog_stream_enter()), or by the one thread
 * that uses the stream. A child of fork() makes a connection of its own.
 */
#ifndef LIBLOG_STREAM_H
#define LIBLOG_STREAM_H

#include <liblog/slog.h>

#include "gate.h"
#include "patience.h"
#include "socket.h"

#define SLOG_RECONNECT_MS 1000 /* between attempts to reach a peer on the network */

struct slog_stream {
	struct slog_endpoint to;
	struct slog_patience patience;
	struct slog_gate gate;
	struct slog_socket socket;
	uint32_t generation;      /* of the process that made the socket */
	bool is_connected;        /* false while the connection is on its way */
	bool resends;             /* what a broken connection lost is sent again: it is not counted as dropped */
	uint64_t may_connect_at;  /* milliseconds */
	char *rest;               /* of the frame that was sent in part, from the heap; NULL: none */
	size_t rest_start;
	size_t rest_length;
	enum slog_severity rest_severity;
};

/* Prepares a stream to the endpoint, which it takes over. Connects when it is first used. */
void slog_stream_start(struct slog_stream *stream, const struct slog_endpoint *to);

/*
 * 0 if the gate was taken within what the call may still wait; else EAGAIN. Until it is left this thread is not
 * cancelled. Nobody waits for the peer with the gate held.
 */
int slog_stream_enter(struct slog_stream *stream, struct slog_call_wait *call);
void slog_stream_leave(struct slog_stream *stream);

/* True if there is a socket, and it is this process's. */
bool slog_stream_is_open(struct slog_stream *stream);

/*
 * Sees to the connection without waiting: 0 if there is one, EAGAIN while it is on its way or the peer is not to be
 * bothered yet, else the errno value of the attempt.
 */
int slog_stream_ready(struct slog_stream *stream);

/*
 * Sends frames of `parts` pieces each, oldest first, without waiting; the stream is ready. Returns how many it took; if
 * not all, *error says why not the next one, and it is EAGAIN if the socket is full. Any other error has closed it. The
 * severity is what a frame is counted under if its rest is lost.
 */
size_t slog_stream_send(struct slog_stream *stream, struct iovec *pieces, size_t parts, size_t frames,
                        enum slog_severity severity, int *error);

/* Sends the rest of a frame that was sent in part, without waiting. True while there is one. */
bool slog_stream_has_rest(struct slog_stream *stream);

/* Gives up the rest of a frame that was sent in part, if there is one, and the connection with it: counted as dropped. */
void slog_stream_give_up_rest(struct slog_stream *stream);

/* One frame within the sink's patience, connecting if need be. 0, or the errno value with which it was given up. */
int slog_stream_write(struct slog_stream *stream, struct iovec *pieces, size_t parts, enum slog_severity severity);

/* True if the peer has closed its side; what it sent is thrown away. For protocols in which it has nothing to say. */
bool slog_stream_is_over(struct slog_stream *stream);

/* Waits until the socket is ready for poll(2) events, so many milliseconds at most. */
void slog_stream_wait(struct slog_stream *stream, short events, unsigned ms);

/* Gives the connection up; the next use makes a new one. */
void slog_stream_disconnect(struct slog_stream *stream, int error);

/*
 * Closes the socket and frees what the stream owns. What the peer does not take of a frame that was sent in part, within
 * SLOG_WAIT_SECOND_MS, is counted as dropped, unless it is sent again.
 */
void slog_stream_end(struct slog_stream *stream);

#endif
