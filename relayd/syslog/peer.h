/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's address as text, and the peer in full in a packed envelope. */
#ifndef RELAYD_SYSLOG_PEER_H
#define RELAYD_SYSLOG_PEER_H

#include "syslog/envelope.h"

enum {
	PEER_TEXT_MAX_BYTES = 80,   /* "[", 45 octets of address, "]:", and room for any number */
	PEER_PACKED_MAX_BYTES = 34, /* head, address, port, three numbers of 32 bits */
};

/*
 * Writes "192.0.2.1" or "2001:db8::1" (RFC 5952) to `out`, which has PEER_TEXT_MAX_BYTES of room; nothing for a local
 * socket. Returns the length.
 */
size_t peer_write_address(const struct peer *peer, uint8_t *out);

/* The same with the port: "192.0.2.1:514" or "[2001:db8::1]:514". */
size_t peer_write_endpoint(const struct peer *peer, uint8_t *out);

/*
 * Writes the packed form to `out`, which has PEER_PACKED_MAX_BYTES of room: one octet (bits 0-3 transport, bits 4-5
 * kind of address, bit 6 credentials), the address of 0, 4 or 16 octets, if there is one the port as two octets, with
 * credentials pid, uid and gid as varints. Returns the length.
 */
size_t peer_pack(const struct peer *peer, uint8_t *out);

/* Reads the packed form at the start of `text`. Returns its length, 0 if it is malformed. */
size_t peer_unpack(struct bytes text, struct peer *peer);

#endif
