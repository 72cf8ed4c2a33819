/* SPDX-License-Identifier: Apache-2.0 */
/* What tests do with a disk in memory behind the spool's back: look for files, change their octets, copy all of it. */
#include "support/memory_disk_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void copy_names(struct memory_name *names)
{
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (names[i].file != NULL)
			names[i].file = names[i].file->copy;
}

static void copy_file(struct memory_file *copy, const struct memory_file *from)
{
	memory_file_make_room(copy, from->used);
	if (from->used > 0) {
		memcpy(copy->octets, from->octets, from->used);
		memcpy(copy->synced, from->synced, from->used);
		memcpy(copy->dirty, from->dirty, from->used / MEMORY_DISK_SECTOR_BYTES * sizeof *from->dirty);
	}
	copy->size = from->size;
	copy->synced_size = from->synced_size;
	copy->size_stamp = from->size_stamp;
}

void memory_disk_copy(struct memory_disk *copy, const struct memory_disk *from)
{
	memory_disk_init(copy);
	for (struct memory_file *file = from->files; file != NULL; file = file->next) {
		file->copy = file == from->directory ? copy->directory : memory_file_new(copy);
		copy_file(file->copy, file);
	}
	memcpy(copy->name, from->name, sizeof copy->name);
	memcpy(copy->synced, from->synced, sizeof copy->synced);
	copy_names(copy->name);
	copy_names(copy->synced);
	copy->changes = from->changes;
	for (unsigned i = 0; i < from->changes; i++) {
		copy->change[i] = from->change[i];
		copy->change[i].file = from->change[i].file->copy;
	}
	copy->stamps = from->stamps;
	memory_disk_collect(copy);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *memory_disk_find(struct memory_disk *disk, const char *prefix, unsigned n)
{
	const char *found[MEMORY_DISK_NAMES_MAX];
	unsigned count = 0;
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (disk->name[i].file != NULL && strncmp(disk->name[i].name, prefix, strlen(prefix)) == 0)
			found[count++] = disk->name[i].name;
	qsort(found, count, sizeof found[0], by_name);
	return n < count ? found[n] : NULL;
}

uint8_t *memory_disk_octets(struct memory_disk *disk, const char *name, uint64_t *size)
{
	const struct memory_name *place = memory_names_find(disk->name, name);
	if (place == NULL || place->file == NULL)
		return NULL;
	*size = place->file->size;
	return place->file->octets;
}

void memory_disk_settle(struct memory_disk *disk, const char *name)
{
	const struct memory_name *place = memory_names_find(disk->name, name);
	assert(place != NULL && place->file != NULL);
	for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < place->file->used; at++)
		place->file->dirty[at] = 1;
	memory_file_settle(place->file, true);
}
