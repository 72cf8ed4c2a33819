/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends probes to an input of the relay, over the transport that the input has, as any program on this host would: the
 * whole road is tested. What has no answer (UDP, TCP, local sockets) is sent and not waited for; RELP is.
 */
#ifndef RELAYD_RELAYCTL_PROBE_SENDER_H
#define RELAYD_RELAYCTL_PROBE_SENDER_H

#include "config/json_tree.h"
#include "relay/probe.h"
#include "relp/relp_client.h"
#include "spool/spool.h"

enum { PROBE_SENDER_ERROR_MAX_BYTES = 512 };

enum probe_way {
	PROBE_WAY_RELP = 0,
	PROBE_WAY_TCP = 1,      /* octet counting */
	PROBE_WAY_UDP = 2,
	PROBE_WAY_LOCAL = 3,    /* the kind of /dev/log: a datagram, or a line on a stream */
	PROBE_WAYS = 4,
};

struct probe_sender {
	char input[SPOOL_NAME_MAX_BYTES + 1]; /* its name, for a terminal */
	const char *listen;
	enum probe_way way;
	bool is_stream;         /* PROBE_WAY_LOCAL */
	int fd;                 /* -1: not connected */
	struct relp_client relp;
	struct relp_window_entry window[1];
	uint64_t sent;          /* over RELP */
	struct buffer in, out;
};

/*
 * Chooses the input and connects to it: that of the name or, if it is NULL, the first one that can be spoken to, over RELP
 * rather than TCP, TCP rather than a local socket, and UDP last. `status` must outlive the sender. False and a sentence in
 * `error` (PROBE_SENDER_ERROR_MAX_BYTES), also if the input speaks TLS; then nothing is held.
 */
bool probe_sender_open(struct probe_sender *sender, const struct json_value *status, const char *name, char *error);

/*
 * Sends the probe `number` of `count`, over RELP also waits until it is stored; connects again if the connection has gone.
 * `*sent_ns` is the wall time that stands in it. False and a sentence.
 */
bool probe_sender_send(struct probe_sender *sender, const char *id, unsigned number, unsigned count, int64_t *sent_ns,
                       char *error);

/* A new id, NUL-terminated. */
void probe_sender_new_id(char id[PROBE_ID_LEN + 1]);

/* Harmless on one that is all zero but for `fd`, which is -1. */
void probe_sender_close(struct probe_sender *sender);

#endif
