/* SPDX-License-Identifier: Apache-2.0 */
#include "input/framed_connection.h"

#include <sys/socket.h>

#include "input/stream_server.h"

static struct framed_connection *framed_of(struct connection *connection)
{
	return (struct framed_connection *)connection;
}

void framed_connection_init(struct connection *connection, enum frame_mode mode, size_t limit, int delimiter)
{
	frame_choice_init(&framed_of(connection)->framing, mode, limit, delimiter);
}

/* A peer that counts octets, where the operator forced LF framing: its counts become part of its messages. Once a peer. */
static void look_at_framing(struct framed_connection *framed, struct bytes message)
{
	struct connection *connection = &framed->connection;
	struct connection_part *part = connection->part;
	framed->has_looked = true;
	if (connection->stream != NULL && framed->framing.mode == FRAME_MODE_NON_TRANSPARENT &&
	    framed->framing.seen == FRAMING_OCTET_COUNTING && peer_log_first_time(&part->log, connection->peer.address))
		peer_log_event(&part->log, PEER_FRAMING, worker_now_ns(part->on->worker),
		               stream_peer_text(connection->stream),
		               "the peer sends octet counting, but this input is set to non-transparent framing, so MSG-LEN is "
		               "taken for text; set \"framing\" to \"auto\", or the peer to LF framing", message);
}

/* Gives one message to the intake. False: no room. */
static bool take(struct framed_connection *framed, const struct frame *frame)
{
	uint64_t receipt; /* nobody is told */
	if (!framed->has_looked)
		look_at_framing(framed, frame->message);
	uint32_t flags = (frame->truncated ? MESSAGE_TRUNCATED : 0u) | (frame->is_plain ? INTAKE_PLAIN : 0u);
	return connection_take(&framed->connection, frame->message, flags, framed->framing.counting.skip, &receipt);
}

static void break_off(struct framed_connection *framed, const char *reason, struct bytes octets)
{
	framed->is_broken = true;
	if (framed->framing.mode == FRAME_MODE_OCTET_COUNTING && framed->framing.seen == FRAMING_NON_TRANSPARENT)
		reason = "the peer sends LF frames, but this input is set to octet counting; set \"framing\" to \"auto\", or the "
		         "peer to octet counting";
	connection_protocol_error(&framed->connection, reason, octets);
	connection_finish(&framed->connection);
}

/* Takes the lines that `*in` begins with, as nearly all frames are, and drops them from it. False: no room for the next. */
static bool take_lines(struct framed_connection *framed, struct bytes *in)
{
	struct bytes message;
	size_t len;
	uint64_t receipt; /* nobody is told */
	if (!frame_choice_reads_lines(&framed->framing))
		return true;
	while ((len = frame_choice_line(&framed->framing, *in, &message)) > 0) {
		if (!connection_take(&framed->connection, message, INTAKE_PLAIN, 0, &receipt))
			return false;
		*in = bytes_after(*in, len);
	}
	return true;
}

size_t framed_connection_bytes(struct connection *connection, struct bytes bytes)
{
	struct framed_connection *framed = framed_of(connection);
	struct bytes in = bytes;
	struct frame frame;
	if (framed->is_broken)
		return bytes.len;
	while (take_lines(framed, &in)) {
		struct frame_choice before = framed->framing;
		enum frame_result result = frame_choice_next(&framed->framing, in, &frame);
		if (result == FRAME_INVALID) {
			break_off(framed, frame.reason, in);
			return bytes.len;
		}
		if (result == FRAME_COMPLETE && !take(framed, &frame)) {
			framed->framing = before; /* the frame is presented again */
			break;
		}
		in = bytes_after(in, frame.consumed);
		if (result == FRAME_INCOMPLETE)
			break;
	}
	return bytes.len - in.len;
}

size_t framed_connection_end(struct connection *connection, struct bytes rest)
{
	struct framed_connection *framed = framed_of(connection);
	struct frame frame;
	size_t used = framed_connection_bytes(connection, rest); /* whole frames, if it was paused */
	struct bytes last = bytes_after(rest, used);
	struct frame_choice before = framed->framing;
	if (connection->pauses != 0)
		return used;
	if (framed->is_broken || frame_choice_end(&framed->framing, last, &frame) != FRAME_COMPLETE)
		return rest.len;
	/* At our own stop we are the ones who cut it, even where only an LF seems to lack. */
	frame.truncated |= connection->is_finishing;
	if (take(framed, &frame))
		return rest.len;
	framed->framing = before;
	return used;
}

/*
 * A peer that gets no answers cannot know what arrived: everything that the kernel has acknowledged for us is read, up to
 * the end that shutdown() puts behind it.
 */
void framed_connection_stop(struct connection *connection)
{
	connection_finish(connection);
	shutdown(stream_fd(connection->stream), SHUT_RD);
}
