/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A RELP server that does as it is told: answers late, in disorder, with 500, never; cuts the connection, says serverclose,
 * refuses `open`; plain or over TLS. It runs on a thread of its own with blocking sockets and remembers every message.
 */
#ifndef TESTS_UNIT_OUTPUT_RELP_SCRIPT_H
#define TESTS_UNIT_OUTPUT_RELP_SCRIPT_H

#include <arpa/inet.h>
#include <check.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls_context.h"

enum { SCRIPT_NUMBERS_MAX = 60000, SCRIPT_BUFFER_BYTES = 1 << 20 };

struct relp_script {
	/* Set before script_start(). */
	struct tls_context *tls;
	unsigned hold_answers;          /* answer when so many wait, or nothing came for 20 ms; 0: at once */
	bool reversed;                  /* newest first */

	/* May be changed while it runs. */
	_Atomic bool silent;            /* no answers at all */
	_Atomic bool ignore_close;      /* no answer to it, and no end of the session */
	_Atomic bool refuse_open;
	_Atomic bool hang_up;           /* closes as soon as the connection is there, over TLS behind the handshake */
	_Atomic long cut_after;         /* the connection is cut after so many messages in all; -1: never */
	_Atomic long serverclose_after; /* likewise */
	_Atomic long refuse_number;     /* 500 for this message, */
	_Atomic int refuse_times;       /* so often */

	/* What happened. */
	_Atomic unsigned sessions, closes, failed_handshakes;
	_Atomic unsigned refusals;
	pthread_mutex_t lock;
	unsigned count;                 /* messages that came */
	unsigned numbers[SCRIPT_NUMBERS_MAX]; /* in this order */
	unsigned char seen[SCRIPT_NUMBERS_MAX];  /* how often */
	unsigned char acked[SCRIPT_NUMBERS_MAX];

	/* Private. */
	int listener;
	unsigned port;
	pthread_t thread;
	_Atomic bool stopping;
	_Atomic int connection;
	char *in;
	size_t in_len;
	SSL *ssl;
	unsigned waiting;
	unsigned waiting_txnr[SCRIPT_NUMBERS_MAX], waiting_number[SCRIPT_NUMBERS_MAX];
};

static inline void script_write(struct relp_script *script, const char *text)
{
	int fd = atomic_load(&script->connection);
	if (script->ssl != NULL)
		SSL_write(script->ssl, text, (int)strlen(text));
	else
		(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static inline void script_answer_waiting(struct relp_script *script)
{
	for (unsigned i = 0; i < script->waiting; i++) {
		unsigned at = script->reversed ? script->waiting - 1 - i : i;
		unsigned number = script->waiting_number[at];
		char answer[64];
		bool refuse = number == atomic_load(&script->refuse_number) && atomic_load(&script->refuse_times) > 0;
		snprintf(answer, sizeof answer, "%u rsp %s\n", script->waiting_txnr[at], refuse ? "10 500 no way" : "6 200 OK");
		if (refuse) {
			atomic_fetch_sub(&script->refuse_times, 1);
			atomic_fetch_add(&script->refusals, 1);
		} else {
			pthread_mutex_lock(&script->lock);
			script->acked[number]++;
			pthread_mutex_unlock(&script->lock);
		}
		script_write(script, answer);
	}
	script->waiting = 0;
}

static inline void script_note(struct relp_script *script, unsigned txnr, const char *data)
{
	const char *at = strstr(data, "n=");
	unsigned number = at != NULL ? (unsigned)strtoul(at + 2, NULL, 10) : 0;
	ck_assert_uint_lt(number, SCRIPT_NUMBERS_MAX);
	pthread_mutex_lock(&script->lock);
	ck_assert_uint_lt(script->count, SCRIPT_NUMBERS_MAX);
	script->numbers[script->count++] = number;
	script->seen[number]++;
	pthread_mutex_unlock(&script->lock);
	script->waiting_txnr[script->waiting] = txnr;
	script->waiting_number[script->waiting++] = number;
}

/* Takes one frame from the input. 0: none is there, -1: the session is over, 1: taken. */
static inline int script_frame(struct relp_script *script)
{
	unsigned txnr, len;
	char command[33];
	int header = 0;
	script->in[script->in_len] = '\0';
	const char *end = memchr(script->in, '\n', script->in_len);
	if (sscanf(script->in, "%u %32s %u%n", &txnr, command, &len, &header) != 3 || header == 0 ||
	    (script->in[header] != ' ' && script->in[header] != '\n') || end == NULL)
		return 0;
	size_t total = (size_t)header + (len > 0 ? 1 + len : 0) + 1;
	if (script->in_len < total)
		return 0;
	ck_assert_int_eq(script->in[total - 1], '\n');
	script->in[total - 1] = '\0';
	if (strcmp(command, "open") == 0) {
		bool refuse = atomic_load(&script->refuse_open);
		script_write(script, refuse ? "1 rsp 14 500 not today!\n" : "1 rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n");
		if (!refuse)
			atomic_fetch_add(&script->sessions, 1);
	} else if (strcmp(command, "syslog") == 0) {
		script_note(script, txnr, script->in + header + 1);
	} else if (strcmp(command, "close") == 0 && atomic_load(&script->ignore_close)) {
		atomic_fetch_add(&script->closes, 1);
	} else if (strcmp(command, "close") == 0) {
		char answer[64];
		script_answer_waiting(script);
		snprintf(answer, sizeof answer, "%u rsp 0\n0 serverclose 0\n", txnr);
		script_write(script, answer);
		atomic_fetch_add(&script->closes, 1);
		return -1;
	}
	memmove(script->in, script->in + total, script->in_len - total);
	script->in_len -= total;
	return 1;
}

static inline bool script_reached(struct relp_script *script, _Atomic long *limit)
{
	long at = atomic_load(limit);
	if (at < 0 || (long)script->count < at)
		return false;
	atomic_store(limit, -1);
	return true;
}

/* Reads once; false at the end. */
static inline bool script_read(struct relp_script *script, int fd)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN};
	bool hidden = script->ssl != NULL && SSL_has_pending(script->ssl) == 1;
	if (!hidden && poll(&watched, 1, 20) == 0) {
		if (!atomic_load(&script->silent))
			script_answer_waiting(script);
		return !atomic_load(&script->stopping);
	}
	size_t room = SCRIPT_BUFFER_BYTES - script->in_len - 1;
	if (room > 65536)
		room = 65536;
	long got = script->ssl != NULL ? SSL_read(script->ssl, script->in + script->in_len, (int)room)
	                               : recv(fd, script->in + script->in_len, room, 0);
	if (got <= 0)
		return false;
	script->in_len += (size_t)got;
	return true;
}

static inline void script_session(struct relp_script *script, int fd)
{
	script->in_len = 0;
	script->waiting = 0;
	while (script_read(script, fd)) {
		int result;
		while ((result = script_frame(script)) > 0) {
			if (script_reached(script, &script->cut_after))
				return;
			if (script_reached(script, &script->serverclose_after)) {
				script_write(script, "0 serverclose 0\n");
				return;
			}
			if (!atomic_load(&script->silent) && script->waiting > script->hold_answers)
				script_answer_waiting(script);
		}
		if (result < 0)
			return;
	}
}

static inline void *script_run(void *context)
{
	struct relp_script *script = context;
	while (!atomic_load(&script->stopping)) {
		int fd = accept(script->listener, NULL, NULL);
		if (fd < 0)
			break;
		atomic_store(&script->connection, fd);
		bool good = true;
		if (script->tls != NULL) {
			script->ssl = tls_context_new_ssl(script->tls, NULL);
			SSL_set_fd(script->ssl, fd);
			good = SSL_accept(script->ssl) == 1;
			if (!good)
				atomic_fetch_add(&script->failed_handshakes, 1);
		}
		if (good && !atomic_load(&script->hang_up))
			script_session(script, fd);
		if (script->ssl != NULL) {
			SSL_shutdown(script->ssl);
			SSL_free(script->ssl);
			script->ssl = NULL;
		}
		atomic_store(&script->connection, -1);
		close(fd);
		ERR_clear_error();
	}
	return NULL;
}

/* A script with its defaults: answers everything at once. */
static inline struct relp_script *script_new(void)
{
	struct relp_script *script = calloc(1, sizeof *script);
	atomic_store(&script->cut_after, -1);
	atomic_store(&script->serverclose_after, -1);
	atomic_store(&script->refuse_number, -1);
	atomic_store(&script->connection, -1);
	pthread_mutex_init(&script->lock, NULL);
	script->in = malloc(SCRIPT_BUFFER_BYTES);
	return script;
}

/* Listens on 127.0.0.1 (`port` 0: any) and runs. */
static inline void script_start(struct relp_script *script, unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	socklen_t len = sizeof address;
	int on = 1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	atomic_store(&script->stopping, false);
	script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(script->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	ck_assert_int_eq(bind(script->listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(script->listener, 16), 0);
	ck_assert_int_eq(getsockname(script->listener, (struct sockaddr *)&address, &len), 0);
	script->port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&script->thread, NULL, script_run, script), 0);
}

/* Stops listening and cuts the connection. */
static inline void script_stop(struct relp_script *script)
{
	atomic_store(&script->stopping, true);
	shutdown(script->listener, SHUT_RDWR);
	int fd = atomic_load(&script->connection);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	pthread_join(script->thread, NULL);
	close(script->listener);
}

static inline void script_free(struct relp_script *script)
{
	pthread_mutex_destroy(&script->lock);
	free(script->in);
	free(script);
}

static inline char *script_address(const struct relp_script *script)
{
	static char text[4][32];
	static unsigned turn;
	char *address = text[turn++ % 4];
	snprintf(address, sizeof text[0], "127.0.0.1:%u", script->port);
	return address;
}

/* Every number below `count` was acknowledged by one of the scripts; each at most `most` times received in all. */
static inline void script_check_all(struct relp_script *const *scripts, unsigned scripts_count, unsigned count,
                                    unsigned most)
{
	for (unsigned number = 0; number < count; number++) {
		unsigned acked = 0, seen = 0;
		for (unsigned i = 0; i < scripts_count; i++) {
			pthread_mutex_lock(&scripts[i]->lock);
			acked += scripts[i]->acked[number];
			seen += scripts[i]->seen[number];
			pthread_mutex_unlock(&scripts[i]->lock);
		}
		ck_assert_msg(acked > 0, "message %u was never acknowledged", number);
		ck_assert_msg(seen <= most, "message %u came %u times", number, seen);
	}
}

#endif
