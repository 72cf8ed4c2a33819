/* SPDX-License-Identifier: Apache-2.0 */
/* See write_line.h. */
#include "write_line.h"

#include <errno.h>

#include "clock.h"
#include "generation.h"
#include "outlet.h"

#define HALF_LINE_WAIT_MS 250 /* for a descriptor that has taken a part of a line */

/* What of the line is not written yet, behind the LF that a torn one wants. 0, or why not all of it is written. */
static int write_rest(struct slog_writer *writer, struct slog_outlet *outlet, const char *line, size_t length,
                      size_t *done)
{
	while (*done < length) {
		bool is_torn = *done == 0 && atomic_load_explicit(&writer->torn, memory_order_relaxed) &&
		               atomic_exchange_explicit(&writer->torn, false, memory_order_relaxed);
		ssize_t written = is_torn ? slog_outlet_write(outlet, "\n", 1)
		                          : slog_outlet_write(outlet, line + *done, length - *done);
		if (written <= 0) {
			if (is_torn)
				atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
			return written < 0 ? (int)-written : ENOSPC;
		}
		*done += is_torn ? 0 : (size_t)written;
	}
	return 0;
}

/* True if the line may be begun, or gone on with. Of a line that a parent's thread is in the middle of the end is its. */
static bool may_write(struct slog_writer *writer, size_t done)
{
	uint32_t middle = atomic_load_explicit(&writer->middle, memory_order_acquire);
	if (middle == 0 || done > 0)
		return true;
	if (middle == slog_generation())
		return false;
	atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
	return true;
}

/*
 * One try, with the gate held. A descriptor that takes a part of a line makes others wait until its end is written or
 * given up: between them another line would put the end at the beginning of a line, where it might look like an event.
 */
static int write_in_turn(struct slog_writer *writer, struct slog_outlet *outlet, const char *line, size_t length,
                         size_t *done, struct slog_call_wait *call)
{
	int error = EAGAIN;
	if (!slog_patience_enter(&writer->gate, call))
		return EAGAIN;
	if (may_write(writer, *done)) {
		error = write_rest(writer, outlet, line, length, done);
		uint32_t middle = *done > 0 && *done < length ? slog_generation() : 0;
		atomic_store_explicit(&writer->middle, middle, memory_order_relaxed);
	}
	slog_gate_leave_whole(&writer->gate);
	return error;
}

/* A line that is given up in its middle. */
static void tear(struct slog_writer *writer)
{
	atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
	atomic_store_explicit(&writer->middle, 0, memory_order_release);
}

int slog_write_line(struct slog_writer *writer, int fd, const char *line, size_t length)
{
	struct slog_call_wait call = SLOG_CALL_WAIT;
	size_t done = 0;
	int error;
	if (!slog_patience_may_try(&writer->patience))
		return EAGAIN;
	struct slog_outlet outlet = slog_outlet_open(fd);
	do
		error = outlet.way == SLOG_OUTLET_FILE ? write_rest(writer, &outlet, line, length, &done)
		                                       : write_in_turn(writer, &outlet, line, length, &done, &call);
	while (error == EAGAIN && slog_patience_wait(&writer->patience, fd, &call));
	if (done > 0 && done < length)
		tear(writer);
	slog_outlet_close(&outlet);
	if (error == 0)
		slog_patience_restore(&writer->patience);
	return error;
}

/* ---- for a worker ------------------------------------------------------------------------------------------------ */

/* Waits for a descriptor that has refused the rest of a line. False if *give_up_at is over, which 0 begins anew. */
static bool wait_for_rest(int fd, uint64_t *give_up_at)
{
	uint64_t now = slog_clock_monotonic_ms();
	if (*give_up_at == 0)
		*give_up_at = now + HALF_LINE_WAIT_MS;
	if (now >= *give_up_at)
		return false;
	slog_patience_sleep(fd, (unsigned)(*give_up_at - now));
	return true;
}

/* The rest of a line of which the descriptor has taken `done` octets. 0, or an errno value and the line is torn. */
static int finish_line(struct slog_writer *writer, struct slog_outlet *outlet, const struct iovec *line, size_t done)
{
	uint64_t give_up_at = 0;
	while (done < line->iov_len) {
		ssize_t written = slog_outlet_write(outlet, (const char *)line->iov_base + done, line->iov_len - done);
		if (written > 0) {
			done += (size_t)written;
			give_up_at = 0;
		} else if (written != -EAGAIN || !wait_for_rest(outlet->fd, &give_up_at)) {
			atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
			return written == 0 ? ENOSPC : (int)-written;
		}
	}
	return 0;
}

/* Lines to a descriptor that may take some of them, or a part of one. */
static size_t write_each(struct slog_writer *writer, struct slog_outlet *outlet, const struct iovec *lines, size_t n,
                         int *error)
{
	for (size_t i = 0; i < n; i++) {
		ssize_t written = slog_outlet_write(outlet, lines[i].iov_base, lines[i].iov_len);
		*error = written < 0 ? (int)-written : finish_line(writer, outlet, &lines[i], (size_t)written);
		if (*error != 0)
			return i;
	}
	return n;
}

/* Lines to a file, with one system call. */
static size_t write_at_once(struct slog_writer *writer, struct slog_outlet *outlet, const struct iovec *lines, size_t n,
                            int *error)
{
	ssize_t written = writev(outlet->fd, lines, (int)n);
	size_t i = 0;
	*error = written < 0 ? errno : 0;
	while (written > 0 && i < n && (size_t)written >= lines[i].iov_len)
		written -= (ssize_t)lines[i++].iov_len;
	if (written > 0 && i < n) {
		*error = finish_line(writer, outlet, &lines[i], (size_t)written);
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
	struct slog_outlet outlet = slog_outlet_open(fd);
	size_t written = 0;
	if (atomic_exchange_explicit(&writer->torn, false, memory_order_relaxed) &&
	    write_each(writer, &outlet, &end, 1, error) == 0)
		atomic_store_explicit(&writer->torn, true, memory_order_relaxed);
	else if (outlet.way == SLOG_OUTLET_FILE)
		written = write_at_once(writer, &outlet, lines, n, error);
	else
		written = write_each(writer, &outlet, lines, n, error);
	slog_outlet_close(&outlet);
	return written;
}
