/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part tls/send of bench_parts: a stream with TLS on a worker's loop, filled and flushed as an output does under load
 * (output_stream.c), in full records of AES-128-GCM. The peer does its handshake; from then on what has come to its end of
 * the socket is thrown away as it is, by the same thread and at the same places, so that two runs take the same
 * instructions.
 */
#include "bench_parts.h"

#include "frame/octet_counting.h"
#include "net/stream.h"
#include "output/link.h"

#include <fcntl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	GATHER_BYTES = 256 << 10, /* flushed together, as in output_stream.c */
	DRAIN_BYTES = 64 << 10,
};

#define FINGERPRINT_START "sha-256:"

struct sending {
	struct stream_options options;
	struct stream *stream;
	int fd, peer_fd;
	const struct bytes *messages;
	unsigned messages_count;
	uint64_t count;
};

/* --- the peer ---------------------------------------------------------------------------------------------------- */

/* Has a certificate made on the spot, of which the stream knows the fingerprint. */
static SSL_CTX *make_peer(char fingerprint[TLS_IDENTITY_MAX_BYTES])
{
	SSL_CTX *peer = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	if (peer == NULL || key == NULL || certificate == NULL)
		die("there is no memory for the peer's certificate");
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	if (X509_sign(certificate, key, EVP_sha256()) == 0 || X509_digest(certificate, EVP_sha256(), digest, &len) != 1 ||
	    SSL_CTX_use_certificate(peer, certificate) != 1 || SSL_CTX_use_PrivateKey(peer, key) != 1)
		die("OpenSSL could not make the peer's certificate");
	X509_free(certificate);
	EVP_PKEY_free(key);
	if (SSL_CTX_set_ciphersuites(peer, "TLS_AES_128_GCM_SHA256") != 1 || SSL_CTX_set_num_tickets(peer, 0) != 1 ||
	    SSL_CTX_set_min_proto_version(peer, TLS1_3_VERSION) != 1)
		die("this OpenSSL has no TLS 1.3 with AES-128-GCM");
	char *at = stpcpy(fingerprint, FINGERPRINT_START);
	for (unsigned i = 0; i < len; i++)
		at += sprintf(at, "%02X", digest[i]);
	return peer;
}

/* When this returns the stream has had its part, too: whatever is called on its worker from now on finds it open. */
static void shake_hands(SSL_CTX *peer, int fd)
{
	SSL *ssl = SSL_new(peer);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		die("there is no memory for the peer's TLS");
	if (SSL_accept(ssl) != 1)
		die("the TLS handshake failed on the peer's side");
	SSL_free(ssl);
}

static size_t throw_away(int fd)
{
	static uint8_t octets[DRAIN_BYTES];
	size_t len = 0;
	ssize_t got;
	while ((got = recv(fd, octets, sizeof octets, MSG_DONTWAIT)) > 0)
		len += (size_t)got;
	return len;
}

/* --- the stream, on its worker's thread -------------------------------------------------------------------------- */

static size_t on_bytes(void *context, struct bytes bytes)
{
	(void)context;
	return bytes.len;
}

static void on_end(void *context, enum stream_end end, const char *detail, struct bytes rest)
{
	(void)context, (void)end, (void)rest;
	die(detail);
}

static void open_there(void *context)
{
	struct sending *sending = context;
	sending->stream = stream_adopt(&sending->fd, &sending->options);
	if (sending->stream == NULL)
		die("there is no memory for a stream");
}

static void append_frame(struct buffer *out, struct bytes message)
{
	if (buffer_len(out) == 0)
		(void)buffer_reserve(out, GATHER_BYTES + 1);
	uint8_t *room = buffer_reserve(out, message.len + OCTET_COUNTING_HEADER_MAX);
	if (room == NULL)
		die("there is no memory for a stream's output");
	size_t len = octet_counting_header_write(message.len, room);
	memcpy(room + len, message.at, message.len);
	buffer_commit(out, len + message.len);
}

/* The socket may hold less than was gathered; then what is left goes when there is room again. */
static void send_out(struct sending *sending)
{
	do {
		stream_flush(sending->stream);
		if (throw_away(sending->peer_fd) == 0)
			die("the stream was flushed, and nothing came to its peer");
	} while (buffer_len(stream_output(sending->stream)) > 0);
}

static void send_there(void *context)
{
	struct sending *sending = context;
	struct buffer *out = stream_output(sending->stream);
	for (uint64_t i = 0; i < sending->count; i++) {
		append_frame(out, sending->messages[i % sending->messages_count]);
		if (buffer_len(out) >= GATHER_BYTES || i + 1 == sending->count)
			send_out(sending);
	}
}

static void close_there(void *context)
{
	struct sending *sending = context;
	stream_close(&sending->stream);
}

/* --- the part ---------------------------------------------------------------------------------------------------- */

void send_over_tls(const struct bytes *messages, unsigned messages_count, uint64_t count)
{
	char fingerprint[TLS_IDENTITY_MAX_BYTES], error[TLS_ERROR_MAX_BYTES];
	SSL_CTX *peer = make_peer(fingerprint);
	const struct tls_options tls = {.peers = (const char *const[]){fingerprint}, .peers_count = 1};
	struct tls_context *context = tls_context_open(TLS_CLIENT, &tls, error);
	if (context == NULL)
		die(error);
	struct worker *worker = worker_start("tls/send");
	int fds[2];
	if (worker == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 ||
	    fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0)
		die("the system gives no thread or no pair of sockets");
	struct sending sending = {
		.options = {.worker = worker,
		            .tls = context,
		            .output_cap_bytes = LINK_OUTPUT_CAP_BYTES,
		            .pending_max_bytes = LINK_PENDING_MAX_BYTES,
		            .events = {.bytes = on_bytes, .end = on_end}},
		.fd = fds[0],
		.peer_fd = fds[1],
		.messages = messages,
		.messages_count = messages_count,
		.count = count,
	};
	worker_call(worker, open_there, &sending);
	shake_hands(peer, sending.peer_fd);
	worker_call(worker, send_there, &sending);
	worker_call(worker, close_there, &sending);
	worker_stop(&worker);
	close(sending.peer_fd);
	tls_context_release(&context);
	SSL_CTX_free(peer);
}
