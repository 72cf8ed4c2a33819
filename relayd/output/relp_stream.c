/* SPDX-License-Identifier: Apache-2.0 */
#include "output/relp_stream.h"

#include "spool/spool_stream.h"

void relp_stream_init(struct relp_stream_sender *stream, struct output *output, struct sender *sender, bool wanted)
{
	*stream = (struct relp_stream_sender){.output = output, .sender = sender, .wanted = wanted};
}

static struct spool_cursor *cursor_of(const struct relp_stream_sender *stream)
{
	return stream->output->setup.cursor;
}

enum relp_session_offer relp_stream_offer(struct relp_stream_sender *stream, struct relp_block_request *request)
{
	uint64_t checksum, delivered = spool_cursor_delivered(cursor_of(stream));
	if (!stream->wanted || delivered < stream->plain_until)
		return RELP_OFFER_MESSAGES;
	stream->plain_until = 0;
	if (!spool_cursor_stream(cursor_of(stream), request->stream, &checksum))
		return RELP_OFFER_LATER;
	request->next = delivered + 1;
	return RELP_OFFER_BLOCKS;
}

/*
 * Whether the server's mark speaks of our records: the checksum is that of our block that ends there, or of the one that the
 * cursor remembers. A mark below `delivered` makes nobody skip anything, and its block may be gone.
 */
static enum sender_knowledge verify(struct relp_stream_sender *stream, const struct relp_block_answer *answer)
{
	uint8_t id[SPOOL_STREAM_ID_BYTES];
	uint64_t checksum, delivered = spool_cursor_delivered(cursor_of(stream));
	spool_cursor_stream(cursor_of(stream), id, &checksum);
	sender_knows(stream->sender, 0, 0);
	if (answer->mark < delivered || answer->mark == 0)
		return SENDER_KNOWS;
	if (answer->mark > spool_stored(stream->output->setup.spool))
		return SENDER_KNOWS_NOT;
	if (answer->mark == delivered && answer->checksum == checksum)
		return SENDER_KNOWS;
	return sender_knows(stream->sender, answer->mark, answer->checksum);
}

/* ---- rule 29: a server whose disk was restored ---- */

/*
 * The server has less than it once acknowledged. What is still here is sent again; how much is not is known when that is
 * done. Until then what the cursor knows of the server stays, so that the next session would find the same.
 */
static void begin_restoring(struct relp_stream_sender *stream, const struct relp_block_answer *answer)
{
	uint64_t had = stream->server.records - stream->server.lost;
	stream->restored_to = stream->server.sequence;
	stream->elsewhere_to = spool_cursor_servers(cursor_of(stream)) > 1 ? spool_cursor_delivered(cursor_of(stream)) : 0;
	stream->gone = had > answer->records ? had - answer->records : 0;
	stream->again = 0;
	if (stream->reported_to == stream->restored_to)
		return;
	stream->reported_to = stream->restored_to;
	stream->given_up_to = stream->told_to = 0;
	output_trouble(stream->output, "output_peer_restored",
	               "%s was restored from an older state: it has messages up to %llu of those up to %llu that it had "
	               "acknowledged, and %llu less than it had; what is still here is sent again",
	               stream->server_name, (unsigned long long)answer->mark, (unsigned long long)stream->restored_to,
	               (unsigned long long)stream->gone);
}

/* What is known of the server goes to the cursor; so many records more are lost. */
static void note_server(struct relp_stream_sender *stream, uint64_t lost)
{
	stream->server.lost += lost;
	spool_cursor_set_server(cursor_of(stream), &stream->server);
	if (lost > 0)
		output_trouble(stream->output, "output_lost_by_peer",
		               "%llu messages that %s had acknowledged before it was restored are lost (lost-by-peer): they are not "
		               "here any more either", (unsigned long long)lost, stream->server_name);
}

/* All that was left has been sent again. True if something is lost. */
static bool end_restoring(struct relp_stream_sender *stream)
{
	uint64_t lost = stream->gone > stream->again ? stream->gone - stream->again : 0;
	/* What it counts now: other than before if more came again than it said it had lost (the filter was changed, say). */
	stream->server.records += stream->again > stream->gone ? stream->again - stream->gone : 0;
	stream->restored_to = stream->reported_to = 0;
	note_server(stream, lost);
	return lost > 0;
}

static bool acknowledged_again(struct relp_stream_sender *stream, uint64_t sequence, uint32_t records)
{
	stream->again += records;
	return sequence >= stream->restored_to && end_restoring(stream);
}

bool relp_stream_was_settled(const struct relp_stream_sender *stream, uint64_t sequence)
{
	return sequence <= spool_cursor_delivered(cursor_of(stream));
}

void relp_stream_give_up(struct relp_stream_sender *stream, uint64_t sequence)
{
	stream->given_up_to = sequence;
}

/*
 * A block that was settled before cannot be taken apart into messages, since their outcome is counted already; and to send
 * it for ever would keep all others from the server. So what the server does not take stays lost.
 */
static bool is_given_up(struct relp_stream_sender *stream, const struct relp_session *session,
                        const struct relp_block *block)
{
	bool refused = block->last <= stream->given_up_to;
	if (!relp_stream_was_settled(stream, block->last) ||
	    (!refused && relp_session_takes_block(session, block->payload.len, block->unpacked_len)))
		return false;
	if (block->last <= stream->told_to)
		return true;
	stream->told_to = block->last;
	output_trouble(stream->output, "output_not_sent_again",
	               "%s was restored, and %s: messages %llu to %llu are not sent again, and count as lost-by-peer. As long "
	               "as they are in the spool, \"relayctl spool replay\" sends them one by one", stream->server_name,
	               refused ? "refuses a block that it had acknowledged" : "takes no block as large as it once did",
	               (unsigned long long)block->first, (unsigned long long)block->last);
	return true;
}

/* A block is not sent again. If it is the last that would be, what is lost is known when those before it are answered. */
static enum sender_shipped pass_over(struct relp_stream_sender *stream, struct relp_session *session,
                                     const struct relp_block *block)
{
	uint64_t reported_to = stream->reported_to;
	if (stream->restored_to == 0 || block->last < stream->restored_to)
		return SENDER_KNOWN;
	if (relp_session_awaits_answers(session))
		return SENDER_NO_ROOM;
	if (end_restoring(stream))
		relp_session_hint_lost(session, stream->server.lost);
	stream->reported_to = reported_to; /* the server's mark stays below: a next session finds the same */
	return SENDER_KNOWN;
}

/* ---- a session ---- */

/*
 * The server has all that it acknowledged, or more than its answers told us; then its count is right. At the same mark it
 * can have less only if a loss was found out and a crash of ours forgot it; the server may even have been told.
 */
static void settle_counts(struct relp_stream_sender *stream, const struct relp_block_answer *answer)
{
	struct spool_stream_server *server = &stream->server;
	/* It cannot have got, or lost, more than there ever was, whatever it says. */
	uint64_t most = spool_stored(stream->output->setup.spool);
	uint64_t records = answer->records < most ? answer->records : most;
	uint64_t lost_there = answer->lost < most - records ? answer->lost : most - records;
	if (lost_there > server->lost)
		server->lost = lost_there;
	uint64_t known = records + server->lost;
	bool has_less = answer->mark == server->sequence && server->records > known;
	uint64_t lost = has_less ? server->records - known : 0;
	if (!has_less)
		server->records = known;
	server->sequence = answer->mark;
	if (answer->mark > 0)
		note_server(stream, lost);
}

/* What this server has of the stream, and where the session goes on. */
static uint64_t meet_server(struct relp_stream_sender *stream, const struct relp_block_answer *answer)
{
	uint64_t delivered = spool_cursor_delivered(cursor_of(stream));
	stream->restored_to = stream->elsewhere_to = 0;
	spool_cursor_server(cursor_of(stream), answer->spool, &stream->server);
	if (answer->mark < stream->server.sequence) {
		begin_restoring(stream, answer);
		if (spool_first(stream->output->setup.spool) <= stream->restored_to)
			return answer->mark + 1;
		end_restoring(stream);
	} else {
		settle_counts(stream, answer);
	}
	return delivered + 1;
}

const char *relp_stream_opened(struct relp_stream_sender *stream, const struct relp_block_answer *answer,
                               const char *server_name)
{
	struct spool_output_totals totals;
	sender_publish(stream->sender);
	if (answer == NULL) {
		bool changes = stream->ships;
		stream->ships = false;
		sender_asked(stream->sender, 0);
		if (changes)
			sender_start_over(stream->sender, UINT64_MAX); /* what was read as blocks is read again, as messages */
		return NULL;
	}
	enum sender_knowledge verified = verify(stream, answer);
	if (verified == SENDER_CANNOT_SAY)
		return "the spool cannot be read now, to compare the server's mark with it";
	if (verified == SENDER_KNOWS_NOT) {
		output_trouble(stream->output, "output_stream_forked",
		               "%s has stored messages up to %llu of this stream that are not ours: this spool was "
		               "restored, copied or written without sync; the stream goes on under a new id",
		               server_name, (unsigned long long)answer->mark);
		spool_cursor_fork(cursor_of(stream));
		return "the stream has forked and gets a new id";
	}
	stream->server_name = server_name;
	sender_asked(stream->sender, answer->mark);
	uint64_t next = meet_server(stream, answer);
	stream->known_to = answer->mark;
	stream->ships = true;
	/* What was read for messages before is read again, as blocks. */
	sender_start_over(stream->sender, next);
	spool_cursor_totals(cursor_of(stream), &totals);
	stream->total = totals.delivered;
	return NULL;
}

enum sender_shipped relp_stream_send(struct relp_stream_sender *stream, struct relp_session *session,
                                     struct relp_block *block)
{
	if (!relp_session_ships_blocks(session))
		return SENDER_NO_ROOM;
	if (block->last <= stream->known_to) {
		stream->total += block->records;
		return SENDER_KNOWN;
	}
	/* Another server took these, and has not lost them. */
	if (block->first > stream->restored_to && block->last <= stream->elsewhere_to)
		return SENDER_KNOWN;
	if (is_given_up(stream, session, block))
		return pass_over(stream, session, block);
	if (!relp_session_takes_block(session, block->payload.len, block->unpacked_len)) {
		stream->plain_until = block->last;
		relp_session_renew(session);
		return SENDER_NO_ROOM;
	}
	block->total = stream->total + block->records;
	if (!relp_session_send_block(session, block))
		return SENDER_NO_ROOM;
	stream->total = block->total;
	return SENDER_SHIPPED;
}

void relp_stream_send_plain(struct relp_stream_sender *stream, uint64_t sequence)
{
	stream->plain_until = sequence;
}

bool relp_stream_acknowledged(struct relp_stream_sender *stream, uint64_t sequence, uint32_t records)
{
	if (!stream->ships)
		return false;
	if (stream->restored_to > 0 && sequence <= stream->restored_to)
		return acknowledged_again(stream, sequence, records);
	bool lost = stream->restored_to > 0 && end_restoring(stream);
	stream->server.sequence = sequence;
	stream->server.records += records;
	spool_cursor_set_server(cursor_of(stream), &stream->server);
	return lost;
}

bool relp_stream_wants_renewal(struct relp_stream_sender *stream)
{
	return stream->wanted && stream->plain_until > 0 && !stream->ships &&
	       spool_cursor_delivered(cursor_of(stream)) >= stream->plain_until;
}
