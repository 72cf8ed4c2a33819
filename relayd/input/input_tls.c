/* SPDX-License-Identifier: Apache-2.0 */
#include "input/input_tls.h"

#include "input/input.h"

#include <stdio.h>

static const char *const versions[] = {"1.2", "1.3", NULL};

const struct option input_tls_options[] = {
	{.name = "certificate", .kind = OPTION_TEXT, .offset = offsetof(struct input_tls, certificate), .required = true,
	 .doc = "PEM file with our certificate, its chain behind it."},
	{.name = "key", .kind = OPTION_TEXT, .offset = offsetof(struct input_tls, key), .required = true,
	 .doc = "PEM file with the certificate's private key."},
	{.name = "ca", .kind = OPTION_TEXT, .offset = offsetof(struct input_tls, ca),
	 .doc = "PEM file with the trust anchors of our peers; without it only fingerprints in `peers` can match."},
	{.name = "peers", .kind = OPTION_LIST, .offset = offsetof(struct input_tls, peers),
	 .doc = "Who may connect: names (\"*.example.net\") or fingerprints (\"sha-256:AB:CD...\", or "
		"\"edge-1=sha-256:AB:CD...\" to give it a label that stays when the certificate is exchanged, and that no other "
		"certificate may have for its name); by default anybody whose certificate leads to `ca`."},
	{.name = "allow_anonymous_peers", .kind = OPTION_BOOL, .offset = offsetof(struct input_tls, allow_anonymous_peers),
	 .preset = "false", .doc = "Takes peers without a certificate: what they say of themselves is not proven."},
	{.name = "ciphers", .kind = OPTION_TEXT, .offset = offsetof(struct input_tls, ciphers),
	 .doc = "OpenSSL list of TLS 1.2 cipher suites; by default ECDHE with AEAD."},
	{.name = "min_version", .kind = OPTION_CHOICE, .offset = offsetof(struct input_tls, min_version), .preset = "1.2",
	 .choices = versions, .doc = "The oldest TLS version that is spoken."},
	{0},
};

bool input_tls_check(const struct input_tls *settings, char *error)
{
	if (settings->ca != NULL || settings->peers.count > 0 || settings->allow_anonymous_peers)
		return true;
	snprintf(error, INPUT_ERROR_MAX_BYTES, "tls: nobody could connect: write `ca` with the trust anchors of the peers, "
	         "`peers` with their fingerprints, or \"allow_anonymous_peers\": true");
	return false;
}

static struct tls_context *open_context(const struct input_tls *settings, char *error)
{
	struct tls_options options = {
		.certificate = settings->certificate,
		.key = settings->key,
		.ca = settings->ca,
		.peers = (const char *const *)settings->peers.items,
		.peers_count = (unsigned)settings->peers.count,
		.allow_anonymous_peers = settings->allow_anonymous_peers,
		.ciphers = settings->ciphers,
		.min_version = versions[settings->min_version],
	};
	char reason[TLS_ERROR_MAX_BYTES];
	struct tls_context *context = tls_context_open(TLS_SERVER, &options, reason);
	if (context == NULL)
		snprintf(error, INPUT_ERROR_MAX_BYTES, "tls: %s", reason);
	return context;
}

bool tls_holder_open(struct tls_holder *holder, const struct input_tls *settings, char *error)
{
	holder->context = open_context(settings, error);
	if (holder->context == NULL)
		return false;
	pthread_mutex_init(&holder->lock, NULL);
	holder->is_open = true;
	return true;
}

void tls_holder_close(struct tls_holder *holder)
{
	if (!holder->is_open)
		return;
	holder->is_open = false;
	tls_context_release(&holder->context);
	pthread_mutex_destroy(&holder->lock);
}

bool tls_holder_reload(struct tls_holder *holder, const struct input_tls *settings, char *error)
{
	struct tls_context *context = open_context(settings, error);
	if (context == NULL)
		return false;
	pthread_mutex_lock(&holder->lock);
	struct tls_context *old = holder->context;
	holder->context = context;
	pthread_mutex_unlock(&holder->lock);
	tls_context_release(&old);
	return true;
}

struct tls_context *tls_holder_take(struct tls_holder *holder)
{
	if (!holder->is_open)
		return NULL;
	pthread_mutex_lock(&holder->lock);
	struct tls_context *context = tls_context_hold(holder->context);
	pthread_mutex_unlock(&holder->lock);
	return context;
}
