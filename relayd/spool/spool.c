/* SPDX-License-Identifier: Apache-2.0 */
/* The spool from outside: opening and closing, the number line, taking and submitting blocks. */
#include "spool/spool.h"

#include "base/clock.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static const char lock_name[] = "lock";

void spool_random(void *out, size_t len)
{
	/* Up to 256 octets are given whole, once the system's generator has started. */
	assert(len <= 256);
	ssize_t got;
	do
		got = getrandom(out, len, 0);
	while (got < 0 && errno == EINTR);
	assert(got == (ssize_t)len);
}

void spool_fail(struct spool *spool, const char *doing, int error)
{
	pthread_mutex_lock(&spool->failed_lock);
	bool first = !spool_has_failed(spool);
	if (first)
		snprintf(spool->error, sizeof spool->error, 
		         "%s: the spool has failed: %s: %s. Nothing received after message %llu is safe",
		         spool->path, doing, strerror(-error), (unsigned long long)spool_stored(spool));
	atomic_store_explicit(&spool->failed, true, memory_order_release);
	pthread_mutex_unlock(&spool->failed_lock);
	if (!first)
		return;
	slog_crit("spool_failed", "path", spool->path, "doing", doing, "error", strerror(-error), "stored", spool_stored(spool));
	if (spool->options.events.failed != NULL)
		spool->options.events.failed(spool->options.events.context, spool->error);
}

/* ---- opening ---- */

static bool init_locks(struct spool *spool)
{
	pthread_mutex_init(&spool->table_lock, NULL);
	pthread_mutex_init(&spool->readers_lock, NULL);
	pthread_mutex_init(&spool->failed_lock, NULL);
	pthread_mutex_init(&spool->keeper.lock, NULL);
	return clock_condition_init(&spool->keeper.wake);
}

/* The memory of everything; false if it is short. What was made is freed by free_memory(). */
static bool init_memory(struct spool *spool, const struct spool_options *options)
{
	unsigned blocks = options->workers * options->blocks_per_worker;
	if (!recent_init(&spool->recent, (size_t)blocks * options->block_size_bytes / RECENT_POOL_PART,
	                 options->inputs_lose ? 0 : RECENT_PATIENCE_NS))
		return false;
	spool->path = strdup(options->path);
	spool->pool = aligned_alloc(POOL_CACHE_LINE_BYTES, options->workers * sizeof *spool->pool);
	spool->writer.group = calloc(blocks + 1, sizeof(struct spool_block *));
	spool->writer.voids = calloc(blocks, sizeof(struct spool_block *));
	if (spool->path == NULL || spool->pool == NULL || spool->writer.group == NULL || spool->writer.voids == NULL ||
	    !ledger_init(&spool->ledger, ledger_sources_max(options->segment_size_bytes)))
		return false;
	if (!marks_init(&spool->marks, spool->options.segment_size_bytes))
		return false;
	spool->options.path = spool->path;
	memset(spool->pool, 0, options->workers * sizeof *spool->pool);
	for (unsigned i = 0; i < options->workers; i++)
		if (!pool_init(&spool->pool[i], i, options->blocks_per_worker, options->block_size_bytes,
		               options->compression == SPOOL_COMPRESSION_ZSTD))
			return false;

	struct ledger full = {.inputs = SPOOL_INPUTS_MAX, .sources_max = spool->ledger.sources_max};
	spool->writer.control.room = (uint32_t)(ledger_bytes_max(&full) + marks_changes_bytes_max());
	spool->writer.control.memory = calloc(1, (size_t)block_memory_bytes(spool->writer.control.room));
	return spool->writer.control.memory != NULL;
}

static void free_memory(struct spool *spool)
{
	for (unsigned i = 0; spool->pool != NULL && i < spool->options.workers; i++)
		pool_free(&spool->pool[i]);
	free(spool->pool);
	free(spool->writer.group);
	free(spool->writer.voids);
	free(spool->writer.control.memory);
	free(spool->table.entry);
	ledger_free(&spool->ledger);
	marks_free(&spool->marks);
	recent_free(&spool->recent);
	free(spool->path);
	free(spool);
}

static void close_files(struct spool *spool)
{
	const struct disk *disk = spool->disk;
	cursors_close(spool);
	drops_close(spool);
	if (spool->writer.current.file >= 0)
		disk->close(disk, spool->writer.current.file);
	if (spool->lock_file >= 0)
		disk->close(disk, spool->lock_file);
	if (spool->directory >= 0)
		disk->close(disk, spool->directory);
}

/*
 * The directory is ours alone (rule 13). Whoever may write into it can put his files in the place of ours; whoever may look
 * into it sees names and sizes only, which is told and no reason not to start.
 */
static bool is_private(struct spool *spool, char *error)
{
	int mode = spool->disk->mode != NULL ? spool->disk->mode(spool->disk, spool->directory) : 0;
	if (mode < 0) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: its mode cannot be read: %s", spool->path, strerror(-mode));
	} else if ((mode & 0022) != 0) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES,
		         "%s: others may write into the spool's directory, its mode is %04o: make it 0700 (chmod 0700 '%s')",
		         spool->path, (unsigned)mode, spool->path);
	} else if ((mode & 0077) != 0) {
		slog_warning("spool_directory_open", "path", spool->path, "mode", slog_msgf("%04o", (unsigned)mode), "message",
		             "others may look into the spool's directory: 0700 is meant");
	}
	return mode >= 0 && (mode & 0022) == 0;
}

static enum spool_open_result open_and_lock(struct spool *spool, char *error)
{
	const struct disk *disk = spool->disk;
	long holder;
	spool->directory = disk->open_directory(disk, spool->path);
	if (spool->directory < 0) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: cannot be opened as the spool's directory: %s", spool->path,
		         strerror(-spool->directory));
		return SPOOL_UNUSABLE;
	}
	if (!is_private(spool, error))
		return SPOOL_UNUSABLE;
	spool->lock_file = disk->lock(disk, spool->directory, lock_name, &holder);
	if (spool->lock_file == -EWOULDBLOCK) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: process %ld has this spool: stop it, or give this one another path",
		         spool->path, holder);
		return SPOOL_LOCKED;
	}
	if (spool->lock_file < 0) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s/%s: cannot be locked: %s", spool->path, lock_name,
		         strerror(-spool->lock_file));
		return SPOOL_UNUSABLE;
	}
	return SPOOL_OPENED;
}

enum spool_open_result spool_open(const struct spool_options *options, struct spool **opened,
                                  struct spool_recovery *recovery, char *error)
{
	assert(options->workers > 0 && options->workers <= SPOOL_WORKERS_MAX && options->blocks_per_worker >= 4);
	assert(options->block_size_bytes >= BLOCK_PAYLOAD_MIN_BYTES && options->block_size_bytes <= BLOCK_PAYLOAD_MAX_BYTES);
	*opened = NULL;
	*recovery = (struct spool_recovery){0};
	error[0] = '\0';
	struct spool *spool = calloc(1, sizeof *spool);
	if (spool == NULL) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: not enough memory", options->path);
		return SPOOL_UNUSABLE;
	}
	spool->options = *options;
	spool->options.segment_size_bytes &= ~(uint32_t)(FORMAT_ALIGN_BYTES - 1);
	spool->disk = options->disk != NULL ? options->disk : &disk_real;
	spool->directory = spool->lock_file = spool->writer.current.file = -1;
	spool->keeper.log = (struct rate_limit){.interval_ns = 60 * (uint64_t)CLOCK_NS_PER_SECOND, .burst = 1};
	cursors_init(spool);
	drops_init(&spool->drops);

	enum spool_open_result result = SPOOL_UNUSABLE;
	if (!init_locks(spool) || !init_memory(spool, options))
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: not enough memory", options->path);
	else if (spool_options_are_sound(&spool->options, error))
		result = open_and_lock(spool, error);
	if (result == SPOOL_OPENED)
		result = recover(spool, recovery, error);
	if (result != SPOOL_OPENED) {
		close_files(spool);
		free_memory(spool);
		return result;
	}
	space_settle(spool, 0);
	*opened = spool;
	return SPOOL_OPENED;
}

void spool_start(struct spool *spool)
{
	assert(!spool->started);
	spool->started = true;
	/* New names of inputs are on the disk before any block that uses their index. */
	writer_flush_ledger(spool);
	space_settle(spool, 0);
	int result = pthread_create(&spool->writer.thread, NULL, writer_main, spool);
	assert(result == 0);
	result = pthread_create(&spool->keeper.thread, NULL, keeper_main, spool);
	assert(result == 0);
	(void)result;
}

void spool_close(struct spool **closing)
{
	struct spool *spool = *closing;
	if (spool == NULL)
		return;
	assert(spool->readers == NULL);
	if (spool->started) {
		writer_stop(spool);
		pthread_join(spool->writer.thread, NULL);
		keeper_stop(spool);
		pthread_join(spool->keeper.thread, NULL);
	}
	writer_flush_ledger(spool);
	int result = spool_has_failed(spool) ? 0 : cursors_sync(spool);
	if (result < 0)
		spool_fail(spool, "cannot write and sync the cursors", result);
	writer_end(spool);
	close_files(spool);
	free_memory(spool);
	*closing = NULL;
}

/* ---- the number line ---- */

uint64_t spool_appended(const struct spool *spool)
{
	return atomic_load_explicit(&spool->appended, memory_order_acquire);
}

uint64_t spool_stored(const struct spool *spool)
{
	return atomic_load_explicit(&spool->stored, memory_order_seq_cst);
}

const char *spool_path(const struct spool *spool)
{
	return spool->path;
}

uint64_t spool_first(const struct spool *spool)
{
	return atomic_load_explicit(&spool->first, memory_order_acquire);
}

enum spool_level spool_level(const struct spool *spool)
{
	return (enum spool_level)atomic_load_explicit(&spool->level, memory_order_acquire);
}

void spool_usage(const struct spool *spool, struct spool_usage *usage)
{
	/* The lock is not part of what const promises. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&spool->table_lock;
	*usage = (struct spool_usage){
		.max_size_bytes = spool->options.max_size_bytes,
		.reserve_bytes = spool->options.reserve_bytes,
		.groups = atomic_load_explicit(&spool->writer.groups, memory_order_relaxed),
		.syncs = atomic_load_explicit(&spool->writer.syncs, memory_order_relaxed),
		.written_bytes = atomic_load_explicit(&spool->writer.written_bytes, memory_order_relaxed),
		.damaged_sequences = atomic_load_explicit(&spool->ledger.damaged, memory_order_relaxed),
	};
	pthread_mutex_lock(lock);
	const struct segment_table *table = &spool->table;
	usage->segments = table->count;
	usage->on_disk_bytes = space_on_disk(spool);
	for (unsigned i = 0; i < table->count; i++)
		usage->used_bytes += i + 1 < table->count ? table->entry[i].size : table->entry[i].end;
	pthread_mutex_unlock(lock);
}

/* ---- inputs ---- */

int spool_register_input(struct spool *spool, const char *name)
{
	assert(!spool->started);
	return ledger_register(&spool->ledger, name);
}

const char *spool_input_name(const struct spool *spool, unsigned index)
{
	return index < spool->ledger.inputs ? spool->ledger.input[index].name : "";
}

void spool_count_drop(struct spool *spool, unsigned worker, unsigned input, enum spool_drop_reason reason,
                      uint64_t count)
{
	assert(worker < spool->options.workers);
	ledger_count_drop(&spool->ledger, input, reason, count);
	spool_note_loss(spool);
}

void spool_input_totals(const struct spool *spool, unsigned input, struct spool_input_totals *totals)
{
	assert(input < SPOOL_INPUTS_MAX);
	const struct ledger_input *from = &spool->ledger.input[input];
	totals->stored = atomic_load_explicit(&from->stored, memory_order_relaxed);
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
		totals->dropped[reason] = atomic_load_explicit(&from->dropped[reason], memory_order_relaxed);
}

/* ---- word to the owner ---- */

void spool_note_move(struct spool *spool)
{
	const struct spool_events *events = &spool->options.events;
	if (events->moved != NULL)
		events->moved(events->context);
}

/*
 * An exchange on both sides: if ours comes first, who asks sees what we have counted; else we find that he has asked. A
 * million drops in a second call nobody but the first.
 */
void spool_note_loss(struct spool *spool)
{
	const struct spool_events *events = &spool->options.events;
	if (!atomic_exchange_explicit(&spool->loss_is_told, true, memory_order_acq_rel) && events->lost != NULL)
		events->lost(events->context);
}

void spool_await_loss(struct spool *spool)
{
	atomic_exchange_explicit(&spool->loss_is_told, false, memory_order_acq_rel);
}

/* ---- blocks ---- */

static bool has_free_block(struct pool *pool, enum spool_block_use use)
{
	return pool_free_blocks(pool) >= (use == SPOOL_BLOCK_SHEDS ? 1 : 2);
}

static struct spool_block *try_take(struct spool *spool, struct pool *pool, enum spool_block_use use)
{
	if (!has_free_block(pool, use) || !space_reserve(spool, 1))
		return NULL;
	return pool_take(pool);
}

static bool would_take(struct spool *spool, struct pool *pool, enum spool_block_use use)
{
	return has_free_block(pool, use) && atomic_load_explicit(&spool->slots_free, memory_order_seq_cst) > 0;
}

/* Then once more is to be looked: room made in between is either found there, or finds the wish. */
static void wish_for_room(struct spool *spool)
{
	atomic_store_explicit(&spool->wants_room, true, memory_order_seq_cst);
}

bool spool_has_block(struct spool *spool, unsigned worker, enum spool_block_use use)
{
	assert(worker < spool->options.workers);
	struct pool *pool = &spool->pool[worker];
	if (would_take(spool, pool, use))
		return true;
	wish_for_room(spool);
	return would_take(spool, pool, use);
}

struct spool_block *spool_take_block(struct spool *spool, unsigned worker, enum spool_block_use use, unsigned input,
                                     int64_t base_ns)
{
	assert(worker < spool->options.workers && input < spool->ledger.inputs);
	if (spool_has_failed(spool) || spool_level(spool) == SPOOL_LEVEL_FULL)
		return NULL; /* a better level is announced to everybody */
	struct spool_block *block = try_take(spool, &spool->pool[worker], use);
	if (block == NULL) {
		wish_for_room(spool);
		block = try_take(spool, &spool->pool[worker], use);
	}
	if (block != NULL)
		block_start(block, input, base_ns);
	return block;
}

uint64_t spool_submit_block(struct spool *spool, struct spool_block *block)
{
	struct pool *pool = &spool->pool[block->worker];
	if (block->header.count == 0) {
		pool_untake(pool, block);
		atomic_fetch_add_explicit(&spool->slots_free, 1, memory_order_seq_cst);
		if (atomic_load_explicit(&spool->wants_room, memory_order_seq_cst))
			keeper_wake(spool, true); /* another worker may have missed just this one */
		return pool->submitted;
	}
	block_seal(block, pool->compressor, pool->scratch);
	uint64_t span = block_span(&block->header);
	pool_submit(pool, block);
	/* The block is the writer's now, and may be stored already. */
	writer_notify(spool, span);
	return pool->submitted;
}

uint64_t spool_worker_stored(const struct spool *spool, unsigned worker)
{
	assert(worker < spool->options.workers);
	return atomic_load_explicit(&spool->pool[worker].stored, memory_order_acquire);
}
