/* SPDX-License-Identifier: Apache-2.0 */
/* Files and names of a disk in memory: as programs see them, as the disk has them, and the changes between the two. */
#include "support/memory_disk_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *memory_must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/*
 * Files that no disk has any more, all zeros, with their memory: tests make and copy disks thousands of times, and to get
 * and give back so much memory takes longer than everything else, with a sanitizer above all.
 */
static struct memory_file *spare_files;
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;

static struct memory_file *get_file(void)
{
	pthread_mutex_lock(&spare_lock);
	struct memory_file *file = spare_files;
	if (file != NULL)
		spare_files = file->next;
	pthread_mutex_unlock(&spare_lock);
	return file != NULL ? file : memory_must(calloc(1, sizeof *file));
}

static void give_back_file(struct memory_file *file)
{
	uint64_t used = file->used, sectors = (used + MEMORY_DISK_SECTOR_BYTES - 1) / MEMORY_DISK_SECTOR_BYTES;
	if (used > 0) {
		memset(file->octets, 0, used);
		memset(file->synced, 0, used);
		memset(file->dirty, 0, sectors * sizeof *file->dirty);
	}
	file->size = file->synced_size = file->size_stamp = file->used = 0;
	pthread_mutex_lock(&spare_lock);
	file->next = spare_files;
	spare_files = file;
	pthread_mutex_unlock(&spare_lock);
}

struct memory_file *memory_file_new(struct memory_disk *disk)
{
	struct memory_file *file = get_file();
	file->next = disk->files;
	disk->files = file;
	return file;
}

void memory_file_make_room(struct memory_file *file, uint64_t room)
{
	room = (room + MEMORY_DISK_SECTOR_BYTES - 1) / MEMORY_DISK_SECTOR_BYTES * MEMORY_DISK_SECTOR_BYTES;
	if (room > file->used)
		file->used = room;
	if (room <= file->room)
		return;
	file->octets = memory_must(realloc(file->octets, room));
	file->synced = memory_must(realloc(file->synced, room));
	file->dirty = memory_must(realloc(file->dirty, room / MEMORY_DISK_SECTOR_BYTES * sizeof *file->dirty));
	memset(file->octets + file->room, 0, room - file->room);
	memset(file->synced + file->room, 0, room - file->room);
	memset(file->dirty + file->room / MEMORY_DISK_SECTOR_BYTES, 0,
	       (room - file->room) / MEMORY_DISK_SECTOR_BYTES * sizeof *file->dirty);
	file->room = room;
}

void memory_file_settle(struct memory_file *file, bool reaches_disk)
{
	for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < file->used; at++) {
		uint64_t offset = at * MEMORY_DISK_SECTOR_BYTES;
		if (file->dirty[at] && reaches_disk)
			memcpy(file->synced + offset, file->octets + offset, MEMORY_DISK_SECTOR_BYTES);
		file->dirty[at] = 0;
	}
	if (reaches_disk)
		file->synced_size = file->size;
}

struct memory_name *memory_names_find(struct memory_name *names, const char *name)
{
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static void set_name(struct memory_name *names, const char *name, struct memory_file *file)
{
	struct memory_name *place = memory_names_find(names, name);
	if (place == NULL)
		place = memory_names_find(names, "");
	assert(place != NULL && strlen(name) < DISK_NAME_MAX_BYTES);
	strcpy(place->name, name);
	place->file = file;
}

static void clear_name(struct memory_name *names, const char *name)
{
	struct memory_name *place = memory_names_find(names, name);
	if (place != NULL)
		*place = (struct memory_name){.file = NULL};
}

void memory_names_apply(struct memory_name *names, const struct memory_change *change)
{
	if (change->from[0] != '\0') {
		/* A change that needs one that was forgotten never happened either. */
		struct memory_name *from = memory_names_find(names, change->from);
		if (from == NULL || from->file != change->file)
			return;
		clear_name(names, change->from);
	}
	if (change->to[0] != '\0')
		set_name(names, change->to, change->file);
}

void memory_disk_change_names(struct memory_disk *disk, const char *from, const char *to, struct memory_file *file)
{
	assert(disk->changes < MEMORY_DISK_CHANGES_MAX);
	struct memory_change *change = &disk->change[disk->changes++];
	*change = (struct memory_change){.file = file, .stamp = ++disk->stamps};
	strcpy(change->from, from);
	strcpy(change->to, to);
	memory_names_apply(disk->name, change);
}

static bool is_used(const struct memory_disk *disk, const struct memory_file *file)
{
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (disk->name[i].file == file || disk->synced[i].file == file)
			return true;
	for (unsigned i = 0; i < disk->changes; i++)
		if (disk->change[i].file == file)
			return true;
	for (unsigned i = 0; i < MEMORY_DISK_HANDLES_MAX; i++)
		if (disk->handle[i] == file)
			return true;
	return file == disk->directory;
}

void memory_disk_collect(struct memory_disk *disk)
{
	struct memory_file **link = &disk->files;
	while (*link != NULL) {
		struct memory_file *file = *link;
		if (is_used(disk, file)) {
			link = &file->next;
			continue;
		}
		*link = file->next;
		give_back_file(file);
	}
}
