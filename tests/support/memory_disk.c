/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of struct disk (spool/disk.h) on a disk in memory, each of which may fail as the test says. */
#include "support/memory_disk_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static struct memory_disk *of(const struct disk *disk)
{
	return (struct memory_disk *)(uintptr_t)disk;
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
	struct memory_name *place = memory_names_find(disk->name, name);
	if (how != DISK_OPEN_CREATE)
		return disk->off ? -EIO : place != NULL ? give_handle(disk, place->file) : -ENOENT;
	enum fault fault = next_fault(disk, MEMORY_DISK_NAME);
	if (fault == FAULT_FAIL || fault == FAULT_OFF)
		return fault_error(disk, fault);
	if (place != NULL)
		return -EEXIST;
	struct memory_file *file = memory_file_new(disk);
	memory_disk_change_names(disk, "", name, file);
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
	memory_disk_collect(disk);
	pthread_mutex_unlock(&disk->lock);
}

static int64_t memory_size(const struct disk *base, int directory, const char *name)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	assert(disk->handle[directory] == disk->directory);
	const struct memory_name *place = memory_names_find(disk->name, name);
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
	memory_file_make_room(file, offset + len);
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

static int memory_sync(const struct disk *base, int handle)
{
	struct memory_disk *disk = of(base);
	pthread_mutex_lock(&disk->lock);
	enum fault fault = next_fault(disk, MEMORY_DISK_SYNC);
	if (fault == FAULT_NONE || fault == FAULT_FAIL)
		memory_file_settle(disk->handle[handle], fault == FAULT_NONE);
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
		memory_disk_collect(disk);
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
	memory_file_make_room(file, size);
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
	const struct memory_name *place = memory_names_find(disk->name, from);
	if (place == NULL)
		return -ENOENT;
	memory_disk_change_names(disk, from, to, place->file);
	memory_disk_collect(disk);
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
	int handle = disk->off ? -EIO : disk->locked ? -EWOULDBLOCK : give_handle(disk, memory_file_new(disk));
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
	disk->directory = memory_file_new(disk);
	disk->fault_ops = MEMORY_DISK_ANY;
}

void memory_disk_free(struct memory_disk *disk)
{
	memset(disk->name, 0, sizeof disk->name);
	memset(disk->synced, 0, sizeof disk->synced);
	memset(disk->handle, 0, sizeof disk->handle);
	disk->changes = 0;
	disk->directory = NULL;
	memory_disk_collect(disk);
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
	memory_disk_collect(disk);
}
