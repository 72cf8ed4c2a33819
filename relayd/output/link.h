/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that is kept up: to one server, or to the first of several that can be reached (failover). A link connects,
 * does TLS, notices the end, waits with jitter, and connects again for as long as it lives. While it is on a later server it
 * probes the first one and asks for the change back when that has been reachable twice in a row.
 *
 * A connection counts as established only when its owner says so (RELP: `open` was answered); until then it is an attempt
 * like any other, so a peer that accepts and then refuses leads to the next server and to a longer wait.
 */
#ifndef RELAYD_OUTPUT_LINK_H
#define RELAYD_OUTPUT_LINK_H

#include "base/backoff.h"
#include "net/stream.h"
#include "output/connect.h"
#include "output/encoder.h"
#include "output/output_common.h"
#include "output/timer.h"

enum {
	LINK_SERVERS_MAX = 16,
	LINK_PENDING_MAX_BYTES = 32 * 1024, /* of an unfinished answer */
	/* A bound that gathering stops far below: room for one message of any size behind what was gathered. */
	LINK_OUTPUT_CAP_BYTES = 2 * ENCODER_MESSAGE_MAX_BYTES,
};

/*
 * Waits between rounds: doubling, each drawn from the upper half of its step. The longest is short: a server that is back
 * shall be used soon, and a thousand relays that try every 5 to 10 s are 130 connections a second.
 */
#define LINK_BACKOFF_MIN_NS ((uint64_t)500 * CLOCK_NS_PER_MS)
#define LINK_BACKOFF_MAX_NS ((uint64_t)10 * CLOCK_NS_PER_SECOND)
extern struct backoff link_pauses; /* those two; a test makes them shorter before anything is opened */
#define LINK_GOOD_NS ((uint64_t)10 * CLOCK_NS_PER_SECOND) /* a session that lasted so long starts the waits anew */

/* One server as the operator wrote it. */
struct link_server {
	struct endpoint endpoint;
	const char *name; /* "host:port", the operator's text */
};

/*
 * Reads the `servers` of an output. 0 and a sentence (OUTPUT_ERROR_MAX_BYTES) if one is wrong, else how many there
 * are.
 */
unsigned link_servers_read(const struct option_list *list, uint16_t default_port,
                           struct link_server servers[LINK_SERVERS_MAX], char *error);

enum link_state {
	LINK_STOPPED = 0,
	LINK_CONNECTING = 1,  /* until the transport is ready */
	LINK_OPENING = 2,     /* ready; its owner has not said link_established() */
	LINK_ESTABLISHED = 3,
	LINK_WAITING = 4,
};

struct link_events {
	/* The transport is ready (over TLS: after the handshake). */
	void (*ready)(void *context);
	/* As the stream's; owners that expect nothing take all and return its length. */
	size_t (*bytes)(void *context, struct bytes bytes);
	void (*writable)(void *context);
	/* The connection has ended; `in_order`: the peer closed it. `rest` has what came before the end. The stream goes when it
	   returns; a stopped link may be closed from inside. */
	void (*down)(void *context, bool in_order, struct bytes rest);
	/* The preferred server can be reached again: finish what is open, then call link_reconnect(). */
	void (*go_home)(void *context);
	/* link_state() has changed: for the status. */
	void (*changed)(void *context);
};

struct link_settings {
	struct output *output;
	const struct link_server *servers;  /* at least one; outlive the link */
	unsigned count;
	struct tls_context *const *tls;     /* looked at for each connection; NULL, or of NULL: plain */
	uint64_t failback_interval_ns;      /* between probes of the first server; 0: never */
	struct link_events events;
	void *context;
};

struct link;

/* A link that is stopped. NULL if memory is short. */
struct link *link_open(const struct link_settings *settings);
/* Ends everything without events. Clears the pointer; harmless if NULL. */
void link_close(struct link **link);

/* Begins to connect. */
void link_start(struct link *link);

enum link_state link_state(const struct link *link);

/* The stream, from `ready` to the end of `down`; else NULL. */
struct stream *link_stream(const struct link *link);

/* What the connection is to: the operator's text. */
const char *link_server_name(const struct link *link);

/* The session is good: what comes next is a loss, not a failed attempt. */
void link_established(struct link *link);

/*
 * The session is no good, for this reason (printf): drops the connection without `down` and tries the next server, or waits.
 * `at_least_ns`: wait so long in any case.
 */
void link_fail(struct link *link, uint64_t at_least_ns, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * For a drill: drops what there is as if the network had, with `down` if a session was open, and connects again after
 * `for_ns`. 0: at once, if it was cut; else nothing. Not from inside the link's events.
 */
void link_cut(struct link *link, uint64_t for_ns);

/* The owner has finished the session in order: connects again at once, to the preferred server. */
void link_reconnect(struct link *link);

/* No more connecting; a stream that is there lives on until link_close(). */
void link_stop(struct link *link);

/* Shows the state of an output's links: its state, and whom it talks to. */
void link_show(struct output *output, struct link *const *links, unsigned count);

#endif
