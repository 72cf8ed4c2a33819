/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the checks: a fingerprint that matches settles it, whatever else the certificate says (RFC 5425, 4.2.2).
 * Else the chain must lead to a trust anchor, for this purpose and at this time, which OpenSSL checks; and then a name
 * must be allowed.
 */
#include "net/tls_verify.h"

#include "net/tls_certificate.h"
#include "net/tls_refusal.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* --- who the peer is --------------------------------------------------------------------------------------------- */

/* Remembers who matched, in lower case: names are compared so, and an identity is a key. */
static void set_identity(struct tls_peer *peer, const char *text)
{
	free(peer->identity);
	peer->identity = strdup(text);
	for (char *at = peer->identity; at != NULL && *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + 'a' - 'A');
}

/* A fingerprint's identity is the operator's label for it, else the operator's text, case and all. */
static void set_label(struct tls_peer *peer, const struct tls_peer_rule *rule)
{
	free(peer->identity);
	peer->identity = rule->label_len > 0 ? strndup(rule->text, rule->label_len) : strdup(rule->text);
}

static bool fingerprint_matches(struct tls_peer *peer, X509 *leaf)
{
	for (unsigned i = 0; i < peer->policy->rules_count; i++) {
		const struct tls_peer_rule *rule = &peer->policy->rules[i];
		uint8_t digest[EVP_MAX_MD_SIZE];
		unsigned len = 0;
		if (rule->kind != TLS_RULE_SHA256 && rule->kind != TLS_RULE_SHA1)
			continue;
		const EVP_MD *hash = rule->kind == TLS_RULE_SHA256 ? EVP_sha256() : EVP_sha1();
		if (X509_digest(leaf, hash, digest, &len) != 1 || len != rule->octets_len)
			continue;
		if (memcmp(digest, rule->octets, len) == 0) {
			set_label(peer, rule);
			return true;
		}
	}
	return false;
}

/* A name with a wildcard stands for many: then the operator's own word for it is the identity. */
static void set_name(struct tls_peer *peer, struct bytes name, const struct tls_peer_rule *rule)
{
	char text[TLS_IDENTITY_MAX_BYTES];
	bool is_wildcard = bytes_find(name, '*') < name.len;
	if (is_wildcard || name.len >= sizeof(text)) {
		set_identity(peer, rule->text);
		return;
	}
	memcpy(text, name.at, name.len);
	text[name.len] = '\0';
	set_identity(peer, text);
}

static bool general_name_matches(struct tls_peer *peer, const GENERAL_NAME *name, const struct tls_peer_rule *rule)
{
	struct bytes octets = tls_general_name_octets(name);
	if (name->type == GEN_DNS && rule->kind == TLS_RULE_NAME && tls_name_matches(bytes_of_text(rule->text), octets)) {
		set_name(peer, octets, rule);
		return true;
	}
	if (name->type == GEN_IPADD && rule->kind == TLS_RULE_ADDRESS &&
		bytes_equal(octets, bytes_of(rule->octets, rule->octets_len))) {
		set_identity(peer, rule->text);
		return true;
	}
	return false;
}

static bool common_name_matches(struct tls_peer *peer, X509 *leaf, const struct tls_peer_rule *rule)
{
	size_t len;
	unsigned char *common_name = tls_common_name(X509_get_subject_name(leaf), &len);
	if (common_name == NULL)
		return false;
	bool matches =
		rule->kind == TLS_RULE_NAME && tls_name_matches(bytes_of_text(rule->text), bytes_of(common_name, len));
	if (matches)
		set_name(peer, bytes_of(common_name, len), rule);
	OPENSSL_free(common_name);
	return matches;
}

/* RFC 6125, 6.4.4: the common name counts only where there is no subjectAltName of a kind that we know. */
static bool rule_matches(struct tls_peer *peer, X509 *leaf, const struct tls_peer_rule *rule)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	bool has_names = false, matches = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !matches; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		has_names |= name->type == GEN_DNS || name->type == GEN_IPADD;
		matches = general_name_matches(peer, name, rule);
	}
	GENERAL_NAMES_free(names);
	return matches || (!has_names && common_name_matches(peer, leaf, rule));
}

/* Nobody is named: any valid chain will do, and the certificate's first name is who it is, or its fingerprint. */
static void take_first_name(struct tls_peer *peer, X509 *leaf)
{
	char text[TLS_IDENTITY_MAX_BYTES];
	struct tls_text identity = {.at = text, .size = sizeof(text)};
	text[0] = '\0';
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && identity.len == 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS || name->type == GEN_IPADD)
			tls_text_add_general_name(&identity, name);
	}
	GENERAL_NAMES_free(names);
	size_t len;
	unsigned char *common_name = identity.len == 0 ? tls_common_name(X509_get_subject_name(leaf), &len) : NULL;
	if (common_name != NULL)
		tls_text_add_foreign(&identity, bytes_of(common_name, len));
	OPENSSL_free(common_name);
	if (identity.len == 0)
		tls_text_add_fingerprint(&identity, leaf);
	set_identity(peer, text);
}

static bool name_is_allowed(struct tls_peer *peer, X509 *leaf)
{
	const struct tls_policy *policy = peer->policy;
	for (unsigned i = 0; i < policy->rules_count; i++)
		if (rule_matches(peer, leaf, &policy->rules[i]))
			return true;
	if (policy->rules_count > 0)
		return false;
	if (policy->role == TLS_SERVER) {
		take_first_name(peer, leaf);
		return true;
	}
	/* A client that names no peers: the one it connects to. */
	char error[TLS_RULE_ERROR_MAX_BYTES];
	struct tls_peer_rule rule;
	bool is_rule = peer->server_name != NULL && tls_peer_rule_read(peer->server_name, &rule, error) &&
				   strchr(peer->server_name, '*') == NULL;
	return is_rule && rule_matches(peer, leaf, &rule);
}

/* --- the check --------------------------------------------------------------------------------------------------- */

/* The error decides which alert the peer sees. */
static int refuse(X509_STORE_CTX *store, SSL *ssl, enum tls_refusal_reason reason, int error)
{
	X509_STORE_CTX_set_error(store, error);
	struct tls_peer *peer = tls_peer_of(ssl);
	free(peer->refusal);
	peer->refusal = tls_refusal_of(ssl, store, reason);
	return 0;
}

/* A peer without a name must not pass for an anonymous one because memory was short. */
static int accept_peer(X509_STORE_CTX *store, const struct tls_peer *peer)
{
	if (peer->identity != NULL)
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
	return 0;
}

int tls_verify(X509_STORE_CTX *store, void *unused)
{
	(void)unused;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_peer *peer = tls_peer_of(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	if (fingerprint_matches(peer, leaf)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return accept_peer(store, peer);
	}
	if (peer->policy->ca == NULL)
		return refuse(store, ssl, TLS_REFUSED_BY_FINGERPRINT, X509_V_ERR_CERT_UNTRUSTED);
	if (X509_verify_cert(store) != 1)
		return refuse(store, ssl, TLS_REFUSED_BY_CHAIN, X509_STORE_CTX_get_error(store));
	if (!name_is_allowed(peer, leaf))
		return refuse(store, ssl, TLS_REFUSED_BY_NAME, X509_V_ERR_HOSTNAME_MISMATCH);
	return accept_peer(store, peer);
}
