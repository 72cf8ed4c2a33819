/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of a peer's certificate, inside the handshake (RFC 5425, 4.2 and 5): by fingerprint, or by chain and then
 * by name. A refusal is a sentence: which check failed, what the peer presented, what would be right.
 */
#ifndef RELAYD_NET_TLS_VERIFY_H
#define RELAYD_NET_TLS_VERIFY_H

#include "net/tls_context.h"
#include "net/tls_peer_rule.h"

/* What every connection of a context is checked by. */
struct tls_policy {
	enum tls_role role;
	char *ca; /* the file's name; NULL: only fingerprints can match */
	struct tls_peer_rule *rules;
	char **texts; /* of the rules, which borrow them */
	unsigned rules_count;
};

/* What one connection's check needs and finds. */
struct tls_peer {
	const struct tls_policy *policy;
	char *server_name; /* client: the name we connect to, or NULL */
	char *identity;    /* NULL: none */
	char *refusal;     /* NULL: none */
};

/* For SSL_CTX_set_cert_verify_callback(). */
int tls_verify(X509_STORE_CTX *store, void *unused);

/* The connection's part; kept with the SSL by tls_context_new_ssl(). */
struct tls_peer *tls_peer_of(const SSL *ssl);

/* The peer's address as text, from the SSL's descriptor; "" if there is none. `text` has ADDRESS_TEXT_MAX_BYTES. */
const char *tls_peer_address(const SSL *ssl, char *text);

#endif
