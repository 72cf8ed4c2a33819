/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/pool.h"

#include "spool/ledger_sources.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <zstd.h>

static bool ring_init(struct block_ring *ring, unsigned blocks)
{
	uint32_t size = 1;
	while (size < blocks)
		size *= 2;
	ring->mask = size - 1;
	ring->slot = calloc(size, sizeof(struct spool_block *));
	return ring->slot != NULL;
}

static void ring_put(struct block_ring *ring, struct spool_block *block)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	assert(head - atomic_load_explicit(&ring->tail, memory_order_acquire) <= ring->mask);
	ring->slot[head & ring->mask] = block;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static struct spool_block *ring_take(struct block_ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return NULL;
	struct spool_block *block = ring->slot[tail & ring->mask];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return block;
}

/* The arena is mapped, not allocated: pages of blocks that are never used never exist. */
static bool make_blocks(struct pool *pool, unsigned worker, uint32_t block_size)
{
	size_t stride = (size_t)block_memory_bytes(block_size);
	pool->arena_bytes = stride * pool->blocks;
	void *arena = mmap(NULL, pool->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		return false;
	pool->arena = arena;
	pool->tallies = calloc(pool->blocks, sizeof *pool->tallies);
	if (pool->tallies == NULL)
		return false;
	for (unsigned i = 0; i < pool->blocks; i++) {
		pool->block[i] = (struct spool_block){
			.memory = pool->arena + i * stride, .room = block_size, .worker = worker, .sources = &pool->tallies[i]};
		/* The lowest address is on top of the stack, and stays in use: a quiet worker touches few pages. */
		pool->free[pool->blocks - 1 - i] = &pool->block[i];
	}
	pool->free_count = pool->blocks;
	return true;
}

bool pool_init(struct pool *pool, unsigned worker, unsigned blocks, uint32_t block_size, bool compress)
{
	memset(pool, 0, sizeof *pool);
	pool->blocks = blocks;
	pool->block = calloc(blocks, sizeof *pool->block);
	pool->free = calloc(blocks, sizeof(struct spool_block *));
	if (pool->block == NULL || pool->free == NULL)
		return false;
	if (!ring_init(&pool->filled, blocks) || !ring_init(&pool->empty, blocks))
		return false;
	if (compress) {
		pool->compressor = ZSTD_createCCtx();
		pool->scratch = malloc(block_size);
		if (pool->compressor == NULL || pool->scratch == NULL)
			return false;
	}
	return make_blocks(pool, worker, block_size);
}

void pool_free(struct pool *pool)
{
	if (pool->arena != NULL)
		munmap(pool->arena, pool->arena_bytes);
	ZSTD_freeCCtx(pool->compressor);
	free(pool->scratch);
	free(pool->tallies);
	free(pool->filled.slot);
	free(pool->empty.slot);
	free(pool->free);
	free(pool->block);
	memset(pool, 0, sizeof *pool);
}

unsigned pool_free_blocks(struct pool *pool)
{
	struct spool_block *block;
	while ((block = ring_take(&pool->empty)) != NULL)
		pool->free[pool->free_count++] = block;
	assert(pool->free_count <= pool->blocks);
	return pool->free_count;
}

struct spool_block *pool_take(struct pool *pool)
{
	assert(pool->free_count > 0);
	return pool->free[--pool->free_count];
}

void pool_untake(struct pool *pool, struct spool_block *block)
{
	assert(pool->free_count < pool->blocks);
	pool->free[pool->free_count++] = block;
}

uint64_t pool_submit(struct pool *pool, struct spool_block *block)
{
	uint64_t ordinal = block->ordinal = ++pool->submitted;
	ring_put(&pool->filled, block);
	return ordinal;
}

struct spool_block *pool_next_filled(struct pool *pool)
{
	return ring_take(&pool->filled);
}

void pool_give_back(struct pool *pool, struct spool_block *block)
{
	ring_put(&pool->empty, block);
}
