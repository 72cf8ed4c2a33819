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
static bool is_verified(struct relp_stream_sender *stream, const struct relp_block_answer *answer)
{
	uint8_t id[SPOOL_STREAM_ID_BYTES];
	uint64_t checksum, delivered = spool_cursor_delivered(cursor_of(stream));
	spool_cursor_stream(cursor_of(stream), id, &checksum);
	if (answer->mark < delivered || answer->mark == 0)
		return true;
	if (answer->mark > spool_stored(stream->output->setup.spool))
		return false;
	if (answer->mark == delivered && answer->checksum == checksum)
		return true;
	return sender_block_checksum(stream->sender, answer->mark, &checksum) && answer->checksum == checksum;
}

/* Rule 29: the server has less than it once acknowledged. What is still here is sent again. */
static void report_loss(struct relp_stream_sender *stream, const struct relp_block_answer *answer, uint64_t acknowledged,
                        const char *server_name)
{
	uint64_t oldest = spool_first(stream->output->setup.spool);
	uint64_t lost = oldest > answer->mark + 1 ? oldest - answer->mark - 1 : 0;
	output_trouble(stream->output, "output_lost_by_peer",
	               "%s was restored: it has stored messages up to %llu of those up to %llu that it had acknowledged; "
	               "%llu of them are not here any more (lost-by-peer), the others are sent again",
	               server_name, (unsigned long long)answer->mark, (unsigned long long)acknowledged,
	               (unsigned long long)(lost < acknowledged - answer->mark ? lost : acknowledged - answer->mark));
	spool_cursor_acknowledge(cursor_of(stream), answer->spool, answer->mark);
}

const char *relp_stream_opened(struct relp_stream_sender *stream, const struct relp_block_answer *answer,
                               const char *server_name)
{
	struct spool_output_totals totals;
	sender_publish(stream->sender);
	if (answer == NULL) {
		bool changes = stream->ships;
		stream->ships = false;
		if (changes)
			sender_start_over(stream->sender, UINT64_MAX); /* what was read as blocks is read again, as messages */
		return NULL;
	}
	if (!is_verified(stream, answer)) {
		output_trouble(stream->output, "output_stream_forked",
		               "%s has stored messages up to %llu of this stream that are not ours: this spool was "
		               "restored, copied or written without sync; the stream goes on under a new id",
		               server_name, (unsigned long long)answer->mark);
		spool_cursor_fork(cursor_of(stream));
		return "the stream has forked and gets a new id";
	}
	uint64_t acknowledged = spool_cursor_acknowledged(cursor_of(stream), answer->spool);
	uint64_t delivered = spool_cursor_delivered(cursor_of(stream));
	uint64_t next = delivered + 1;
	if (answer->mark < acknowledged) {
		report_loss(stream, answer, acknowledged, server_name);
		next = answer->mark + 1;
	} else if (answer->mark > acknowledged) {
		spool_cursor_acknowledge(cursor_of(stream), answer->spool, answer->mark);
	}
	memcpy(stream->server, answer->spool, sizeof stream->server);
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

void relp_stream_acknowledged(struct relp_stream_sender *stream, uint64_t sequence)
{
	if (stream->ships)
		spool_cursor_acknowledge(cursor_of(stream), stream->server, sequence);
}

bool relp_stream_wants_renewal(struct relp_stream_sender *stream)
{
	return stream->wanted && stream->plain_until > 0 && !stream->ships &&
	       spool_cursor_delivered(cursor_of(stream)) >= stream->plain_until;
}
