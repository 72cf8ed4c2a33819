/* SPDX-License-Identifier: Apache-2.0 */
#include "output/appended_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "output/output.h"

/* Ends a line that was left unfinished, so that ours begin at a line's begin. */
static bool end_last_line(int fd, off_t size)
{
	char last = '\n';
	if (size == 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n')
		return true;
	return write(fd, "\n", 1) == 1;
}

/* A file that is made has its name on the disk before anything in it counts as delivered. -1 and errno. */
static int open_or_make(const char *path, mode_t mode)
{
	/* Non-blocking: a FIFO without a reader must not hang us; it has no effect on a regular file. */
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, flags | O_CREAT, mode);
	int synced = fd >= 0 ? directory_sync_above(path) : 0;
	if (synced == 0 || synced == -EACCES)
		return fd;
	close(fd);
	errno = -synced;
	return -1;
}

bool appended_file_wants_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* A regular file whose last line is ended. False with errno; 0: it is no regular file. */
static bool is_ready_for_lines(int fd)
{
	struct stat about;
	if (fstat(fd, &about) != 0)
		return false;
	if (S_ISREG(about.st_mode))
		return end_last_line(fd, about.st_size);
	errno = 0;
	return false;
}

int appended_file_open(const char *path, mode_t mode, char *error)
{
	int fd = open_or_make(path, mode);
	if (fd >= 0 && is_ready_for_lines(fd))
		return fd;
	int problem = errno;
	snprintf(error, OUTPUT_ERROR_MAX_BYTES, "cannot %s %s: %s", fd < 0 ? "open" : "append to", path,
	         problem != 0 ? strerror(problem) : "it is not a regular file");
	if (fd >= 0)
		close(fd);
	errno = problem;
	return -1;
}
