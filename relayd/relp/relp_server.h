/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of a RELP session towards an originator: bytes in, events out. A message is answered only when the caller
 * says that it is stored, in the order of the commands. The session owns no socket and no memory:
 *
 *     bytes from the socket -> relp_server_feed(), until it says RELP_SERVER_NOTHING
 *     messages stored       -> relp_server_stored()
 *     after either          -> relp_server_write(), which puts whatever is owed into the output buffer
 *
 * When relp_server_state() is RELP_SERVER_CLOSED, everything owed has been written: flush, shutdown(SHUT_WR), read and
 * discard until the end of the stream or a time limit, close. Closing with unread input would destroy answers on
 * their way. A full spool is shown by not reading, never by an answer: omrelp drops a message that gets a 500 for good.
 */
#ifndef RELAYD_RELP_RELP_SERVER_H
#define RELAYD_RELP_RELP_SERVER_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "relp/relp_block_offer.h"
#include "relp/relp_frame.h"
#include "relp/relp_offers.h"

/* Messages unanswered; a client that sends on regardless is cut off. */
enum { RELP_SERVER_PENDING_MAX = 1 << 24 };

/* Only forward, in this order. */
enum relp_server_state {
	RELP_SERVER_AWAIT_OPEN = 0,
	RELP_SERVER_OPEN = 1,
	RELP_SERVER_CLOSING = 2, /* nothing is parsed any more; answers are still owed */
	RELP_SERVER_CLOSED = 3,  /* `0 serverclose 0` has been written */
};

/* One session. Set up with relp_server_init(); the fields are private. */
struct relp_server {
	enum relp_server_state state;
	struct relp_frame_reader reader;
	struct bytes software;
	bool owe_open;       /* the answer to `open` is not written yet */
	bool holds_open;     /* nor may it be: the caller is still finding out what to answer */
	bool grants_blocks;  /* `block` is what the answer says, and the command is taken */
	struct relp_block_answer block;
	const char *refusal; /* why `open` is answered 500; NULL: 200 */
	bool owe_close;      /* the answer to `close` is not written yet */
	const char *block_refusal; /* why the last command, a block, is answered 500; NULL: it is not */
	bool given_up;       /* what was not stored then stays unanswered */
	bool counts_late;    /* the client counts to RELP_TXNR_LIBRELP_MAX, as librelp does */
	bool last_is_cut;    /* the last pending message was reported truncated; `reader` knows if more of it is to come */
	uint32_t received_txnr; /* of the last command */
	uint32_t answered_txnr; /* of the last command whose answer is written */
	uint32_t pending;       /* messages received and not answered */
	uint32_t stored;        /* of these, from the oldest on, how many are stored */
};

enum relp_server_event_kind {
	RELP_SERVER_NOTHING = 0,         /* wait for more octets; `consumed` is valid all the same */
	RELP_SERVER_OPENED = 1,          /* `offers` */
	RELP_SERVER_MESSAGE = 2,         /* `txnr`, `data`, `truncated` */
	RELP_SERVER_CLOSE_REQUESTED = 3, /* the client ends the session; no message follows */
	RELP_SERVER_PROTOCOL_ERROR = 4,  /* `reason`, `offending`; the session is closing; no message follows */
	RELP_SERVER_BLOCKS = 5,          /* `txnr`, `data`, for relp_block_next(); only after relp_server_grant_blocks() */
	RELP_SERVER_LOST = 6,            /* `lost`: the hint of a client that was granted blocks */
};

struct relp_server_event {
	enum relp_server_event_kind kind;
	size_t consumed;           /* octets to drop from the front, after use of the views */
	uint32_t txnr;             /* of the command */
	struct bytes data;         /* view: the message, octet for octet; may be empty */
	bool truncated;            /* longer than the limit: `data` is its start */
	uint64_t lost;             /* records of its stream, in all, that we acknowledged, do not have, and will not get again */
	const char *reason;        /* a constant sentence, fit for a log line */
	struct bytes offending;    /* view: first octets of the wrong frame, at most RELP_OFFENDING_LEN_MAX */
	struct relp_offers offers; /* views: what the client offers; only for RELP_SERVER_OPENED, all others are else 0 */
};

/*
 * A session that awaits `open`. `limit` (> 0): octets of a message that are kept. `software`: what relp_software says,
 * at most RELP_SOFTWARE_LEN_MAX octets; it must outlive the session.
 */
void relp_server_init(struct relp_server *session, size_t limit, struct bytes software);

/*
 * The next event in `in`, which begins with the first octet that was not consumed. The caller drops event->consumed
 * octets after every call, whatever the kind, and calls again until RELP_SERVER_NOTHING. Views are into `in`. An input
 * buffer with a cap of limit + RELP_FRAME_OVERHEAD_MAX octets never blocks it. In the states closing and closed all
 * octets are consumed and nothing is reported: frames behind `close` are ignored.
 */
enum relp_server_event_kind relp_server_feed(struct relp_server *session, struct bytes in,
                                             struct relp_server_event *event);

/*
 * Right after RELP_SERVER_OPENED: the answer is not written before one of the three functions that follow was called.
 */
void relp_server_hold_open(struct relp_server *session);

/*
 * The held answer is 200, and says that blocks are taken: `answer` stands in it, and a `block` command with at most
 * answer->max_octets (<= RELP_BLOCK_COMMAND_MAX) is RELP_SERVER_BLOCKS. The input buffer needs a cap of that and
 * RELP_FRAME_OVERHEAD_MAX from here on.
 */
void relp_server_grant_blocks(struct relp_server *session, const struct relp_block_answer *answer);

/* The held answer is 200, and nothing of blocks. */
void relp_server_grant_messages(struct relp_server *session);

/* The held answer is 500 with this constant sentence (80 octets at most), and the session ends. */
void relp_server_refuse_open(struct relp_server *session, const char *refusal);

/*
 * Appends the hint `0 full 0`, by which a client that ships blocks knows that we are there and the spool is full. False if
 * `out` has no room, or the client is not one that was granted blocks, or is ending.
 */
bool relp_server_hint_full(const struct relp_server *session, struct buffer *out);

/*
 * Every message (or `block` command) up to and including the one of `txnr`, which must be one that was reported and not
 * answered yet, is stored. relp_server_write() will answer them, a truncated one not before its last octet has come. Does
 * nothing once the session is closed or given up.
 */
void relp_server_stored(struct relp_server *session, uint32_t txnr);

/*
 * The `block` command that was reported last, and not stored, will never be taken: once all before it is stored it is
 * answered 500 with this constant sentence (80 octets at most), and the session ends. Nothing is parsed any more.
 */
void relp_server_refuse_block(struct relp_server *session, const char *refusal);

/*
 * Appends everything owed to `out`: the answer to `open`, `200 OK` for each stored message in order, and once no
 * message is pending the answer to a block that is refused, the answer to `close` and `0 serverclose 0`. False if `out`
 * had no room for all of it: call again when it has; nothing is lost or doubled.
 */
bool relp_server_write(struct relp_server *session, struct buffer *out);

/* We want to stop: nothing is parsed any more; relp_server_write() ends the session when what is pending is stored. */
void relp_server_stop(struct relp_server *session);

/*
 * What is not stored by now will not be (spool full at our stop): it stays unanswered, and the client sends it again.
 * Stops the session if it was not stopping.
 */
void relp_server_give_up(struct relp_server *session);

static inline enum relp_server_state relp_server_state(const struct relp_server *session)
{
	return session->state;
}

/* Messages reported and not answered yet. */
static inline uint32_t relp_server_pending(const struct relp_server *session)
{
	return session->pending;
}

#endif
