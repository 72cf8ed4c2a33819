/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's address as text. */
#ifndef RELAYD_SYSLOG_PEER_TEXT_H
#define RELAYD_SYSLOG_PEER_TEXT_H

#include "syslog/envelope.h"

enum { PEER_TEXT_MAX_BYTES = 80 }; /* "[", 45 octets, "]:", and room for any number */

/* Writes "192.0.2.1" or "2001:db8::1" (RFC 5952) to `out`, which has PEER_TEXT_MAX_BYTES of room; nothing for a local socket. Returns the length. */
size_t peer_text_address(const struct peer *peer, uint8_t *out);

/* Writes "192.0.2.1:514" or "[2001:db8::1]:514"; nothing for a local socket. Returns the length. */
size_t peer_text_endpoint(const struct peer *peer, uint8_t *out);

#endif
