/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before libc (LD_PRELOAD), it makes operations on segments of a spool fail with EIO, as a disk does. The file that
 * FAILING_DISK names says which: "write", "sync" or "read"; with " once" behind it, it is removed by the first that fails.
 * Without the file nothing fails. "names": to sync a directory fails.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_segment(int fd)
{
	char link[64], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	return strstr(path, "/segment-") != NULL;
}

static bool is_directory(int fd)
{
	struct stat about;
	return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool fails(const char *operation, int fd)
{
	char text[32] = "";
	const char *name = getenv("FAILING_DISK");
	bool is_meant = strcmp(operation, "names") == 0 ? is_directory(fd) : is_segment(fd);
	int control = name != NULL && is_meant ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	if (control < 0)
		return false;
	ssize_t len = read(control, text, sizeof text - 1);
	close(control);
	if (len <= 0 || strncmp(text, operation, strlen(operation)) != 0)
		return false;
	if (strstr(text, "once") != NULL)
		unlink(name);
	errno = EIO;
	return true;
}

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);
	if (function == NULL)
		abort();
	return function;
}

/* With large files these are what pread() and pwritev() are called. */
ssize_t pread64(int fd, void *into, size_t len, off64_t offset)
{
	ssize_t (*real)(int, void *, size_t, off64_t) = (ssize_t (*)(int, void *, size_t, off64_t))next("pread64");
	return fails("read", fd) ? -1 : real(fd, into, len, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
	ssize_t (*real)(int, const struct iovec *, int, off64_t) =
		(ssize_t (*)(int, const struct iovec *, int, off64_t))next("pwritev64");
	return fails("write", fd) ? -1 : real(fd, parts, count, offset);
}

int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))next("fdatasync");
	return fails("sync", fd) ? -1 : real(fd);
}

int fsync(int fd)
{
	int (*real)(int) = (int (*)(int))next("fsync");
	return fails("names", fd) ? -1 : real(fd);
}
