/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block in memory: filled with records by one worker, sealed there (compression, payload checksum), numbered and
 * written by the writer. Its memory has room for the header in front of the payload and for the padding behind it, so
 * that one buffer is the whole block. Also: checking and unpacking what was read back, and walking its records.
 */
#ifndef RELAYD_SPOOL_BLOCK_H
#define RELAYD_SPOOL_BLOCK_H

#include "spool/block_header.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;
struct source_tally;

/* Owned by one thread at a time: the worker until it submits it, then the writer until it frees it. */
struct spool_block {
	uint8_t *memory;       /* BLOCK_HEADER_BYTES, then `room` octets of payload, aligned to 64 */
	uint32_t room;
	uint32_t len;          /* of the payload so far; after sealing as it will be stored */
	uint32_t reserved;     /* octets of room lent out by the last spool_block_reserve() */
	unsigned worker;
	uint64_t ordinal;      /* at its worker, from submitting on */
	struct block_header header;
	uint64_t session;      /* of the stream that it is of (spool_stream.h); 0: it is an input's */
	bool is_fence;         /* not a block to be written: its memory has a struct spool_stream_session */
	struct source_tally *sources; /* how many of its records are of which source; NULL: nobody counts (ledger_sources.h) */
};

/* Memory that a block with so much payload needs: header, payload, padding. */
uint64_t block_memory_bytes(uint32_t payload);

/* Makes the block empty, for records of one input. */
void block_start(struct spool_block *block, unsigned input, int64_t base_ns);

/*
 * Finishes the payload: compressed, if `compressor` is not NULL and it saves a sixteenth at the least, then zeros up to
 * the next multiple of 64, and the checksum. `scratch` has as many octets as the block has room.
 */
void block_seal(struct spool_block *block, struct ZSTD_CCtx_s *compressor, uint8_t *scratch);

/* The block's octets as they will lie on the disk, once its header was written into its memory. */
struct bytes block_octets(const struct spool_block *block);

/* Is this the payload that the header means (rule 5 of a valid block)? */
bool block_payload_is_intact(const struct block_header *header, struct bytes stored);

/*
 * The records of an intact payload. Points into `stored`, or into `out`, which has header->unpacked_len octets of room, if
 * it was compressed. False if it does not unpack to exactly that length.
 */
bool block_unpack(const struct block_header *header, struct bytes stored, struct ZSTD_DCtx_s *unpacker, uint8_t *out,
                  struct bytes *records);

/* Do the records fill the payload exactly, and are there as many as the header says? */
bool block_records_are_well_formed(const struct block_header *header, struct bytes records);

#endif
