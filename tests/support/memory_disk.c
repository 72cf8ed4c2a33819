/* SPDX-License-Identifier: Apache-2.0 */
#include "support/memory_disk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_file {
	struct memory_file *next;
	uint8_t *octets;      /* as programs see it */
	uint8_t *synced;      /* as the disk has it */
	uint64_t *dirty;      /* stamps of sectors written and not yet synced; 0: clean */
	uint64_t size;
	uint64_t synced_size;
	uint64_t size_stamp;  /* of its last change */
	uint64_t room;        /* of the arrays */
	uint64_t used;        /* the most that ever was asked for: behind it there are zeros */
	struct memory_file *copy; /* while the disk is copied */
};

static struct memory_disk *of(const struct disk *disk)
{
	return (struct memory_disk *)(uintptr_t)disk;
}

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* ---- files and names ---- */

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
	return file != NULL ? file : must(calloc(1, sizeof *file));
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

static struct memory_file *new_file(struct memory_disk *disk)
{
	struct memory_file *file = get_file();
	file->next = disk->files;
	disk->files = file;
	return file;
}

static void make_room(struct memory_file *file, uint64_t room)
{
	room = (room + MEMORY_DISK_SECTOR_BYTES - 1) / MEMORY_DISK_SECTOR_BYTES * MEMORY_DISK_SECTOR_BYTES;
	if (room > file->used)
		file->used = room;
	if (room <= file->room)
		return;
	file->octets = must(realloc(file->octets, room));
	file->synced = must(realloc(file->synced, room));
	file->dirty = must(realloc(file->dirty, room / MEMORY_DISK_SECTOR_BYTES * sizeof *file->dirty));
	memset(file->octets + file->room, 0, room - file->room);
	memset(file->synced + file->room, 0, room - file->room);
	memset(file->dirty + file->room / MEMORY_DISK_SECTOR_BYTES, 0,
	       (room - file->room) / MEMORY_DISK_SECTOR_BYTES * sizeof *file->dirty);
	file->room = room;
}

static struct memory_name *find_name(struct memory_name *names, const char *name)
{
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

static void set_name(struct memory_name *names, const char *name, struct memory_file *file)
{
	struct memory_name *place = find_name(names, name);
	if (place == NULL)
		place = find_name(names, "");
	assert(place != NULL && strlen(name) < DISK_NAME_MAX_BYTES);
	strcpy(place->name, name);
	place->file = file;
}

static void clear_name(struct memory_name *names, const char *name)
{
	struct memory_name *place = find_name(names, name);
	if (place != NULL)
		*place = (struct memory_name){.file = NULL};
}

static void apply(struct memory_name *names, const struct memory_change *change)
{
	if (change->from[0] != '\0') {
		/* A change that needs one that was forgotten never happened either. */
		struct memory_name *from = find_name(names, change->from);
		if (from == NULL || from->file != change->file)
			return;
		clear_name(names, change->from);
	}
	if (change->to[0] != '\0')
		set_name(names, change->to, change->file);
}

static void change_names(struct memory_disk *disk, const char *from, const char *to, struct memory_file *file)
{
	assert(disk->changes < MEMORY_DISK_CHANGES_MAX);
	struct memory_change *change = &disk->change[disk->changes++];
	*change = (struct memory_change){.file = file, .stamp = ++disk->stamps};
	strcpy(change->from, from);
	strcpy(change->to, to);
	apply(disk->name, change);
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

static void collect(struct memory_disk *disk)
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

/* ---- faults ---- */

enum fault {
	FAULT_NONE,
	FAULT_FAIL,
	FAULT_CUT, /* it happens, but is not synced; nothing after it does */
	FAULT_OFF,
};

static enum fault next_fault(struct memory_disk *disk, enum memory_disk_op op)
{
	if (disk->off)
		return FAULT_OFF;
	if ((disk->fault_ops & (unsigned)op) == 0)
		return FAULT_NONE;
	uint64_t now = ++disk->operations;
	if (now == disk->cut_at) {
		disk->off = true;
		return FAULT_CUT;
	}
	uint64_t count = disk->fail_count > 0 ? disk->fail_count : 1;
	return disk->fail_at > 0 && now >= disk->fail_at && now < disk->fail_at + count ? FAULT_FAIL : FAULT_NONE;
}

static int fault_error(const struct memory_disk *disk, enum fault fault)
{
	return fault == FAULT_FAIL && disk->fail_error != 0 ? disk->fail_error : -EIO;
}

/* ---- the functions ---- */

static int give_handle(struct memory_disk *disk, struct memory_file *file)
{
	for (int i = 0; i < MEMORY_DISK_HANDLES_MAX; i++) {
		if (disk->handle[i] != NULL)
			continue;
		disk->handle[i] = file;
		return i;
	}
	return -EMFILE;
}

static int memory_open_directory(const struct disk *base, const char *path)
{
	struct memory_disk *disk = of(base);
	(void)path;
	pthread_mutex_lock(&disk->lock);
	int handle = disk->off ? -EIO : give_handle(disk, disk->directory);
	pthread_mutex_unlock(&disk->lock);
	return handle;
}

static int open_file(struct memory_disk *disk, const char *name, enum disk_open how)
{
	struct memory_name *place = find_name(disk->name, name);
	if (how != DISK_OPEN_CREATE)
		return disk->off ? -EIO : place != NULL ? give_handle(disk, place->file) : -ENOENT;
	enum fault fault = next_fault(disk, MEMORY_DISK_NAME);
	if (fault == FAULT_FAIL || fault == FAULT_OFF)
		return fault_error(disk, fault);
	if (place != NULL)
		return -EEXIST;
	struct memory_file *file = new_file(disk);
	change_names(disk, "", name, file);
	return fault == FAULT_CUT ? -EIO : give_handle(disk, file);
}

static int memory_open(const struct disk *base, int directory, const char *name, enum disk_open how)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[directory] == disk->directory);
	int handle = open_file(disk, name, how);
	pthread_mutex_unlock(&disk->lock);
	return handle;
}

static void memory_close(const struct disk *base, int handle)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[handle] != NULL);
	disk->handle[handle] = NULL;
	if (disk->locked && handle == disk->lock_handle)
		disk->locked = false;
	collect(disk);
	pthread_mutex_unlock(&disk->lock);
}

static int64_t memory_size(const struct disk *base, int directory, const char *name)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[directory] == disk->directory);
	const struct memory_name *place = find_name(disk->name, name);
	int64_t size = disk->off ? -EIO : place != NULL ? (int64_t)place->file->size : -ENOENT;
	pthread_mutex_unlock(&disk->lock);
	return size;
}

static bool is_segment(const struct memory_disk *disk, const struct memory_file *file)
{
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (disk->name[i].file == file && strstr(disk->name[i].name, "segment-") != NULL)
			return true;
	return false;
}

static int64_t memory_read(const struct disk *base, int handle, void *at, size_t len, uint64_t offset)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	const struct memory_file *file = disk->handle[handle];
	int64_t got = -EIO;
	bool readable = disk->unreadable_from == 0 || offset + len <= disk->unreadable_from || !is_segment(disk, file);
	if (!disk->off && readable) {
		uint64_t left = offset < file->size ? file->size - offset : 0;
		got = (int64_t)(len < left ? len : left);
		if (got > 0)
			memcpy(at, file->octets + offset, (size_t)got);
	}
	pthread_mutex_unlock(&disk->lock);
	return got;
}

static void set_size(struct memory_disk *disk, struct memory_file *file, uint64_t size)
{
	if (size != file->size)
		file->size_stamp = ++disk->stamps;
	file->size = size;
}

static void put(struct memory_disk *disk, struct memory_file *file, const uint8_t *from, uint64_t len, uint64_t offset)
{
	make_room(file, offset + len);
	memcpy(file->octets + offset, from, len);
	if (offset + len > file->size)
		set_size(disk, file, offset + len);
	for (uint64_t at = offset / MEMORY_DISK_SECTOR_BYTES; at * MEMORY_DISK_SECTOR_BYTES < offset + len; at++)
		file->dirty[at] = ++disk->stamps;
}

static uint64_t total_size(const struct memory_disk *disk)
{
	uint64_t total = 0;
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (disk->name[i].file != NULL)
			total += disk->name[i].file->size;
	return total;
}

static bool may_grow(const struct memory_disk *disk, const struct memory_file *file, uint64_t size)
{
	return disk->capacity == 0 || size <= file->size || total_size(disk) + size - file->size <= disk->capacity;
}

static int64_t write_parts(struct memory_disk *disk, struct memory_file *file, const struct iovec *parts, int count,
                           uint64_t offset)
{
	uint64_t len = 0, done = 0;
	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	enum fault fault = next_fault(disk, MEMORY_DISK_WRITE);
	if (fault == FAULT_OFF || (fault == FAULT_FAIL && disk->fail_error != 0))
		return fault_error(disk, fault);
	if (!may_grow(disk, file, offset + len))
		return -ENOSPC;
	uint64_t least = fault == FAULT_FAIL ? len / 2 : len;
	for (int i = 0; i < count && done < least; i++) {
		uint64_t part = parts[i].iov_len < least - done ? parts[i].iov_len : least - done;
		if (part > 0)
			put(disk, file, parts[i].iov_base, part, offset + done);
		done += part;
	}
	return fault == FAULT_CUT ? -EIO : (int64_t)done;
}

static int64_t memory_write(const struct disk *base, int handle, const struct iovec *parts, int count, uint64_t offset)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	int64_t result = write_parts(disk, disk->handle[handle], parts, count, offset);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

/* A failed sync makes the pages clean and leaves the disk as it was. */
static void settle(struct memory_file *file, bool reaches_disk)
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

static int memory_sync(const struct disk *base, int handle)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	enum fault fault = next_fault(disk, MEMORY_DISK_SYNC);
	if (fault == FAULT_NONE || fault == FAULT_FAIL)
		settle(disk->handle[handle], fault == FAULT_NONE);
	disk->syncs++;
	int result = fault == FAULT_NONE ? 0 : fault_error(disk, fault);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static int memory_sync_directory(const struct disk *base, int handle)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[handle] == disk->directory);
	enum fault fault = next_fault(disk, MEMORY_DISK_SYNC);
	if (fault == FAULT_NONE) {
		memcpy(disk->synced, disk->name, sizeof disk->synced);
		disk->changes = 0;
		collect(disk);
	}
	int result = fault == FAULT_NONE ? 0 : fault_error(disk, fault);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static int resize(struct memory_disk *disk, struct memory_file *file, uint64_t size, bool grow_only)
{
	enum fault fault = next_fault(disk, MEMORY_DISK_SPACE);
	if (fault == FAULT_OFF || fault == FAULT_FAIL)
		return fault_error(disk, fault);
	if (grow_only && size < file->size)
		return 0;
	if (!may_grow(disk, file, size))
		return -ENOSPC;
	make_room(file, size);
	if (size < file->size)
		memset(file->octets + size, 0, file->used - size);
	set_size(disk, file, size);
	return fault == FAULT_CUT ? -EIO : 0;
}

static int memory_allocate(const struct disk *base, int handle, uint64_t size)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	int result = resize(disk, disk->handle[handle], size, true);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static int memory_truncate(const struct disk *base, int handle, uint64_t size)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	int result = resize(disk, disk->handle[handle], size, false);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static int change_name(struct memory_disk *disk, const char *from, const char *to)
{
	enum fault fault = next_fault(disk, MEMORY_DISK_NAME);
	if (fault == FAULT_OFF || fault == FAULT_FAIL)
		return fault_error(disk, fault);
	const struct memory_name *place = find_name(disk->name, from);
	if (place == NULL)
		return -ENOENT;
	change_names(disk, from, to, place->file);
	collect(disk);
	return fault == FAULT_CUT ? -EIO : 0;
}

static int memory_rename(const struct disk *base, int directory, const char *from, const char *to)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[directory] == disk->directory);
	int result = change_name(disk, from, to);
	pthread_mutex_unlock(&disk->lock);
	return result;
}

static int memory_unlink(const struct disk *base, int directory, const char *name)
{
	return memory_rename(base, directory, name, "");
}

static int memory_list(const struct disk *base, int directory, disk_entry_fn entry, void *context)
{
	struct memory_disk *disk = of(base);
	char names[MEMORY_DISK_NAMES_MAX][DISK_NAME_MAX_BYTES];
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[directory] == disk->directory);
	bool off = disk->off;
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		strcpy(names[i], disk->name[i].name);
	pthread_mutex_unlock(&disk->lock);
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX && !off; i++)
		if (names[i][0] != '\0')
			entry(context, names[i]);
	return off ? -EIO : 0;
}

static int memory_lock(const struct disk *base, int directory, const char *name, long *holder)
{
	struct memory_disk *disk = of(base);
	(void)name;
	*holder = 1;
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[directory] == disk->directory);
	int handle = disk->off ? -EIO : disk->locked ? -EWOULDBLOCK : give_handle(disk, new_file(disk));
	if (handle >= 0) {
		disk->locked = true;
		disk->lock_handle = handle;
	}
	pthread_mutex_unlock(&disk->lock);
	return handle;
}

/* ---- for tests ---- */

void memory_disk_init(struct memory_disk *disk)
{
	memset(disk, 0, sizeof *disk);
	disk->disk = (struct disk){
		.open_directory = memory_open_directory,
		.open = memory_open,
		.close = memory_close,
		.size = memory_size,
		.read = memory_read,
		.write = memory_write,
		.sync = memory_sync,
		.sync_directory = memory_sync_directory,
		.allocate = memory_allocate,
		.truncate = memory_truncate,
		.rename = memory_rename,
		.unlink = memory_unlink,
		.list = memory_list,
		.lock = memory_lock,
	};
	pthread_mutex_init(&disk->lock, NULL);
	disk->directory = new_file(disk);
	disk->fault_ops = MEMORY_DISK_ANY;
}

void memory_disk_free(struct memory_disk *disk)
{
	memset(disk->name, 0, sizeof disk->name);
	memset(disk->synced, 0, sizeof disk->synced);
	memset(disk->handle, 0, sizeof disk->handle);
	disk->changes = 0;
	disk->directory = NULL;
	collect(disk);
	pthread_mutex_destroy(&disk->lock);
}

void memory_disk_heal(struct memory_disk *disk)
{
	disk->fault_ops = MEMORY_DISK_ANY;
	disk->fail_at = disk->cut_at = disk->operations = 0;
	disk->fail_count = 0;
	disk->fail_error = 0;
	disk->off = false;
}

void memory_disk_kill(struct memory_disk *disk)
{
	memset(disk->handle, 0, sizeof disk->handle);
	disk->locked = false;
	memory_disk_heal(disk);
	collect(disk);
}

/* A well-mixed number from a counter (splitmix64). */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Says whether a thing with that stamp is on the disk. */
struct choice {
	bool (*keeps)(struct choice *choice, uint64_t stamp);
	enum memory_disk_keep keep;
	uint64_t random;
	enum memory_disk_pick pick;
	uint64_t stamp;
};

static bool keeps_by_keep(struct choice *choice, uint64_t stamp)
{
	(void)stamp;
	if (choice->keep == MEMORY_DISK_KEEP_RANDOM)
		return mix(&choice->random) % 2 == 0;
	return choice->keep == MEMORY_DISK_KEEP_ALL;
}

static bool keeps_picked(struct choice *choice, uint64_t stamp)
{
	switch (choice->pick) {
	case MEMORY_DISK_PICK_FIRST:
		return stamp < choice->stamp;
	case MEMORY_DISK_PICK_ALL_BUT:
		return stamp != choice->stamp;
	case MEMORY_DISK_PICK_ONLY:
		return stamp == choice->stamp;
	}
	return false;
}

static void cut_file(struct memory_file *file, struct choice *choice)
{
	uint64_t size = choice->keeps(choice, file->size_stamp) ? file->size : file->synced_size;
	for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < file->used; at++) {
		uint64_t offset = at * MEMORY_DISK_SECTOR_BYTES;
		/* What is clean but was never synced is what a failed sync gave up: the disk does not have it. */
		if (file->dirty[at] != 0 && choice->keeps(choice, file->dirty[at]))
			memcpy(file->synced + offset, file->octets + offset, MEMORY_DISK_SECTOR_BYTES);
		file->dirty[at] = 0;
	}
	if (file->used > size)
		memset(file->synced + size, 0, file->used - size);
	if (file->used > 0)
		memcpy(file->octets, file->synced, file->used);
	file->size = file->synced_size = size;
}

static void cut(struct memory_disk *disk, struct choice *choice)
{
	for (unsigned i = 0; i < disk->changes; i++)
		if (choice->keeps(choice, disk->change[i].stamp))
			apply(disk->synced, &disk->change[i]);
	disk->changes = 0;
	memcpy(disk->name, disk->synced, sizeof disk->name);
	memory_disk_kill(disk);
	for (struct memory_file *file = disk->files; file != NULL; file = file->next)
		cut_file(file, choice);
}

void memory_disk_power_cut(struct memory_disk *disk, enum memory_disk_keep keep, uint64_t seed)
{
	struct choice choice = {.keeps = keeps_by_keep, .keep = keep, .random = seed};
	cut(disk, &choice);
}

/* Notes the stamps of what is not synced in `stamps`, which may be NULL, and returns how many there are. */
static unsigned unsynced(const struct memory_disk *disk, uint64_t *stamps)
{
	unsigned count = 0;
	for (unsigned i = 0; i < disk->changes; i++, count++)
		if (stamps != NULL)
			stamps[count] = disk->change[i].stamp;
	for (const struct memory_file *file = disk->files; file != NULL; file = file->next) {
		if (file->size != file->synced_size) {
			if (stamps != NULL)
				stamps[count] = file->size_stamp;
			count++;
		}
		for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < file->used; at++) {
			uint64_t offset = at * MEMORY_DISK_SECTOR_BYTES;
			if (file->dirty[at] == 0 || memcmp(file->octets + offset, file->synced + offset, MEMORY_DISK_SECTOR_BYTES) == 0)
				continue;
			if (stamps != NULL)
				stamps[count] = file->dirty[at];
			count++;
		}
	}
	return count;
}

unsigned memory_disk_unsynced(const struct memory_disk *disk)
{
	return unsynced(disk, NULL);
}

static int by_stamp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

void memory_disk_power_cut_picking(struct memory_disk *disk, enum memory_disk_pick pick, unsigned n)
{
	unsigned count = unsynced(disk, NULL);
	uint64_t *stamps = must(calloc(count + 1, sizeof *stamps));
	unsynced(disk, stamps);
	qsort(stamps, count, sizeof *stamps, by_stamp);
	struct choice choice = {.keeps = keeps_picked, .pick = pick, .stamp = n < count ? stamps[n] : UINT64_MAX};
	free(stamps);
	cut(disk, &choice);
}

/* ---- copying ---- */

static void copy_names(struct memory_name *names)
{
	for (unsigned i = 0; i < MEMORY_DISK_NAMES_MAX; i++)
		if (names[i].file != NULL)
			names[i].file = names[i].file->copy;
}

static void copy_file(struct memory_file *copy, const struct memory_file *from)
{
	make_room(copy, from->used);
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
		file->copy = file == from->directory ? copy->directory : new_file(copy);
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
	collect(copy);
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
	const struct memory_name *place = find_name(disk->name, name);
	if (place == NULL || place->file == NULL)
		return NULL;
	*size = place->file->size;
	return place->file->octets;
}

void memory_disk_settle(struct memory_disk *disk, const char *name)
{
	const struct memory_name *place = find_name(disk->name, name);
	assert(place != NULL && place->file != NULL);
	for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < place->file->used; at++)
		place->file->dirty[at] = 1;
	settle(place->file, true);
}
