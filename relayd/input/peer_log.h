/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines about peers: who, what was wrong, what would be right. Each kind is rate limited, because a peer decides how
 * often it happens; the next line that passes says how many were held back. Counting is the caller's.
 */
#ifndef RELAYD_INPUT_PEER_LOG_H
#define RELAYD_INPUT_PEER_LOG_H

#include "base/bytes.h"
#include "base/rate_limit.h"

enum peer_event {
	PEER_NOT_ALLOWED,      /* outside of allowed_peers */
	PEER_OVER_LIMIT,       /* max_connections */
	PEER_PROTOCOL_ERROR,   /* framing or RELP: the connection is ended */
	PEER_FRAMING,          /* the peer speaks another framing than the operator forced */
	PEER_TLS_REFUSED,
	PEER_UNFINISHED,       /* an unfinished frame passed the limit or the budget */
	PEER_INCOMPLETE_CLOSE, /* TLS without close_notify */
	PEER_IDLE,
	PEER_TRUNCATED,        /* a message was longer than max_message_size */
	PEER_NOT_STORED,       /* our stop could not wait any longer: octets are lost */
	PEER_NO_MEMORY,
	PEER_LOST,             /* our spool was restored: what we had acknowledged is gone */
	PEER_EVENTS,
};

enum { PEER_LOG_REMEMBERED = 64 }; /* peers that "once per peer" remembers */

/* One for each input and worker, used by that worker's thread. */
struct peer_log {
	const char *input;
	struct rate_limit limits[PEER_EVENTS];
	uint64_t told[PEER_LOG_REMEMBERED]; /* hashes of peers */
	unsigned told_next;
};

void peer_log_init(struct peer_log *log, const char *input);

/*
 * Writes a line about `peer` unless there were too many. `message` is a sentence: what happened and what would be right;
 * `octets`, unless empty, are what the peer sent: the first few are shown, escaped.
 */
void peer_log_event(struct peer_log *log, enum peer_event event, uint64_t now_ns, const char *peer, const char *message,
                    struct bytes octets);

/* True the first time that it is asked for this peer (its 16 address octets), as far as is remembered. */
bool peer_log_first_time(struct peer_log *log, const uint8_t address[16]);

/* Room for OCTETS_SHOWN_MAX octets as \xNN, "..." and NUL. */
enum { OCTETS_SHOWN_MAX = 64, OCTETS_TEXT_MAX_BYTES = OCTETS_SHOWN_MAX * 4 + 4 };

/* The first octets as text: printable ASCII as it is, the rest and the backslash as \xNN. Returns `text`. */
const char *octets_text(struct bytes octets, char text[OCTETS_TEXT_MAX_BYTES]);

#endif
