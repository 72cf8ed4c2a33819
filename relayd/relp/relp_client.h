/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of a RELP session towards a collector: it opens the session, keeps the window of unacknowledged messages,
 * and says how far they are acknowledged. Bytes and `now` in, events and bytes out; the session owns no socket, no
 * clock.
 *
 *     relp_client_open(); bytes -> relp_client_feed() -> RELP_CLIENT_OPENED
 *     relp_client_send() while it says RELP_SEND_OK; bytes -> relp_client_feed() -> RELP_CLIENT_ACKNOWLEDGED
 *     relp_client_wants_reopen(), or our stop: wait for the window to empty, relp_client_close() -> RELP_CLIENT_CLOSED
 *
 * However a session ends, what is not acknowledged has to be sent again on the next one, oldest first, by the caller:
 * RELP is at least once. Before giving a broken connection up, feed what can still be read: it may hold answers.
 */
#ifndef RELAYD_RELP_RELP_CLIENT_H
#define RELAYD_RELP_RELP_CLIENT_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "relp/relp_block.h"
#include "relp/relp_block_offer.h"
#include "relp/relp_frame.h"
#include "relp/relp_offers.h"
#include "relp/relp_window.h"

enum {
	RELP_ANSWER_DATA_MAX = 16384, /* octets of an answer that we take; librelp's have less than 200 */
	/* An input buffer with this cap never blocks a session. */
	RELP_CLIENT_INPUT_MAX = RELP_ANSWER_DATA_MAX + RELP_FRAME_OVERHEAD_MAX,
};

/*
 * How long a hint of a full server holds the time-out of answers up (spool-rules.md, rule 34): it says so every ten
 * seconds, and may be late.
 */
#define RELP_FULL_PATIENCE_NS  ((uint64_t)30 * 1000 * 1000 * 1000)
#define RELP_ANSWER_TIMEOUT_NS ((uint64_t)90 * 1000 * 1000 * 1000) /* default; as librelp's */
#define RELP_OPEN_TIMEOUT_NS   ((uint64_t)10 * 1000 * 1000 * 1000) /* default; as librelp's */

/* Only forward, in this order. */
enum relp_client_state {
	RELP_CLIENT_NEW = 0,          /* `open` is not written yet */
	RELP_CLIENT_AWAIT_ANSWER = 1, /* `open` is written */
	RELP_CLIENT_READY = 2,
	RELP_CLIENT_DRAINING = 3, /* a message was refused: answers are taken, nothing more is sent */
	RELP_CLIENT_CLOSING = 4,  /* `close` is written; answers are taken */
	RELP_CLIENT_ENDED = 5,    /* closed, by either side, or broken: drop the connection */
};

struct relp_client_settings {
	struct bytes software;             /* relp_software, <= RELP_SOFTWARE_LEN_MAX octets; must outlive the session */
	struct relp_window_entry *entries; /* the window's array, lent as long as the session lives */
	size_t window;                     /* its length: commands unacknowledged at most (RELP_WINDOW_DEFAULT) */
	uint64_t window_octets;            /* octets of messages unacknowledged at most */
	uint64_t answer_timeout_ns;        /* 0: RELP_ANSWER_TIMEOUT_NS */
	uint64_t open_timeout_ns;          /* 0: RELP_OPEN_TIMEOUT_NS */
	bool offers_blocks;                /* to ship blocks, of this stream: */
	struct relp_block_request block;
};

/* One session. Set up with relp_client_init(); the fields are private. */
struct relp_client {
	enum relp_client_state state;
	struct relp_client_settings settings;
	struct relp_window window;
	uint32_t close_txnr;
	uint64_t waiting_since_ns; /* for the answer to `open` or `close` */
	bool ships_blocks;         /* the server takes them, as `block` says */
	struct relp_block_answer block;
	uint64_t full_ns;          /* when the server last said that it is full; 0: never */
};

enum relp_client_event_kind {
	RELP_CLIENT_NOTHING = 0,      /* wait for more octets; `consumed` is valid all the same */
	RELP_CLIENT_OPENED = 1,       /* `offers` of the server; messages may be sent */
	RELP_CLIENT_ACKNOWLEDGED = 2, /* `sequence`: it and all sent before it are acknowledged */
	RELP_CLIENT_REFUSED = 3, /* `code`, `text`, `sequence`: this one message is not delivered; nothing more is sent */
	RELP_CLIENT_SERVER_CLOSE = 4, /* the server is about to close; the session has ended */
	RELP_CLIENT_CLOSED = 5,       /* our `close` was answered; the session has ended */
	RELP_CLIENT_FULL = 6,         /* the server's spool is full, but it is there: relp_client_note_full() */
	RELP_CLIENT_ERROR = 7,        /* `reason`, `code` and `text` if `open` was refused; the session has ended */
};

struct relp_client_event {
	enum relp_client_event_kind kind;
	size_t consumed; /* octets to drop from the front, after use of the views */
	uint64_t sequence;
	unsigned code;             /* of the answer; 0: none */
	struct bytes text;         /* view: the answer's text */
	struct relp_offers offers; /* views */
	const char *reason;        /* a constant sentence, fit for a log line */
	struct bytes offending;    /* view: first octets of a wrong frame */
};

enum relp_send_result {
	RELP_SEND_OK = 0,
	RELP_SEND_WINDOW_FULL = 1, /* by count, octets or TXNRs: send when answers have come */
	RELP_SEND_BUFFER_FULL = 2, /* the output buffer has no room */
	RELP_SEND_NOT_READY = 3,   /* not opened yet, or draining, closing, ended */
};

/* A new session; settings are copied, what they point to must outlive it. Use one for one connection only. */
void relp_client_init(struct relp_client *session, const struct relp_client_settings *settings);

/* Appends `open`, as TXNR 1. False if `out` has no room. Only in the state new. */
bool relp_client_open(struct relp_client *session, uint64_t now_ns, struct buffer *out);

/*
 * Appends one message as a `syslog` command and takes it into the window under `sequence`, which must grow from call to
 * call (gaps are fine). At most RELP_DATALEN_MAX octets. Anything but RELP_SEND_OK leaves all as it was.
 */
enum relp_send_result relp_client_send(struct relp_client *session, struct bytes message, uint64_t sequence,
                                       uint64_t now_ns, struct buffer *out);

/*
 * Appends one block as a `block` command and takes it into the window under block->last. Only if relp_client_ships_blocks()
 * and relp_client_takes_block(). Else as relp_client_send().
 */
enum relp_send_result relp_client_send_block(struct relp_client *session, const struct relp_block *block, uint64_t sequence,
                                             uint64_t now_ns, struct buffer *out);

/* After RELP_CLIENT_OPENED: what the server answered to the offer of blocks; NULL: messages only. Lives as the session. */
static inline const struct relp_block_answer *relp_client_ships_blocks(const struct relp_client *session)
{
	return session->ships_blocks ? &session->block : NULL;
}

/* Whether a block of so many octets, packed and unpacked, is within the server's limits. */
static inline bool relp_client_takes_block(const struct relp_client *session, size_t packed, size_t unpacked)
{
	return session->ships_blocks && packed + RELP_BLOCK_HEAD_LEN <= session->block.max_octets &&
	       unpacked <= session->block.max_unpacked;
}

/* After RELP_CLIENT_FULL: no answer is missed for RELP_FULL_PATIENCE_NS, or the time-out of answers if that is longer. */
void relp_client_note_full(struct relp_client *session, uint64_t now_ns);

/*
 * Appends the hint `lost`, if the session ships blocks: so many records of the stream, in all, did this server acknowledge
 * and does not have, nor do we. False if `out` has no room, or the session is not one for it.
 */
bool relp_client_hint_lost(const struct relp_client *session, uint64_t records, struct buffer *out);

/*
 * The next event in `in`, which begins with the first octet that was not consumed. The caller drops event->consumed
 * octets after every call, whatever the kind, and calls again until RELP_CLIENT_NOTHING. Answers that lie together in
 * `in` make one RELP_CLIENT_ACKNOWLEDGED; those out of order are remembered until the gap before them closes. Once
 * ended, all octets are consumed and nothing is reported.
 */
enum relp_client_event_kind relp_client_feed(struct relp_client *session, struct bytes in,
                                             struct relp_client_event *event);

/*
 * Appends `close`; only in the states ready and draining. False if `out` has no room. Call it when nothing is
 * unacknowledged, or what is may be sent again: not every server answers all before it answers `close`.
 */
bool relp_client_close(struct relp_client *session, uint64_t now_ns, struct buffer *out);

/* When relp_client_expired() will find something, if no answer comes; UINT64_MAX: never. For the caller's timer. */
uint64_t relp_client_deadline_ns(const struct relp_client *session);

/* Why the session has to be given up at `now_ns`, a constant sentence; NULL if it has not. */
const char *relp_client_expired(const struct relp_client *session, uint64_t now_ns);

/* Whether the TXNRs come near their end, where librelp stumbles: send no more, close, open a new session. */
bool relp_client_wants_reopen(const struct relp_client *session);

static inline enum relp_client_state relp_client_state(const struct relp_client *session)
{
	return session->state;
}

/* Messages sent and not settled yet. */
static inline size_t relp_client_unacknowledged(const struct relp_client *session)
{
	return session->window.count;
}

#endif
