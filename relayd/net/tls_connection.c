/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a TLS context: what its check needs and finds is kept with its SSL, as OpenSSL's ex_data, and freed
 * with it. So the verify callback, which is given the SSL only, finds it.
 */
#include "net/address.h"
#include "net/tls_internal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One connection's part, kept with its SSL and freed with it. */
struct connection {
	struct tls_peer peer;
	struct tls_context *context;
};

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int connection_index;

static void free_connection(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *unused)
{
	(void)parent, (void)all, (void)index, (void)number, (void)unused;
	struct connection *connection = data;
	if (connection == NULL)
		return;
	free(connection->peer.server_name);
	free(connection->peer.identity);
	free(connection->peer.refusal);
	tls_context_release(&connection->context);
	free(connection);
}

static void make_index(void)
{
	connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_connection);
	assert(connection_index >= 0);
}

static struct connection *attach_connection(SSL *ssl, struct tls_context *context)
{
	pthread_once(&index_once, make_index);
	struct connection *connection = calloc(1, sizeof(*connection));
	if (connection == NULL || SSL_set_ex_data(ssl, connection_index, connection) != 1) {
		free(connection);
		return NULL;
	}
	connection->peer.policy = &context->policy;
	connection->context = tls_context_hold(context);
	return connection;
}

/* RFC 6066, 3: SNI holds names, never addresses. */
static bool set_server_name(SSL *ssl, struct connection *connection, const char *server_name)
{
	struct tls_peer_rule rule;
	char error[TLS_RULE_ERROR_MAX_BYTES];
	connection->peer.server_name = strdup(server_name);
	if (connection->peer.server_name == NULL)
		return false;
	bool is_name = tls_peer_rule_read(server_name, &rule, error) && rule.kind == TLS_RULE_NAME;
	return !is_name || SSL_set_tlsext_host_name(ssl, connection->peer.server_name) == 1;
}

SSL *tls_context_new_ssl(struct tls_context *context, const char *server_name)
{
	SSL *ssl = SSL_new(context->ssl_context);
	if (ssl == NULL)
		return NULL;
	struct connection *connection = attach_connection(ssl, context);
	if (connection == NULL)
		goto free_ssl;
	if (context->policy.role == TLS_SERVER) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_set_connect_state(ssl);
	if (server_name == NULL || set_server_name(ssl, connection, server_name))
		return ssl;
free_ssl:
	SSL_free(ssl);
	return NULL;
}

struct tls_peer *tls_peer_of(const SSL *ssl)
{
	struct connection *connection = SSL_get_ex_data(ssl, connection_index);
	assert(connection != NULL);
	return &connection->peer;
}

const char *tls_peer_address(const SSL *ssl, char *text)
{
	struct address address = {.len = sizeof(address.sa)};
	if (getpeername(SSL_get_fd(ssl), &address.sa.any, &address.len) != 0)
		address.len = 0;
	return address_text(&address, text);
}

const char *tls_peer_identity(const SSL *ssl)
{
	const struct tls_peer *peer = tls_peer_of(ssl);
	return peer->identity != NULL ? peer->identity : "";
}

const char *tls_refusal(const SSL *ssl)
{
	const struct tls_peer *peer = tls_peer_of(ssl);
	return peer->refusal != NULL ? peer->refusal : "";
}
