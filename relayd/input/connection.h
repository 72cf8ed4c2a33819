/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One accepted connection as a protocol sees it: bytes come in, messages go to the intake, and everything that all stream
 * inputs share happens behind these functions: waiting for room, idle time-outs, ending in order. All of it runs on the
 * thread of the connection's worker.
 */
#ifndef RELAYD_INPUT_CONNECTION_H
#define RELAYD_INPUT_CONNECTION_H

#include "base/list.h"
#include "intake/intake_blocks.h"
#include "net/stream.h"
#include "syslog/envelope.h"

struct connection;
struct connection_part;

/* What a connection speaks: a const struct of its functions. */
struct connection_protocol {
	size_t size;                 /* of the protocol's struct, which begins with struct connection; zeroed */
	size_t frame_overhead_bytes; /* of an unfinished frame, beyond max_message_size */
	size_t output_cap_bytes;
	enum transport transports[3]; /* over TCP, over TLS, over a Unix socket */
	/* The connection is there; over TLS the handshake is still to come. */
	void (*open)(struct connection *connection);
	/* As stream_events.bytes. May call connection_finish(), not connection_close(). */
	size_t (*bytes)(struct connection *connection, struct bytes bytes);
	/* There is room in the output buffer again. Optional. */
	void (*writable)(struct connection *connection);
	/*
	 * Everything with a receipt <= ordinal is stored. Only after connection_await_stored(), and once for each call of it.
	 * May call connection_finish(). Optional.
	 */
	void (*stored)(struct connection *connection, uint64_t ordinal);
	/*
	 * No more bytes will come; `rest` was left. Takes what is worth it and returns how much is settled: all of it, unless
	 * there was no room: then it is called again with what is left. The stream may be gone. Optional.
	 */
	size_t (*end)(struct connection *connection, struct bytes rest);
	/*
	 * Our own stop, or the end of a peer that is owed answers, is silent, or has left while the spool is full: ends it in
	 * order, finally by connection_finish(). What was not taken yet is not taken any more where `owes` is there: it comes
	 * again. Bounded by CONNECTION_STOP_NS.
	 */
	void (*stop)(struct connection *connection);
	/*
	 * The bound of stop() has passed: calls connection_finish() at once. There if owes() is: else what is left is stored or
	 * counted (connection_stop.c), and it is closed.
	 */
	void (*give_up)(struct connection *connection);
	/* It waits for room, because the spool is full: called at once, and every CONNECTION_WAITING_MS. Optional. */
	void (*waiting)(struct connection *connection);
	/* It is about to be freed, its stream may be gone. Optional. */
	void (*closed)(struct connection *connection);
	/*
	 * Whether we still owe the peer answers, so that its silence is not idleness, nor its EOF the end. Optional: else there
	 * are no answers (connection_part_answers()).
	 */
	bool (*owes)(const struct connection *connection);
};

#define CONNECTION_STOP_NS ((uint64_t)3 * 1000 * 1000 * 1000)   /* for what was received to be stored, at our stop */
#define CONNECTION_FINISH_NS ((uint64_t)2 * 1000 * 1000 * 1000) /* for the peer to close after us (rule 35) */
/*
 * For what peers without answers have sent to be stored at our stop, while there is any progress; then CONNECTION_FINISH_NS
 * to count the rest. Together with the outputs' stop less than TimeoutStopSec in contrib/systemd/relayd.service.
 */
#define CONNECTION_DRAIN_NS ((uint64_t)20 * 1000 * 1000 * 1000)

enum { CONNECTION_WAITING_MS = 10000 };

/* Why a connection is not read. */
enum connection_pause {
	CONNECTION_PAUSE_ROOM = 1u << 0,   /* the intake said WAIT */
	CONNECTION_PAUSE_WINDOW = 1u << 1, /* too much is unanswered */
};

/* The first member of a protocol's struct. Protocols read `part`, `stream` and `peer`; the rest is connection.c's. */
struct connection {
	struct connection_part *part;
	struct stream *stream;   /* NULL after its end, while its last octets wait for room */
	struct peer peer;
	struct list link;        /* in part->connections */
	struct list waiting;     /* in part->waiting while CONNECTION_PAUSE_ROOM */
	struct list awaiting;    /* in part->awaiting */
	unsigned pauses;         /* enum connection_pause */
	bool is_ready;           /* the handshake is over */
	bool is_finishing;       /* our sending side is shut: waits for the peer to close */
	bool has_ended;          /* the peer has shut its side, and gets its last answers */
	uint64_t deadline_ns;    /* of stop or finish; UINT64_MAX: none */
	uint64_t told_waiting_ns;/* when waiting() was called last */
	uint64_t resumed_ns;     /* our own pauses are not the peer's idleness */
	bool drops;              /* there is no memory for its last octets: what they hold is counted */
	uint8_t *rest;           /* the last octets, when they wait for room; NULL: none */
	size_t rest_len;
};

/*
 * Gives a message to the intake. False: no room; the connection is paused, and its bytes from this message on will be
 * presented again when there is. True: taken, or dropped and counted: by an input that sheds, by a stop that is over, or for
 * want of memory.
 * `skipped`, for the log: how many octets will be skipped behind what is given of a truncated one; 0: not known.
 */
bool connection_take(struct connection *connection, struct bytes message, uint32_t flags, uint64_t skipped,
                     uint64_t *receipt);

/* The same for the fence of a stream's session. */
bool connection_fence(struct connection *connection, const struct spool_stream_session *session, uint64_t *receipt);

/* The same for a block of a stream; INTAKE_BLOCK_WAIT is the false of connection_take(). */
enum intake_block_result connection_take_block(struct connection *connection, const struct spool_stream_session *session,
                                               const struct spool_stream_block *block, struct bytes payload,
                                               uint64_t *receipt, const char **reason);

/* The time of the worker's turn, wall clock. */
int64_t connection_wall_ns(const struct connection *connection);

/* The spool that all this goes to. */
struct spool *connection_spool(const struct connection *connection);

/* A rate-limited warning about a stream of the peer. `owner`: who has it; "" for nobody. */
void connection_refuse_stream(struct connection *connection, const char *reason, const char *owner);

/* A rate-limited warning: the peer says that so many messages more, which were acknowledged here, are lost with our disk. */
void connection_report_lost(struct connection *connection, const char *identity, uint64_t records);

/* Has the protocol's stored() called when the next group with blocks of this worker is stored. Harmless if repeated. */
void connection_await_stored(struct connection *connection);

/*
 * Stops and goes on reading, each for its own reason: it is read when none is left. Resuming a connection that waits for
 * room takes it off that list. Harmless if it is so already.
 */
void connection_pause(struct connection *connection, enum connection_pause why);
void connection_resume(struct connection *connection, enum connection_pause why);

/*
 * Ends it in order (rule 35): what is in the output buffer is sent, then our sending side is shut, and what still comes
 * goes to the protocol's bytes() until the peer closes, for CONNECTION_FINISH_NS at most. Closing with unread octets
 * would send a reset, which destroys answers on their way. Harmless if it was called before.
 */
void connection_finish(struct connection *connection);

/* Counts and logs that the peer broke the protocol: `reason` and what would be right, and the octets that were wrong. */
void connection_protocol_error(struct connection *connection, const char *reason, struct bytes octets);

/* The settings of the input, as its driver's rows describe them. */
const void *connection_settings(const struct connection *connection);

#endif
