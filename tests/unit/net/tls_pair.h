/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two TLS streams, joined, and the certificates of both ends, for tests of who is accepted, who is refused and what
 * streams do.
 */
#ifndef TESTS_UNIT_NET_TLS_PAIR_H
#define TESTS_UNIT_NET_TLS_PAIR_H

#include "certificates.h"
#include "net/stream.h"
#include "tester.h"

static struct worker *worker;
static int fds[2];
static struct certificate ca, other_ca, server, client;

static inline struct certificate issue(const char *file, const char *common_name, const char *san, const char *usage)
{
	return certificate_make(&(struct certificate_options){
		.file = file, .common_name = common_name, .san = san, .usage = usage, .issuer = &ca});
}

static inline void set_up(void)
{
	worker = worker_start("tls");
	tester_tcp_pair(fds);
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "Test CA", .is_ca = 1});
	other_ca =
		certificate_make(&(struct certificate_options){.file = "other-ca", .common_name = "Other CA", .is_ca = 1});
	server = issue("server", "log1", "DNS:log1.example.net,IP:127.0.0.1", "serverAuth");
	client = issue("client", "web7", "DNS:web7.example.org", "clientAuth");
}

static inline void tear_down(void)
{
	worker_stop(&worker);
	certificate_free(&ca);
	certificate_free(&other_ca);
	certificate_free(&server);
	certificate_free(&client);
	rmdir(certificates_directory());
}

static inline struct tls_context *open_context(enum tls_role role, const struct tls_options *options)
{
	char error[TLS_ERROR_MAX_BYTES] = "";
	struct tls_context *context = tls_context_open(role, options, error);
	ck_assert_msg(context != NULL, "%s", error);
	return context;
}

/* A context with `certificate` (or none), the test's CA and up to one peer. */
static inline struct tls_context *context_of(enum tls_role role, const struct certificate *certificate, const char *peer)
{
	const char *peers[] = {peer};
	struct tls_options options = {
		.certificate = certificate != NULL ? certificate->path : NULL,
		.key = certificate != NULL ? certificate->key_path : NULL,
		.ca = ca.path,
		.peers = peers,
		.peers_count = peer != NULL ? 1 : 0,
	};
	return open_context(role, &options);
}

/* Two streams, joined. The contexts are taken. */
struct pair {
	struct tester server;
	struct tester client;
};

static inline void open_pair(struct pair *pair, struct tls_context *server_context, struct tls_context *client_context)
{
	pair->server.options.tls = server_context;
	pair->client.options.tls = client_context;
	if (pair->client.options.server_name == NULL)
		pair->client.options.server_name = "log1.example.net";
	tester_open(&pair->server, worker, fds[0]);
	tester_open(&pair->client, worker, fds[1]);
	tls_context_release(&server_context);
	tls_context_release(&client_context);
}

static inline void close_pair(struct pair *pair)
{
	tester_close(&pair->client);
	tester_close(&pair->server);
}

static inline void wait_ready(struct pair *pair)
{
	TESTER_WAIT(&pair->server, pair->server.readies == 1);
	TESTER_WAIT(&pair->client, pair->client.readies == 1);
}

#endif
