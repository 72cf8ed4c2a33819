/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences for people: why we refused a peer, why a peer refused us, what broke a TLS connection. */
#ifndef RELAYD_NET_TLS_REFUSAL_H
#define RELAYD_NET_TLS_REFUSAL_H

#include "net/tls_context.h"

enum tls_refusal_reason {
	TLS_REFUSED_BY_FINGERPRINT = 0, /* no fingerprint matches, and there is no CA */
	TLS_REFUSED_BY_CHAIN = 1,       /* the store says why */
	TLS_REFUSED_BY_NAME = 2,        /* the chain is valid, but nobody allowed has such a name */
};

/* The sentence, for free(); NULL if memory is short. */
char *tls_refusal_of(const SSL *ssl, X509_STORE_CTX *store, enum tls_refusal_reason reason);

/*
 * Why the last operation on `ssl` failed with SSL_ERROR_SSL, from our refusal or from this thread's error queue, which
 * must have been cleared before that operation. Writes to `text` (TLS_ERROR_MAX_BYTES) and returns it.
 */
const char *tls_error_text(const SSL *ssl, char *text);

#endif
