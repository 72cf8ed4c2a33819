/* SPDX-License-Identifier: Apache-2.0 */
/* The counting by source as those outside of the spool see it: their functions of ledger_sources.h. */
#include "spool/ledger_sources.h"
#include "spool/spool_internal.h"

unsigned spool_source_find(struct spool *spool, const uint8_t *address, struct bytes hostname)
{
	return ledger_sources_find(spool->ledger.sources, address, hostname);
}

const struct spool_source_name *spool_source_name(const struct spool *spool, unsigned source)
{
	return ledger_sources_name(spool->ledger.sources, source);
}

void spool_block_count_source(struct spool_block *block, unsigned source, uint32_t count)
{
	struct source_tally *tally = block->sources;
	assert(tally != NULL && source < SPOOL_SOURCES_MAX);
	if (count == 0)
		return;
	if (tally->count[source] == 0)
		tally->source[tally->used++] = (uint16_t)source;
	tally->count[source] += count;
}

void spool_source_count_drop(struct spool *spool, unsigned source, enum spool_drop_reason reason, uint64_t count)
{
	ledger_sources_count_drop(spool->ledger.sources, source, reason, count);
	spool_note_loss(spool);
}

void spool_source_count_suspected(struct spool *spool, unsigned source, uint64_t count)
{
	ledger_sources_count_suspected(spool->ledger.sources, source, count);
	spool_note_loss(spool);
}

unsigned spool_source_count(const struct spool *spool)
{
	return ledger_sources_used(spool->ledger.sources);
}

void spool_source_totals(const struct spool *spool, unsigned source, struct spool_source_totals *totals)
{
	ledger_sources_totals(spool->ledger.sources, source, totals);
}

void spool_sums(const struct spool *spool, struct spool_sums *sums)
{
	const struct ledger *ledger = &spool->ledger;
	*sums = (struct spool_sums){
		.unattributed = atomic_load_explicit(&ledger->unattributed, memory_order_relaxed),
		.unused = atomic_load_explicit(&ledger->unused, memory_order_relaxed),
		.damaged = atomic_load_explicit(&ledger->damaged, memory_order_relaxed),
		.released = atomic_load_explicit(&ledger->released, memory_order_relaxed),
		.inputs = ledger->inputs,
	};
}
