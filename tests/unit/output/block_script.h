/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that takes blocks and does as it is told: which mark it claims, whether it answers. It runs on a thread of its
 * own, with our side of RELP servers on a blocking socket, and remembers every block, every message and what was offered.
 */
#ifndef TESTS_UNIT_OUTPUT_BLOCK_SCRIPT_H
#define TESTS_UNIT_OUTPUT_BLOCK_SCRIPT_H

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relp/relp_block.h"
#include "relp/relp_server.h"

enum { BLOCK_SCRIPT_MAX = 2000, BLOCK_SCRIPT_BUFFER_BYTES = 2 << 20 };

struct block_script {
	/* Set before it starts, or with BLOCK_SCRIPT_SET(). */
	struct relp_block_answer answer; /* what it says; max_octets 0: it takes messages only */
	_Atomic bool silent;             /* takes blocks without answering */
	const char *_Atomic poison;      /* what has this text in it is refused with 500, and the session ends; NULL: nothing */

	/* What happened; looked at when nothing happens any more. */
	_Atomic unsigned sessions;
	struct relp_block_request request[BLOCK_SCRIPT_MAX]; /* by session */
	_Atomic unsigned blocks;
	struct relp_block block[BLOCK_SCRIPT_MAX]; /* without payload */
	_Atomic unsigned messages;
	_Atomic uint64_t lost;           /* as the client said last */
	_Atomic unsigned refused_blocks, refused_messages; /* none of those above */

	pthread_mutex_t lock; /* of `answer` */
	int listener;
	_Atomic int connection;
	unsigned port;
	pthread_t thread;
};

/* Sets a field of what it says from the next session on. */
#define BLOCK_SCRIPT_SET(script, field, value)         \
	do {                                               \
		pthread_mutex_lock(&(script)->lock);           \
		(script)->answer.field = (value);              \
		pthread_mutex_unlock(&(script)->lock);         \
	} while (0)

static inline void block_script_note(struct block_script *script, const struct relp_server_event *event)
{
	struct bytes rest = event->data;
	struct relp_block block;
	if (event->kind == RELP_SERVER_MESSAGE)
		atomic_fetch_add(&script->messages, 1);
	while (event->kind == RELP_SERVER_BLOCKS && relp_block_next(&rest, &block)) {
		unsigned at = atomic_load(&script->blocks);
		script->block[at] = block;
		atomic_store(&script->blocks, at + 1);
	}
}

static inline void block_script_open(struct block_script *script, struct relp_server *server,
                                     const struct relp_server_event *event)
{
	unsigned at = atomic_load(&script->sessions);
	bool offered = relp_block_request_read(event->offers.block, &script->request[at]);
	atomic_store(&script->sessions, at + 1);
	pthread_mutex_lock(&script->lock);
	struct relp_block_answer answer = script->answer;
	pthread_mutex_unlock(&script->lock);
	if (!offered || answer.max_octets == 0)
		return;
	relp_server_hold_open(server);
	relp_server_grant_blocks(server, &answer);
}

static inline bool block_script_refuses(struct block_script *script, const struct relp_server_event *event)
{
	bool counts = event->kind == RELP_SERVER_MESSAGE || event->kind == RELP_SERVER_BLOCKS;
	if (!counts || script->poison == NULL || event->data.len == 0 ||
	    memmem(event->data.at, event->data.len, script->poison, strlen(script->poison)) == NULL)
		return false;
	atomic_fetch_add(event->kind == RELP_SERVER_BLOCKS ? &script->refused_blocks : &script->refused_messages, 1);
	return true;
}

/* Takes all events that are there; the number of one that is refused, 0: none is. */
static inline uint32_t block_script_take(struct block_script *script, struct relp_server *server, struct buffer *in)
{
	struct relp_server_event event;
	do {
		relp_server_feed(server, buffer_peek(in), &event);
		if (event.kind == RELP_SERVER_OPENED)
			block_script_open(script, server, &event);
		if (event.kind == RELP_SERVER_LOST)
			atomic_store(&script->lost, event.lost);
		if (block_script_refuses(script, &event))
			return event.txnr;
		block_script_note(script, &event);
		bool counts = event.kind == RELP_SERVER_MESSAGE || event.kind == RELP_SERVER_BLOCKS;
		if (counts && !atomic_load(&script->silent))
			relp_server_stored(server, event.txnr);
		buffer_consume(in, event.consumed);
	} while (event.kind != RELP_SERVER_NOTHING);
	return 0;
}

static inline void block_script_session(struct block_script *script, int fd)
{
	struct relp_server server;
	struct buffer in, out;
	buffer_init(&in, BLOCK_SCRIPT_BUFFER_BYTES);
	buffer_init(&out, BLOCK_SCRIPT_BUFFER_BYTES);
	relp_server_init(&server, 65536, BYTES("script"));
	while (relp_server_state(&server) != RELP_SERVER_CLOSED) {
		uint8_t *room = buffer_reserve(&in, 65536);
		long got = room != NULL ? recv(fd, room, 65536, 0) : -1;
		if (got <= 0)
			break;
		buffer_commit(&in, (size_t)got);
		uint32_t refused = block_script_take(script, &server, &in);
		relp_server_write(&server, &out);
		char no[40];
		int no_len = refused > 0 ? snprintf(no, sizeof no, "%u rsp 6 500 no\n", (unsigned)refused) : 0;
		struct bytes answer = buffer_peek(&out);
		(void)!send(fd, answer.at, answer.len, MSG_NOSIGNAL);
		(void)!send(fd, no, (size_t)no_len, MSG_NOSIGNAL);
		buffer_consume(&out, answer.len);
		if (refused > 0) {
			/* Read to the end, lest a reset takes the answer back. */
			shutdown(fd, SHUT_WR);
			while (recv(fd, no, sizeof no, 0) > 0)
				;
			break;
		}
	}
	buffer_free(&in);
	buffer_free(&out);
}

static inline void *block_script_run(void *context)
{
	struct block_script *script = context;
	int fd;
	while ((fd = accept(script->listener, NULL, NULL)) >= 0) {
		atomic_store(&script->connection, fd);
		block_script_session(script, fd);
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	return NULL;
}

static inline void block_script_start(struct block_script *script)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	pthread_mutex_init(&script->lock, NULL);
	script->answer.max_octets = script->answer.max_octets != 0 ? script->answer.max_octets : 1 << 20;
	script->answer.max_unpacked = script->answer.max_unpacked != 0 ? script->answer.max_unpacked : 4 << 20;
	script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(script->listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(script->listener, 16), 0);
	ck_assert_int_eq(getsockname(script->listener, (struct sockaddr *)&address, &len), 0);
	script->port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&script->thread, NULL, block_script_run, script), 0);
}

/* Cuts the connection that is open. */
static inline void block_script_cut(struct block_script *script)
{
	shutdown(atomic_load(&script->connection), SHUT_RDWR);
}

static inline void block_script_stop(struct block_script *script)
{
	shutdown(script->listener, SHUT_RDWR);
	block_script_cut(script);
	pthread_join(script->thread, NULL);
	close(script->listener);
}

#endif
