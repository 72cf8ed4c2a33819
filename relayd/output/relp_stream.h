/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream that a RELP output ships to another relay as blocks (spool-rules.md, 5): what is offered, what the server's
 * mark means for us, from where on a session goes, and what it acknowledged. Nobody skips on a mark that was not verified.
 */
#ifndef RELAYD_OUTPUT_RELP_STREAM_H
#define RELAYD_OUTPUT_RELP_STREAM_H

#include "output/relp_session.h"
#include "output/sender.h"
#include "spool/spool_stream.h"

/* Zero-initialise, then relp_stream_init(). The fields are private but for what is said to be readable. */
struct relp_stream_sender {
	struct output *output;
	struct sender *sender;
	bool wanted;           /* readable: the output's settings let blocks be shipped */
	bool ships;            /* readable: the session that was opened last does */
	struct spool_stream_server server; /* readable: what the server of that session has acknowledged */
	const char *server_name;
	uint64_t known_to;     /* the server has all up to here: verified */
	uint64_t total;        /* records of the stream so far: delivered, and shipped in this session */
	uint64_t plain_until;  /* a block that the server does not take goes as messages, up to here; 0: none */
	/*
	 * The server's disk was restored (rule 29): what it had acknowledged up to here is sent again, if it is here; 0: no.
	 */
	uint64_t restored_to;
	uint64_t elsewhere_to; /* behind that, up to here, went to other servers: also when that is done; 0: nothing */
	uint64_t gone;         /* records that it had acknowledged and does not have */
	uint64_t again;        /* of these, that it has acknowledged again in this session */
	uint64_t reported_to;  /* restored_to, as it was reported last */
	uint64_t given_up_to;  /* what is sent again is not, up to here: the server refuses it */
	uint64_t told_to;      /* what the server does not get again has been told, up to here */
};

void relp_stream_init(struct relp_stream_sender *stream, struct output *output, struct sender *sender, bool wanted);

/* For relp_session_settings.offer and .opened. */
enum relp_session_offer relp_stream_offer(struct relp_stream_sender *stream, struct relp_block_request *request);
const char *relp_stream_opened(struct relp_stream_sender *stream, const struct relp_block_answer *answer,
                               const char *server_name);

/* For sender_transport.send_block. */
enum sender_shipped relp_stream_send(struct relp_stream_sender *stream, struct relp_session *session,
                                     struct relp_block *block);

/* All up to `sequence` goes as messages, from the next session on. */
void relp_stream_send_plain(struct relp_stream_sender *stream, uint64_t sequence);

/* Whether all up to `sequence` was settled before: then it is sent only because the server was restored. */
bool relp_stream_was_settled(const struct relp_stream_sender *stream, uint64_t sequence);

/*
 * The server refuses such a block, which ends with `sequence`, for good: it is not sent again, and its messages count as
 * lost by that server.
 */
void relp_stream_give_up(struct relp_stream_sender *stream, uint64_t sequence);

/*
 * The server has acknowledged the block of so many records that ends with `sequence`. True if it is to be told now how many
 * records it has lost (server.lost): all that is left of what it lost has been sent again.
 */
bool relp_stream_acknowledged(struct relp_stream_sender *stream, uint64_t sequence, uint32_t records);

/* Whether what had to go as messages has gone: the session may ship blocks again. */
bool relp_stream_wants_renewal(struct relp_stream_sender *stream);

#endif
