/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room. It is counted in slots: places for a block of full size, in the current segment and in spare files that are
 * already preallocated. Taking a block takes a slot, so that the writer never waits for space (rule 7). A written block
 * is mostly smaller than its slot, and a segment's last one may be left empty; both only make slots appear, because a
 * segment is left only when not even the next block fits.
 *
 * One spare is never counted: it is what the next start needs to begin a segment on a disk that is full.
 *
 * The level (rule 8) looks further: at the files that max_size still allows. It turns to full while all pools together
 * still have their slots, so that what workers hold is never caught without.
 */
#include "spool/spool_internal.h"

#include <stdio.h>

uint64_t space_slot_bytes(const struct spool *spool)
{
	return block_memory_bytes(spool->options.block_size_bytes);
}

static int64_t slots_between(const struct spool *spool, uint64_t from, uint64_t size)
{
	uint64_t used = from + BLOCK_HEADER_BYTES; /* the end block always has its place */
	return used < size ? (int64_t)((size - used) / space_slot_bytes(spool)) : 0;
}

uint32_t space_checkpoint_bytes(const struct spool *spool)
{
	return (uint32_t)(ledger_bytes_max(&spool->ledger) + spool->marks.room);
}

/* Blocks of the largest size that fit into a spare. */
static int64_t slots_of_spare(const struct spool *spool)
{
	uint64_t checkpoint = BLOCK_HEADER_BYTES + FORMAT_ALIGNED((uint64_t)space_checkpoint_bytes(spool));
	return slots_between(spool, SEGMENT_HEADER_BYTES + checkpoint, spool->options.segment_size_bytes);
}

static int64_t blocks_of_all_pools(const struct spool *spool)
{
	return (int64_t)spool->options.workers * spool->options.blocks_per_worker;
}

/* Enough for all blocks that the workers have, one to be ahead, and the one for the next start. */
unsigned space_spares_wanted(const struct spool *spool)
{
	int64_t slots = slots_of_spare(spool);
	int64_t wanted = 2 + (blocks_of_all_pools(spool) + slots - 1) / slots;
	return wanted < SPARES_MAX ? (unsigned)wanted : SPARES_MAX;
}

uint64_t space_on_disk(const struct spool *spool)
{
	uint64_t total = cursors_file_bytes() + drops_file_bytes() + spool->table.set_aside_bytes +
	                 (uint64_t)spool->table.spares * spool->options.segment_size_bytes;
	for (unsigned i = 0; i < spool->table.count; i++)
		total += spool->table.entry[i].size;
	return total;
}

/* Files that max_size still allows. */
static int64_t files_allowed(const struct spool *spool)
{
	uint64_t on_disk = space_on_disk(spool);
	if (spool->table.file_system_full || on_disk >= spool->options.max_size_bytes)
		return 0;
	return (int64_t)((spool->options.max_size_bytes - on_disk) / spool->options.segment_size_bytes);
}

bool space_may_grow(const struct spool *spool)
{
	uint64_t grown = space_on_disk(spool) + spool->options.segment_size_bytes;
	return spool->table.spares < SPARES_MAX && grown <= spool->options.max_size_bytes;
}

static int64_t slots_with_spares(const struct spool *spool, int64_t spares)
{
	const struct segment_table *table = &spool->table;
	int64_t slots = spares > 1 ? (spares - 1) * slots_of_spare(spool) : 0;
	if (table->count > 0) {
		const struct segment_entry *current = &table->entry[table->count - 1];
		slots += slots_between(spool, current->end, current->size);
	}
	return slots;
}

static enum spool_level level_now(const struct spool *spool)
{
	int64_t left = slots_with_spares(spool, (int64_t)spool->table.spares + files_allowed(spool));
	int64_t pools = blocks_of_all_pools(spool);
	int64_t reserve = (int64_t)(spool->options.reserve_bytes / space_slot_bytes(spool));
	if (left <= pools)
		return SPOOL_LEVEL_FULL;
	return left <= pools + reserve ? SPOOL_LEVEL_RESERVE : SPOOL_LEVEL_OPEN;
}

bool space_reserve(struct spool *spool, int64_t slots)
{
	if (atomic_fetch_sub_explicit(&spool->slots_free, slots, memory_order_seq_cst) >= slots)
		return true;
	atomic_fetch_add_explicit(&spool->slots_free, slots, memory_order_seq_cst);
	return false;
}

void space_settle(struct spool *spool, int64_t slots)
{
	pthread_mutex_lock(&spool->table_lock);
	int64_t capacity = slots_with_spares(spool, spool->table.spares);
	slots += capacity - spool->table.capacity;
	spool->table.capacity = capacity;
	atomic_fetch_add_explicit(&spool->slots_free, slots, memory_order_seq_cst);
	int level = (int)level_now(spool);
	int before = atomic_exchange_explicit(&spool->level, level, memory_order_seq_cst);
	pthread_mutex_unlock(&spool->table_lock);

	if (level > before)
		keeper_wake(spool, true);
	/* A worker that is refused says so, then tries once more: either it finds the room made here or we find its wish. */
	bool wanted = atomic_load_explicit(&spool->wants_room, memory_order_seq_cst);
	if (wanted && level != SPOOL_LEVEL_FULL)
		atomic_store_explicit(&spool->wants_room, false, memory_order_seq_cst);
	if (spool->options.events.room != NULL && (level < before || (wanted && level != SPOOL_LEVEL_FULL)))
		spool->options.events.room(spool->options.events.context);
}

static bool unsound_segments(const struct spool_options *options, uint64_t least, char *error)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES,
	         "%s: a segment of %u octets is too small for blocks of %u octets: %llu are the least", options->path,
	         options->segment_size_bytes, options->block_size_bytes, (unsigned long long)least);
	return false;
}

static bool unsound_pools(const struct spool_options *options, uint64_t spares, char *error)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES,
	         "%s: segments of %u octets are too small for %u workers with %u blocks of %u octets: %llu of them would have "
	         "to be kept ready, and %u are the most", options->path, options->segment_size_bytes, options->workers,
	         options->blocks_per_worker, options->block_size_bytes, (unsigned long long)spares, (unsigned)SPARES_MAX);
	return false;
}

static bool unsound_size(const struct spool_options *options, uint64_t least, char *error)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES,
	         "%s: a spool of %llu octets at most is too small: %llu are the least with %llu octets of reserve, "
	         "segments of %u octets, and %u workers with %u blocks of %u octets", options->path,
	         (unsigned long long)options->max_size_bytes, (unsigned long long)least,
	         (unsigned long long)options->reserve_bytes, options->segment_size_bytes, options->workers,
	         options->blocks_per_worker, options->block_size_bytes);
	return false;
}

/*
 * The least size is the one with which the level is open (level_now()) whenever outputs keep up: with the segment being
 * written full and the one before it still being read, what is left holds more than all pools and the reserve.
 */
bool spool_options_are_sound(const struct spool_options *options, char *error)
{
	struct ledger full = {.inputs = SPOOL_INPUTS_MAX, .sources_max = ledger_sources_max(options->segment_size_bytes)};
	uint64_t slot = block_memory_bytes(options->block_size_bytes);
	uint64_t checkpoint = ledger_bytes_max(&full) + marks_room(options->segment_size_bytes);
	uint64_t overhead = SEGMENT_HEADER_BYTES + 2 * BLOCK_HEADER_BYTES + FORMAT_ALIGNED(checkpoint);
	uint64_t least_segment = overhead + SEGMENT_SLOTS_MIN * slot;
	if (options->segment_size_bytes < least_segment)
		return unsound_segments(options, least_segment, error);
	uint64_t slots = (options->segment_size_bytes - overhead) / slot;
	uint64_t pools = (uint64_t)options->workers * options->blocks_per_worker;
	uint64_t spares = 2 + (pools + slots - 1) / slots;
	if (spares > SPARES_MAX)
		return unsound_pools(options, spares, error);
	uint64_t left = (pools + options->reserve_bytes / slot) / slots + 1;
	uint64_t files = left + 3; /* one being written, one being read, one for the next start */
	uint64_t least = files * options->segment_size_bytes + cursors_file_bytes() + drops_file_bytes();
	return options->max_size_bytes >= least || unsound_size(options, least, error);
}
