/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool_peek.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "spool/segment_walk.h"
#include "spool/spool_internal.h"

/* ---- the last message ---- */

struct newest {
	uint64_t counter;
	uint64_t first;
};

static void take_newest(void *context, const char *name)
{
	struct newest *newest = context;
	uint64_t counter, first;
	if (segment_name_parse(name, &counter, &first) && counter >= newest->counter)
		*newest = (struct newest){counter, first};
}

/* The last sequence in the blocks of an open segment, whose header is in order. Only headers of blocks are read. */
static uint64_t last_of_blocks(const struct disk *disk, int file, int64_t size, const struct segment_header *segment)
{
	uint64_t last = segment->first - 1;
	struct segment_walk walk = {.disk = disk};
	struct block_header block;
	walk_start(&walk, file, segment->salt, SEGMENT_HEADER_BYTES, (uint64_t)size);
	walk.read_bytes = WALK_PEEK_BYTES;
	while (walk_look(&walk, &block) == WALK_BLOCK) {
		if (block.kind == BLOCK_RECORDS && block.last > last)
			last = block.last;
		walk_pass(&walk, &block);
	}
	walk_free(&walk);
	return last;
}

/* As far as it can be seen; 0 if there is no message. A relay may be writing meanwhile. */
static uint64_t last_stored(const struct spool *spool)
{
	const struct disk *disk = spool->disk;
	struct newest newest = {0};
	if (disk->list(disk, spool->directory, take_newest, &newest) < 0 || newest.first == 0)
		return 0;
	int file = segment_open(spool, newest.counter, newest.first);
	if (file < 0)
		return newest.first - 1;
	char name[DISK_NAME_MAX_BYTES];
	segment_name(newest.counter, newest.first, name);
	int64_t size = disk->size(disk, spool->directory, name);
	struct segment_header header;
	int error;
	uint64_t last = newest.first - 1;
	if (size > 0 &&
	    segment_header_load(disk, file, newest.counter, newest.first, &header, &error) == SEGMENT_HEADER_VALID)
		last = last_of_blocks(disk, file, size, &header);
	disk->close(disk, file);
	return last;
}

/* ---- cursors ---- */

static int count_cursors(const struct cursors *all, uint64_t last, struct spool_peeked *cursors, unsigned max)
{
	unsigned count = 0;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &all->cursor[i];
		if (!cursor->used)
			continue;
		if (count < max) {
			memcpy(cursors[count].name, cursor->name, sizeof cursor->name);
			uint64_t delivered = spool_cursor_delivered(cursor);
			cursors[count].delivered = delivered;
			cursors[count].pending = last > delivered ? last - delivered : 0;
		}
		count++;
	}
	return (int)count;
}

static int peek(struct spool *spool, struct spool_peeked *cursors, unsigned max)
{
	int error = 0;
	switch (cursors_load(spool, &error)) {
	case CURSORS_LOADED:
		return count_cursors(&spool->cursors, last_stored(spool), cursors, max);
	case CURSORS_MISSING:
		return error == -ENOENT ? 0 : -EINVAL;
	case CURSORS_NEWER:
		return -ENOTSUP;
	case CURSORS_FAILED:
		break;
	}
	return error;
}

int spool_peek(const char *path, struct spool_peeked *cursors, unsigned max)
{
	/* Opening the directory would make it. */
	struct stat status;
	if (stat(path, &status) != 0)
		return errno == ENOENT ? 0 : -errno;
	struct spool *spool = calloc(1, sizeof *spool);
	if (spool == NULL)
		return -ENOMEM;
	spool->disk = &disk_real;
	spool->directory = spool->disk->open_directory(spool->disk, path);
	int result = spool->directory;
	if (spool->directory >= 0) {
		cursors_init(spool);
		result = peek(spool, cursors, max);
		cursors_close(spool);
		spool->disk->close(spool->disk, spool->directory);
	}
	free(spool);
	return result;
}
