/* SPDX-License-Identifier: Apache-2.0 */
/* A logger's facility and sink. The list of loggers is in registry.c, setting up the default one in open.c. */
#include "logger.h"

#include <assert.h>

#include "sink_stderr.h"

enum slog_facility slog_logger_facility(const struct slog_logger *logger)
{
	int facility = atomic_load_explicit(&logger->state->named->state->facility, memory_order_relaxed);
	if (facility == SLOG_FACILITY_INHERITED)
		facility = atomic_load_explicit(&slog_default_logger.state->facility, memory_order_relaxed);
	return (enum slog_facility)facility;
}

struct slog_sink *slog_logger_sink(const struct slog_logger *logger)
{
	struct slog_sink *sink = atomic_load_explicit(&logger->state->named->state->sink, memory_order_acquire);
	if (sink == NULL)
		sink = atomic_load_explicit(&slog_default_logger.state->sink, memory_order_acquire);
	return sink != NULL ? sink : slog_sink_stderr();
}

void slog_set_facility(struct slog_logger *logger, enum slog_facility facility)
{
	assert((int)facility >= 0 && (int)facility < SLOG_FACILITIES);
	atomic_store_explicit(&logger->state->named->state->facility, (int)facility, memory_order_relaxed);
}
