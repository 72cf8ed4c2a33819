/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the spool needs of a disk, as a struct of functions, so that tests can make the nth operation fail or forget what
 * was not synced. Every function returns a negative errno when it failed; EINTR never comes out. Handles are small
 * integers that only the disk which gave them understands.
 *
 * Rules for all: a read is short only at the end of the file. A write may be short; disk_write() treats that as failed,
 * because what follows a short write is unknown. A failed sync must never be tried again.
 */
#ifndef RELAYD_SPOOL_DISK_H
#define RELAYD_SPOOL_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum disk_open {
	DISK_OPEN_READ = 0,
	DISK_OPEN_WRITE = 1,  /* reading too; the file is there */
	DISK_OPEN_CREATE = 2, /* reading too; the file must not be there; mode 0600 */
};

enum {
	DISK_NAME_MAX_BYTES = 128, /* of a file in the spool's directory, with its NUL */
	DISK_PARTS_MAX = 1024,     /* buffers in one write: IOV_MAX */
	DISK_PAGE_BYTES = 4096,    /* what goes past the page cache is whole pages, in the file and in memory */
};

typedef void (*disk_entry_fn)(void *context, const char *name);

struct disk {
	/* Opens a directory, makes it with mode 0700 if it is not there, and syncs the one above. */
	int (*open_directory)(const struct disk *disk, const char *path);
	/* Who may do what with the directory: its permission bits. Optional: nobody else may anything. */
	int (*mode)(const struct disk *disk, int directory);
	int (*open)(const struct disk *disk, int directory, const char *name, enum disk_open how);
	void (*close)(const struct disk *disk, int handle);
	int64_t (*size)(const struct disk *disk, int directory, const char *name);
	int64_t (*read)(const struct disk *disk, int file, void *at, size_t len, uint64_t offset);
	int64_t (*write)(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset);
	/*
	 * The same for whole pages, past the page cache where the file system can. Optional: a disk without them has read and
	 * write do it. (Through the cache and past it may take turns in one file: they see each other's octets.)
	 */
	int64_t (*read_pages)(const struct disk *disk, int file, void *at, size_t len, uint64_t offset);
	int64_t (*write_pages)(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset);
	int (*sync)(const struct disk *disk, int file);
	int (*sync_directory)(const struct disk *disk, int directory);
	/* Makes sure that writing to the file's first `size` octets will not fail for want of space. */
	int (*allocate)(const struct disk *disk, int file, uint64_t size);
	int (*truncate)(const struct disk *disk, int file, uint64_t size);
	int (*rename)(const struct disk *disk, int directory, const char *from, const char *to);
	int (*unlink)(const struct disk *disk, int directory, const char *name);
	/* Calls `entry` for every file in the directory, in any order. */
	int (*list)(const struct disk *disk, int directory, disk_entry_fn entry, void *context);
	/*
	 * Takes the lock file of that name for this process and writes the process id into it. -EWOULDBLOCK if another
	 * process has it; then `*holder` is that process's id, 0 if it is not readable. Closing the handle gives it up.
	 */
	int (*lock)(const struct disk *disk, int directory, const char *name, long *holder);
};

static inline uint64_t disk_page_begin(uint64_t offset)
{
	return offset - offset % DISK_PAGE_BYTES;
}

/* The begin of the next page, or the offset if it is the begin of one. */
static inline uint64_t disk_page_end(uint64_t offset)
{
	return disk_page_begin(offset + DISK_PAGE_BYTES - 1);
}

/* The operating system's. */
extern const struct disk disk_real;

/* Writes all parts (at most DISK_PARTS_MAX) at `offset`. 0, or a negative errno; -EIO for a short write. */
int disk_write(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset);

/* The same for whole pages. */
int disk_write_pages(const struct disk *disk, int file, const struct iovec *parts, int count, uint64_t offset);

/* As the disk's read(), for whole pages. */
int64_t disk_read_pages(const struct disk *disk, int file, void *at, size_t len, uint64_t offset);

#endif
