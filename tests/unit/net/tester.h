/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of streams: a stream on a worker together with an owner that notes all it is told, and pairs of connected
 * sockets. The test's own thread looks at the notes under a lock and waits for what it expects; after
 * TESTER_WAIT_SECONDS it fails with the expectation's text.
 */
#ifndef TESTS_UNIT_NET_TESTER_H
#define TESTS_UNIT_NET_TESTER_H

#include "net/socket.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TESTER_WAIT_SECONDS = 20 };

/* What the owner uses of the bytes it is given. */
enum tester_use {
	USE_ALL,
	USE_LINES, /* up to the last LF: what is behind is an unfinished frame */
	USE_NOTHING,
	USE_LINE_PAUSE, /* one line, then pause */
	USE_ALL_CLOSE,  /* and close the stream from inside the callback */
};

struct tester {
	struct worker *worker;
	struct stream *stream;
	struct stream_options options;
	int fd;
	enum tester_use use;
	bool close_at_end;
	bool close_at_ready;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *bytes; /* all that was used */
	size_t len;
	size_t presented_most; /* the longest view */
	int calls, readies, writables, ends;
	enum stream_end end;
	char detail[2048];
	uint8_t *rest;
	size_t rest_len;
	char identity[TLS_IDENTITY_MAX_BYTES];
	const char *to_send; /* for tester_send() */
	size_t to_send_len;
	size_t left_after_flush;
};

static inline void tester_sleep_ms(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

static inline void tester_append(uint8_t **at, size_t *len, struct bytes bytes)
{
	*at = realloc(*at, *len + bytes.len + 1);
	ck_assert_ptr_nonnull(*at);
	if (bytes.len > 0)
		memcpy(*at + *len, bytes.at, bytes.len);
	*len += bytes.len;
	(*at)[*len] = '\0';
}

static inline size_t tester_used(struct tester *tester, struct bytes bytes)
{
	switch (tester->use) {
	case USE_ALL:
	case USE_ALL_CLOSE:
		return bytes.len;
	case USE_LINES: {
		size_t len = bytes.len;
		while (len > 0 && bytes.at[len - 1] != '\n')
			len--;
		return len;
	}
	case USE_LINE_PAUSE: {
		size_t len = bytes_find(bytes, '\n');
		if (len == bytes.len)
			return 0;
		stream_pause(tester->stream);
		return len + 1;
	}
	case USE_NOTHING:
		break;
	}
	return 0;
}

static inline size_t tester_on_bytes(void *context, struct bytes bytes)
{
	struct tester *tester = context;
	ck_assert(worker_is_current(tester->worker));
	size_t used = tester_used(tester, bytes);
	pthread_mutex_lock(&tester->lock);
	tester_append(&tester->bytes, &tester->len, bytes_first(bytes, used));
	tester->calls++;
	if (bytes.len > tester->presented_most)
		tester->presented_most = bytes.len;
	if (tester->use == USE_ALL_CLOSE)
		stream_close(&tester->stream);
	pthread_cond_broadcast(&tester->changed);
	pthread_mutex_unlock(&tester->lock);
	return used;
}

static inline void tester_on_ready(void *context)
{
	struct tester *tester = context;
	pthread_mutex_lock(&tester->lock);
	tester->readies++;
	snprintf(tester->identity, sizeof(tester->identity), "%s", stream_peer_identity(tester->stream));
	if (tester->close_at_ready)
		stream_close(&tester->stream);
	pthread_cond_broadcast(&tester->changed);
	pthread_mutex_unlock(&tester->lock);
}

static inline void tester_on_writable(void *context)
{
	struct tester *tester = context;
	pthread_mutex_lock(&tester->lock);
	tester->writables++;
	pthread_cond_broadcast(&tester->changed);
	pthread_mutex_unlock(&tester->lock);
}

static inline void tester_on_end(void *context, enum stream_end end, const char *detail, struct bytes rest)
{
	struct tester *tester = context;
	pthread_mutex_lock(&tester->lock);
	tester->ends++;
	tester->end = end;
	snprintf(tester->detail, sizeof(tester->detail), "%s", detail);
	tester_append(&tester->rest, &tester->rest_len, rest);
	if (tester->close_at_end)
		stream_close(&tester->stream);
	pthread_cond_broadcast(&tester->changed);
	pthread_mutex_unlock(&tester->lock);
}

static inline void tester_adopt(void *context)
{
	struct tester *tester = context;
	tester->stream = stream_adopt(&tester->fd, &tester->options);
	ck_assert_ptr_nonnull(tester->stream);
	ck_assert_int_eq(tester->fd, -1);
	/* Nothing is called from inside a call. */
	ck_assert_int_eq(tester->readies + tester->calls + tester->ends, 0);
}

/* As tester_open(), up to the stream itself: tester_adopt() makes it, on the worker's thread. */
static inline void tester_prepare(struct tester *tester, struct worker *worker, int fd)
{
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	tester->worker = worker;
	tester->fd = fd;
	pthread_mutex_init(&tester->lock, NULL);
	pthread_cond_init(&tester->changed, NULL);
	tester->options.worker = worker;
	tester->options.context = tester;
	tester->options.events.ready = tester_on_ready;
	tester->options.events.bytes = tester_on_bytes;
	tester->options.events.writable = tester_on_writable;
	tester->options.events.end = tester_on_end;
	if (tester->options.output_cap_bytes == 0)
		tester->options.output_cap_bytes = 1 << 20;
	if (tester->options.pending_max_bytes == 0)
		tester->options.pending_max_bytes = 64 * 1024;
}

/* Zero it and set what differs (`use`, options.tls, ...) first. Takes the descriptor, which blocks no longer. */
static inline void tester_open(struct tester *tester, struct worker *worker, int fd)
{
	tester_prepare(tester, worker, fd);
	ck_assert(worker_call(worker, tester_adopt, tester));
}

static inline void tester_close_stream(void *context)
{
	struct tester *tester = context;
	stream_close(&tester->stream);
}

static inline void tester_close(struct tester *tester)
{
	ck_assert(worker_call(tester->worker, tester_close_stream, tester));
	free(tester->bytes);
	free(tester->rest);
	pthread_cond_destroy(&tester->changed);
	pthread_mutex_destroy(&tester->lock);
}

/* Waits, holding the lock, until `condition` (of `tester`) is true. */
#define TESTER_WAIT(tester, condition)                                                                                 \
	do {                                                                                                               \
		struct timespec until;                                                                                         \
		clock_gettime(CLOCK_REALTIME, &until);                                                                         \
		until.tv_sec += TESTER_WAIT_SECONDS;                                                                           \
		pthread_mutex_lock(&(tester)->lock);                                                                           \
		int waited = 0;                                                                                                \
		while (!(condition) && waited == 0)                                                                            \
			waited = pthread_cond_timedwait(&(tester)->changed, &(tester)->lock, &until);                              \
		bool is_true = (condition);                                                                                    \
		pthread_mutex_unlock(&(tester)->lock);                                                                         \
		ck_assert_msg(is_true, "waited in vain for: %s (end %d %s)", #condition, (int)(tester)->end,                   \
					  (tester)->detail);                                                                               \
	} while (0)

static inline void tester_send_now(void *context)
{
	struct tester *tester = context;
	ck_assert(buffer_append(stream_output(tester->stream), bytes_of(tester->to_send, tester->to_send_len)));
	stream_flush(tester->stream);
	tester->left_after_flush = buffer_len(stream_output(tester->stream));
}

static inline void tester_send(struct tester *tester, const void *bytes, size_t len)
{
	tester->to_send = bytes;
	tester->to_send_len = len;
	ck_assert(worker_call(tester->worker, tester_send_now, tester));
}

static inline void tester_do_pause(void *context)
{
	stream_pause(((struct tester *)context)->stream);
}

static inline void tester_do_resume(void *context)
{
	stream_resume(((struct tester *)context)->stream);
}

static inline void tester_do_shutdown(void *context)
{
	stream_shutdown(((struct tester *)context)->stream);
}

static inline void tester_pause(struct tester *tester)
{
	worker_call(tester->worker, tester_do_pause, tester);
}

static inline void tester_resume(struct tester *tester)
{
	worker_call(tester->worker, tester_do_resume, tester);
}

static inline void tester_shutdown(struct tester *tester)
{
	worker_call(tester->worker, tester_do_shutdown, tester);
}

/* Two ends of a TCP connection over loopback; both blocking. */
static inline void tester_tcp_pair(int fds[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fds[1], (struct sockaddr *)&address, len), 0);
	fds[0] = accept(listener, NULL, NULL);
	ck_assert_int_ge(fds[0], 0);
	int on = 1;
	setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	close(listener);
}

/* Closes, so that the peer gets a reset. */
static inline void tester_reset(int fd)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static inline void tester_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;
	while (len > 0) {
		ssize_t put = send(fd, at, len, MSG_NOSIGNAL);
		ck_assert_msg(put > 0, "send: %m");
		at += put;
		len -= (size_t)put;
	}
}

#endif
