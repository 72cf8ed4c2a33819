/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of spool_internal.h as asserts, for tests: of a spool that is at rest, or with its threads running. */
#include "spool/spool_internal.h"

static void check_table(const struct spool *spool)
{
	const struct segment_table *table = &spool->table;
	assert(table->count > 0 && table->spares <= SPARES_MAX);
	for (unsigned i = 0; i < table->count; i++) {
		assert(table->entry[i].end <= table->entry[i].size);
		if (i == 0)
			continue;
		assert(table->entry[i - 1].counter < table->entry[i].counter);
		assert(table->entry[i - 1].first <= table->entry[i].first);
	}
	assert(atomic_load(&spool->first) == table->entry[0].first);
	assert(table->entry[table->count - 1].first <= atomic_load(&spool->appended) + 1);
}

static void check_cursors(const struct spool *spool)
{
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (!cursor->used || cursor->lost)
			continue;
		uint64_t delivered = spool_cursor_delivered(cursor);
		assert(cursor->start <= delivered && delivered <= spool_stored(spool));
		assert(spool->started || !cursor->open || delivered + 1 >= spool_first(spool));
	}
}

void spool_check(const struct spool *spool)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&spool->table_lock;
	pthread_mutex_lock(lock);
	check_table(spool);
	check_cursors(spool);
	pthread_mutex_unlock(lock);
	uint64_t stored = spool_stored(spool);
	assert(stored <= spool_appended(spool));
	int64_t free_slots = atomic_load(&spool->slots_free);
	assert(free_slots <= spool->table.capacity || spool->started);
	/* With threads running the sum moves before `stored`; at rest it is exact. */
	uint64_t sum = ledger_stored_sum(&spool->ledger) + atomic_load(&spool->ledger.unused);
	assert(sum >= stored);
	if (!spool->started && !spool_has_failed(spool))
		assert(sum == spool_appended(spool));
}
