/* SPDX-License-Identifier: Apache-2.0 */
/* One line to a descriptor, within the bounds of a sink's patience. */
#ifndef LIBLOG_WRITE_LINE_H
#define LIBLOG_WRITE_LINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "gate.h"
#include "patience.h"

/* Zero is a writer that has not written. The descriptor may lead elsewhere at each call. */
struct slog_writer {
	struct slog_patience patience;
	struct slog_gate gate;   /* held while a descriptor that is no file is given a line, or a part of it */
	_Atomic uint32_t middle; /* generation of the process whose thread has written a part of a line; 0: none has */
	_Atomic bool torn;       /* the last line written has no end: the next one begins with LF */
};

/*
 * Writes a line that ends in LF, in one write(2) unless the descriptor takes it in parts. 0, or the errno value with
 * which the line was given up; EAGAIN if the descriptor took nothing in time. Any thread; lines do not mix. For a file no
 * lock is taken: it takes lines whole while there is room.
 */
int slog_write_line(struct slog_writer *writer, int fd, const char *line, size_t length);

/*
 * The same for lines that a ring's worker has, in one writev(2) where the descriptor is a file; n is IOV_MAX - 1 at the
 * most. Returns how many were written; if not all, *error says why not the next one, EAGAIN if the descriptor takes
 * nothing now. Patience is the ring's business: only a line that is half written is waited for.
 */
size_t slog_write_lines(struct slog_writer *writer, int fd, const struct iovec *lines, size_t n, int *error);

#endif
