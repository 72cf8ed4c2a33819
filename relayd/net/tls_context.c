/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the operator's settings to an SSL_CTX. What every connection of ours has in common:
 *
 * - TLS 1.2 and up, suites with forward secrecy and AEAD (RFC 9662), no compression, no renegotiation, no early data.
 * - No resumption, by ticket or session cache, on either side. A resumed session carries the old authentication along,
 *   past the verify callback: a peer taken off the list would still get in (RFC 5425, 5). A full handshake costs 0.35
 * ms of CPU, and log connections live long.
 * - Buffers go back when they are empty: an idle connection takes 14 KiB less.
 */
#include "net/tls_context.h"

#include "net/tls_internal.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* AES-128 first: RFC 9662 prefers it, and it takes a fifth less CPU than AES-256. */
#define DEFAULT_CIPHERS "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20"
#define CIPHERS_13      "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* --- sentences --------------------------------------------------------------------------------------------------- */

/* "tls.key "relay.key" <what>; <advice>" */
static bool fail_file(char *error, const char *option, const char *file, const char *what, const char *advice)
{
	snprintf(error, TLS_ERROR_MAX_BYTES, "tls.%s \"%.200s\" %s; %s", option, file, what, advice);
	return false;
}

static bool fail(char *error, const char *sentence)
{
	snprintf(error, TLS_ERROR_MAX_BYTES, "%s", sentence);
	return false;
}

/* Says why a file could not be read: the system's reason, or that its content is wrong. */
static bool fail_content(char *error, const char *option, const char *file, const char *advice)
{
	char what[160];
	FILE *opened = fopen(file, "re");
	if (opened == NULL) {
		snprintf(what, sizeof(what), "cannot be read: %s", strerror(errno));
	} else {
		const char *reason = ERR_reason_error_string(ERR_peek_error());
		fclose(opened);
		snprintf(what, sizeof(what), "is not what it should be (%s)", reason != NULL ? reason : "unknown reason");
	}
	return fail_file(error, option, file, what, advice);
}

/* --- certificate, key, trust anchors ----------------------------------------------------------------------------- */

static int no_passphrase(char *buffer, int size, int is_writing, void *was_asked)
{
	(void)buffer;
	(void)size;
	(void)is_writing;
	*(bool *)was_asked = true;
	return -1;
}

static bool load_key(SSL_CTX *ssl_context, const struct tls_options *options, char *error)
{
	/* Without this OpenSSL would ask at a terminal that nobody sees. */
	bool is_encrypted = false;
	SSL_CTX_set_default_passwd_cb(ssl_context, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ssl_context, &is_encrypted);
	int result = SSL_CTX_use_PrivateKey_file(ssl_context, options->key, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb_userdata(ssl_context, NULL);
	unsigned long last = ERR_peek_last_error();
	bool mismatch = ERR_GET_LIB(last) == ERR_LIB_X509 && ERR_GET_REASON(last) == X509_R_KEY_VALUES_MISMATCH;
	if (is_encrypted)
		return fail_file(error, "key", options->key, "is encrypted, and nobody is there to type its passphrase",
						 "\"openssl pkey -in KEY -out PLAIN\" takes it off");
	if (result != 1 && !mismatch)
		return fail_content(error, "key", options->key, "it must be the PEM file of the certificate's private key");
	if (mismatch || SSL_CTX_check_private_key(ssl_context) != 1) {
		char what[320];
		snprintf(what, sizeof(what), "does not belong to tls.certificate \"%.200s\"", options->certificate);
		return fail_file(error, "key", options->key, what, "both must come from the same key pair");
	}
	return true;
}

static bool load_certificate(struct tls_context *context, const struct tls_options *options, char *error)
{
	if (options->certificate == NULL && options->key == NULL) {
		if (context->policy.role == TLS_CLIENT)
			return true;
		return fail(error,
					"tls.certificate is missing: a TLS input needs a certificate and, as tls.key, its private key");
	}
	if (options->certificate == NULL)
		return fail(error, "tls.key stands without tls.certificate: name both PEM files, or neither");
	if (options->key == NULL)
		return fail(error, "tls.certificate stands without tls.key: name the PEM file of its private key");
	if (SSL_CTX_use_certificate_chain_file(context->ssl_context, options->certificate) != 1)
		return fail_content(error, "certificate", options->certificate,
							"it must be a PEM file with our certificate first and its intermediates behind");
	return load_key(context->ssl_context, options, error);
}

static bool has_fingerprint(const struct tls_policy *policy)
{
	for (unsigned i = 0; i < policy->rules_count; i++)
		if (policy->rules[i].kind == TLS_RULE_SHA256 || policy->rules[i].kind == TLS_RULE_SHA1)
			return true;
	return false;
}

static bool load_ca(struct tls_context *context, const struct tls_options *options, char *error)
{
	if (options->ca == NULL)
		return true;
	SSL_CTX *ssl_context = context->ssl_context;
	if (SSL_CTX_load_verify_file(ssl_context, options->ca) != 1)
		return fail_content(error, "ca", options->ca,
							"it must be a PEM file with the certificates of the CAs whose peers we trust");
	context->policy.ca = strdup(options->ca);
	if (context->policy.ca == NULL)
		return fail(error, "no memory for tls.ca");
	/* What the file holds is trusted, be it an intermediate CA. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl_context), X509_V_FLAG_PARTIAL_CHAIN);
	/* Tells clients which of their certificates we want. Not if one may match by fingerprint: with a list, some clients
	   send nothing when their issuer is not in it. */
	if (context->policy.role == TLS_SERVER && !has_fingerprint(&context->policy))
		SSL_CTX_set_client_CA_list(ssl_context, SSL_load_client_CA_file(options->ca));
	return true;
}

/* --- who the peer may be ----------------------------------------------------------------------------------------- */

static bool read_rules(struct tls_policy *policy, const struct tls_options *options, char *error)
{
	if (options->peers_count == 0)
		return true;
	policy->rules = calloc(options->peers_count, sizeof(policy->rules[0]));
	policy->texts = calloc(options->peers_count, sizeof(policy->texts[0]));
	if (policy->rules == NULL || policy->texts == NULL)
		return fail(error, "no memory for tls.peers");
	for (unsigned i = 0; i < options->peers_count; i++) {
		char reason[TLS_RULE_ERROR_MAX_BYTES];
		policy->texts[i] = strdup(options->peers[i]);
		if (policy->texts[i] == NULL)
			return fail(error, "no memory for tls.peers");
		policy->rules_count = i + 1;
		if (!tls_peer_rule_read(policy->texts[i], &policy->rules[i], reason)) {
			snprintf(error, TLS_ERROR_MAX_BYTES, "tls.peers: %s", reason);
			return false;
		}
	}
	return true;
}

static bool check_anonymous(const struct tls_policy *policy, const struct tls_options *options, char *error)
{
	if (!options->allow_anonymous_peers)
		return true;
	if (policy->role == TLS_CLIENT)
		return fail(error,
					"tls.allow_anonymous_peers is for inputs: an output must know whom it sends to; take it out");
	if (policy->rules_count > 0)
		return fail(error,
					"tls.allow_anonymous_peers makes tls.peers void, since who shows no certificate gets in; take one "
					"of them out");
	return true;
}

/* Nobody is let in unverified because a line is missing. */
static bool check_policy(const struct tls_policy *policy, const struct tls_options *options, char *error)
{
	if (!check_anonymous(policy, options, error))
		return false;
	for (unsigned i = 0; i < policy->rules_count && options->ca == NULL; i++) {
		if (policy->rules[i].kind == TLS_RULE_SHA256 || policy->rules[i].kind == TLS_RULE_SHA1)
			continue;
		snprintf(error, TLS_ERROR_MAX_BYTES,
				 "tls.ca is missing: without a CA the name \"%.100s\" in tls.peers proves nothing; name the CA's PEM "
				 "file, or "
				 "list fingerprints only",
				 policy->rules[i].text);
		return false;
	}
	if (options->ca != NULL || has_fingerprint(policy) || options->allow_anonymous_peers)
		return true;
	if (policy->role == TLS_CLIENT)
		return fail(error,
					"tls.ca is missing: without it any server could take our messages; name the CA's PEM file, or "
					"list the server's fingerprint in tls.peers");
	return fail(error, "tls.ca is missing: without it any sender would be let in; name the CA's PEM file, list "
					   "fingerprints in tls.peers, or say so by tls.allow_anonymous_peers");
}

static int verify_mode(const struct tls_policy *policy, const struct tls_options *options)
{
	if (policy->role == TLS_CLIENT)
		return SSL_VERIFY_PEER;
	if (!options->allow_anonymous_peers)
		return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	return options->ca != NULL ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
}

/* --- the context ------------------------------------------------------------------------------------------------- */

static bool set_versions(SSL_CTX *ssl_context, const struct tls_options *options, char *error)
{
	const char *version = options->min_version != NULL ? options->min_version : "1.2";
	bool is_12 = strcmp(version, "1.2") == 0;
	if (!is_12 && strcmp(version, "1.3") != 0) {
		snprintf(error, TLS_ERROR_MAX_BYTES, "tls.min_version \"%.40s\" is not one of \"1.2\" and \"1.3\"", version);
		return false;
	}
	SSL_CTX_set_min_proto_version(ssl_context, is_12 ? TLS1_2_VERSION : TLS1_3_VERSION);
	if (SSL_CTX_set_cipher_list(ssl_context, options->ciphers != NULL ? options->ciphers : DEFAULT_CIPHERS) == 1)
		return true;
	snprintf(
		error, TLS_ERROR_MAX_BYTES,
		"tls.ciphers \"%.200s\" names no cipher suite of TLS 1.2; \"openssl ciphers -v '%s'\" shows what a list means",
		options->ciphers, DEFAULT_CIPHERS);
	return false;
}

static void set_common(SSL_CTX *ssl_context)
{
	SSL_CTX_set_options(ssl_context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ssl_context, SSL_SESS_CACHE_OFF);
	/* TLS 1.3 sends tickets even without SSL_OP_NO_TICKET's kind. */
	SSL_CTX_set_num_tickets(ssl_context, 0);
	SSL_CTX_set_max_early_data(ssl_context, 0);
	SSL_CTX_set_ciphersuites(ssl_context, CIPHERS_13);
	SSL_CTX_set_mode(ssl_context,
					 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* A read comes back behind messages of the protocol itself, instead of going on until there is data. */
	SSL_CTX_clear_mode(ssl_context, SSL_MODE_AUTO_RETRY);
	/* A record's header and body in one read, instead of two. */
	SSL_CTX_set_read_ahead(ssl_context, 1);
}

static bool set_up(struct tls_context *context, const struct tls_options *options, char *error)
{
	set_common(context->ssl_context);
	if (!set_versions(context->ssl_context, options, error) || !read_rules(&context->policy, options, error) ||
		!check_policy(&context->policy, options, error) || !load_certificate(context, options, error) ||
		!load_ca(context, options, error))
		return false;
	SSL_CTX_set_verify(context->ssl_context, verify_mode(&context->policy, options), NULL);
	SSL_CTX_set_cert_verify_callback(context->ssl_context, tls_verify, NULL);
	return true;
}

struct tls_context *tls_context_open(enum tls_role role, const struct tls_options *options, char *error)
{
	ERR_clear_error();
	struct tls_context *context = calloc(1, sizeof(*context));
	if (context == NULL) {
		fail(error, "no memory for TLS");
		return NULL;
	}
	atomic_init(&context->holders, 1);
	context->policy.role = role;
	context->ssl_context = SSL_CTX_new(role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	if (context->ssl_context == NULL)
		fail(error, "no memory for TLS");
	else if (set_up(context, options, error))
		return context;
	tls_context_release(&context);
	ERR_clear_error();
	return NULL;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
	unsigned before = atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
	assert(before > 0);
	(void)before;
	return context;
}

void tls_context_release(struct tls_context **context)
{
	struct tls_context *released = *context;
	*context = NULL;
	if (released == NULL || atomic_fetch_sub_explicit(&released->holders, 1, memory_order_acq_rel) > 1)
		return;
	SSL_CTX_free(released->ssl_context);
	for (unsigned i = 0; i < released->policy.rules_count; i++)
		free(released->policy.texts[i]);
	free(released->policy.rules);
	free(released->policy.texts);
	free(released->policy.ca);
	free(released);
}

enum tls_role tls_context_role(const struct tls_context *context)
{
	return context->policy.role;
}
