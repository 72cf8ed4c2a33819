/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input that receives datagrams: UDP, one socket on each worker (SO_REUSEPORT: the kernel keeps one sender at one
 * socket, so its order stays), or one Unix socket on one worker. It never pushes back: what cannot be taken is counted.
 */
#ifndef RELAYD_INPUT_DATAGRAM_INPUT_H
#define RELAYD_INPUT_DATAGRAM_INPUT_H

#include "input/input_common.h"
#include "input/local_path.h"
#include "input/peer_log.h"
#include "net/datagram.h"

enum {
	DATAGRAM_MESSAGES_PER_TURN = 1024, /* then other sockets of the worker are served; the last batch may go beyond it */
	DATAGRAM_AGGREGATES_BATCH = 8,     /* each may hold twice as many datagrams as a whole batch of them */
	DATAGRAM_DROPS_INTERVAL_MS = 1000, /* at most so often the kernel's drop counter is read, while something comes */
	DATAGRAM_REST_MAX_MS = 8,          /* between two looks at a socket that brings less than whole batches */
	DATAGRAM_REST_BUFFER_MIN_BYTES = 4 << 20, /* for each millisecond of it: a smaller one could fill while nobody looks */
};

struct datagram_input_spec {
	struct endpoint endpoint;
	enum transport transport;
	unsigned permissions;     /* of a Unix socket */
	uint64_t receive_buffer_bytes;
	bool is_local_dialect;    /* the C library's syslog(3) writes to it */
	bool receive_aggregates;  /* UDP_GRO: what the kernel drops is then counted by aggregates */
};

/* One socket. */
struct datagram_part {
	struct datagram_input *owner;
	struct input_worker *on;
	int fd;
	struct datagram_batch *batch;
	int batch_most;           /* how many the batch holds */
	struct intake_source source;
	struct peer_log log;
	uv_poll_t poll;
	uv_timer_t timer;         /* for the drop counter; runs only while datagrams come */
	uv_timer_t rest;          /* runs instead of the poll while datagrams come in a trickle */
	unsigned rest_ms;         /* its receive buffer holds all that can come meanwhile; 0: it must not, or a sender waits */
	unsigned handles;         /* not closed yet */
	bool has_received;        /* since the last tick */
	uint32_t drops_seen;      /* the kernel's counter, as last read */
	_Atomic uint64_t kernel_drops;
};

struct datagram_input {
	struct input input;
	struct datagram_input_spec spec;
	struct local_path path;
	unsigned parts_count;
	struct datagram_part parts[];
};

/* For a driver's open(). The others are a driver's functions as they stand. */
struct input *datagram_input_open(const struct datagram_input_spec *spec, const struct input_setup *setup, char *error);
void datagram_input_start(struct input *input);
void datagram_input_stop(struct input *input, void (*stopped)(void *context), void *context);
void datagram_input_status(const struct input *input, struct input_status *status);
void datagram_input_close(struct input **input);

#endif
