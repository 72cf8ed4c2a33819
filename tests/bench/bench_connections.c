/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens many connections, TCP or TLS, sends one numbered line on each and keeps them open until its standard input
 * ends. When all are open it prints one line of JSON: how many, seconds, its own CPU seconds.
 *
 * Usage: bench_connections tcp|tls HOST PORT --count N
 */
#include "bench_lines.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

static void fail(const char *what)
{
	fprintf(stderr, "bench_connections: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The line with that number. */
static const char *stamped_line(struct lines *lines, uint64_t number)
{
	static struct line_stamp stamp;
	size_t i = (size_t)(number % lines->most);
	line_stamp_begin(&stamp, number);
	line_stamp(&stamp, &lines->places[i], lines->at + i * lines->step);
	return lines->at + i * lines->step;
}

/* One connection with one line on it; what belongs to it stays until the program ends. */
static void open_one(const struct sockaddr_in *to, SSL_CTX *tls, const char *line, size_t len)
{
	int fd = load_socket();
	/* The end is a reset: thousands of sockets in TIME_WAIT would burden who measures next. */
	struct linger at_once = {1, 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		fail("connect");
	if (tls == NULL) {
		if (write(fd, line, len) != (ssize_t)len)
			fail("write");
		return;
	}
	SSL *ssl = SSL_new(tls);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1 || SSL_write(ssl, line, (int)len) != (int)len) {
		ERR_print_errors_fp(stderr);
		fail("TLS");
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	if (argc != 6 || strcmp(argv[4], "--count") != 0 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: bench_connections tcp|tls HOST PORT --count N\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	raise_file_limit();
	SSL_CTX *tls = strcmp(argv[1], "tls") == 0 ? SSL_CTX_new(TLS_client_method()) : NULL;
	if (tls != NULL)
		SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	static struct lines lines;
	lines_make(&lines, LINE_BYTES, false, true);
	double started = seconds_now();
	uint64_t count = strtoull(argv[5], NULL, 10);
	for (uint64_t i = 0; i < count; i++)
		open_one(&to, tls, stamped_line(&lines, i), lines.step);
	printf("{\"sent\":%llu,\"began\":%.6f,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n", (unsigned long long)count, started,
		   seconds_now() - started, cpu_seconds());
	fflush(stdout);
	char rest;
	while (read(STDIN_FILENO, &rest, 1) > 0)
		;
	return 0;
}
