/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal has four parts: "refused by <check>: peer <address> presented <certificate>; <what is wrong>; <what would
 * be right>". Checks of the chain are a table by OpenSSL's error.
 */
#include "net/tls_refusal.h"

#include "net/address.h"
#include "net/tls_certificate.h"
#include "net/tls_verify.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	RULES_SHOWN_MAX = 4,
	ALERTS_MAX = 256,
};

/* --- why a chain is not valid ------------------------------------------------------------------------------------ */

struct chain {
	struct tls_text *text;
	X509 *at; /* the certificate that is wrong: the peer's own or an issuer's */
	int depth;
	const char *ca;
	bool is_server; /* we are */
};

/* "it" is the peer's certificate, others are named. */
static void add_which(struct chain *chain)
{
	if (chain->depth == 0) {
		tls_text_add(chain->text, "it");
		return;
	}
	tls_text_add(chain->text, "the issuer's certificate ");
	tls_text_add_subject(chain->text, X509_get_subject_name(chain->at));
}

static const char *now_text(char text[TLS_DATE_BYTES])
{
	time_t now = time(NULL);
	struct tm parts;
	gmtime_r(&now, &parts);
	strftime(text, TLS_DATE_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}

static void add_expired(struct chain *chain)
{
	char date[TLS_DATE_BYTES], now[TLS_DATE_BYTES];
	add_which(chain);
	tls_text_add(chain->text, " expired on %s; renew it, or set this machine's clock if it is wrong (it says %s)",
				 tls_date(X509_get0_notAfter(chain->at), date), now_text(now));
}

static void add_not_yet_valid(struct chain *chain)
{
	char date[TLS_DATE_BYTES], now[TLS_DATE_BYTES];
	add_which(chain);
	tls_text_add(chain->text,
				 " is not valid before %s; set the clock of this machine if it is wrong (it says %s), or make the "
				 "certificate again",
				 tls_date(X509_get0_notBefore(chain->at), date), now_text(now));
}

static void add_unknown_issuer(struct chain *chain)
{
	add_which(chain);
	tls_text_add(chain->text, " was issued by ");
	tls_text_add_subject(chain->text, X509_get_issuer_name(chain->at));
	tls_text_add(chain->text,
				 ", which is not in tls.ca \"%s\"; add that CA to the file, have the peer send its intermediate "
				 "certificates, or add the fingerprint to tls.peers",
				 chain->ca);
}

static void add_self_signed(struct chain *chain)
{
	tls_text_add(
		chain->text,
		"it is self-signed and not in tls.ca \"%s\"; add its fingerprint to tls.peers, or have it signed by a CA "
		"in that file",
		chain->ca);
}

static void add_unknown_root(struct chain *chain)
{
	tls_text_add(chain->text, "its chain ends in ");
	tls_text_add_subject(chain->text, X509_get_subject_name(chain->at));
	tls_text_add(chain->text,
				 ", which is not in tls.ca \"%s\"; add that CA to the file, or add the fingerprint to tls.peers",
				 chain->ca);
}

static void add_wrong_purpose(struct chain *chain)
{
	add_which(chain);
	tls_text_add(chain->text, " may not be used by a TLS %s; make it again with extendedKeyUsage = %s",
				 chain->is_server ? "client" : "server", chain->is_server ? "clientAuth" : "serverAuth");
}

static const struct chain_error {
	int error; /* X509_V_ERR_ */
	const char *check;
	void (*add)(struct chain *chain);
} chain_errors[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, "expiry", add_expired},
	{X509_V_ERR_CERT_NOT_YET_VALID, "expiry", add_not_yet_valid},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "issuer", add_unknown_issuer},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "issuer", add_unknown_issuer},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "issuer", add_unknown_issuer},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "issuer", add_self_signed},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "issuer", add_unknown_root},
	{X509_V_ERR_INVALID_PURPOSE, "key usage", add_wrong_purpose},
};

static const struct chain_error *find_chain_error(int error)
{
	for (size_t i = 0; i < sizeof(chain_errors) / sizeof(chain_errors[0]); i++)
		if (chain_errors[i].error == error)
			return &chain_errors[i];
	return NULL;
}

static void add_chain(struct tls_text *text, const struct tls_policy *policy, X509_STORE_CTX *store)
{
	int error = X509_STORE_CTX_get_error(store);
	struct chain chain = {
		.text = text,
		.at = X509_STORE_CTX_get_current_cert(store),
		.depth = X509_STORE_CTX_get_error_depth(store),
		.ca = policy->ca,
		.is_server = policy->role == TLS_SERVER,
	};
	if (chain.at == NULL)
		chain.at = X509_STORE_CTX_get0_cert(store);
	const struct chain_error *known = find_chain_error(error);
	if (known != NULL)
		known->add(&chain);
	else
		tls_text_add(text, "%s; make the certificate again, or add its fingerprint to tls.peers",
					 X509_verify_cert_error_string(error));
}

/* --- why we refused ---------------------------------------------------------------------------------------------- */

static void add_rules(struct tls_text *text, const struct tls_policy *policy)
{
	tls_text_add(text, "allowed peers are ");
	for (unsigned i = 0; i < policy->rules_count && i < RULES_SHOWN_MAX; i++)
		tls_text_add(text, "%s\"%.*s\"", i > 0 ? ", " : "", TLS_NAME_SHOWN_BYTES, policy->rules[i].text);
	if (policy->rules_count > RULES_SHOWN_MAX)
		tls_text_add(text, " and %u more", policy->rules_count - RULES_SHOWN_MAX);
}

/* The name that the operator could allow: the first of the certificate. */
static void add_proposal(struct tls_text *text, X509 *leaf)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	size_t len = 0;
	unsigned char *common_name = NULL;
	const GENERAL_NAME *found = NULL;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && found == NULL; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS || name->type == GEN_IPADD)
			found = name;
	}
	if (found == NULL)
		common_name = tls_common_name(X509_get_subject_name(leaf), &len);
	tls_text_add(text, "add ");
	if (found != NULL || common_name != NULL) {
		tls_text_add(text, "\"");
		if (found != NULL)
			tls_text_add_general_name(text, found);
		else
			tls_text_add_foreign(text, bytes_of(common_name, len));
		tls_text_add(text, "\" to tls.peers");
	} else {
		tls_text_add(text, "its fingerprint to tls.peers");
	}
	OPENSSL_free(common_name);
	GENERAL_NAMES_free(names);
}

static void add_name(struct tls_text *text, const struct tls_peer *peer, X509 *leaf)
{
	if (peer->policy->rules_count > 0) {
		add_rules(text, peer->policy);
		tls_text_add(text, "; ");
		add_proposal(text, leaf);
		tls_text_add(text, " or give the peer a certificate with a matching name");
	} else if (peer->server_name != NULL) {
		tls_text_add(text, "we connected to \"%.*s\"; connect by a name that the certificate has, or ",
					 TLS_NAME_MAX_BYTES, peer->server_name);
		add_proposal(text, leaf);
	} else {
		tls_text_add(text, "no peer is named that we could expect; ");
		add_proposal(text, leaf);
	}
}

static const char *check_name(enum tls_refusal_reason reason, X509_STORE_CTX *store)
{
	if (reason != TLS_REFUSED_BY_CHAIN)
		return reason == TLS_REFUSED_BY_NAME ? "name" : "fingerprint";
	const struct chain_error *known = find_chain_error(X509_STORE_CTX_get_error(store));
	return known != NULL ? known->check : "chain";
}

char *tls_refusal_of(const SSL *ssl, X509_STORE_CTX *store, enum tls_refusal_reason reason)
{
	const struct tls_peer *peer = tls_peer_of(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	char buffer[TLS_ERROR_MAX_BYTES];
	char address[ADDRESS_TEXT_MAX_BYTES];
	struct tls_text text = {.at = buffer, .size = sizeof(buffer)};
	tls_text_add(&text, "refused by %s: peer %s presented ", check_name(reason, store), tls_peer_address(ssl, address));
	tls_text_add_certificate(&text, leaf);
	tls_text_add(&text, "; ");
	switch (reason) {
	case TLS_REFUSED_BY_FINGERPRINT:
		add_rules(&text, peer->policy);
		tls_text_add(&text, "; add the fingerprint to tls.peers if this is the right peer");
		break;
	case TLS_REFUSED_BY_CHAIN:
		add_chain(&text, peer->policy, store);
		break;
	case TLS_REFUSED_BY_NAME:
		add_name(&text, peer, leaf);
		break;
	}
	return strdup(buffer);
}

/* --- what broke a connection ------------------------------------------------------------------------------------- */

/* Alerts that speak of our certificate (RFC 8446, 6.2). */
static const char *certificate_alert(int alert)
{
	switch (alert) {
	case 41:
		return "no certificate";
	case SSL_AD_BAD_CERTIFICATE:
		return "bad certificate";
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return "unsupported certificate";
	case SSL_AD_CERTIFICATE_REVOKED:
		return "certificate revoked";
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "certificate expired";
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return "certificate unknown";
	case SSL_AD_UNKNOWN_CA:
		return "unknown CA";
	case SSL_AD_ACCESS_DENIED:
		return "access denied";
	case SSL_AD_CERTIFICATE_REQUIRED:
		return "certificate required";
	default:
		return NULL;
	}
}

static void add_alert(struct tls_text *text, int alert)
{
	const char *about_certificate = certificate_alert(alert);
	if (about_certificate != NULL)
		tls_text_add(text, "the peer refused our certificate: alert '%s'", about_certificate);
	else
		tls_text_add(text, "the peer broke off: alert '%s'", SSL_alert_desc_string_long(alert));
}

static void add_no_certificate(struct tls_text *text, const SSL *ssl)
{
	const struct tls_policy *policy = tls_peer_of(ssl)->policy;
	char address[ADDRESS_TEXT_MAX_BYTES];
	tls_text_add(text, "refused: peer %s presented no certificate; give it one ", tls_peer_address(ssl, address));
	if (policy->ca != NULL)
		tls_text_add(text, "from a CA in tls.ca \"%s\"", policy->ca);
	else
		tls_text_add(text, "and add its fingerprint to tls.peers");
	tls_text_add(text, ", or set tls.allow_anonymous_peers");
}

/* OpenSSL's own words are for those who know its sources: the frequent ones in ours. */
static const char *plain_words(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_UNEXPECTED_MESSAGE:
		return "the peer does not speak TLS; set up both sides for TLS, or neither";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
		return "the peer offers no TLS version that we allow; it needs at least tls.min_version";
	case SSL_R_NO_SHARED_CIPHER:
		return "the peer offers no cipher suite that we allow; see tls.ciphers";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "the peer closed the connection in the middle of the TLS handshake";
	default:
		return NULL;
	}
}

const char *tls_error_text(const SSL *ssl, char *buffer)
{
	struct tls_text text = {.at = buffer, .size = TLS_ERROR_MAX_BYTES};
	buffer[0] = '\0';
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	bool is_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
	const char *words = is_ssl ? plain_words(reason) : NULL;
	const char *openssl_words = ERR_reason_error_string(error);
	if (tls_refusal(ssl)[0] != '\0')
		tls_text_add(&text, "%s", tls_refusal(ssl));
	else if (is_ssl && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		add_no_certificate(&text, ssl);
	else if (is_ssl && reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + ALERTS_MAX)
		add_alert(&text, reason - SSL_AD_REASON_OFFSET);
	else if (words != NULL)
		tls_text_add(&text, "%s", words);
	else
		tls_text_add(&text, "TLS error: %s", openssl_words != NULL ? openssl_words : "unknown");
	ERR_clear_error();
	return buffer;
}
