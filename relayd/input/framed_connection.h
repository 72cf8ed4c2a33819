/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that carries syslog frames and gets no answer: plain TCP, TLS, and stream sockets of this host. Which
 * framing is asked for is the input's choice, handed over when the connection opens.
 */
#ifndef RELAYD_INPUT_FRAMED_CONNECTION_H
#define RELAYD_INPUT_FRAMED_CONNECTION_H

#include "frame/frame_choice.h"
#include "input/connection.h"

struct framed_connection {
	struct connection connection;
	struct frame_choice framing;
	bool is_broken;      /* the stream cannot be followed any more: what comes is dropped */
	bool has_looked;     /* at the first frame's framing */
};

/* Rows of connection_protocol that are the same for all; the driver adds `open` and `transports`. */
size_t framed_connection_bytes(struct connection *connection, struct bytes bytes);
size_t framed_connection_end(struct connection *connection, struct bytes rest);
void framed_connection_stop(struct connection *connection);

/* For the driver's open(). */
void framed_connection_init(struct connection *connection, enum frame_mode mode, size_t limit, int delimiter);

#endif
