/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are, and what stands in them beside the messages. The walk is in spool_files_walk.c. */
#include "spool/spool_files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/segment_walk.h"

/* Whatever is opened here is opened for reading: the spool may be another user's, or on a disk that takes no writes. */
static int open_for_reading(const struct disk *disk, int directory, const char *name, enum disk_open how)
{
	(void)how;
	return disk_real.open(disk, directory, name, DISK_OPEN_READ);
}

static bool refuse(char *error, const char *path, const char *what)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: %s", path, what);
	return false;
}

/* ---- listing ---- */

struct listing {
	struct spool_files *files;
	bool no_memory;
};

static void take_segment(struct listing *listing, uint64_t counter, uint64_t first, uint64_t size)
{
	struct spool_files *files = listing->files;
	if (files->count == files->room) {
		unsigned room = files->room == 0 ? 64 : 2 * files->room;
		struct spool_files_segment *segments = realloc(files->segments, room * sizeof *segments);
		if (segments == NULL) {
			listing->no_memory = true;
			return;
		}
		files->segments = segments;
		files->room = room;
	}
	files->segments[files->count++] = (struct spool_files_segment){.counter = counter, .first = first, .size = size};
}

static void take_file(void *context, const char *name)
{
	struct listing *listing = context;
	struct spool_files *files = listing->files;
	uint64_t counter, first;
	int64_t size = files->disk.size(&files->disk, files->spool.directory, name);
	if (size < 0)
		return; /* gone in this moment */
	if (segment_name_parse(name, &counter, &first))
		take_segment(listing, counter, first, (uint64_t)size);
	else if (segment_spare_name_parse(name, &counter))
		files->spare_bytes += (uint64_t)size;
	else if (segment_damaged_name_parse(name, &counter, &first) || segment_aside_name_parse(name, &counter, &first))
		files->set_aside++;
}

static int by_counter(const void *a, const void *b)
{
	uint64_t x = ((const struct spool_files_segment *)a)->counter, y = ((const struct spool_files_segment *)b)->counter;
	return (x > y) - (x < y);
}

int spool_files_open_segment(const struct spool_files *files, const struct spool_files_segment *segment)
{
	if (files->file != NULL)
		return files->disk.open(&files->disk, files->spool.directory, files->file, DISK_OPEN_READ);
	return segment_open(&files->spool, segment->counter, segment->first);
}

static void read_header(struct spool_files *files, struct spool_files_segment *segment)
{
	struct segment_header header;
	int error, file = spool_files_open_segment(files, segment);
	if (file < 0)
		return;
	enum segment_header_result result =
		segment_header_load(&files->disk, file, segment->counter, segment->first, &header, &error);
	files->disk.close(&files->disk, file);
	if (result != SEGMENT_HEADER_VALID)
		return;
	segment->valid = true;
	segment->salt = header.salt;
	segment->previous_last = header.previous_last;
	segment->begun_ns = header.begun_ns;
	segment->foreign = files->cursors == CURSORS_LOADED && files->file == NULL &&
	                   memcmp(header.spool_id, files->spool.id, sizeof header.spool_id) != 0;
}

static bool list(struct spool_files *files, char *error)
{
	struct listing listing = {.files = files};
	int result = files->disk.list(&files->disk, files->spool.directory, take_file, &listing);
	if (result < 0 || listing.no_memory)
		return refuse(error, files->spool.path, strerror(listing.no_memory ? ENOMEM : -result));
	if (files->count > 0)
		qsort(files->segments, files->count, sizeof *files->segments, by_counter);
	for (unsigned i = 0; i < files->count; i++)
		read_header(files, &files->segments[i]);
	return true;
}

/* ---- names, streams, and the end ---- */

static void read_marks(struct spool_files *files, struct bytes payload, bool checkpoint)
{
	struct section section;
	if (checkpoint)
		marks_clear(&files->spool.marks);
	while (section_next(&payload, &section) && marks_read_section(&files->spool.marks, &section, checkpoint))
		;
}

/*
 * The names of inputs and the last sequence stand in the newest segment: its checkpoint has all that older ones know. If
 * that is damaged, the one before it.
 */
static bool read_segment(struct spool_files *files, const struct spool_files_segment *segment)
{
	struct segment_walk walk = {.disk = &files->disk};
	struct block_header header;
	struct bytes payload;
	bool has_checkpoint = false;
	int file = segment->valid ? segment_open(&files->spool, segment->counter, segment->first) : -1;
	if (file < 0)
		return false;
	walk_start(&walk, file, segment->salt, SEGMENT_HEADER_BYTES, segment->size);
	walk.read_bytes = WALK_PEEK_BYTES;
	while (walk_look(&walk, &header) == WALK_BLOCK) {
		bool names = header.kind == BLOCK_CHECKPOINT || header.kind == BLOCK_CONTROL;
		if (names && walk_payload(&walk, &header, &payload) == WALK_BLOCK &&
		    ledger_read(&files->spool.ledger, payload, header.kind == BLOCK_CHECKPOINT) == LEDGER_READ) {
			has_checkpoint |= header.kind == BLOCK_CHECKPOINT;
			read_marks(files, payload, header.kind == BLOCK_CHECKPOINT);
		}
		marks_note_written(&files->spool.marks, &header);
		if (header.kind == BLOCK_RECORDS && header.last > files->last)
			files->last = header.last;
		walk_pass(&walk, &header);
	}
	walk_free(&walk);
	files->disk.close(&files->disk, file);
	return has_checkpoint;
}

static void read_newest(struct spool_files *files)
{
	for (unsigned i = files->count; i-- > 0;) {
		if (files->last < files->segments[i].first - 1)
			files->last = files->segments[i].first - 1;
		if (read_segment(files, &files->segments[i]))
			break;
	}
	marks_settle(&files->spool.marks);
}

/* ---- opening ---- */

/* Not disk->open_directory(), which would make it. */
static bool open_directory(struct spool_files *files, char *error)
{
	struct stat status;
	files->spool.directory = open(files->spool.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files->spool.directory < 0)
		return refuse(error, files->spool.path, errno == ENOENT ? "there is no spool" : strerror(errno));
	if (fstatat(files->spool.directory, "cursors", &status, 0) != 0)
		return refuse(error, files->spool.path, errno == ENOENT ? "there is no spool" : strerror(errno));
	return true;
}

static struct spool_files *begin(const char *path, char *error)
{
	struct spool_files *files = calloc(1, sizeof *files);
	if (files == NULL || (files->spool.path = strdup(path)) == NULL || !ledger_init(&files->spool.ledger, 1) ||
	    !marks_init(&files->spool.marks, UINT32_MAX)) {
		refuse(error, path, "not enough memory");
		if (files != NULL) {
			ledger_free(&files->spool.ledger);
			marks_free(&files->spool.marks);
			free(files->spool.path);
		}
		free(files);
		return NULL;
	}
	files->disk = disk_real;
	files->disk.open = open_for_reading;
	files->spool.disk = &files->disk;
	files->spool.directory = -1;
	cursors_init(&files->spool);
	drops_init(&files->spool.drops);
	if (!open_directory(files, error)) {
		spool_files_close(&files);
		return NULL;
	}
	/* The cursors first: what they have was stored before, so that no output is ahead of what is seen of the messages. */
	files->cursors = cursors_load(&files->spool, &files->cursors_error);
	if (files->cursors == CURSORS_LOADED)
		(void)drops_load(&files->spool); /* what cannot be read is not shown; a start of relayd says why */
	if (!list(files, error))
		spool_files_close(&files);
	return files;
}

struct spool_files *spool_files_open(const char *path, char *error)
{
	struct spool_files *files = begin(path, error);
	if (files == NULL)
		return NULL;
	read_newest(files);
	return files;
}

struct spool_files *spool_files_open_file(const char *path, const char *name, char *error)
{
	struct spool_files *files = begin(path, error);
	if (files == NULL)
		return NULL;
	read_newest(files); /* names of inputs are the spool's */
	int64_t size = files->disk.size(&files->disk, files->spool.directory, name);
	files->file = strdup(name);
	files->count = 0;
	struct listing listing = {.files = files};
	take_segment(&listing, 1, 1, size > 0 ? (uint64_t)size : 0);
	if (size >= 0 && files->file != NULL && !listing.no_memory) {
		read_header(files, &files->segments[0]);
		return files;
	}
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s/%s: %s", path, name, strerror(size < 0 ? (int)-size : ENOMEM));
	spool_files_close(&files);
	return NULL;
}

void spool_files_close(struct spool_files **closing)
{
	struct spool_files *files = *closing;
	if (files == NULL)
		return;
	*closing = NULL;
	cursors_close(&files->spool);
	drops_close(&files->spool);
	if (files->spool.directory >= 0)
		close(files->spool.directory);
	ledger_free(&files->spool.ledger);
	marks_free(&files->spool.marks);
	free(files->segments);
	free(files->file);
	free(files->spool.path);
	free(files);
}

/* ---- what there is ---- */

unsigned spool_files_count(const struct spool_files *files)
{
	return files->count;
}

const struct spool_files_segment *spool_files_segment(const struct spool_files *files, unsigned index)
{
	assert(index < files->count);
	return &files->segments[index];
}

void spool_files_name(const struct spool_files_segment *segment, char *name)
{
	segment_name(segment->counter, segment->first, name);
}

int spool_files_set_segment_aside(const struct spool_files *files, const struct spool_files_segment *segment)
{
	char name[DISK_NAME_MAX_BYTES], aside[DISK_NAME_MAX_BYTES + 16];
	spool_files_name(segment, name);
	snprintf(aside, sizeof aside, "set-aside-%s", name);
	int result = files->disk.rename(&files->disk, files->spool.directory, name, aside);
	return result < 0 ? result : files->disk.sync_directory(&files->disk, files->spool.directory);
}

uint64_t spool_files_spare_bytes(const struct spool_files *files)
{
	return files->spare_bytes;
}

unsigned spool_files_set_aside(const struct spool_files *files)
{
	return files->set_aside;
}

int spool_files_cursors(const struct spool_files *files, struct spool_peeked *cursors, unsigned max)
{
	struct spool_orphan all[SPOOL_CURSORS_MAX];
	if (files->cursors == CURSORS_FAILED)
		return files->cursors_error;
	if (files->cursors != CURSORS_LOADED)
		return files->cursors == CURSORS_NEWER ? -ENOTSUP : -EINVAL;
	unsigned count = spool_orphans(&files->spool, all, SPOOL_CURSORS_MAX);
	for (unsigned i = 0; i < count && i < max; i++) {
		memcpy(cursors[i].name, all[i].name, sizeof cursors[i].name);
		cursors[i].delivered = all[i].delivered;
		cursors[i].pending = files->last > all[i].delivered ? files->last - all[i].delivered : 0;
	}
	return (int)count;
}

uint64_t spool_files_last(const struct spool_files *files)
{
	return files->last;
}

struct spool *spool_files_streams(struct spool_files *files)
{
	return &files->spool;
}

const struct spool *spool_files_names(const struct spool_files *files)
{
	return &files->spool;
}

bool spool_files_drop(struct spool_files *files, unsigned place, struct spool_drop_rule *rule, uint64_t *dropped)
{
	if (!spool_drop_at(&files->spool, place, rule))
		return false;
	*dropped = spool_drop_count(&files->spool, place, rule->id);
	return true;
}

const uint8_t *spool_files_id(const struct spool_files *files)
{
	return files->spool.id;
}
