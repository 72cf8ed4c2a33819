/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a peer may be: one entry of tls.peers. A name, in which "*" stands for any octets within one label
 * ("log*.example.net"); an address; or a fingerprint of the certificate itself (RFC 5425, 4.2.2).
 */
#ifndef RELAYD_NET_TLS_PEER_RULE_H
#define RELAYD_NET_TLS_PEER_RULE_H

#include "base/bytes.h"

enum {
	TLS_FINGERPRINT_MAX_BYTES = 32,
	TLS_NAME_MAX_BYTES = 253, /* of a DNS name, and of a label */
	TLS_RULE_ERROR_MAX_BYTES = 320,
};

enum tls_rule_kind {
	TLS_RULE_NAME = 0,
	TLS_RULE_ADDRESS = 1,
	TLS_RULE_SHA256 = 2,
	TLS_RULE_SHA1 = 3,
};

struct tls_peer_rule {
	enum tls_rule_kind kind;
	const char *text;                          /* as the operator wrote it; the caller's */
	uint8_t octets[TLS_FINGERPRINT_MAX_BYTES]; /* of an address (4 or 16) or a fingerprint (32 or 20) */
	size_t octets_len;
	size_t label_len;                          /* octets of `text` that are the operator's label; 0: it has none */
};

/*
 * Reads an entry. Fingerprints are read as "sha-256:AB:CD:...", "SHA256:...", "sha-1:...", "SHA1:...", or as 40 or 64
 * bare hex digits; in any case, with or without colons between the octets. A label may stand before one
 * ("edge-1=sha-256:..."): who has that certificate is known by it, so that another certificate of the same peer changes
 * nothing. False with a sentence in `error` (TLS_RULE_ERROR_MAX_BYTES). `rule` borrows `text`.
 */
bool tls_peer_rule_read(const char *text, struct tls_peer_rule *rule, char *error);

/*
 * Does a name from a certificate satisfy a pattern of ours? Label by label, without regard to case. "*" in the pattern
 * matches any octets within its label. "*" in the certificate counts only as its whole left-most label, in front of at
 * least two others, and matches exactly one label (RFC 5425, 5.2; RFC 6125, 6.4.3).
 */
bool tls_name_matches(struct bytes pattern, struct bytes name);

#endif
