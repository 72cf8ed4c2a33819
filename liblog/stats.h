/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what goes wrong. Only failures are counted, so that threads share no cache line while all is well. */
#ifndef LIBLOG_STATS_H
#define LIBLOG_STATS_H

#include <liblog/slog.h>

/* An event was dropped; error is the errno value that says why. */
void slog_stats_dropped(enum slog_severity severity, int error);

/* A sink failed at something else than an event, for example at opening its file again. */
void slog_stats_failed(int error);

/* An event lost fields or text. */
void slog_stats_cut(void);

/* slog_limited() did not write an event. */
void slog_stats_held_back(void);

/* A logger could not be bound. */
void slog_stats_unbound(void);

#endif
