/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS settings made ready: certificate, key, trust anchors, and who the peer may be (RFC 5425, 4.2 and 5). The check
 * runs inside the handshake, so that a refused peer sees an alert; every refusal is a sentence that names what the peer
 * presented, which check failed, and what would be right.
 */
#ifndef RELAYD_NET_TLS_CONTEXT_H
#define RELAYD_NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

enum { TLS_ERROR_MAX_BYTES = 1024, TLS_IDENTITY_MAX_BYTES = 256 };

enum tls_role {
	TLS_SERVER = 0,
	TLS_CLIENT = 1,
};

/* What the operator wrote under "tls". */
struct tls_options {
	const char *certificate; /* PEM file, chain behind the leaf */
	const char *key;         /* PEM file */
	const char *ca;          /* PEM file of trust anchors; NULL: only fingerprints can match */
	/*
	 * Names with wildcards ("*.example.net", "log*.example.net"), addresses, and fingerprints ("sha-256:AB:CD...";
	 * "SHA256:", "sha-1:", bare hex are read too). None: for a server any peer whose chain is valid; for a client the
	 * host name that it connects to.
	 */
	const char *const *peers;
	unsigned peers_count;
	/*
	 * Server, without `peers`: no client certificate needed; one that is shown must still lead to `ca`, if there is
	 * one. Must be asked for by name.
	 */
	bool allow_anonymous_peers;
	const char *ciphers;     /* TLS 1.2 list; NULL: ECDHE with AEAD */
	const char *min_version; /* "1.2" (default) or "1.3" */
};

struct tls_context;

/*
 * Reads the files and fixes who is accepted. NULL and a sentence (option and file, what is wrong, what would be right)
 * in `error` (TLS_ERROR_MAX_BYTES) if a file cannot be used, or if the settings would let unverified peers in without
 * saying so: a server needs `ca` or a fingerprint unless allow_anonymous_peers, a client always. Texts are copied.
 */
struct tls_context *tls_context_open(enum tls_role role, const struct tls_options *options, char *error);

/* Contexts are counted: connections hold theirs, so a reload opens a new one and lets go of the old. From any thread.
 */
struct tls_context *tls_context_hold(struct tls_context *context);
void tls_context_release(struct tls_context **context);

/*
 * A new SSL for one connection, NULL if memory is short; it holds the context. `server_name` (client): SNI and, without
 * `peers`, the name or address that must match; else NULL.
 *
 * OpenSSL writes to the descriptor without MSG_NOSIGNAL: SIGPIPE must be ignored or blocked (workers block it).
 */
SSL *tls_context_new_ssl(struct tls_context *context, const char *server_name);

/*
 * After a handshake, failed or not: who the peer is, and why it was refused ("" if it was not). The identity is the SAN
 * name that matched, in lower case; the operator's own text where a fingerprint matched or the certificate's name is a
 * wildcard; "" for an anonymous peer. Without `peers` a server takes the first name. It does not change when a
 * certificate is renewed. Both live as long as the SSL.
 */
const char *tls_peer_identity(const SSL *ssl);
const char *tls_refusal(const SSL *ssl);

enum tls_role tls_context_role(const struct tls_context *context);

#endif
