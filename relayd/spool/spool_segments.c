/* SPDX-License-Identifier: Apache-2.0 */
/* The files of segments: making spares ahead of time, and turning a spare into the next segment (rule 17). */
#include "base/clock.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <liblog/slog.h>
#include <stdlib.h>

bool segments_add(struct spool *spool, const struct segment_entry *entry)
{
	struct segment_table *table = &spool->table;
	if (table->count == table->room) {
		unsigned room = table->room > 0 ? 2 * table->room : 64;
		struct segment_entry *grown = realloc(table->entry, room * sizeof *grown);
		if (grown == NULL)
			return false;
		table->entry = grown;
		table->room = room;
	}
	table->entry[table->count++] = *entry;
	return true;
}

int segment_open(const struct spool *spool, uint64_t counter, uint64_t first)
{
	char name[DISK_NAME_MAX_BYTES];
	segment_name(counter, first, name);
	return spool->disk->open(spool->disk, spool->directory, name, DISK_OPEN_READ);
}

/* ---- spares ---- */

/* A file that could not be made in full is not left behind: it would hold space and be good for nothing. */
static int make_file(struct spool *spool, const char *name, uint64_t size)
{
	const struct disk *disk = spool->disk;
	int file = disk->open(disk, spool->directory, name, DISK_OPEN_CREATE);
	if (file < 0)
		return file;
	int result = disk->allocate(disk, file, size);
	/* Synced here, where nobody waits, so that the first group in it need not write the file's new size. */
	if (result == 0)
		result = disk->sync(disk, file);
	if (result == 0)
		return file;
	disk->close(disk, file);
	disk->unlink(disk, spool->directory, name);
	return result;
}

int segment_make_spare(struct spool *spool)
{
	char name[DISK_NAME_MAX_BYTES];
	pthread_mutex_lock(&spool->table_lock);
	uint64_t number = spool->table.next_number++;
	pthread_mutex_unlock(&spool->table_lock);
	segment_spare_name(number, name);
	int file = make_file(spool, name, spool->options.segment_size_bytes);
	if (file < 0)
		return file;
	spool->disk->close(spool->disk, file);

	pthread_mutex_lock(&spool->table_lock);
	assert(spool->table.spares < SPARES_MAX);
	spool->table.spare[spool->table.spares++] = number;
	pthread_mutex_unlock(&spool->table_lock);
	return 0;
}

/* Takes a spare if it is large enough, or makes a file of that size. A handle, or a negative errno. */
static int take_spare(struct spool *spool, uint64_t *size, uint64_t *number)
{
	char name[DISK_NAME_MAX_BYTES];
	struct segment_table *table = &spool->table;
	pthread_mutex_lock(&spool->table_lock);
	bool found = table->spares > 0 && *size <= spool->options.segment_size_bytes;
	*number = found ? table->spare[--table->spares] : table->next_number++;
	pthread_mutex_unlock(&spool->table_lock);
	segment_spare_name(*number, name);
	if (found)
		*size = spool->options.segment_size_bytes;
	return found ? spool->disk->open(spool->disk, spool->directory, name, DISK_OPEN_WRITE)
	             : make_file(spool, name, *size);
}

/* ---- a new segment ---- */

static int write_head(struct spool *spool, const struct segment_header *header, struct current_segment *segment)
{
	size_t room = space_checkpoint_bytes(spool); /* the most there can be: a stream may be adopted meanwhile */
	size_t memory = SEGMENT_HEADER_BYTES + (size_t)block_memory_bytes((uint32_t)room);
	uint8_t *head = calloc(1, memory);
	if (head == NULL)
		return -ENOMEM;
	segment_header_write(header, head);
	struct spool_block checkpoint = {.memory = head + SEGMENT_HEADER_BYTES, .room = (uint32_t)room};
	block_start(&checkpoint, 0, 0);
	uint8_t *at = checkpoint.memory + BLOCK_HEADER_BYTES;
	checkpoint.len = (uint32_t)ledger_write_all(&spool->ledger, at, room);
	checkpoint.len += (uint32_t)marks_write_all(&spool->marks, at + checkpoint.len, room - checkpoint.len);
	block_seal(&checkpoint, NULL, NULL);
	checkpoint.header.kind = BLOCK_CHECKPOINT;
	checkpoint.header.first = segment->first;
	checkpoint.header.last = segment->first - 1;
	checkpoint.header.synced = segment->first - 1;
	block_header_write(&checkpoint.header, segment->salt, checkpoint.memory);

	size_t len = SEGMENT_HEADER_BYTES + block_octets(&checkpoint).len;
	struct iovec part = {.iov_base = head, .iov_len = len};
	int result = disk_write(spool->disk, segment->file, &part, 1, 0);
	free(head);
	segment->head = segment->offset = len;
	return result;
}

int segment_prepare(struct spool *spool, const struct segment_header *place, uint64_t size,
                    struct current_segment *segment, uint64_t *spare)
{
	struct segment_header header = *place;
	int file = take_spare(spool, &size, spare);
	if (file < 0)
		return file;
	memcpy(header.spool_id, spool->id, sizeof header.spool_id);
	spool_random(&header.salt, sizeof header.salt);
	header.begun_ns = clock_wall_ns();
	*segment = (struct current_segment){
		.file = file,
		.counter = header.counter,
		.first = header.first,
		.salt = header.salt,
		.size = size,
	};
	int result = write_head(spool, &header, segment);
	if (result < 0) {
		/* The file keeps its name and becomes a spare again at the next start: writing to it has just failed. */
		spool->disk->close(spool->disk, file);
		segment->file = -1;
	}
	return result;
}

int segment_publish(struct spool *spool, struct current_segment *segment, uint64_t spare)
{
	const struct disk *disk = spool->disk;
	char from[DISK_NAME_MAX_BYTES], to[DISK_NAME_MAX_BYTES];
	segment_spare_name(spare, from);
	segment_name(segment->counter, segment->first, to);
	int result = disk->sync(disk, segment->file);
	if (result == 0)
		result = disk->rename(disk, spool->directory, from, to);
	if (result == 0)
		result = disk->sync_directory(disk, spool->directory);
	if (result < 0)
		return result;

	struct segment_entry entry = {
		.counter = segment->counter,
		.first = segment->first,
		.size = segment->size,
		.end = segment->offset,
		.begun_ns = clock_wall_ns(),
	};
	pthread_mutex_lock(&spool->table_lock);
	bool added = segments_add(spool, &entry);
	pthread_mutex_unlock(&spool->table_lock);
	return added ? 0 : -ENOMEM;
}

void segment_cut(struct spool *spool, struct segment_entry *entry, uint64_t at)
{
	char name[DISK_NAME_MAX_BYTES];
	segment_name(entry->counter, entry->first, name);
	int file = spool->disk->open(spool->disk, spool->directory, name, DISK_OPEN_WRITE);
	int result = file >= 0 ? spool->disk->truncate(spool->disk, file, at) : file;
	if (file >= 0)
		spool->disk->close(spool->disk, file);
	if (result == 0)
		entry->size = entry->end = at;
	else
		slog_warning("spool_segment_not_cut", "path", spool->path, "segment", entry->counter, "error", strerror(-result));
}

/* Notes that are dealt with, of segments that are gone: nobody will come past there again. */
static void forget_old_damage(struct segment_table *table)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < table->damages; i++)
		if (table->damage[i].len > 0 || (table->count > 0 && table->damage[i].counter >= table->entry[0].counter))
			table->damage[kept++] = table->damage[i];
	table->damages = kept;
}

/* No room for a note. Readers come past in order, so that the highest sequence counted tells what is news. */
static void count_damage(struct spool *spool, const struct damage_note *note)
{
	struct segment_table *table = &spool->table;
	uint64_t first = note->first > table->damage_counted_to ? note->first : table->damage_counted_to + 1;
	if (note->last < first)
		return;
	ledger_count_damaged(&spool->ledger, note->last - first + 1);
	table->damage_counted_to = note->last;
}

void segments_note_damage(struct spool *spool, const struct damage_note *note)
{
	struct segment_table *table = &spool->table;
	pthread_mutex_lock(&spool->table_lock);
	bool known = false;
	for (unsigned i = 0; i < table->damages; i++)
		known = known || (table->damage[i].counter == note->counter && table->damage[i].offset == note->offset);
	if (!known)
		forget_old_damage(table);
	if (!known && table->damages < DAMAGE_NOTES_MAX)
		table->damage[table->damages++] = *note;
	else if (!known)
		count_damage(spool, note);
	pthread_mutex_unlock(&spool->table_lock);
}
