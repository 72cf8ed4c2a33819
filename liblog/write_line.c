/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See write_line.h. A descriptor that may block is asked with poll(2) first, and is given no more at once than a pipe
 * takes without blocking; that also bounds blocking descriptors, whose mode belongs to whoever opened them.
 */
#include "write_line.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define HALF_LINE_WAIT_MS 250 /* for a descriptor that has taken a part of a line */

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

/* ---- for a worker ------------------------------------------------------------------------------------------------ */

/* The rest of a line of which the descriptor has taken `done` octets. 0, or an errno value and the line is torn. */
static int finish_line(struct slog_writer *writer, int fd, const struct iovec *line, size_t done)
{
	while (done < line->iov_len) {
		struct pollfd poller = {.fd = fd, .events = POLLOUT};
		size_t length = line->iov_len - done;
		if (writer->can_block && length > PIPE_BUF)
			length = PIPE_BUF;
		ssize_t written = -1;
		errno = EAGAIN;
		if (!writer->can_block || poll(&poller, 1, HALF_LINE_WAIT_MS) > 0)
			written = write(fd, (const char *)line->iov_base + done, length);
		if (written > 0) {
			done += (size_t)written;
		} else if (written == 0 || errno != EINTR) {
			atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
			return written == 0 ? ENOSPC : errno;
		}
	}
	return 0;
}

/* Lines to a descriptor that may block, each no more at once than it takes without blocking. */
static size_t write_carefully(struct slog_writer *writer, int fd, const struct iovec *lines, size_t n, int *error)
{
	for (size_t i = 0; i < n; i++) {
		struct pollfd poller = {.fd = fd, .events = POLLOUT};
		size_t length = lines[i].iov_len < PIPE_BUF ? lines[i].iov_len : PIPE_BUF;
		ssize_t written = -1;
		errno = EAGAIN;
		if (poll(&poller, 1, 0) > 0)
			written = write(fd, lines[i].iov_base, length);
		*error = written < 0 ? errno : finish_line(writer, fd, &lines[i], (size_t)written);
		if (*error != 0)
			return i;
	}
	return n;
}

/* Lines to a file, with one system call. */
static size_t write_at_once(struct slog_writer *writer, int fd, const struct iovec *lines, size_t n, int *error)
{
	ssize_t written = writev(fd, lines, (int)n);
	size_t i = 0;
	*error = written < 0 ? errno : 0;
	while (written > 0 && i < n && (size_t)written >= lines[i].iov_len)
		written -= (ssize_t)lines[i++].iov_len;
	if (written > 0 && i < n) {
		*error = finish_line(writer, fd, &lines[i], (size_t)written);
		i += *error == 0 ? 1 : 0;
	}
	if (i < n && *error == 0)
		*error = EAGAIN;
	return i;
}

size_t slog_write_lines(struct slog_writer *writer, int fd, const struct iovec *lines, size_t n, int *error)
{
	static char line_feed[1] = {'\n'};
	struct iovec end = {line_feed, 1};
	if (atomic_exchange_explicit(&writer->torn, false, memory_order_relaxed) &&
	    write_carefully(writer, fd, &end, 1, error) == 0) {
		atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
		return 0;
	}
	return writer->can_block ? write_carefully(writer, fd, lines, n, error)
	                         : write_at_once(writer, fd, lines, n, error);
}
