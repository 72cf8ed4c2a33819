/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/intake_blocks.h"

#include <stdlib.h>
#include <zstd.h>

#include "intake/counter.h"
#include "intake/intake_internal.h"
#include "spool/block.h"
#include "spool/ledger_sources.h"

/* What is queued behind blocks that are still open would get their ordinals: they go first. */
static uint64_t note_submitted(struct intake *intake, uint64_t ordinal)
{
	intake->submitted++;
	assert(list_is_empty(&intake->open) && ordinal == intake->submitted);
	return ordinal;
}

enum intake_result intake_fence(struct intake *intake, const struct spool_stream_session *session, uint64_t *receipt)
{
	uint64_t ordinal;
	intake_flush(intake);
	spool_await_group(intake->spool);
	if (!spool_stream_fence(intake->spool, intake->worker, session, &ordinal))
		return INTAKE_WAIT;
	*receipt = note_submitted(intake, ordinal);
	return INTAKE_TAKEN;
}

/* ---- unpacking ---- */

/* Memory for one block unpacked: as much as the largest so far needed. */
static bool has_memory(struct intake *intake, size_t size)
{
	if (intake->unpacker == NULL)
		intake->unpacker = ZSTD_createDCtx();
	if (size > intake->unpacked_size) {
		free(intake->unpacked);
		intake->unpacked = malloc(size);
		intake->unpacked_size = intake->unpacked != NULL ? size : 0;
	}
	return intake->unpacker != NULL && size <= intake->unpacked_size;
}

/* What the frame itself says of its length is held against the head before anything is allocated. */
static bool says_its_length(const struct spool_stream_block *block, struct bytes payload)
{
	return block->codec == BLOCK_CODEC_NONE ||
	       ZSTD_getFrameContentSize(payload.at, payload.len) == block->unpacked_len;
}

/* ---- records ---- */

/* Every record must be one, and there must be as many as the head says. Counts them by source in the block. */
static bool check_records(struct intake *intake, struct spool_block *into, const struct spool_stream_block *block,
                          struct bytes records)
{
	struct bytes record;
	struct envelope_source source;
	struct envelope_context context;
	uint32_t count = 0;
	envelope_context_start(&context, block->base_ns);
	while (spool_record_next(&records, &record)) {
		if (!envelope_prove(&context, record, &source))
			return false;
		spool_block_count_source(into, intake_source_of(intake, &source.peer, source.hostname), 1);
		count++;
	}
	return records.len == 0 && count == block->records;
}

/* NULL if all is well. There is memory to unpack it. */
static const char *check(struct intake *intake, struct spool_block *into, const struct spool_stream_block *block,
                         struct bytes payload)
{
	struct block_header header = {
		.codec = block->codec,
		.stored_len = (uint32_t)payload.len,
		.unpacked_len = block->unpacked_len,
		.payload_checksum = block->checksum,
	};
	struct bytes records;
	if (!block_payload_is_intact(&header, payload))
		return "a block's checksum is not that of its payload";
	if (!block_unpack(&header, payload, intake->unpacker, intake->unpacked, &records))
		return "a block's payload cannot be unpacked";
	return check_records(intake, into, block, records) ? NULL : "a block's records are not what its head says";
}

enum intake_block_result intake_take_block(struct intake *intake, struct intake_source *source,
                                           const struct spool_stream_session *session,
                                           const struct spool_stream_block *block, struct bytes payload, uint64_t *receipt,
                                           const char **reason)
{
	if (!spool_stream_block_is_sound(block, payload.len, reason))
		return INTAKE_BLOCK_INVALID;
	*reason = "a block is longer than we said that we take";
	if (payload.len > spool_stream_packed_max(intake->spool) ||
	    block->unpacked_len > spool_stream_unpacked_max(intake->spool))
		return INTAKE_BLOCK_INVALID;
	*reason = "a block's payload says another length than its head";
	if (!says_its_length(block, payload))
		return INTAKE_BLOCK_INVALID;
	if (spool_level(intake->spool) != SPOOL_LEVEL_OPEN)
		return INTAKE_BLOCK_WAIT;
	/* Before a block is taken: one that is given back is news to all that wait for one. */
	if (block->codec != BLOCK_CODEC_NONE && !has_memory(intake, block->unpacked_len))
		return INTAKE_BLOCK_WAIT;
	intake_flush(intake);
	struct spool_block *into =
		spool_take_block(intake->spool, intake->worker, source->use, source->input, block->base_ns);
	if (into == NULL)
		return INTAKE_BLOCK_WAIT;
	*reason = check(intake, into, block, payload);
	if (*reason != NULL) {
		spool_submit_block(intake->spool, into); /* empty: it just goes back */
		return INTAKE_BLOCK_INVALID;
	}
	spool_await_group(intake->spool);
	*receipt = note_submitted(intake, spool_stream_submit(intake->spool, into, session, block, payload));
	counter_add(&source->received, block->records);
	return INTAKE_BLOCK_TAKEN;
}
