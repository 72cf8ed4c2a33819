/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A RELP originator, plain or over TLS, that sends the same lines as bench_send: each session keeps a window of
 * unanswered messages and sends as many at once as the window has room for, up to a buffer. It waits for every answer,
 * and prints one line of JSON: messages, how many were answered with 200, how long answers took (p50 and p99), its own
 * CPU seconds.
 *
 * Usage: bench_send_relp HOST PORT --count N [--first N] [--rate PER_SECOND] [--connections N] [--window N] [--mix]
 *                        [--tls CA CERTIFICATE KEY]
 */
#include "bench_lines.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	CONNECTIONS_MAX = 16,
	WINDOW_MAX = 65536,
	BATCH_LINES = 256,
	FRAME_HEADER_MAX = 32,
	DATALEN_DIGITS = 3, /* of LINE_BYTES */
	ANSWER_BUFFER_BYTES = 64 << 10,
	ANSWER_WAIT_MS = 60000
};

struct options {
	bool mix;
	struct sockaddr_in to;
	uint64_t count, first, rate, window;
	unsigned connections;
	SSL_CTX *tls;
};

struct session {
	int fd;
	SSL *ssl;
	uint64_t next_txnr, unanswered;
	uint64_t *sent_at; /* by TXNR modulo the window */
	char answers[ANSWER_BUFFER_BYTES];
	size_t answers_len;
};

static struct histogram answer_times;
static uint64_t accepted, refused;
static struct lines lines; /* an LF behind each is the TRAILER */

static void fail(const char *what)
{
	fprintf(stderr, "bench_send_relp: %s: %s\n", what, errno != 0 ? strerror(errno) : "the server ended the session");
	exit(1);
}

static void send_all(struct session *session, const char *at, size_t len)
{
	while (len > 0) {
		errno = 0;
		ssize_t sent = session->ssl != NULL ? SSL_write(session->ssl, at, (int)len) : write(session->fd, at, len);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			fail("write");
		at += sent;
		len -= (size_t)sent;
	}
}

/* One answer "TXNR SP rsp SP DATALEN SP DATA LF" at the start of the text; returns its length, or 0 if it is not whole.
 */
static size_t take_answer(struct session *session, const char *at, size_t len, uint64_t window, uint64_t now_us)
{
	const char *line_end = memchr(at, ' ', len);
	const char *command_end = line_end != NULL ? memchr(line_end + 1, ' ', len - (size_t)(line_end + 1 - at)) : NULL;
	if (command_end == NULL)
		return 0;
	char *data;
	uint64_t txnr = strtoull(at, NULL, 10), data_len = strtoull(command_end + 1, &data, 10);
	size_t whole = (size_t)(data - at) + (data_len > 0 ? 1 : 0) + data_len + 1;
	if ((size_t)(data - at) >= len || len < whole)
		return 0;
	if (txnr > 1 && strncmp(line_end, " rsp ", 5) == 0) {
		histogram_note(&answer_times, now_us - session->sent_at[txnr % window]);
		*(strncmp(data, " 200", 4) == 0 ? &accepted : &refused) += 1;
		session->unanswered--;
	}
	return whole;
}

static void read_answers(struct session *session, uint64_t window)
{
	do {
		size_t room = sizeof(session->answers) - 1 - session->answers_len;
		char *end = session->answers + session->answers_len;
		errno = 0;
		ssize_t got = session->ssl != NULL ? SSL_read(session->ssl, end, (int)room) : read(session->fd, end, room);
		if (got <= 0)
			fail("read");
		session->answers_len += (size_t)got;
		session->answers[session->answers_len] = '\0';
		size_t used = 0, one;
		uint64_t now_us = microseconds_now();
		while ((one = take_answer(session, session->answers + used, session->answers_len - used, window, now_us)) > 0)
			used += one;
		memmove(session->answers, session->answers + used, session->answers_len - used);
		session->answers_len -= used;
	} while (session->ssl != NULL && SSL_pending(session->ssl) > 0);
}

static void open_session(struct session *session, const struct options *options)
{
	static const char offers[] = "relp_version=0\nrelp_software=bench\ncommands=syslog\n";
	session->fd = load_socket();
	if (session->fd < 0 || connect(session->fd, (const struct sockaddr *)&options->to, sizeof(options->to)) < 0)
		fail("connect");
	if (options->tls != NULL) {
		session->ssl = SSL_new(options->tls);
		SSL_set_fd(session->ssl, session->fd);
		if (SSL_connect(session->ssl) != 1) {
			ERR_print_errors_fp(stderr);
			fail("TLS");
		}
	}
	session->sent_at = calloc(options->window, sizeof(*session->sent_at));
	session->next_txnr = 2;
	char frame[128];
	int len = snprintf(frame, sizeof(frame), "1 open %zu %s\n", sizeof(offers) - 1, offers);
	send_all(session, frame, (size_t)len);
	read_answers(session, options->window);
}

/* "TXNR SP syslog SP DATALEN SP" */
static char *put_header(char *at, uint64_t txnr)
{
	static const char command[] = " syslog ";
	int digits = 1;
	for (uint64_t more = txnr; more >= 10; more /= 10)
		digits++;
	put_digits(at, digits, txnr);
	at += digits;
	memcpy(at, command, sizeof(command) - 1);
	at += sizeof(command) - 1;
	put_digits(at, DATALEN_DIGITS, LINE_BYTES);
	at[DATALEN_DIGITS] = ' ';
	return at + DATALEN_DIGITS + 1;
}

/* Sends so many messages as one write. */
static void send_batch(struct session *session, const struct options *options, uint64_t number, uint64_t count)
{
	static char batch[BATCH_LINES * (FRAME_HEADER_MAX + LINE_BYTES + 1)];
	static struct line_stamp stamp;
	char *at = batch;
	uint64_t now = microseconds_now();
	line_stamp_begin(&stamp, options->first + number);
	for (uint64_t i = 0; i < count; i++, session->next_txnr++) {
		size_t line = (size_t)((number + i) % lines.most);
		at = put_header(at, session->next_txnr);
		memcpy(at, lines.at + line * lines.step, lines.step);
		line_stamp(&stamp, &lines.places[line], at);
		at += lines.step;
		session->sent_at[session->next_txnr % options->window] = now;
	}
	session->unanswered += count;
	send_all(session, batch, (size_t)(at - batch));
}

/* Reads the answers that are there; waits for some first if told to. */
static void settle(struct session *sessions, const struct options *options, int wait_ms)
{
	struct pollfd polled[CONNECTIONS_MAX];
	for (unsigned i = 0; i < options->connections; i++)
		polled[i] = (struct pollfd){sessions[i].fd, POLLIN, 0};
	int ready = poll(polled, options->connections, wait_ms);
	if (ready == 0 && wait_ms == ANSWER_WAIT_MS) {
		errno = ETIMEDOUT;
		fail("no answer came");
	}
	for (unsigned i = 0; ready > 0 && i < options->connections; i++) {
		if (polled[i].revents != 0)
			read_answers(&sessions[i], options->window);
	}
}

/* The next session with room for a worthwhile batch, or NULL. */
static struct session *session_with_room(struct session *sessions, const struct options *options, uint64_t wanted)
{
	static unsigned turn;
	for (unsigned i = 0; i < options->connections; i++) {
		struct session *session = &sessions[turn++ % options->connections];
		if (options->window - session->unanswered >= wanted)
			return session;
	}
	return NULL;
}

static void run(struct session *sessions, const struct options *options, double started)
{
	uint64_t each = options->rate > 0 ? options->rate / 1000 + 1 : BATCH_LINES;
	each = each < BATCH_LINES ? each : BATCH_LINES;
	each = each < options->window ? each : options->window;
	for (uint64_t sent = 0; sent < options->count;) {
		uint64_t count = options->count - sent < each ? options->count - sent : each;
		struct session *session = session_with_room(sessions, options, count);
		double due = options->rate > 0 ? started + (double)sent / (double)options->rate - seconds_now() : 0;
		if (session == NULL) {
			settle(sessions, options, ANSWER_WAIT_MS);
			continue;
		}
		if (due > 0.0005) {
			settle(sessions, options, due > 0.001 ? (int)(due * 1000) : 1);
			continue;
		}
		send_batch(session, options, sent, count);
		sent += count;
		settle(sessions, options, 0);
	}
	while (accepted + refused < options->count)
		settle(sessions, options, ANSWER_WAIT_MS);
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_send_relp HOST PORT --count N [--first N] [--rate PER_SECOND] [--connections N] "
					"[--window N] [--mix]\n"
					"                       [--tls CA CERTIFICATE KEY]\n");
	exit(2);
}

static SSL_CTX *tls_context(char **files)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (SSL_CTX_load_verify_locations(context, files[0], NULL) != 1 ||
		SSL_CTX_use_certificate_chain_file(context, files[1]) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, files[2], SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "bench_send_relp: cannot use %s, %s and %s\n", files[0], files[1], files[2]);
		exit(1);
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	return context;
}

static struct options read_options(int argc, char **argv)
{
	struct options options = {.connections = 1, .window = 4096};
	options.to.sin_family = AF_INET;
	if (argc < 3 || inet_pton(AF_INET, argv[1], &options.to.sin_addr) != 1)
		usage();
	options.to.sin_port = htons((uint16_t)atoi(argv[2]));
	for (int i = 3; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--mix") == 0) {
			options.mix = true;
			continue;
		}
		if (strcmp(argv[i], "--tls") == 0 && i + 3 < argc) {
			options.tls = tls_context(argv + i + 1);
			i += 3;
			continue;
		}
		if (strcmp(argv[i], "--count") == 0)
			options.count = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--first") == 0)
			options.first = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--rate") == 0)
			options.rate = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--connections") == 0)
			options.connections = (unsigned)atoi(value);
		else if (strcmp(argv[i], "--window") == 0)
			options.window = strtoull(value, NULL, 10);
		else
			usage();
		i++;
	}
	if (options.count == 0 || options.connections == 0 || options.connections > CONNECTIONS_MAX ||
		options.window == 0 || options.window > WINDOW_MAX)
		usage();
	return options;
}

int main(int argc, char **argv)
{
	static struct session sessions[CONNECTIONS_MAX];
	struct options options = read_options(argc, argv);
	for (unsigned i = 0; i < options.connections; i++)
		open_session(&sessions[i], &options);
	lines_make(&lines, LINE_BYTES, options.mix, true);
	double started = seconds_now();
	run(sessions, &options, started);
	printf("{\"sent\":%llu,\"began\":%.6f,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"accepted\":%llu,\"refused\":%llu,"
		   "\"answer_p50_us\":%llu,\"answer_p99_us\":%llu}\n",
		   (unsigned long long)options.count, started, seconds_now() - started, cpu_seconds(),
		   (unsigned long long)accepted, (unsigned long long)refused,
		   (unsigned long long)histogram_at(&answer_times, 0.5), (unsigned long long)histogram_at(&answer_times, 0.99));
	for (unsigned i = 0; i < options.connections; i++) {
		if (sessions[i].ssl != NULL)
			SSL_shutdown(sessions[i].ssl);
		close(sessions[i].fd);
	}
	return 0;
}
