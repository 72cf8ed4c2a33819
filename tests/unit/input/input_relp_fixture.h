/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the driver relp share: a rig with one input, a client that opens sessions, sends messages and reads their
 * answers, and one that sends until the spool is full.
 */
#ifndef TESTS_UNIT_INPUT_INPUT_RELP_FIXTURE_H
#define TESTS_UNIT_INPUT_INPUT_RELP_FIXTURE_H

#include "rig.h"
#include "rig_records.h"
#include "rig_senders.h"

enum { TEXT_BYTES = 1 << 20 };

static struct rig rig;
static char text[TEXT_BYTES];

#define OPEN "1 open 49 relp_version=0\nrelp_software=test\ncommands=syslog\n"

static inline void start(struct rig_options options)
{
	rig_open(&rig, options);
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "max_message_size", "8KiB", NULL);
}

/* Opens a session and takes the answer. */
static inline void open_session(int fd)
{
	rig_send(fd, OPEN);
	rig_receive_until(fd, "commands=syslog\n", text, sizeof text);
	ck_assert_ptr_eq(strstr(text, "1 rsp "), text);
	ck_assert_ptr_nonnull(strstr(text, "200 OK\nrelp_version=0"));
}

static inline void send_message(int fd, unsigned txnr, const char *message)
{
	char frame[16384];
	int len = snprintf(frame, sizeof frame, "%u syslog %zu %s\n", txnr, strlen(message), message);
	rig_send_octets(fd, frame, (size_t)len);
}

/* Reads answers "N rsp 6 200 OK" for all of first..last, in order. */
static inline void assert_answers(int fd, unsigned first, unsigned last)
{
	char end[40];
	snprintf(end, sizeof end, "\n%u rsp 6 200 OK\n", last);
	rig_receive_until(fd, first == last ? end + 1 : end, text, sizeof text);
	const char *at = text;
	for (unsigned txnr = first; txnr <= last; txnr++) {
		char answer[40];
		int len = snprintf(answer, sizeof answer, "%u rsp 6 200 OK\n", txnr);
		ck_assert_msg(strncmp(at, answer, (size_t)len) == 0, "TXNR %u: \"%.40s\"", txnr, at);
		at += len;
	}
	ck_assert_int_eq(*at, '\0');
}

/* --- a full spool ------------------------------------------------------------------------------------------------ */

/* Sends messages of 1 KiB until told to stop; then sends no more than it has begun. */
struct filler {
	pthread_t thread;
	int fd;
	_Atomic unsigned sent;
};

enum { FILL_MESSAGES = 8000 };

static inline void *fill(void *context)
{
	struct filler *filler = context;
	char message[1024];
	for (unsigned i = 0; i < FILL_MESSAGES; i++) {
		memset(message, 'x', sizeof message - 1);
		message[sizeof message - 1] = '\0';
		int len = snprintf(message, sizeof message, "<13>sender 0 number %u", i);
		message[len] = ' ';
		send_message(filler->fd, i + 2, message);
		atomic_store(&filler->sent, i + 1);
	}
	return NULL;
}

static inline void start_small(void)
{
	start((struct rig_options){
		.max_size_bytes = 4 << 20, .reserve_bytes = 512 << 10, .segment_size_bytes = 512 << 10,
		.block_size_bytes = 64 << 10, .blocks_per_worker = 4,
	});
}

static inline bool is_full(void)
{
	return strcmp(rig_status(&rig).state, "paused: spool full") == 0;
}

/* Delivers everything that is stored: its segments may be used again. */
static inline void deliver_all(struct spool_reader *reader)
{
	struct spool_view view;
	while (spool_read(reader, &view) == SPOOL_READ_BLOCK) {
		struct spool_output_totals totals = {.delivered = view.last};
		spool_cursor_deliver(rig.cursor, view.last, &view, &totals);
	}
}

#endif
