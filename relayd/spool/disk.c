/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"

enum { ZEROS_BYTES = 64 << 10 };

static int real_open_directory(const struct disk *disk, const char *path)
{
	(void)disk;
	bool made = mkdir(path, 0700) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	/* Always: an earlier start may have been killed behind its mkdir. The directory above need not be readable to us. */
	int result = directory_sync_above(path);
	if (made && result < 0)
		return result;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory >= 0 ? directory : -errno;
}

static int real_mode(const struct disk *disk, int directory)
{
	struct stat status;
	(void)disk;
	return fstat(directory, &status) == 0 ? (int)(status.st_mode & 0777) : -errno;
}

/*
 * A descriptor kept open for nothing, for the moment in which connections have taken all others: the next segment opens in
 * its place, and the one before it is closed a moment later, which gives it back. One for the whole process.
 */
static _Atomic int reserve = -1;

static void keep_reserve(void)
{
	if (atomic_load(&reserve) >= 0)
		return;
	int none = -1;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (file >= 0 && !atomic_compare_exchange_strong(&reserve, &none, file))
		close(file);
}

static bool give_up_reserve(void)
{
	int file = atomic_exchange(&reserve, -1);
	if (file >= 0)
		close(file);
	return file >= 0;
}

static int real_open(const struct disk *disk, int directory, const char *name, enum disk_open how)
{
	static const int flags[] = {
		[DISK_OPEN_READ] = O_RDONLY,
		[DISK_OPEN_WRITE] = O_RDWR,
		[DISK_OPEN_CREATE] = O_RDWR | O_CREAT | O_EXCL,
	};
	(void)disk;
	int file;
	do
		file = openat(directory, name, flags[how] | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (file < 0 && (errno == EINTR || ((errno == EMFILE || errno == ENFILE) && give_up_reserve())));
	return file >= 0 ? file : -errno;
}

static void real_close(const struct disk *disk, int handle)
{
	(void)disk;
	/* Not repeated after EINTR: on Linux the descriptor is gone either way. What matters was synced before. */
	close(handle);
	keep_reserve();
}

static int64_t real_size(const struct disk *disk, int directory, const char *name)
{
	(void)disk;
	struct stat status;
	int result = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW);
	return result == 0 ? (int64_t)status.st_size : -(int64_t)errno;
}

static int64_t real_read(const struct disk *disk, int file, void *at, size_t len, uint64_t offset)
{
	(void)disk;
	size_t done = 0;
	while (done < len) {
		ssize_t got = pread(file, (uint8_t *)at + done, len - done, (off_t)(offset + done));
		if (got == 0)
			break;
		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return -(int64_t)errno;
	}
	return (int64_t)done;
}

static int64_t real_write(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset)
{
	(void)disk;
	ssize_t put;
	do
		put = pwritev(file, parts, count, (off_t)offset);
	while (put < 0 && errno == EINTR);
	return put >= 0 ? (int64_t)put : -(int64_t)errno;
}

/* Whether the file system reads and writes past the page cache from now on. */
static bool go_past_cache(int file, bool past)
{
	int flags = fcntl(file, F_GETFL);
	return flags >= 0 && fcntl(file, F_SETFL, past ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

static int64_t real_read_pages(const struct disk *disk, int file, void *at, size_t len, uint64_t offset)
{
	if (!go_past_cache(file, true))
		return real_read(disk, file, at, len, offset);
	ssize_t got;
	do
		got = pread(file, at, len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	go_past_cache(file, false);
	/* The rest, if the disk gave less: past the cache only whole pages can be asked for. */
	size_t done = got > 0 ? (size_t)got : 0;
	if (done == len)
		return (int64_t)done;
	int64_t rest = real_read(disk, file, (uint8_t *)at + done, len - done, offset + done);
	return rest >= 0 ? (int64_t)done + rest : rest;
}

static int64_t real_write_pages(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset)
{
	if (!go_past_cache(file, true))
		return real_write(disk, file, parts, count, offset);
	int64_t put = real_write(disk, file, parts, count, offset);
	go_past_cache(file, false);
	/* A disk of larger sectors takes none of it. */
	return put == -EINVAL ? real_write(disk, file, parts, count, offset) : put;
}

static int real_sync(const struct disk *disk, int file)
{
	(void)disk;
	/* Not repeated after EINTR or anything else: the kernel may already have given up the pages. */
	return fdatasync(file) == 0 ? 0 : -errno;
}

static int real_sync_directory(const struct disk *disk, int directory)
{
	(void)disk;
	return fsync(directory) == 0 ? 0 : -errno;
}

static int write_zeros(int file, uint64_t from, uint64_t to)
{
	static const uint8_t zeros[ZEROS_BYTES];
	while (from < to) {
		size_t len = to - from < sizeof zeros ? (size_t)(to - from) : sizeof zeros;
		ssize_t put = pwrite(file, zeros, len, (off_t)from);
		if (put > 0)
			from += (uint64_t)put;
		else if (put == 0)
			return -ENOSPC;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int real_allocate(const struct disk *disk, int file, uint64_t size)
{
	(void)disk;
	int result;
	do
		result = fallocate(file, 0, 0, (off_t)size);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	/* A file system without preallocation: what is behind the end of the file is made of real zeros. */
	struct stat status;
	return fstat(file, &status) == 0 ? write_zeros(file, (uint64_t)status.st_size, size) : -errno;
}

static int real_truncate(const struct disk *disk, int file, uint64_t size)
{
	(void)disk;
	int result;
	do
		result = ftruncate(file, (off_t)size);
	while (result < 0 && errno == EINTR);
	return result == 0 ? 0 : -errno;
}

static int real_rename(const struct disk *disk, int directory, const char *from, const char *to)
{
	(void)disk;
	return renameat(directory, from, directory, to) == 0 ? 0 : -errno;
}

static int real_unlink(const struct disk *disk, int directory, const char *name)
{
	(void)disk;
	return unlinkat(directory, name, 0) == 0 ? 0 : -errno;
}

static int real_list(const struct disk *disk, int directory, disk_entry_fn entry, void *context)
{
	(void)disk;
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	if (folder == NULL) {
		int error = errno;
		if (copy >= 0)
			close(copy);
		return -error;
	}
	const struct dirent *found;
	for (errno = 0; (found = readdir(folder)) != NULL; errno = 0)
		if (found->d_name[0] != '.')
			entry(context, found->d_name);
	int result = -errno;
	closedir(folder);
	return result;
}

static long read_holder(int file)
{
	char text[32] = "";
	ssize_t got = pread(file, text, sizeof text - 1, 0);
	return got > 0 ? strtol(text, NULL, 10) : 0;
}

static int real_lock(const struct disk *disk, int directory, const char *name, long *holder)
{
	(void)disk;
	*holder = 0;
	int file = openat(directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return -errno;
	if (flock(file, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;
		*holder = read_holder(file);
		close(file);
		return -error;
	}
	/* The text is a courtesy to whoever finds the spool taken: a failure to write it is none. */
	char text[32];
	int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)len, 0) != len)
		*holder = 0;
	keep_reserve();
	return file;
}

const struct disk disk_real = {
	.open_directory = real_open_directory,
	.mode = real_mode,
	.open = real_open,
	.close = real_close,
	.size = real_size,
	.read = real_read,
	.write = real_write,
	.read_pages = real_read_pages,
	.write_pages = real_write_pages,
	.sync = real_sync,
	.sync_directory = real_sync_directory,
	.allocate = real_allocate,
	.truncate = real_truncate,
	.rename = real_rename,
	.unlink = real_unlink,
	.list = real_list,
	.lock = real_lock,
};

typedef int64_t (*write_fn)(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset);

static int write_all(const struct disk *disk, write_fn write, int file, const struct iovec *parts, int count,
                     uint64_t offset)
{
	assert(count > 0 && count <= DISK_PARTS_MAX);
	uint64_t wanted = 0;
	for (int i = 0; i < count; i++)
		wanted += parts[i].iov_len;
	int64_t put = write(disk, file, parts, count, offset);
	if (put < 0)
		return (int)put;
	return (uint64_t)put == wanted ? 0 : -EIO;
}

int disk_write(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset)
{
	return write_all(disk, disk->write, file, parts, count, offset);
}

int disk_write_pages(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset)
{
	assert(offset % DISK_PAGE_BYTES == 0);
	return write_all(disk, disk->write_pages != NULL ? disk->write_pages : disk->write, file, parts, count, offset);
}

int64_t disk_read_pages(const struct disk *disk, int file, void *at, size_t len, uint64_t offset)
{
	assert(offset % DISK_PAGE_BYTES == 0 && len % DISK_PAGE_BYTES == 0 && (uintptr_t)at % DISK_PAGE_BYTES == 0);
	return (disk->read_pages != NULL ? disk->read_pages : disk->read)(disk, file, at, len, offset);
}
