/* SPDX-License-Identifier: Apache-2.0 */
/* Events that no level let pass, held in memory until one of err or worse makes them worth reading. */
#ifndef LIBLOG_BACKTRACE_H
#define LIBLOG_BACKTRACE_H

#include <liblog/sink.h>

/* Holds one encoded event; if another thread is at the ring now, it is dropped and counted. */
void slog_backtrace_hold(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity);

/* Gives all that is held to its sinks, oldest first, and forgets it. One load if there is no backtrace. */
void slog_backtrace_write(void);

/* Forgets all that is held: its sinks may go away. */
void slog_backtrace_forget(void);

#endif
