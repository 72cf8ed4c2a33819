/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving end of a measurement: a RELP server over TLS, or a plain TCP server of LF lines or counted frames, or a
 * file. It looks for n=NNNNNNNNNN in what it gets and keeps a count for each number, so that it knows what is missing
 * and what came twice. Ends when all have come, or nothing new has come for --idle seconds. Prints one line of JSON.
 *
 * Usage: bench_sink relp-tls PORT CERTIFICATE KEY --count N [--idle S]
 *        bench_sink relp|tcp PORT --count N [--idle S]
 *        bench_sink file PATH --count N [--idle S]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum { CONNECTIONS_MAX = 64, BUFFER_BYTES = 1 << 20, NUMBER_DIGITS = 10 };

struct connection {
	int fd;
	SSL *ssl;
	size_t len;
	char *buffer;
};

static uint8_t *seen;
static uint64_t count, distinct, doubled;
static double first_at, last_at;

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void note_number(const char *digits)
{
	uint64_t number = 0;
	for (int i = 0; i < NUMBER_DIGITS; i++)
		number = number * 10 + (uint64_t)(digits[i] - '0');
	if (number >= count)
		return;
	if (seen[number]++ == 0)
		distinct++;
	else
		doubled++;
}

/* Notes every n=NNNNNNNNNN in the text; returns how much of its end may be the start of one. */
static size_t note_text(const char *at, size_t len)
{
	const char *end = at + len;
	while (at < end) {
		const char *hit = memchr(at, 'n', (size_t)(end - at));
		if (hit == NULL)
			return 0;
		if (end - hit < NUMBER_DIGITS + 2)
			return (size_t)(end - hit);
		if (hit[1] == '=' && hit[2] >= '0' && hit[2] <= '9') {
			note_number(hit + 2);
			at = hit + 2 + NUMBER_DIGITS;
		} else {
			at = hit + 1;
		}
	}
	return 0;
}

/* ---- RELP: answers collected per read ---- */

static size_t answer_frame(char *out, size_t at, const char *txnr, size_t txnr_len, bool is_open)
{
	static const char opened[] = " rsp 64 200 OK\nrelp_version=0\nrelp_software=bench_sink,1\ncommands=syslog\n";
	static const char stored[] = " rsp 6 200 OK\n";
	memcpy(out + at, txnr, txnr_len);
	at += txnr_len;
	const char *text = is_open ? opened : stored;
	size_t len = is_open ? sizeof opened - 1 : sizeof stored - 1;
	memcpy(out + at, text, len);
	return at + len;
}

/* Takes whole frames from the start of the buffer, appends their answers; returns the octets used. */
static size_t take_frames(struct connection *connection, char *out, size_t *out_len)
{
	size_t used = 0;
	for (;;) {
		const char *at = connection->buffer + used;
		size_t left = connection->len - used;
		const char *space = memchr(at, ' ', left < 12 ? left : 12);
		if (space == NULL)
			return used;
		size_t txnr_len = (size_t)(space - at);
		const char *command = space + 1;
		const char *command_end = memchr(command, ' ', left - (size_t)(command - at));
		if (command_end == NULL)
			return used;
		char *digits_end;
		uint64_t len = strtoull(command_end + 1, &digits_end, 10);
		size_t header = (size_t)(digits_end - at) + (len > 0 ? 1 : 0);
		if ((size_t)(digits_end - at) >= left || left < header + len + 1)
			return used;
		note_text(at + header, len);
		*out_len = answer_frame(out, *out_len, at, txnr_len, *command == 'o');
		used += header + len + 1;
	}
}

static void send_all(struct connection *connection, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t sent = connection->ssl != NULL ? SSL_write(connection->ssl, at, (int)len) : write(connection->fd, at, len);
		if (sent <= 0)
			return;
		at += sent;
		len -= (size_t)sent;
	}
}

static bool read_more(struct connection *connection, bool relp)
{
	static char out[BUFFER_BYTES];
	do {
		char *room = connection->buffer + connection->len;
		size_t size = BUFFER_BYTES - 1 - connection->len;
		ssize_t got = connection->ssl != NULL ? SSL_read(connection->ssl, room, (int)size) 
		                                         : read(connection->fd, room, size);
		if (got <= 0)
			return false;
		connection->len += (size_t)got;
		connection->buffer[connection->len] = '\0';
		size_t out_len = 0;
		size_t used = relp ? take_frames(connection, out, &out_len)
		                   : connection->len - note_text(connection->buffer, connection->len);
		memmove(connection->buffer, connection->buffer + used, connection->len - used);
		connection->len -= used;
		send_all(connection, out, out_len);
	} while (connection->ssl != NULL && SSL_pending(connection->ssl) > 0);
	return true;
}

/* ---- the three kinds ---- */

static int listen_on(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) < 0 || listen(fd, 64) < 0) {
		fprintf(stderr, "bench_sink: port %d: %s\n", port, strerror(errno));
		exit(1);
	}
	return fd;
}

static SSL_CTX *tls_context(const char *certificate, const char *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "bench_sink: cannot use %s and %s\n", certificate, key);
		exit(1);
	}
	return context;
}

static void accept_one(struct connection *connection, int listener, SSL_CTX *context)
{
	connection->fd = accept(listener, NULL, NULL);
	connection->len = 0;
	if (connection->fd < 0 || context == NULL)
		return;
	connection->ssl = SSL_new(context);
	SSL_set_fd(connection->ssl, connection->fd);
	if (SSL_accept(connection->ssl) == 1)
		return;
	SSL_free(connection->ssl);
	connection->ssl = NULL;
	close(connection->fd);
	connection->fd = -1;
}

static void close_one(struct connection *connection)
{
	if (connection->ssl != NULL)
		SSL_free(connection->ssl);
	connection->ssl = NULL;
	close(connection->fd);
	connection->fd = -1;
}

static void run_server(int listener, SSL_CTX *context, bool relp, double idle)
{
	static struct connection connections[CONNECTIONS_MAX];
	struct pollfd polled[CONNECTIONS_MAX + 1];
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		connections[i].fd = -1;
		connections[i].buffer = malloc(BUFFER_BYTES);
	}
	while (distinct < count && seconds_now() - last_at < idle) {
		polled[CONNECTIONS_MAX] = (struct pollfd){listener, POLLIN, 0};
		for (int i = 0; i < CONNECTIONS_MAX; i++)
			polled[i] = (struct pollfd){connections[i].fd, POLLIN, 0};
		if (poll(polled, CONNECTIONS_MAX + 1, 200) <= 0)
			continue;
		for (int i = 0; i < CONNECTIONS_MAX; i++) {
			uint64_t before = distinct;
			if (polled[i].revents != 0 && !read_more(&connections[i], relp))
				close_one(&connections[i]);
			if (distinct > before) {
				last_at = seconds_now();
				first_at = first_at > 0 ? first_at : last_at;
			}
		}
		for (int i = 0; polled[CONNECTIONS_MAX].revents != 0 && i < CONNECTIONS_MAX; i++) {
			if (connections[i].fd < 0) {
				accept_one(&connections[i], listener, context);
				break;
			}
		}
	}
	/* The last answers are on their way: let the other side settle before the sockets go. */
	usleep(200000);
}

static void run_file(const char *path, double idle)
{
	static char buffer[BUFFER_BYTES];
	int fd = -1;
	size_t kept = 0;
	while (distinct < count && seconds_now() - last_at < idle) {
		if (fd < 0)
			fd = open(path, O_RDONLY);
		ssize_t got = fd >= 0 ? read(fd, buffer + kept, sizeof buffer - kept) : 0;
		if (got <= 0) {
			usleep(20000);
			continue;
		}
		last_at = seconds_now();
		first_at = first_at > 0 ? first_at : last_at;
		size_t len = kept + (size_t)got;
		kept = note_text(buffer, len);
		memmove(buffer, buffer + len - kept, kept);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_sink relp-tls PORT CERTIFICATE KEY|relp PORT|tcp PORT|file PATH --count N [--idle S]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	double idle = 10;
	for (int i = 3; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--count") == 0)
			count = strtoull(argv[i + 1], NULL, 10);
		if (strcmp(argv[i], "--idle") == 0)
			idle = atof(argv[i + 1]);
	}
	if (argc < 5 || count == 0)
		usage();
	seen = calloc(count, 1);
	last_at = seconds_now();
	if (strcmp(argv[1], "file") == 0)
		run_file(argv[2], idle);
	else if (strcmp(argv[1], "relp-tls") == 0 && argc >= 7)
		run_server(listen_on(atoi(argv[2])), tls_context(argv[3], argv[4]), true, idle);
	else if (strcmp(argv[1], "relp") == 0 || strcmp(argv[1], "tcp") == 0)
		run_server(listen_on(atoi(argv[2])), NULL, strcmp(argv[1], "relp") == 0, idle);
	else
		usage();
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	             (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	printf("{\"distinct\":%llu,\"lost\":%llu,\"doubled\":%llu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
	       (unsigned long long)distinct, (unsigned long long)(count - distinct), (unsigned long long)doubled,
	       last_at - first_at, cpu);
	return 0;
}
