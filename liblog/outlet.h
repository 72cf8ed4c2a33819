/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor that belongs to the program, written without blocking, whatever it leads to at the moment. Its mode is
 * not ours to change, since others share the open file description; and poll(2) is no promise: a terminal that has room
 * for one octet says that it is ready, and of two threads that see room in a pipe the second may wait. So a socket and a
 * pipe are told at each write not to block, and a terminal is written through an open file description of our own.
 *
 * That lives no longer than an outlet, which is no longer than a call: kept, it would keep the terminal or the pipe from
 * ending for who reads it when the program has let go of its own, as daemons do.
 *
 * Safe in signal handlers; errno is not kept.
 */
#ifndef LIBLOG_OUTLET_H
#define LIBLOG_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum slog_outlet_way {
	SLOG_OUTLET_FILE,   /* a regular file, through the program's descriptor: its offset may be shared. May block. */
	SLOG_OUTLET_SOCKET,
	SLOG_OUTLET_NOWAIT, /* a pipe, on a kernel that can be told not to wait (Linux 6.5) */
	SLOG_OUTLET_OWN,    /* through `own` */
	SLOG_OUTLET_ASKED   /* poll(2) is asked before, and no more is written at once than a pipe with room takes */
};

struct slog_outlet {
	enum slog_outlet_way way;
	int fd;           /* the program's */
	int own;          /* -1: none */
	bool is_pipe;
	int cancel_state; /* of the thread, as it was before */
};

/*
 * Looks at what the descriptor leads to now. What is wrong with it the first write says. Until the outlet is closed this
 * thread is not cancelled: `own` would stay open.
 */
struct slog_outlet slog_outlet_open(int fd);

/*
 * Writes some of the octets. The number written, or a negative errno value: -EAGAIN if it takes nothing now; -EPIPE,
 * without SIGPIPE, if nobody reads it any more.
 */
ssize_t slog_outlet_write(struct slog_outlet *outlet, const void *octets, size_t length);

/* The thread may be cancelled again, if it might before. */
void slog_outlet_close(struct slog_outlet *outlet);

#endif
