/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's blocks: their memory, the ring in which filled ones go to the writer, and the ring in which they come back.
 * Each ring has one thread at either end, so neither ever waits for the other.
 */
#ifndef RELAYD_SPOOL_POOL_H
#define RELAYD_SPOOL_POOL_H

#include "spool/block.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { POOL_CACHE_LINE_BYTES = 64 };

/* At most `mask + 1` blocks on their way from one thread to one other. It never overflows: a pool has no more blocks. */
struct block_ring {
	struct spool_block **slot;
	uint32_t mask;
	alignas(POOL_CACHE_LINE_BYTES) _Atomic uint32_t head; /* blocks put, ever; written by the giving thread */
	alignas(POOL_CACHE_LINE_BYTES) _Atomic uint32_t tail; /* blocks taken, ever; written by the taking thread */
};

struct pool {
	struct block_ring filled; /* worker to writer */
	struct block_ring empty;  /* writer to worker */

	/* The worker's own. */
	alignas(POOL_CACHE_LINE_BYTES) struct spool_block **free; /* a stack */
	unsigned free_count;
	uint64_t submitted;              /* ordinal of the last block handed over */
	struct ZSTD_CCtx_s *compressor;  /* NULL: blocks stay as they are */
	uint8_t *scratch;                /* where a block is compressed to */

	/* Fixed. */
	struct spool_block *block;
	unsigned blocks;
	struct source_tally *tallies;    /* one for each block */
	uint8_t *arena;
	size_t arena_bytes;

	_Atomic uint64_t stored;         /* ordinal of the last stored block; written by the writer */
};

/* Makes `blocks` empty blocks of `block_size` octets for a worker. False if memory is short; then pool_free() is due. */
bool pool_init(struct pool *pool, unsigned worker, unsigned blocks, uint32_t block_size, bool compress);
void pool_free(struct pool *pool);

/* Worker: how many blocks it could take now. */
unsigned pool_free_blocks(struct pool *pool);
/* Worker: one of them, which must be there. */
struct spool_block *pool_take(struct pool *pool);
/* Worker: a block it took and did not use. */
void pool_untake(struct pool *pool, struct spool_block *block);
/* Worker: hands a filled block to the writer; returns its ordinal. */
uint64_t pool_submit(struct pool *pool, struct spool_block *block);

/* Writer: the next filled block; NULL if there is none now. */
struct spool_block *pool_next_filled(struct pool *pool);
/* Writer: gives a block back. */
void pool_give_back(struct pool *pool, struct spool_block *block);

#endif
