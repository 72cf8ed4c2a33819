/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A RELP session that is kept up towards one server (or the first of several that can be reached): a link, a client on it,
 * and the sequences of the messages that are on their way. What was answered is settled; what was not, when a session
 * ends, is given back as lost, never forgotten.
 *
 * After a 500 the next session sends up to the refused message and then it alone (spool page, rule 38). As long as the
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

struct relp_session_settings {
	struct link_settings link;    /* its events and context are the session's */
	unsigned window;              /* messages */
	uint64_t window_octets;
	uint64_t answer_timeout_ns;
	uint64_t warn_size;           /* a longer message is warned of, once; 0: never */

	void *context;
	/* This message was acknowledged; this one was not, and its session has ended. */
	void (*settled)(void *context, uint64_t sequence);
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
 * Takes one message; false if it has no room for it. Not written before relp_session_flush() or
 * RELP_SESSION_GATHER_BYTES.
 */
bool relp_session_send(struct relp_session *session, uint64_t sequence, struct bytes message);
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
