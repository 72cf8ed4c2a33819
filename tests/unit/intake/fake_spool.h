/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spool for tests of the intake: every function of spool.h that the intake calls is here, so that level, free blocks
 * and the writer's mood are what each test says, and every octet and ordinal can be looked at. It defines those
 * functions: for one file of a program.
 */
#ifndef TESTS_UNIT_INTAKE_FAKE_SPOOL_H
#define TESTS_UNIT_INTAKE_FAKE_SPOOL_H

#include "spool/ledger_sources.h"
#include "spool/spool.h"

#include <check.h>
#include <string.h>

enum { BLOCK_BYTES = 4096, BLOCK_RECORDS = 256, BLOCKS = 8, SOURCES = 8 };

struct spool_block {
	bool is_used;
	unsigned input;
	int64_t base_ns;
	uint8_t bytes[BLOCK_BYTES];
	size_t used;
	uint32_t count;
	size_t end[BLOCK_RECORDS];
	uint32_t of_source[SOURCES];
};

/* What the test says, and what the intake did. */
struct spool {
	enum spool_level level;
	unsigned free_blocks;
	bool would_start;
	uint64_t next_group_ns;
	uint64_t stored;
	bool is_awaited;         /* what is handed over next */
	unsigned awaited_count;  /* blocks that were */
	struct spool_block blocks[BLOCKS];
	struct spool_block *submitted[BLOCKS]; /* by ordinal - 1 */
	uint64_t submitted_count;
	uint64_t dropped[SPOOL_DROP_REASONS];
	struct spool_source_name name[SOURCES];
	unsigned sources;
	unsigned look_ups;
	uint64_t source_dropped[SOURCES];
	uint64_t suspected[SOURCES];
};

unsigned spool_source_find(struct spool *spool, const uint8_t *address, struct bytes hostname)
{
	spool->look_ups++;
	for (unsigned i = 0; i < spool->sources; i++)
		if (spool_source_name_is(&spool->name[i], address, hostname))
			return i;
	struct spool_source_name *name = &spool->name[spool->sources];
	memcpy(name->address, address, sizeof name->address);
	name->hostname_len = (uint8_t)hostname.len;
	if (hostname.len > 0)
		memcpy(name->hostname, hostname.at, hostname.len);
	return spool->sources++;
}

const struct spool_source_name *spool_source_name(const struct spool *spool, unsigned source)
{
	return &spool->name[source];
}

void spool_block_count_source(struct spool_block *block, unsigned source, uint32_t count)
{
	block->of_source[source] += count;
}

void spool_source_count_drop(struct spool *spool, unsigned source, enum spool_drop_reason reason, uint64_t count)
{
	(void)reason;
	spool->source_dropped[source] += count;
}

void spool_source_count_suspected(struct spool *spool, unsigned source, uint64_t count)
{
	spool->suspected[source] += count;
}

enum spool_level spool_level(const struct spool *spool)
{
	return spool->level;
}

void spool_count_drop(struct spool *spool, unsigned worker, unsigned input, enum spool_drop_reason reason, uint64_t count)
{
	(void)worker;
	(void)input;
	spool->dropped[reason] += count;
}

bool spool_has_block(struct spool *spool, unsigned worker, enum spool_block_use use)
{
	(void)worker;
	return spool->free_blocks > (use == SPOOL_BLOCK_WAITS ? 1u : 0u);
}

struct spool_block *spool_take_block(struct spool *spool, unsigned worker, enum spool_block_use use, unsigned input,
                                     int64_t base_ns)
{
	if (!spool_has_block(spool, worker, use))
		return NULL;
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct spool_block *block = &spool->blocks[i];
		if (block->is_used)
			continue;
		*block = (struct spool_block){.is_used = true, .input = input, .base_ns = base_ns};
		spool->free_blocks--;
		return block;
	}
	return NULL;
}

uint8_t *spool_block_reserve(struct spool_block *block, size_t len)
{
	return BLOCK_BYTES - block->used >= len ? block->bytes + block->used : NULL;
}

void spool_block_commit(struct spool_block *block, size_t len)
{
	block->used += len;
	block->end[block->count++] = block->used;
}

uint64_t spool_submit_block(struct spool *spool, struct spool_block *block)
{
	ck_assert_uint_gt(block->count, 0);
	spool->submitted[spool->submitted_count] = block;
	spool->awaited_count += spool->is_awaited;
	spool->is_awaited = false;
	return ++spool->submitted_count;
}

void spool_await_group(struct spool *spool)
{
	spool->is_awaited = true;
}

uint64_t spool_worker_stored(const struct spool *spool, unsigned worker)
{
	(void)worker;
	return spool->stored;
}

bool spool_would_start_group(const struct spool *spool)
{
	return spool->would_start;
}

uint64_t spool_next_group_ns(const struct spool *spool)
{
	return spool->next_group_ns;
}

#endif
