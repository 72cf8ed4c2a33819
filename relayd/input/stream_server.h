/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input with connections: one listener on the first worker, and a part on every worker that holds the connections
 * that it was given (rule 37: the one with the fewest gets the next). What a connection speaks is a connection_protocol.
 */
#ifndef RELAYD_INPUT_STREAM_SERVER_H
#define RELAYD_INPUT_STREAM_SERVER_H

#include "input/connection.h"
#include "input/input_common.h"
#include "input/input_tls.h"
#include "input/listener.h"
#include "input/local_path.h"
#include "input/peer_log.h"

/* What a driver wants. All pointers are into its settings or constant. */
struct stream_server_spec {
	const struct connection_protocol *protocol;
	const char *listen;          /* endpoint text */
	uint16_t default_port;
	unsigned permissions;        /* of a Unix socket; 0: it must not be one */
	const struct input_connections *limits;
	const struct input_tls *tls; /* NULL: plain */
	enum spool_block_use use;
	bool is_local_dialect;       /* the C library's syslog(3) writes to it */
};

/* What one worker has of the input. */
struct connection_part {
	struct stream_server *server;
	struct input_worker *on;
	struct intake_source source;
	struct peer_log log;
	struct list connections;
	struct list waiting;         /* for room, or memory; the first is served first */
	struct list awaiting;        /* wait for something to be stored */
	unsigned ending;             /* connections with a deadline */
	struct connection_part_stop {
		bool is_on;                  /* our stop has begun, and there are connections */
		bool gives_up;               /* it waits no longer: what still comes of those without answers is dropped */
		uint64_t begun_ns;
		uint64_t progress_ns;        /* when `received` moved last */
		uint64_t received;           /* then */
		uint64_t lost, lost_octets;  /* messages that were dropped */
		uint64_t unread_octets;      /* of connections that were closed at the end, with no time left to look at them */
	} stop;
	uint64_t tick_ms;            /* of the timer, 0 while it is off */
	struct turn_count acknowledged; /* reads, at once (input_stream.c) */
	uv_timer_t timer;
	_Atomic uint64_t waiting_count; /* connections in `waiting` */
	_Atomic uint64_t protocol_errors;
	_Atomic uint64_t tls_refused;
};

struct stream_server {
	struct input input;
	struct stream_server_spec spec;
	bool is_local;
	struct tls_holder tls;
	struct local_path path;
	struct listener listener;
	uint64_t stop_ns, drain_ns;  /* CONNECTION_STOP_NS, CONNECTION_DRAIN_NS, but for tests */
	_Atomic uint64_t open;       /* connections, descriptors on their way to a worker included */
	_Atomic uint64_t total;
	_Atomic uint64_t refused;
	struct connection_part parts[]; /* one for each worker */
};

/* For a driver's check(): the endpoint and the limits. */
bool stream_server_check(const struct stream_server_spec *spec, char *error);

/* For a driver's open(). The others are a driver's functions as they stand. */
struct input *stream_server_open(const struct stream_server_spec *spec, const struct input_setup *setup, char *error);
void stream_server_start(struct input *input);
bool stream_server_reload(struct input *input, char *error);
void stream_server_stop(struct input *input, void (*stopped)(void *context), void *context);
void stream_server_status(const struct input *input, struct input_status *status);
void stream_server_close(struct input **input);

/* --- between stream_server.c and connection.c, on the worker's thread ------------------------------------------------ */

void connection_part_start(struct connection_part *part);

/* Takes over an accepted descriptor, which the server has counted. */
void connection_part_adopt(struct connection_part *part, int fd, const struct address *peer);

/* Ends all connections in order; when none is left and the handles are closed, calls input_part_stopped(). */
void connection_part_stop(struct connection_part *part);

/* Takes back what the server counted for a connection. From any thread. */
void stream_server_forget(struct connection_part *part);

#endif
