/* SPDX-License-Identifier: Apache-2.0 */
/* Loggers inside liblog: what is behind struct slog_logger. */
#ifndef LIBLOG_LOGGER_H
#define LIBLOG_LOGGER_H

#include <stdatomic.h>

#include <liblog/sink.h>

#include "bound_set.h"
#include "sink_stderr.h"

#define SLOG_FACILITY_INHERITED (-1)

/*
 * A named logger (the default one has the name "") or a bound one. The lists are guarded by the registry's gate; what a
 * logging call reads is atomic or never changes.
 */
struct slog_logger_state {
	struct slog_logger *named; /* the named logger that this one belongs to: itself if it is one */
	struct slog_logger *next;  /* in the registry's list of named, or of bound loggers */
	struct slog_logger **link; /* what points at this one; only for bound loggers */
	_Atomic int threshold;     /* of named loggers: the level that was set; the macros' may be that of the backtrace */
	_Atomic bool own_level;    /* does not follow the default logger's level */
	_Atomic int facility;      /* of named loggers; or SLOG_FACILITY_INHERITED */
	_Atomic(struct slog_sink *) sink; /* of named loggers; NULL: the default logger's */
	struct slog_bound_set set; /* of bound loggers; never changes */
	char name[SLOG_LOGGER_NAME_MAX + 1];
};

/* What an event of this logger uses. */
static inline enum slog_facility slog_logger_facility(const struct slog_logger *logger)
{
	int facility = atomic_load_explicit(&logger->state->named->state->facility, memory_order_relaxed);
	if (facility == SLOG_FACILITY_INHERITED)
		facility = atomic_load_explicit(&slog_default_logger.state->facility, memory_order_relaxed);
	return (enum slog_facility)facility;
}

static inline struct slog_sink *slog_logger_sink(const struct slog_logger *logger)
{
	struct slog_sink *sink = atomic_load_explicit(&logger->state->named->state->sink, memory_order_acquire);
	if (sink == NULL)
		sink = atomic_load_explicit(&slog_default_logger.state->sink, memory_order_acquire);
	return sink != NULL ? sink : slog_sink_stderr();
}

/* Lets the macros pass what the backtrace holds, too: SLOG_OFF to SLOG_TRACE. */
void slog_registry_set_backtrace(int level);

/* Puts a bound logger on the registry's list, with its named logger's level; takes it off again. */
void slog_registry_add_bound(struct slog_logger *logger);
void slog_registry_remove_bound(struct slog_logger *logger);

#endif
