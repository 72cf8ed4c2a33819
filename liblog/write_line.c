/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See write_line.h. A descriptor that may block is asked with poll(2) first, and is given no more at once than a pipe
 * takes without blocking; that also bounds blocking descriptors, whose mode belongs to whoever opened them.
 */
#include "write_line.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

void slog_writer_start(struct slog_writer *writer, int fd)
{
	struct stat status;
	writer->can_block = fstat(fd, &status) != 0 || !S_ISREG(status.st_mode);
}

/* Writes some of the octets. The number written, or a negative errno value. */
static ssize_t write_some(struct slog_writer *writer, int fd, const char *octets, size_t length, unsigned *left_ms)
{
	if (writer->can_block) {
		if (!slog_patience_wait(&writer->patience, fd, left_ms))
			return -EAGAIN;
		if (length > PIPE_BUF)
			length = PIPE_BUF;
	}
	for (;;) {
		ssize_t written = write(fd, octets, length);
		if (written >= 0)
			return written;
		if (errno == EAGAIN && writer->can_block && !slog_patience_wait(&writer->patience, fd, left_ms))
			return -EAGAIN;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

static int write_all(struct slog_writer *writer, int fd, const char *octets, size_t length, unsigned *left_ms)
{
	size_t done = 0;
	while (done < length) {
		ssize_t written = write_some(writer, fd, octets + done, length - done, left_ms);
		if (written <= 0) {
			if (done > 0)
				atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
			return written < 0 ? (int)-written : ENOSPC;
		}
		done += (size_t)written;
	}
	return 0;
}

int slog_write_line(struct slog_writer *writer, int fd, const char *line, size_t length)
{
	unsigned left_ms = SLOG_WAIT_CALL_MS;
	if (writer->can_block && !slog_patience_may_try(&writer->patience))
		return EAGAIN;
	if (atomic_exchange_explicit(&writer->torn, false, memory_order_relaxed)) {
		int error = write_all(writer, fd, "\n", 1, &left_ms);
		if (error != 0) {
			atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
			return error;
		}
	}
	int error = write_all(writer, fd, line, length, &left_ms);
	if (error == 0)
		slog_patience_restore(&writer->patience);
	return error;
}
