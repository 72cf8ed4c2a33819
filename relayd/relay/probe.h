/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbered messages of `relayctl probe` and `relayctl drill`: how they are written, and how a relay recognises them.
 * A probe is an ordinary message (RFC 5424, facility syslog, severity info) with the fields id, number, count and sent in
 * liblog's typed encoding (SD-ID slog@32473). Its MSG begins with a token, "8c1f02d94be3a657#17": the id, "#", the number.
 * The token alone is what relays look for, wherever it stands in a message: it also survives a hop that keeps nothing but
 * MSG, or writes JSON. Pure.
 */
#ifndef RELAYD_RELAY_PROBE_H
#define RELAYD_RELAY_PROBE_H

#include "base/bytes.h"

enum {
	PROBE_ID_LEN = 16,            /* hexadecimal digits */
	PROBE_NUMBERS_MAX = 2048,     /* of one id */
	PROBE_MESSAGE_MAX_BYTES = 1024,
	PROBE_PRI = 5 * 8 + 6,        /* syslog.info */
};

#define PROBE_APP_NAME "relayctl"
#define PROBE_MSGID "probe"

struct probe {
	const char *id;
	unsigned number;  /* 1 .. count */
	unsigned count;
	int64_t sent_ns;  /* wall clock */
};

/* Writes the message to `out` of PROBE_MESSAGE_MAX_BYTES; returns its length. `hostname`: this machine's. */
size_t probe_write(const struct probe *probe, const char *hostname, long pid, char *out);

/* Whether the text is an id: so many lower-case hexadecimal digits. */
bool probe_id_is_valid(const char *id);

/* The number of the first probe of that id in `octets`, from 1 to `count`; 0 if there is none. */
unsigned probe_find(struct bytes octets, const char *id, unsigned count);

#endif
