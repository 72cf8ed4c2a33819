/* SPDX-License-Identifier: Apache-2.0 */
/* Streams from outside: fences and blocks on their way to the writer. Who decides is marks.c, in the writer's thread. */
#include "spool/spool_stream.h"

#include "spool/marks_internal.h"
#include "spool/spool_internal.h"

const char *spool_stream_state_text(enum spool_stream_state state)
{
	switch (state) {
	case SPOOL_STREAM_HOLDS:
		return "the session holds";
	case SPOOL_STREAM_FENCED:
		return "a later session has the stream";
	case SPOOL_STREAM_OVERLAP:
		return "a block overlaps what is stored of the stream";
	case SPOOL_STREAM_MISCOUNT:
		return "a block does not continue the stream's count of records";
	case SPOOL_STREAM_OTHER_PEER:
		return "the stream belongs to another peer";
	case SPOOL_STREAM_PEER_LIMIT:
		return "the peer has as many streams as one may have";
	case SPOOL_STREAM_SPOOL_LIMIT:
		return "the spool has as many streams as it can remember";
	}
	return "";
}

uint64_t spool_stream_draw(void)
{
	uint64_t number;
	do
		spool_random(&number, sizeof number);
	while (number == 0);
	return number;
}

const uint8_t *spool_id(const struct spool *spool)
{
	return spool->id;
}

_Static_assert(sizeof(struct spool_stream_session) <= BLOCK_PAYLOAD_MIN_BYTES, "a fence fits into any block");

bool spool_stream_fence(struct spool *spool, unsigned worker, const struct spool_stream_session *session,
                        uint64_t *ordinal)
{
	assert(session->number != 0 && session->identity[0] != '\0');
	struct spool_block *block = spool_take_block(spool, worker, SPOOL_BLOCK_WAITS, 0, 0);
	if (block == NULL)
		return false;
	memcpy(block->memory + BLOCK_HEADER_BYTES, session, sizeof *session);
	block->session = session->number;
	block->is_fence = true;
	*ordinal = pool_submit(&spool->pool[worker], block);
	writer_notify(spool, block_span(&block->header));
	return true;
}

enum spool_stream_state spool_stream_look(struct spool *spool, const struct spool_stream_session *session,
                                          struct spool_mark *mark, char *owner)
{
	return marks_look(&spool->marks, session, mark, owner);
}

bool spool_stream_block_is_sound(const struct spool_stream_block *block, size_t payload_len, const char **reason)
{
	*reason = NULL;
	if (block->first == 0 || block->last < block->first || block->last > SEQUENCE_MAX)
		*reason = "a block's range is not one";
	else if (block->last - block->first >= BLOCK_PAYLOAD_MAX_BYTES)
		*reason = "a block's range is too long";
	else if (block->records == 0 || block->records > block->last - block->first + 1 ||
	         block->records > block->unpacked_len)
		*reason = "a block's count of records does not fit its range";
	else if (block->codec > BLOCK_CODEC_ZSTD)
		*reason = "a block's codec is not known";
	else if (payload_len == 0 || (block->codec == BLOCK_CODEC_NONE && payload_len != block->unpacked_len))
		*reason = "a block's length does not fit its payload";
	return *reason == NULL;
}

uint32_t spool_stream_packed_max(const struct spool *spool)
{
	return spool->options.block_size_bytes;
}

uint32_t spool_stream_unpacked_max(const struct spool *spool)
{
	(void)spool;
	return BLOCK_PAYLOAD_MAX_BYTES;
}

static void fill(struct spool_block *block, const struct spool_stream_session *session,
                 const struct spool_stream_block *from, struct bytes payload)
{
	struct block_header *header = &block->header;
	header->codec = from->codec;
	header->origin = BLOCK_ORIGIN_STREAM;
	header->stored_len = (uint32_t)payload.len;
	header->unpacked_len = from->unpacked_len;
	header->count = from->records;
	header->base_ns = from->base_ns;
	header->payload_checksum = from->checksum;
	memcpy(header->stream_id, session->stream, sizeof header->stream_id);
	header->stream_first = from->first;
	header->stream_last = from->last;
	header->stream_count = from->total;
	header->hop_received_ns = from->received_ns;
	uint8_t *at = block->memory + BLOCK_HEADER_BYTES;
	memcpy(at, payload.at, payload.len);
	memset(at + payload.len, 0, (size_t)FORMAT_ALIGNED((uint64_t)payload.len) - payload.len);
	block->len = header->stored_len;
	block->session = session->number;
}

uint64_t spool_stream_submit(struct spool *spool, struct spool_block *block, const struct spool_stream_session *session,
                             const struct spool_stream_block *from, struct bytes payload)
{
	assert(payload.len <= spool_stream_packed_max(spool) && block->header.count == 0);
	fill(block, session, from, payload);
	uint64_t span = block_span(&block->header);
	uint64_t ordinal = pool_submit(&spool->pool[block->worker], block);
	/* The block is the writer's now, and may be stored already. */
	writer_notify(spool, span);
	return ordinal;
}

uint64_t spool_stream_voided(const struct spool *spool, unsigned input)
{
	assert(input < SPOOL_INPUTS_MAX);
	return atomic_load_explicit(&spool->voided[input], memory_order_relaxed);
}

void marks_show(const struct marks *marks, const struct mark_entry *entry, struct spool_stream_entry *shown)
{
	const char *identity = marks->peer[entry->peer].identity;
	*shown = (struct spool_stream_entry){
		.mark = entry->stored,
		.records = entry->records,
		.lost = entry->lost,
		.last_ns = entry->last_ns,
		.duplicates = entry->duplicates,
	};
	if (entry->connected != 0)
		memcpy(shown->connection, entry->connection, sizeof entry->connection);
	memcpy(shown->stream, entry->stream, sizeof entry->stream);
	if (identity != NULL)
		memcpy(shown->identity, identity, strlen(identity) + 1);
}

unsigned spool_streams(struct spool *spool, unsigned from, struct spool_stream_entry *entries, unsigned max)
{
	struct marks *marks = &spool->marks;
	pthread_mutex_lock(&marks->lock);
	unsigned count = marks->count;
	for (unsigned i = 0; i < max && from + i < count; i++)
		marks_show(marks, &marks->entry[from + i], &entries[i]);
	pthread_mutex_unlock(&marks->lock);
	return count;
}
