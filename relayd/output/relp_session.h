/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A RELP session that is kept up towards one server (or the first of several that can be reached): a link, a client on it,
 * and the sequences of the messages that are on their way. What was answered is settled; what was not, when a session
 * ends, is given back as lost, never forgotten.
 *
 * After a 500 the next session sends up to the refused message and then it alone (spool-rules.md, rule 38). As long as the
 * server refuses it, nothing behind it goes out: the output holds, says so, and tries again with growing waits.
 */
#ifndef RELAYD_OUTPUT_RELP_SESSION_H
#define RELAYD_OUTPUT_RELP_SESSION_H

#include "output/link.h"
#include "relp/relp_client.h"

enum {
	RELP_SESSION_GATHER_BYTES = 64 * 1024, /* written out together; more is not gathered while the socket is full */
	RELP_SESSION_HOLD_REFUSALS = 3,        /* from so many on the state says that the output is held */
};

/* What a session that is about to open offers. */
enum relp_session_offer {
	RELP_OFFER_MESSAGES = 0,
	RELP_OFFER_BLOCKS = 1, /* of the stream that the request says; the server may want messages all the same */
	RELP_OFFER_LATER = 2,  /* not now: try again */
};

struct relp_session_settings {
	struct link_settings link;    /* its events and context are the session's */
	unsigned window;              /* messages */
	uint64_t window_octets;
	uint64_t answer_timeout_ns;
	uint64_t warn_size;           /* a longer message is warned of, once; 0: never */

	void *context;
	/* What to offer. Optional: messages. */
	enum relp_session_offer (*offer)(void *context, struct relp_block_request *request);
	/*
	 * The server has opened the session, and takes blocks if `answer` is not NULL. NULL, or why the session is no good.
	 * Optional.
	 */
	const char *(*opened)(void *context, const struct relp_block_answer *answer);
	/* This message (or block of so many, with its last) was acknowledged; this one was not, and its session has ended. */
	void (*settled)(void *context, uint64_t sequence, uint32_t records);
	void (*lost)(void *context, uint64_t sequence);
	/* After any number of these, or when there may be room: go on sending. */
	void (*progress)(void *context);
	/* The link's state has changed. */
	void (*changed)(void *context);
	/* relp_session_finish() is complete: the session may be closed. */
	void (*finished)(void *context);
};

struct relp_session;

/* A session that does nothing yet; NULL if memory is short. relp_session_close() drops everything, without events. */
struct relp_session *relp_session_open(const struct relp_session_settings *settings);
void relp_session_close(struct relp_session **session);

void relp_session_start(struct relp_session *session);

/* How many messages it would take now. */
size_t relp_session_room(const struct relp_session *session);

/*
 * Whether its answers can be read a little later: the session is open and goes on, all that was sent is with the kernel, and
 * half of its window is free for what comes next.
 */
bool relp_session_may_rest(const struct relp_session *session);

/*
 * Takes one message; false if it has no room for it. Not written before relp_session_flush() or
 * RELP_SESSION_GATHER_BYTES.
 */
bool relp_session_send(struct relp_session *session, uint64_t sequence, struct bytes message);

/* Whether the session that is open ships blocks; and whether the server takes one of so many octets, packed and unpacked. */
bool relp_session_ships_blocks(const struct relp_session *session);
bool relp_session_takes_block(const struct relp_session *session, size_t packed, size_t unpacked);

/* As relp_session_send(), for a block, which must be one that the server takes; settled and lost by its last sequence. */
bool relp_session_send_block(struct relp_session *session, const struct relp_block *block);

/* Whether anything was sent that is neither settled nor lost. */
bool relp_session_awaits_answers(const struct relp_session *session);

/* Tells the server how many records of the stream it has lost, in all; the next session's answer says if it knows. */
void relp_session_hint_lost(struct relp_session *session, uint64_t records);

/* Sends nothing more in this session; when all is answered it is closed in order and a new one opened. */
void relp_session_renew(struct relp_session *session);

void relp_session_flush(struct relp_session *session);

/*
 * Sends nothing more, waits for what is outstanding, closes in order; `finished` then. At once if there is no
 * session.
 */
void relp_session_finish(struct relp_session *session);

/* All up to `sequence` is settled otherwise: a refused message among it holds nothing up any more. */
void relp_session_forget(struct relp_session *session, uint64_t sequence);

struct link *relp_session_link(const struct relp_session *session);

/* The message that the server refuses and how often it did; 0 refusals: none. */
unsigned relp_session_refusals(const struct relp_session *session, uint64_t *sequence);

#endif
