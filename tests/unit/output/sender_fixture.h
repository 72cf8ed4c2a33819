/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the sender: one on a worker's thread, with a transport that takes while it has room, and remembers. */
#ifndef TESTS_UNIT_OUTPUT_SENDER_FIXTURE_H
#define TESTS_UNIT_OUTPUT_SENDER_FIXTURE_H

#include "base/decimal.h"
#include "output/sender_internal.h" /* a wait of half a minute is cut short */
#include "spool/cursor.h"
#include "unit/output/output_fixture.h"

#include <fcntl.h>

enum { TAKEN_MAX = 100000 };

static struct output base;
static struct sender *sender;
static struct output_common common;

/* The transport: takes while it has room, and remembers. */
static unsigned room;
static unsigned flushes;
static unsigned largest_run;
static uint64_t passed;
static uint64_t taken[TAKEN_MAX];
static uint64_t taken_number[TAKEN_MAX];
static char taken_text[200]; /* of the last of a run, as far as it goes */
static _Atomic unsigned taken_count; /* a sender that is woken goes on by itself */

static inline bool take(void *context, uint64_t sequence, struct bytes message)
{
	(void)context;
	(void)message;
	if (room == 0)
		return false;
	room--;
	ck_assert_uint_lt(taken_count, TAKEN_MAX);
	taken[taken_count++] = sequence;
	return true;
}

/* What a message of put_messages() ends with. */
static inline uint64_t number_in(struct bytes message)
{
	uint64_t number = 0, unit = 1;
	for (size_t at = message.len; at > 0 && decimal_is_digit(message.at[at - 1]); at--, unit *= 10)
		number += unit * (message.at[at - 1] - (unsigned)'0');
	return number;
}

/* The same for runs; it remembers their numbers, too. */
static inline unsigned take_run(void *context, uint64_t first, const struct bytes *messages, unsigned count)
{
	unsigned got = 0;
	largest_run = count > largest_run ? count : largest_run;
	for (; got < count && room > 0; got++) {
		taken_number[taken_count] = number_in(messages[got]);
		snprintf(taken_text, sizeof taken_text, "%.*s", (int)messages[got].len, (const char *)messages[got].at);
		take(context, first + got, messages[got]);
	}
	return got;
}

static inline bool ships_blocks(void *context)
{
	(void)context;
	return true;
}

static inline enum sender_shipped take_block(void *context, struct relp_block *block)
{
	return take(context, block->last, block->payload) ? SENDER_SHIPPED : SENDER_NO_ROOM;
}

static inline void count_flush(void *context)
{
	(void)context;
	flushes++;
}

static inline void note_passed(void *context, uint64_t sequence)
{
	(void)context;
	passed = sequence;
}

struct opening {
	enum account_kind kind;
	size_t pending_max;
	bool blocks;
	bool runs;
	bool rfc5424; /* else as received */
	bool (*send)(void *context, uint64_t sequence, struct bytes message); /* NULL: take */
	void (*flush)(void *context);                                         /* NULL: it is only counted */
	void (*settle)(void *context);
};

static inline void open_here(void *context)
{
	const struct opening *opening = context;
	struct sender_transport transport = {
		.send = opening->send != NULL ? opening->send : take,
		.flush = opening->flush != NULL ? opening->flush : count_flush,
		.settle = opening->settle,
		.passed_over = note_passed,
	};
	if (opening->runs) {
		transport.send = NULL;
		transport.send_run = take_run;
	}
	if (opening->blocks) {
		transport.ships_blocks = ships_blocks;
		transport.send_block = take_block;
	}
	enum encoder_format format = opening->rfc5424 ? ENCODER_RFC5424 : ENCODER_RAW;
	sender = sender_open(&base, opening->kind, opening->pending_max, format, &transport);
	ck_assert_ptr_nonnull(sender);
}

static inline void open_as(struct opening opening)
{
	common.name = "out";
	const struct output_setup setup = {.settings = &common, .worker = worker, .spool = spool, .cursor = cursor,
	                                   .read_filter = read_severity};
	taken_count = largest_run = 0;
	output_base_init(&base, &output_stdout, &setup);
	worker_call(worker, open_here, &opening);
}

static inline void open_sender(enum account_kind kind, size_t pending_max)
{
	open_as((struct opening){.kind = kind, .pending_max = pending_max});
}

static inline void close_here(void *context)
{
	(void)context;
	sender_check(sender);
	sender_close(&sender);
}

static inline void close_sender(void)
{
	worker_call(worker, close_here, NULL);
	output_base_free(&base);
}

static inline void resume_here(void *context)
{
	room = *(unsigned *)context;
	sender_resume(sender);
	sender_check(sender);
}

/* Gives the transport room for so many and lets the sender go on, until it has used the room or `ms` have passed. */
static inline void resume(unsigned with_room, unsigned ms)
{
	unsigned before = taken_count;
	worker_call(worker, resume_here, &with_room);
	for (unsigned i = 0; i < ms && atomic_load(&taken_count) < before + with_room; i++)
		pause_ms(1);
}

static inline void settle_here(void *context)
{
	sender_settle(sender, *(uint64_t *)context);
	sender_publish(sender);
	sender_check(sender);
}

static inline void settle(uint64_t sequence)
{
	worker_call(worker, settle_here, &sequence);
}

static inline void lose_here(void *context)
{
	sender_lose(sender, *(uint64_t *)context);
	sender_check(sender);
}

static inline void lose(uint64_t sequence)
{
	worker_call(worker, lose_here, &sequence);
}

static inline void rewind_here(void *context)
{
	(void)context;
	sender_rewind(sender);
}

#endif
