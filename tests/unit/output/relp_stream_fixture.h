/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the sending end of a stream share: an output `relp` on a real spool, and a server that claims what the
 * test wants.
 */
#ifndef TESTS_UNIT_OUTPUT_RELP_STREAM_FIXTURE_H
#define TESTS_UNIT_OUTPUT_RELP_STREAM_FIXTURE_H

#include "output/link.h"
#include "spool/spool_stream.h"
#include "unit/output/block_script.h"
#include "unit/output/output_fixture.h"

static struct block_script *script;

static inline void start(void)
{
	link_pauses = (struct backoff){.min_ns = 10 * CLOCK_NS_PER_MS, .max_ns = 100 * CLOCK_NS_PER_MS};
	char address[40];
	script = calloc(1, sizeof *script);
	memset(script->answer.spool, 7, sizeof script->answer.spool);
	block_script_start(script);
	new_settings(&output_relp);
	snprintf(address, sizeof address, "127.0.0.1:%u", script->port);
	set("servers", address);
}

static inline void want_errors_only(void)
{
	struct output_common *common = settings; /* the first member of every driver's settings */
	common->filter.present = true;
	common->filter.severity = strdup("err");
}

/* The first so many messages, in one block, are delivered. */
static inline void start_and_deliver(unsigned count)
{
	start();
	put_messages(count);
	start_output();
	wait_delivered(count);
}

/* From the next session on the server's mark is where this block ends, counted in the order in which they came. */
static inline void claim_block(unsigned index)
{
	BLOCK_SCRIPT_SET(script, mark, script->block[index].last);
	BLOCK_SCRIPT_SET(script, checksum, script->block[index].checksum);
}

/* Whether the newest session is of the stream of the first one. */
static inline bool is_same_stream(void)
{
	return memcmp(script->request[0].stream, script->request[script->sessions - 1].stream, RELP_BLOCK_ID_LEN) == 0;
}

static inline void end(void)
{
	stop_output();
	block_script_stop(script);
	free(script);
}

static inline void wait_blocks(unsigned count)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&script->blocks) < count; i++)
		pause_ms(1);
	ck_assert_uint_ge(atomic_load(&script->blocks), count);
}

static inline void wait_sessions(unsigned count)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&script->sessions) < count; i++)
		pause_ms(1);
	ck_assert_uint_ge(atomic_load(&script->sessions), count);
	pause_ms(200); /* for what would be sent wrongly */
}

/* Waits until the server was told that it lost so many. */
static inline void wait_lost(uint64_t lost)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&script->lost) != lost; i++)
		pause_ms(1);
	ck_assert_uint_eq(atomic_load(&script->lost), lost);
}

/* What the cursor knows of the server whose spool's id begins so. */
static inline void assert_server(uint8_t first, uint64_t records, uint64_t lost)
{
	struct spool_stream_server server;
	uint8_t id[SPOOL_STREAM_ID_BYTES];
	memset(id, 7, sizeof id);
	id[0] = first;
	ck_assert(spool_cursor_server(cursor, id, &server));
	ck_assert_uint_eq(server.records, records);
	ck_assert_uint_eq(server.lost, lost);
}

/* Ships one block with 10 messages, which the server keeps to itself; then the connection breaks. */
static inline void lose_the_answer_of_one_block(void)
{
	start();
	atomic_store(&script->silent, true);
	put_messages(10);
	start_output();
	wait_blocks(1);
	ck_assert_uint_eq(script->block[0].first, 1);
	ck_assert_uint_eq(script->block[0].last, 10);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&script->silent, false);
}

#endif
