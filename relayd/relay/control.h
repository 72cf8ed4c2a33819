/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket (spool rule 40): a Unix stream socket, 0660 in a directory of 0750. A client sends one line of JSON,
 * {"command":"status"}, gets one line of JSON (commands.h), and the relay closes. What changes something is for root and the
 * relay's user only, as SO_PEERCRED says who asks.
 */
#ifndef RELAYD_RELAY_CONTROL_H
#define RELAYD_RELAY_CONTROL_H

#include <uv.h>

struct control;
struct relay;

/*
 * Listens at `path`, on the main loop. Makes directories that are missing, replaces a socket that nobody listens on. NULL
 * and a sentence in `error` (RELAY_ERROR_MAX_BYTES) if it cannot, also if another relay listens there.
 */
struct control *control_open(uv_loop_t *loop, const char *path, struct relay *relay, char *error);

/* Closes it and every client, and removes the socket's file. Clears the pointer; harmless if NULL. */
void control_close(struct control **control);

#endif
