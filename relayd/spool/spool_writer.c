/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: the only code that writes segments, and the whole policy of syncing.
 *
 * What waits is written as one group, synced once, and then published (group commit): when GROUP_GATHER_BYTES wait, or
 * when GROUP_GATHER_NS have passed since the last group started; GROUP_GATHER_UNAWAITED_NS if no sender waits for
 * an answer. So an idle relay answers in one sync's time and a busy one does a thousand syncs a second at the most. With
 * nothing to do the thread sleeps without any timer.
 *
 * When writing fails, or is short, what lies behind the last good block is unknown: the segment is left there, and the
 * blocks are written into the next one (rule 24). When that fails too, or any sync fails, the spool has failed: the
 * kernel may have dropped the pages already, and a second sync would turn a lie into an "ok". Nothing is published
 * after that.
 */
#include "base/clock.h"
#include "spool/spool_internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- gathering ---- */

static uint64_t take_from_pool(struct writer *writer, struct pool *pool, uint64_t bytes)
{
	struct spool_block *block;
	while (bytes < GROUP_MAX_BYTES && (block = pool_next_filled(pool)) != NULL) {
		writer->group[writer->group_count++] = block;
		bytes += block_span(&block->header);
	}
	return bytes;
}

/* Leaves the group's first place to the control block: names must be on the disk before the blocks that use them. */
static void gather(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	uint64_t bytes = 0;
	writer->group_count = 1;
	for (unsigned i = 0; i < spool->options.workers; i++)
		bytes = take_from_pool(writer, &spool->pool[i], bytes);
	atomic_fetch_sub_explicit(&writer->waiting_bytes, bytes, memory_order_seq_cst);
}

/*
 * Puts the blocks that are not to be written behind the others: fences, and those of streams that are known already or
 * void (rule 30). Returns how many blocks there are in all; group_count is what is left to write.
 */
static unsigned judge(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	unsigned all = writer->group_count, kept = 1, voids = 0;
	for (unsigned i = 1; i < all; i++) {
		struct spool_block *block = writer->group[i];
		if (marks_judge(&spool->marks, block)) {
			writer->group[kept++] = block;
		} else {
			writer->voids[voids++] = block;
			atomic_fetch_add_explicit(&spool->voided[block->header.input], block->header.count, memory_order_relaxed);
		}
	}
	memcpy(writer->group + kept, writer->voids, voids * sizeof *writer->voids);
	writer->group_count = kept;
	return all;
}

static int64_t slots_of_control(struct spool *spool, bool with_marks)
{
	size_t marks = with_marks ? marks_changes_bytes_max() : 0;
	uint64_t span = block_memory_bytes((uint32_t)(ledger_bytes_max(&spool->ledger) + marks));
	uint64_t slot = space_slot_bytes(spool);
	return (int64_t)((span + slot - 1) / slot);
}

/* Fills the control block if counters changed and there is room for it; else they ride with a later group. */
static bool fill_control(struct spool *spool)
{
	struct spool_block *control = &spool->writer.control;
	bool with_marks = marks_have_changes(&spool->marks); /* asked once: they may come from other threads meanwhile */
	if (!ledger_has_changes(&spool->ledger) && !with_marks)
		return false;
	spool->writer.control_slots = slots_of_control(spool, with_marks);
	if (!space_reserve(spool, spool->writer.control_slots))
		return false;
	block_start(control, 0, 0);
	uint8_t *at = control->memory + BLOCK_HEADER_BYTES;
	control->len = (uint32_t)ledger_write_changes(&spool->ledger, at, control->room);
	if (with_marks)
		control->len += (uint32_t)marks_write_changes(&spool->marks, at + control->len, control->room - control->len);
	block_seal(control, NULL, NULL);
	control->header.kind = BLOCK_CONTROL;
	return true;
}

/* ---- writing ---- */

static void number_blocks(struct spool *spool, struct spool_block **block, unsigned count)
{
	struct writer *writer = &spool->writer;
	for (unsigned i = 0; i < count; i++) {
		struct block_header *header = &block[i]->header;
		header->first = writer->next;
		writer->next += header->count;
		header->last = writer->next - 1;
	}
	atomic_store_explicit(&spool->appended, writer->next - 1, memory_order_release);
}

/* How many of the blocks one write can take: as many as fit into the segment in front of its end block. */
static unsigned blocks_that_fit(const struct current_segment *segment, struct spool_block *const *block, unsigned count)
{
	unsigned fit = 0;
	uint64_t end = segment->offset + BLOCK_HEADER_BYTES;
	while (fit < count && fit < DISK_PARTS_MAX && end + block_span(&block[fit]->header) <= segment->size)
		end += block_span(&block[fit++]->header);
	return fit;
}

/* A large group goes through the window of recent ones and past the page cache, if all its pages lie in the segment. */
static int write_parts(struct spool *spool, const struct iovec *part, unsigned count, uint64_t len)
{
	struct current_segment *current = &spool->writer.current;
	struct recent_pages pages;
	struct recent_group group = {current->file, current->counter, current->offset, part, (int)count, (size_t)len};
	if (disk_page_end(current->offset + len) <= current->size && recent_wants(&spool->recent, (size_t)len) &&
	    recent_put(&spool->recent, spool->disk, &group, &pages))
		return disk_write_pages(spool->disk, current->file, pages.part, pages.count, pages.offset);
	return disk_write(spool->disk, current->file, part, (int)count, current->offset);
}

static int write_run(struct spool *spool, struct spool_block *const *block, unsigned count)
{
	assert(count > 0 && count <= DISK_PARTS_MAX);
	struct writer *writer = &spool->writer;
	struct iovec part[DISK_PARTS_MAX];
	uint64_t len = 0;
	for (unsigned i = 0; i < count; i++) {
		block[i]->header.synced = writer->synced;
		block_header_write(&block[i]->header, writer->current.salt, block[i]->memory);
		struct bytes octets = block_octets(block[i]);
		part[i] = (struct iovec){.iov_base = block[i]->memory, .iov_len = octets.len};
		len += octets.len;
	}
	int result = write_parts(spool, part, count, len);
	if (result < 0)
		return result;
	writer->current.offset += len;
	atomic_fetch_add_explicit(&writer->written_bytes, len, memory_order_relaxed);
	for (unsigned i = 0; i < count; i++) {
		ledger_count_block(&spool->ledger, &block[i]->header);
		marks_note_written(&spool->marks, &block[i]->header);
		ledger_count_sources(&spool->ledger, block[i]);
	}
	return 0;
}

/* What has failed, with the file and the place: whoever has to look at the disk needs both. */
static void fail_here(struct spool *spool, const char *doing, int error)
{
	const struct current_segment *current = &spool->writer.current;
	char text[SPOOL_ERROR_MAX_BYTES / 4];
	snprintf(text, sizeof text, "%s segment %llu, at offset %llu", doing, (unsigned long long)current->counter,
	         (unsigned long long)current->offset);
	spool_fail(spool, text, error);
}

static int sync_current(struct spool *spool)
{
	int result = spool->disk->sync(spool->disk, spool->writer.current.file);
	atomic_fetch_add_explicit(&spool->writer.syncs, 1, memory_order_relaxed);
	return result;
}

static void set_end_of_newest(struct spool *spool, uint64_t end)
{
	pthread_mutex_lock(&spool->table_lock);
	struct segment_table *table = &spool->table;
	assert(table->count > 0 && table->entry[table->count - 1].end <= end);
	table->entry[table->count - 1].end = end;
	pthread_mutex_unlock(&spool->table_lock);
}

int writer_rotate(struct spool *spool, uint64_t first, uint64_t previous_last)
{
	struct writer *writer = &spool->writer;
	struct current_segment next;
	uint64_t spare;
	int result = sync_current(spool);
	if (result < 0)
		return result;
	set_end_of_newest(spool, writer->current.offset);
	writer->synced = first - 1;
	struct segment_header place = {
		.counter = writer->current.counter + 1, .first = first, .previous_last = previous_last};
	result = segment_prepare(spool, &place, spool->options.segment_size_bytes, &next, &spare);
	if (result < 0)
		return result;
	result = segment_publish(spool, &next, spare);
	if (result < 0) {
		spool->disk->close(spool->disk, next.file);
		return result;
	}
	spool->disk->close(spool->disk, writer->current.file);
	writer->current = next;
	if (spool->started)
		keeper_wake(spool, true); /* a spare is gone */
	return 0;
}

/* Writes the blocks, over as many segments as it takes; a segment that could not be written to is left. */
static bool write_blocks(struct spool *spool, struct spool_block **block, unsigned count)
{
	struct writer *writer = &spool->writer;
	unsigned done = 0;
	while (done < count) {
		unsigned fit = blocks_that_fit(&writer->current, block + done, count - done);
		int result = fit > 0 ? write_run(spool, block + done, fit) : -ENOSPC;
		if (result == 0) {
			done += fit;
			writer->bad_writes = 0;
			continue;
		}
		if (fit > 0 && ++writer->bad_writes > 1) {
			fail_here(spool, "cannot write to", result);
			return false;
		}
		result = writer_rotate(spool, block[done]->header.first, block[done]->header.first - 1);
		if (result < 0) {
			fail_here(spool, "cannot go on behind", result);
			return false;
		}
	}
	return true;
}

/* ---- publishing ---- */

static void publish(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	set_end_of_newest(spool, writer->current.offset);
	atomic_fetch_add_explicit(&writer->groups, 1, memory_order_relaxed);
	/* seq_cst: a reader arms itself, then looks here once more; we move this, then look who is armed. */
	atomic_store_explicit(&spool->stored, writer->next - 1, memory_order_seq_cst);
	spool_note_move(spool);
}

/* The group's blocks go back to their workers, who are told once each. */
static void return_blocks(struct spool *spool, struct spool_block **block, unsigned count)
{
	uint64_t ordinal[SPOOL_WORKERS_MAX] = {0};
	for (unsigned i = 0; i < count; i++) {
		if (block[i]->ordinal > ordinal[block[i]->worker]) /* void ones come last */
			ordinal[block[i]->worker] = block[i]->ordinal;
		pool_give_back(&spool->pool[block[i]->worker], block[i]);
	}
	const struct spool_events *events = &spool->options.events;
	for (unsigned i = 0; i < spool->options.workers; i++) {
		if (ordinal[i] == 0)
			continue;
		atomic_store_explicit(&spool->pool[i].stored, ordinal[i], memory_order_release);
		if (events->worker_stored != NULL)
			events->worker_stored(events->context, i);
	}
}

/* Writes group[from..], syncs, publishes. */
static bool commit(struct spool *spool, unsigned from)
{
	struct writer *writer = &spool->writer;
	number_blocks(spool, writer->group + from, writer->group_count - from);
	if (!write_blocks(spool, writer->group + from, writer->group_count - from))
		return false;
	if (spool->options.sync == SPOOL_SYNC_GROUP) {
		int result = sync_current(spool);
		if (result < 0) {
			fail_here(spool, "cannot sync", result);
			return false;
		}
		writer->synced = writer->next - 1;
	}
	marks_publish(&spool->marks, writer->group + from, writer->group_count - from);
	publish(spool);
	return true;
}

bool writer_turn(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	if (spool_has_failed(spool))
		return false;
	gather(spool);
	if (writer->group_count == 1 && !marks_have_changes(&spool->marks) && !ledger_has_changes(&spool->ledger))
		return false;
	unsigned all = judge(spool);
	int64_t slots = all - 1;
	bool control = fill_control(spool);
	if (control) {
		writer->group[0] = &writer->control;
		slots += writer->control_slots;
	}
	unsigned from = control ? 0 : 1;
	if (writer->group_count > from && !commit(spool, from))
		return false;
	return_blocks(spool, writer->group + 1, all - 1);
	readers_wake(spool);
	space_settle(spool, slots);
	return true;
}

void writer_flush_ledger(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	ledger_tick(&spool->ledger, UINT64_MAX);
	if (spool_has_failed(spool) || !fill_control(spool))
		return;
	writer->group[0] = &writer->control;
	writer->group_count = 1;
	if (commit(spool, 0))
		space_settle(spool, writer->control_slots);
}

/*
 * The next start looks through the newest segment: so one with many blocks is ended before, by a new one that has only its
 * checkpoint. It takes a spare, but not the last, which that start needs itself. Where it fails, all is as it was: that
 * start takes longer.
 */
static void end_long_segment(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	struct segment_table *table = &spool->table;
	uint64_t end = writer->current.offset;
	if (table->spares < 2 || end - writer->current.head < writer->current.size / LONG_SEGMENT_PART)
		return;
	if (writer_rotate(spool, writer->next, writer->next - 1) == 0)
		segment_cut(spool, &table->entry[table->count - 2], end);
}

void writer_end(struct spool *spool)
{
	struct writer *writer = &spool->writer;
	uint8_t octets[BLOCK_HEADER_BYTES];
	struct iovec part = {.iov_base = octets, .iov_len = sizeof octets};
	struct block_header header = {
		.kind = BLOCK_END,
		.first = writer->next,
		.last = writer->next - 1,
		.synced = writer->next - 1,
	};
	if (spool_has_failed(spool))
		return;
	/* The end says that all before it is on the disk: so that comes first, and the end needs no other proof. */
	int result = sync_current(spool);
	if (result == 0) {
		end_long_segment(spool);
		block_header_write(&header, writer->current.salt, octets);
		result = disk_write(spool->disk, writer->current.file, &part, 1, writer->current.offset);
	}
	if (result == 0)
		result = sync_current(spool);
	if (result < 0)
		fail_here(spool, "cannot sync", result);
}

/* ---- when ---- */

static uint64_t gather_ns(const struct writer *writer, uint64_t now)
{
	uint64_t awaited = atomic_load_explicit(&writer->awaited_ns, memory_order_relaxed);
	return awaited != 0 && now < awaited + GROUP_AWAITED_NS ? GROUP_GATHER_NS : GROUP_GATHER_UNAWAITED_NS;
}

/* When a small group may start. */
static uint64_t due_ns(const struct writer *writer, uint64_t now)
{
	return atomic_load_explicit(&writer->group_started_ns, memory_order_relaxed) + gather_ns(writer, now);
}

void spool_await_group(struct spool *spool)
{
	atomic_store_explicit(&spool->writer.awaited_ns, clock_monotonic_ns(), memory_order_relaxed);
}

/* ---- the thread ---- */

static void wake(struct writer *writer)
{
	if (atomic_exchange_explicit(&writer->sleep, WRITER_AWAKE, memory_order_seq_cst) != WRITER_AWAKE)
		syscall(SYS_futex, &writer->sleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void writer_nudge(struct spool *spool)
{
	atomic_store_explicit(&spool->writer.nudged, true, memory_order_seq_cst);
	wake(&spool->writer);
}

void writer_notify(struct spool *spool, uint64_t len)
{
	struct writer *writer = &spool->writer;
	/* seq_cst on both: we add, then look whether it sleeps; it says that it sleeps, then looks what waits. */
	uint64_t waiting = atomic_fetch_add_explicit(&writer->waiting_bytes, len, memory_order_seq_cst) + len;
	uint32_t sleep = atomic_load_explicit(&writer->sleep, memory_order_seq_cst);
	if (sleep == WRITER_IDLE || (sleep == WRITER_GATHERING && waiting >= GROUP_GATHER_BYTES))
		wake(writer);
}

/* Sleeps until woken, or for `ns` at most if it is not 0, unless so many octets wait as would wake it. */
static void sleep_until_woken(struct writer *writer, enum writer_sleep how, uint64_t enough, uint64_t ns)
{
	atomic_store_explicit(&writer->sleep, how, memory_order_seq_cst);
	if (atomic_load_explicit(&writer->waiting_bytes, memory_order_seq_cst) < enough &&
	    !atomic_load_explicit(&writer->nudged, memory_order_seq_cst) &&
	    !atomic_load_explicit(&writer->stop, memory_order_seq_cst)) {
		struct timespec most = {.tv_nsec = (long)ns};
		syscall(SYS_futex, &writer->sleep, FUTEX_WAIT_PRIVATE, how, ns > 0 ? &most : NULL, NULL, 0);
	}
	atomic_store_explicit(&writer->sleep, WRITER_AWAKE, memory_order_seq_cst);
}

static void run_group(struct spool *spool, uint64_t now)
{
	struct writer *writer = &spool->writer;
	atomic_store_explicit(&writer->group_started_ns, now, memory_order_relaxed);
	atomic_store_explicit(&writer->busy, true, memory_order_release);
	ledger_tick(&spool->ledger, now);
	writer_turn(spool);
	atomic_store_explicit(&writer->busy, false, memory_order_release);
}

void *writer_main(void *context)
{
	struct spool *spool = context;
	struct writer *writer = &spool->writer;
	for (;;) {
		bool stop = atomic_load_explicit(&writer->stop, memory_order_seq_cst);
		uint64_t waiting = atomic_load_explicit(&writer->waiting_bytes, memory_order_seq_cst);
		uint64_t now = clock_monotonic_ns();
		uint64_t due = due_ns(writer, now);
		if (stop && (waiting == 0 || spool_has_failed(spool)))
			break;
		bool nudged = atomic_exchange_explicit(&writer->nudged, false, memory_order_seq_cst);
		if ((waiting == 0 && !nudged) || spool_has_failed(spool))
			sleep_until_woken(writer, WRITER_IDLE, spool_has_failed(spool) ? UINT64_MAX : 1, 0);
		else if (waiting < GROUP_GATHER_BYTES && now < due && !stop && !nudged)
			sleep_until_woken(writer, WRITER_GATHERING, GROUP_GATHER_BYTES, due - now);
		else
			run_group(spool, now);
	}
	return NULL;
}

void writer_stop(struct spool *spool)
{
	atomic_store_explicit(&spool->writer.stop, true, memory_order_seq_cst);
	wake(&spool->writer);
}

bool spool_would_start_group(const struct spool *spool)
{
	const struct writer *writer = &spool->writer;
	if (atomic_load_explicit(&writer->busy, memory_order_acquire))
		return false;
	if (atomic_load_explicit(&writer->waiting_bytes, memory_order_relaxed) >= GROUP_GATHER_BYTES)
		return true;
	uint64_t now = clock_monotonic_ns();
	return now >= due_ns(writer, now);
}

uint64_t spool_gathers_until_ns(const struct spool *spool, bool *is_late)
{
	const struct writer *writer = &spool->writer;
	uint64_t now = clock_monotonic_ns();
	uint64_t due = due_ns(writer, now);
	*is_late = due <= now && atomic_load_explicit(&writer->busy, memory_order_acquire);
	if (due > now)
		return due;
	/* It starts now, or when the sync is done. */
	bool is_at_work = *is_late || atomic_load_explicit(&writer->waiting_bytes, memory_order_relaxed) > 0;
	return is_at_work ? now + gather_ns(writer, now) : 0;
}

uint64_t spool_next_group_ns(const struct spool *spool)
{
	const struct writer *writer = &spool->writer;
	uint64_t now = clock_monotonic_ns();
	uint64_t due = due_ns(writer, now);
	if (due > now)
		return due;
	/* A sync that takes long: nobody knows when it ends, so the worker looks again soon. */
	return atomic_load_explicit(&writer->busy, memory_order_acquire) ? now + GROUP_GATHER_NS / 4 : now;
}
