/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/block.h"

#include "base/varint.h"
#include "spool/ledger_sources.h"
#include "spool/spool.h"

#include <xxhash.h>
#if defined XXHASH_DISPATCHES
#include <xxh_x86dispatch.h>
#endif
#include <zstd.h>

enum {
	COMPRESSION_LEVEL = 1,       /* the fastest: a block is compressed by the thread that receives */
	COMPRESSION_MIN_BYTES = 256, /* below, zstd's own header eats what it saves */
	COMPRESSION_GAIN_SHIFT = 4,  /* a sixteenth saved is the least that is worth unpacking it later */
};

uint64_t block_memory_bytes(uint32_t payload)
{
	return BLOCK_HEADER_BYTES + FORMAT_ALIGNED((uint64_t)payload);
}

/* What a block counted that was not written after all (spool_stream.h); mostly nothing. */
static void forget_sources(struct source_tally *tally)
{
	for (unsigned i = 0; tally != NULL && i < tally->used; i++)
		tally->count[tally->source[i]] = 0;
	if (tally != NULL)
		tally->used = 0;
}

void block_start(struct spool_block *block, unsigned input, int64_t base_ns)
{
	block->len = 0;
	block->reserved = 0;
	forget_sources(block->sources);
	block->session = 0;
	block->is_fence = false;
	block->header = (struct block_header){
		.header_len = BLOCK_HEADER_BYTES,
		.kind = BLOCK_RECORDS,
		.input = (uint16_t)input,
		.base_ns = base_ns,
	};
}

/* The record is put where its length's longest form would end; committing a much shorter one moves it down. */
uint8_t *spool_block_reserve(struct spool_block *block, size_t len)
{
	size_t room = block->room - block->len, prefix = varint_len(len);
	if (len > room || prefix > room - len)
		return NULL;
	block->reserved = (uint32_t)len;
	return block->memory + BLOCK_HEADER_BYTES + block->len + prefix;
}

/* Rare, and kept out of its caller's way. */
__attribute__((noinline, cold)) static void move_down(uint8_t *to, const uint8_t *from, size_t len)
{
	memmove(to, from, len);
}

void spool_block_commit(struct spool_block *block, size_t len)
{
	assert(len <= block->reserved);
	uint8_t *at = block->memory + BLOCK_HEADER_BYTES + block->len;
	size_t put_at = varint_len(block->reserved), prefix = varint_len(len);
	block->len += (uint32_t)(prefix + len);
	block->reserved = 0;
	block->header.count++;
	assert(block->len <= block->room);
	if (prefix != put_at)
		move_down(at + prefix, at + put_at, len);
	varint_put(at, len);
}

uint32_t spool_block_count(const struct spool_block *block)
{
	return block->header.count;
}

static void compress(struct spool_block *block, struct ZSTD_CCtx_s *compressor, uint8_t *scratch)
{
	uint8_t *payload = block->memory + BLOCK_HEADER_BYTES;
	size_t worth = block->len - (block->len >> COMPRESSION_GAIN_SHIFT);
	size_t len = ZSTD_compressCCtx(compressor, scratch, worth, payload, block->len, COMPRESSION_LEVEL);
	if (ZSTD_isError(len))
		return; /* it does not fit into what would be worth it */
	memcpy(payload, scratch, len);
	block->len = (uint32_t)len;
	block->header.codec = BLOCK_CODEC_ZSTD;
}

void block_seal(struct spool_block *block, struct ZSTD_CCtx_s *compressor, uint8_t *scratch)
{
	assert(block->reserved == 0);
	block->header.unpacked_len = block->len;
	if (compressor != NULL && block->len >= COMPRESSION_MIN_BYTES)
		compress(block, compressor, scratch);
	uint8_t *payload = block->memory + BLOCK_HEADER_BYTES;
	memset(payload + block->len, 0, (size_t)FORMAT_ALIGNED((uint64_t)block->len) - block->len);
	block->header.stored_len = block->len;
	block->header.payload_checksum = XXH3_64bits(payload, block->len);
}

struct bytes block_octets(const struct spool_block *block)
{
	return bytes_of(block->memory, (size_t)block_span(&block->header));
}

bool block_payload_is_intact(const struct block_header *header, struct bytes stored)
{
	return stored.len == header->stored_len && XXH3_64bits(stored.at, stored.len) == header->payload_checksum;
}

bool block_unpack(const struct block_header *header, struct bytes stored, struct ZSTD_DCtx_s *unpacker, uint8_t *out,
                  struct bytes *records)
{
	if (header->codec == BLOCK_CODEC_NONE) {
		*records = stored;
		return true;
	}
	size_t len = ZSTD_decompressDCtx(unpacker, out, header->unpacked_len, stored.at, stored.len);
	*records = bytes_of(out, ZSTD_isError(len) ? 0 : len);
	return !ZSTD_isError(len) && len == header->unpacked_len;
}

bool block_records_are_well_formed(const struct block_header *header, struct bytes records)
{
	struct bytes record;
	uint32_t count = 0;
	while (spool_record_next(&records, &record))
		count++;
	return records.len == 0 && count == header->count;
}
