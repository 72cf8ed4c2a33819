/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a stream, as another relay would ship them, for tests on the small spool of spool_rig.h. */
#ifndef TESTS_SUPPORT_STREAM_RIG_H
#define TESTS_SUPPORT_STREAM_RIG_H

#include "base/varint.h"
#include "spool/spool_stream.h"
#include "support/spool_rig.h"

#include <xxhash.h>

/* A session of the stream whose id is filled with `id`. */
static inline struct spool_stream_session stream_session(uint8_t id, const char *identity)
{
	struct spool_stream_session session = {.number = spool_stream_draw()};
	memset(session.stream, id, sizeof session.stream);
	snprintf(session.identity, sizeof session.identity, "%s", identity);
	return session;
}

/* Records first..last of the stream, each with its number as text. Returns the payload's length. */
static inline size_t stream_payload(uint64_t first, uint64_t last, uint8_t *payload)
{
	size_t len = 0;
	for (uint64_t i = first; i <= last; i++) {
		char text[32];
		size_t text_len = (size_t)snprintf(text, sizeof text, "stream record %llu", (unsigned long long)i);
		len += varint_write(text_len, payload + len);
		memcpy(payload + len, text, text_len);
		len += text_len;
	}
	return len;
}

static inline uint64_t stream_checksum(uint64_t first, uint64_t last)
{
	uint8_t payload[RIG_BLOCK_BYTES];
	return XXH3_64bits(payload, stream_payload(first, last, payload));
}

/* Queues a block. False if there was no room. */
static inline bool stream_put_block(struct rig *rig, const struct spool_stream_session *session,
                                    const struct spool_stream_block *from, struct bytes payload)
{
	struct spool_block *block = spool_take_block(rig->spool, 0, SPOOL_BLOCK_WAITS, (unsigned)rig->input, from->base_ns);
	if (block != NULL)
		spool_stream_submit(rig->spool, block, session, from, payload);
	return block != NULL;
}

/* Queues the block first..last; its cumulative count is its last sequence. False if there was no room. */
static inline bool stream_put(struct rig *rig, const struct spool_stream_session *session, uint64_t first, uint64_t last)
{
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(first, last, payload);
	struct spool_stream_block block = {
		.first = first, .last = last, .total = last, .records = (uint32_t)(last - first + 1),
		.unpacked_len = (uint32_t)len, .base_ns = 1000, .received_ns = 2000,
		.checksum = XXH3_64bits(payload, len),
	};
	return stream_put_block(rig, session, &block, bytes_of(payload, len));
}

/* Fences the session and says what the writer made of it. */
static inline enum spool_stream_state stream_begin(struct rig *rig, const struct spool_stream_session *session,
                                                   struct spool_mark *mark)
{
	uint64_t ordinal;
	ck_assert(spool_stream_fence(rig->spool, 0, session, &ordinal));
	ck_assert(writer_turn(rig->spool));
	ck_assert_uint_ge(spool_worker_stored(rig->spool, 0), ordinal);
	return spool_stream_look(rig->spool, session, mark, NULL);
}

/* One block, written at once. */
static inline bool stream_store(struct rig *rig, const struct spool_stream_session *session, uint64_t first, uint64_t last)
{
	return stream_put(rig, session, first, last) && writer_turn(rig->spool);
}

static inline struct spool_mark stream_mark(struct rig *rig, const struct spool_stream_session *session)
{
	struct spool_mark mark;
	(void)spool_stream_look(rig->spool, session, &mark, NULL);
	return mark;
}

static inline enum spool_stream_state stream_state(struct rig *rig, const struct spool_stream_session *session)
{
	struct spool_mark mark;
	return spool_stream_look(rig->spool, session, &mark, NULL);
}

#endif
