/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of other relays: who may speak them, how a session begins, and what becomes of its blocks (spool-rules.md, 5
 * and 6). What is a duplicate is decided by the spool's writer alone; here a block is answered if the writer, having seen
 * it, still says that the session holds.
 */
#include <stdio.h>

#include "input/relp_connection.h"
#include "relp/relp_block.h"

/* Peers on this machine, who need no certificate: no certificate's name that begins with '@' is taken. */
static const char identity_unix[] = "@unix";
static const char identity_loopback[] = "@loopback";

static bool is_loopback(const struct peer *peer)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	return memcmp(peer->address, loopback6, sizeof loopback6) == 0 ||
	       (memcmp(peer->address, mapped, sizeof mapped) == 0 && peer->address[12] == 127);
}

/* Who the peer is, as far as it was proven; NULL if it was not. */
static const char *identity_of(const struct connection *connection)
{
	const char *name = stream_peer_identity(connection->stream);
	if (name[0] != '\0')
		return name[0] != '@' && strlen(name) <= SPOOL_IDENTITY_MAX_BYTES ? name : NULL;
	if (connection->peer.transport == TRANSPORT_RELP_UNIX)
		return identity_unix;
	return is_loopback(&connection->peer) ? identity_loopback : NULL;
}

bool relp_blocks_open(struct relp_connection *relp, const struct relp_offers *offers)
{
	struct relp_block_request request;
	struct relp_stream *stream = &relp->stream;
	const char *identity = identity_of(&relp->connection);
	if (identity == NULL || !offers->block_command || !relp_block_request_read(offers->block, &request))
		return true;
	memcpy(stream->session.stream, request.stream, sizeof stream->session.stream);
	snprintf(stream->session.identity, sizeof stream->session.identity, "%s", identity);
	stream->session.number = spool_stream_draw();
	if (!connection_fence(&relp->connection, &stream->session, &stream->fence)) {
		stream->session.number = 0;
		return false;
	}
	stream->next = request.next;
	relp_server_hold_open(&relp->session);
	connection_await_stored(&relp->connection);
	return true;
}

/* What was refused, by the name that `relayctl stream` knows it by, and what the operator can do. */
static void report_refusal(struct relp_connection *relp, enum spool_stream_state state, const char *owner)
{
	char text[320], id[2 * SPOOL_STREAM_ID_BYTES + 1];
	const char *advice = state == SPOOL_STREAM_FENCED       ? ""
	                   : state == SPOOL_STREAM_OTHER_PEER ? "; \"relayctl stream adopt\" would give it to this one"
	                                                      : "; \"relayctl stream forget\" makes room";
	for (size_t i = 0; i < SPOOL_STREAM_ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", relp->stream.session.stream[i]);
	snprintf(text, sizeof text, "stream %s of %.100s is refused: %s%s", id, relp->stream.session.identity,
	         spool_stream_state_text(state), advice);
	connection_refuse_stream(&relp->connection, text, owner);
}

/* The fence is stored: what the stream's mark is, or why there is none for this client. */
static bool answer_open(struct relp_connection *relp)
{
	struct spool *spool = connection_spool(&relp->connection);
	struct relp_stream *stream = &relp->stream;
	struct spool_mark mark;
	char owner[SPOOL_IDENTITY_MAX_BYTES + 1];
	enum spool_stream_state state = spool_stream_look(spool, &stream->session, &mark, owner);
	stream->fence = 0;
	if (!relp->session.holds_open)
		return true; /* the session ended meanwhile, and was answered */
	if (state != SPOOL_STREAM_HOLDS) {
		report_refusal(relp, state, owner);
		stream->session.number = 0;
		/* Somebody else's stream is not taken in any form. One too many is, message by message: at least once. */
		if (state == SPOOL_STREAM_PEER_LIMIT || state == SPOOL_STREAM_SPOOL_LIMIT)
			relp_server_grant_messages(&relp->session);
		else
			relp_server_refuse_open(&relp->session, spool_stream_state_text(state));
		return true;
	}
	struct relp_block_answer answer = {
		.mark = mark.sequence,
		.checksum = mark.checksum,
		.max_octets = spool_stream_packed_max(spool) + RELP_BLOCK_HEAD_LEN,
		.max_unpacked = spool_stream_unpacked_max(spool),
	};
	spool_stream_counts(spool, stream->session.stream, &answer.records, &answer.lost);
	memcpy(answer.spool, spool_id(spool), sizeof answer.spool);
	relp_server_grant_blocks(&relp->session, &answer);
	spool_stream_connected(spool, &stream->session, stream_peer_text(relp->connection.stream));
	return true;
}

void relp_blocks_note_lost(struct relp_connection *relp, uint64_t records)
{
	uint64_t more = spool_stream_note_lost(connection_spool(&relp->connection), &relp->stream.session, records);
	if (more > 0)
		connection_report_lost(&relp->connection, relp->stream.session.identity, more);
}

void relp_blocks_closed(struct relp_connection *relp)
{
	if (relp->stream.session.number != 0)
		spool_stream_disconnected(connection_spool(&relp->connection), &relp->stream.session);
}

bool relp_blocks_stored(struct relp_connection *relp, uint64_t ordinal)
{
	struct relp_stream *stream = &relp->stream;
	struct spool_mark mark;
	if (stream->session.number == 0)
		return true;
	if (stream->fence != 0)
		return stream->fence > ordinal || answer_open(relp);
	enum spool_stream_state state =
		spool_stream_look(connection_spool(&relp->connection), &stream->session, &mark, NULL);
	if (state == SPOOL_STREAM_HOLDS)
		return true;
	connection_protocol_error(&relp->connection, spool_stream_state_text(state), bytes_of(NULL, 0));
	return false;
}

/* ---- blocks ---- */

/*
 * The same octets would never be taken: without an answer the client would send them for ever. Of a command that is refused
 * nothing was stored, so that its messages may come in another way.
 */
static enum relp_blocks_result invalid(struct relp_connection *relp, const char *reason, struct bytes octets)
{
	connection_protocol_error(&relp->connection, reason, bytes_first(octets, RELP_OFFENDING_LEN_MAX));
	if (relp->stream.taken > 0)
		return RELP_BLOCKS_INVALID;
	relp_server_refuse_block(&relp->session, reason);
	return RELP_BLOCKS_REFUSED;
}

static enum intake_block_result take_one(struct relp_connection *relp, const struct relp_block *shipped, const char **reason)
{
	const struct spool_stream_block block = {
		.first = shipped->first,
		.last = shipped->last,
		.total = shipped->total,
		.records = shipped->records,
		.unpacked_len = shipped->unpacked_len,
		.codec = shipped->codec,
		.base_ns = shipped->base_ns,
		.checksum = shipped->checksum,
		.received_ns = connection_wall_ns(&relp->connection),
	};
	struct relp_stream *stream = &relp->stream;
	return connection_take_block(&relp->connection, &stream->session, &block, shipped->payload, &stream->last_receipt,
	                             reason);
}

enum relp_blocks_result relp_blocks_take(struct relp_connection *relp, struct bytes data, uint64_t *receipt)
{
	struct relp_block block;
	struct bytes rest = data;
	unsigned index = 0;
	const char *reason;
	while (relp_block_next(&rest, &block)) {
		if (index++ < relp->stream.taken)
			continue; /* before there was no room */
		enum intake_block_result result = take_one(relp, &block, &reason);
		if (result == INTAKE_BLOCK_WAIT)
			return RELP_BLOCKS_WAIT;
		if (result == INTAKE_BLOCK_INVALID)
			return invalid(relp, reason, data);
		relp->stream.taken = index;
	}
	if (rest.len > 0 || index == 0)
		return invalid(relp, "a block command that does not hold whole blocks", rest);
	relp->stream.taken = 0;
	*receipt = relp->stream.last_receipt;
	return RELP_BLOCKS_TAKEN;
}
