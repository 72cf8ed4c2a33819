/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate says of its owner, as text for people: bounded, and with nothing in it that a terminal or a log
 * would take for something else, since whoever made the certificate chose the text.
 */
#ifndef RELAYD_NET_TLS_CERTIFICATE_H
#define RELAYD_NET_TLS_CERTIFICATE_H

#include "base/bytes.h"

#include <openssl/x509v3.h>

enum {
	TLS_NAME_SHOWN_BYTES = 64, /* of one name */
	TLS_NAMES_SHOWN_MAX = 4,   /* of the subjectAltName */
	TLS_DATE_BYTES = sizeof("2026-01-01T00:00:00Z"),
};

/* A sentence under construction: bounded, never fails, cut at the end. */
struct tls_text {
	char *at;
	size_t size;
	size_t len;
};

void tls_text_add(struct tls_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds octets that a peer chose: at most TLS_NAME_SHOWN_BYTES, other than printable ASCII (and quotes) as \xHH. */
void tls_text_add_foreign(struct tls_text *text, struct bytes octets);

/* The view of a dNSName or iPAddress; empty for other kinds of name. It lives as long as the name. */
struct bytes tls_general_name_octets(const GENERAL_NAME *name);

/* Adds a dNSName or iPAddress as text. */
void tls_text_add_general_name(struct tls_text *text, const GENERAL_NAME *name);

/* The common name in UTF-8, for OPENSSL_free(); NULL if there is none. */
unsigned char *tls_common_name(X509_NAME *name, size_t *len);

/* Adds "sha-256:AB:CD:...". */
void tls_text_add_fingerprint(struct tls_text *text, X509 *certificate);

/* Adds "CN=web7.example.org, SAN web7.example.org, sha-256:AB:...". */
void tls_text_add_certificate(struct tls_text *text, X509 *certificate);

/* Adds "CN=..." of a name, or that it has none. */
void tls_text_add_subject(struct tls_text *text, X509_NAME *name);

/* RFC 3339 in UTC; "an unreadable date" if it is none. */
const char *tls_date(const ASN1_TIME *time, char text[TLS_DATE_BYTES]);

#endif
