/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving end of a measurement: a RELP server over TLS, or a plain TCP server of LF lines or counted frames, or a
 * file. It looks for the stamps of bench_common.h in what it gets and keeps a count for each number, so that it knows
 * what is missing, what came twice, and how long each took. Ends when all have come, or nothing new has come for --idle
 * seconds, or on SIGTERM. Prints one line of JSON; its times are of the monotonic clock, 0 for what never was:
 * first_at, last_at, most_at (99 in 100 were here: the last few may wait in somebody's buffer), mark_at (all numbers
 * below --mark were here).
 *
 * Usage: bench_sink relp-tls PORT CERTIFICATE KEY --count N [--idle S] [--mark N]
 *        bench_sink relp|tcp PORT --count N [--idle S] [--mark N]
 *        bench_sink file PATH --count N [--idle S] [--mark N]
 */
#include "bench_common.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	CONNECTIONS_MAX = 64,
	BUFFER_BYTES = 1 << 20,
	READ_AHEAD_BYTES = 128 << 10,
	ANSWERS_BYTES = 16 << 10, /* a record of TLS */
	FILE_PAUSE_US = 5000,
};

struct connection {
	int fd;
	SSL *ssl;
	size_t len;
	char *buffer;
};

static uint8_t *seen;
static uint64_t count, distinct, doubled, mark, marked;
static double first_at, last_at, most_at, mark_at;
static struct histogram latencies;
static volatile sig_atomic_t ending;

static void end_now(int number)
{
	(void)number;
	ending = 1;
}

static void note_stamp(const char *stamp, uint64_t now_us)
{
	uint64_t number = take_digits(stamp + 2, NUMBER_DIGITS);
	if (number >= count)
		return;
	if (seen[number]++ > 0) {
		doubled++;
		return;
	}
	distinct++;
	if (number < mark && ++marked == mark)
		mark_at = (double)now_us / 1e6;
	if (distinct == count - count / 100)
		most_at = (double)now_us / 1e6;
	uint64_t made_us = take_digits(stamp + 2 + NUMBER_DIGITS + 3, TIME_DIGITS);
	histogram_note(&latencies, now_us > made_us ? now_us - made_us : 0);
}

/* Notes every stamp in the text; returns how much of its end may be the start of one. */
static size_t note_text(const char *at, size_t len)
{
	const char *start = at, *end = at + len;
	uint64_t now_us = microseconds_now(), before = distinct;
	size_t rest = len > 0 && end[-1] == 'n' ? 1 : 0;
	const char *hit;
	while (at < end && (hit = memchr(at, '=', (size_t)(end - at))) != NULL) {
		at = hit + 1;
		if (hit == start || hit[-1] != 'n')
			continue;
		if (end - hit < STAMP_BYTES - 1) {
			rest = (size_t)(end - hit) + 1;
			break;
		}
		if (hit[1] >= '0' && hit[1] <= '9')
			note_stamp(hit - 1, now_us);
		at = hit + STAMP_BYTES - 1;
	}
	if (distinct > before) {
		last_at = (double)now_us / 1e6;
		first_at = first_at > 0 ? first_at : last_at;
	}
	return rest;
}

static bool is_over(double started, double idle)
{
	double since = last_at > started ? last_at : started;
	return ending || distinct >= count || seconds_now() - since >= idle;
}

/* ---- RELP ---- */

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

/* False if the connection is over. */
static bool send_all(struct connection *connection, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t sent =
			connection->ssl != NULL ? SSL_write(connection->ssl, at, (int)len) : write(connection->fd, at, len);
		if (sent < 0 && connection->ssl != NULL && SSL_get_error(connection->ssl, (int)sent) == SSL_ERROR_WANT_WRITE) {
			poll(&(struct pollfd){connection->fd, POLLOUT, 0}, 1, -1);
			continue;
		}
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* What one read finds; of TLS one record, or 0 if none is there as a whole. -1 if the connection is over. */
static ssize_t read_some(struct connection *connection)
{
	char *room = connection->buffer + connection->len;
	size_t size = BUFFER_BYTES - 1 - connection->len;
	if (connection->ssl == NULL) {
		ssize_t got = read(connection->fd, room, size);
		return got > 0 ? got : -1;
	}
	int got = SSL_read(connection->ssl, room, (int)size);
	if (got > 0)
		return got;
	return SSL_get_error(connection->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* Takes what there is to read. Its answers go out as one write when there is no more, or many of them. */
static bool read_more(struct connection *connection, bool relp)
{
	static char out[BUFFER_BYTES];
	size_t out_len = 0;
	do {
		ssize_t got = read_some(connection);
		if (got < 0)
			return false;
		if (got == 0)
			break;
		connection->len += (size_t)got;
		connection->buffer[connection->len] = '\0';
		size_t used = relp ? take_frames(connection, out, &out_len)
						   : connection->len - note_text(connection->buffer, connection->len);
		memmove(connection->buffer, connection->buffer + used, connection->len - used);
		connection->len -= used;
		if (out_len >= ANSWERS_BYTES) {
			if (!send_all(connection, out, out_len))
				return false;
			out_len = 0;
		}
	} while (connection->ssl != NULL && SSL_has_pending(connection->ssl));
	return send_all(connection, out, out_len);
}

/* ---- the three kinds ---- */

static SSL_CTX *tls_context(const char *certificate, const char *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "bench_sink: cannot use %s and %s\n", certificate, key);
		exit(1);
	}
	/* A peer that sends each message in a record of its own would else have two reads for each. */
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD_BYTES);
	return context;
}

static void close_one(struct connection *connection)
{
	if (connection->ssl != NULL)
		SSL_free(connection->ssl);
	connection->ssl = NULL;
	close(connection->fd);
	connection->fd = -1;
	ERR_clear_error(); /* SSL_get_error() would take it for another connection's */
}

static void accept_one(struct connection *connection, int listener, SSL_CTX *context)
{
	connection->fd = accept(listener, NULL, NULL);
	connection->len = 0;
	if (connection->buffer == NULL)
		connection->buffer = malloc(BUFFER_BYTES);
	if (connection->fd < 0 || context == NULL)
		return;
	connection->ssl = SSL_new(context);
	SSL_set_fd(connection->ssl, connection->fd);
	bool is_open = SSL_accept(connection->ssl) == 1;
	fcntl(connection->fd, F_SETFL, O_NONBLOCK); /* what was read ahead may end within a record */
	/* The first messages may have been read ahead with the handshake. */
	if (!is_open || !read_more(connection, true))
		close_one(connection);
}

static void run_server(int listener, SSL_CTX *context, bool relp, double idle)
{
	double started = seconds_now();
	static struct connection connections[CONNECTIONS_MAX];
	struct pollfd polled[CONNECTIONS_MAX + 1] = {{listener, POLLIN, 0}};
	int used = 0;
	while (!is_over(started, idle)) {
		for (int i = 0; i < used; i++)
			polled[1 + i] = (struct pollfd){connections[i].fd, POLLIN, 0};
		if (poll(polled, 1 + (nfds_t)used, 200) <= 0)
			continue;
		for (int i = 0; i < used; i++) {
			if (polled[1 + i].revents != 0 && !read_more(&connections[i], relp))
				close_one(&connections[i]);
		}
		if (polled[0].revents == 0)
			continue;
		int unused = 0;
		while (unused < used && connections[unused].fd >= 0)
			unused++;
		if (unused == CONNECTIONS_MAX)
			continue;
		accept_one(&connections[unused], listener, context);
		used = unused < used ? used : unused + 1;
	}
	/* The last answers are on their way: let the other side settle before the sockets go. */
	usleep(200000);
}

static void run_file(const char *path, double idle)
{
	static char buffer[BUFFER_BYTES];
	int fd = -1;
	size_t kept = 0;
	double started = seconds_now();
	while (!is_over(started, idle)) {
		if (fd < 0)
			fd = open(path, O_RDONLY);
		ssize_t got = fd >= 0 ? read(fd, buffer + kept, sizeof buffer - kept) : 0;
		if (got <= 0) {
			usleep(FILE_PAUSE_US);
			continue;
		}
		size_t len = kept + (size_t)got;
		kept = note_text(buffer, len);
		memmove(buffer, buffer + len - kept, kept);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_sink relp-tls PORT CERTIFICATE KEY|relp PORT|tcp PORT|file PATH --count N [--idle S] "
					"[--mark N]\n");
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
		if (strcmp(argv[i], "--mark") == 0)
			mark = strtoull(argv[i + 1], NULL, 10);
	}
	if (argc < 5 || count == 0)
		usage();
	seen = calloc(count, 1);
	signal(SIGTERM, end_now);
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(argv[1], "file") == 0)
		run_file(argv[2], idle);
	else if (strcmp(argv[1], "relp-tls") == 0 && argc >= 7)
		run_server(listen_on_loopback(atoi(argv[2])), tls_context(argv[3], argv[4]), true, idle);
	else if (strcmp(argv[1], "relp") == 0 || strcmp(argv[1], "tcp") == 0)
		run_server(listen_on_loopback(atoi(argv[2])), NULL, strcmp(argv[1], "relp") == 0, idle);
	else
		usage();
	printf("{\"distinct\":%llu,\"lost\":%llu,\"doubled\":%llu,\"first_at\":%.6f,\"most_at\":%.6f,\"last_at\":%.6f,"
		   "\"mark_at\":%.6f,\"p50_us\":%llu,\"p99_us\":%llu,\"cpu_seconds\":%.3f}\n",
		   (unsigned long long)distinct, (unsigned long long)(count - distinct), (unsigned long long)doubled, first_at,
		   most_at, last_at, mark_at, (unsigned long long)histogram_at(&latencies, 0.5),
		   (unsigned long long)histogram_at(&latencies, 0.99), cpu_seconds());
	return 0;
}
