/* SPDX-License-Identifier: Apache-2.0 */
/* A logger's facility and sink, and setting up the default one. The list of loggers is in registry.c. */
#include "logger.h"

#include <assert.h>
#include <stdlib.h>

#include "identity.h"
#include "sink_stderr.h"

static struct slog_sink *opened_sink; /* the sink that slog_close() closes */

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

struct slog_sink *slog_set_sink(struct slog_logger *logger, struct slog_sink *sink)
{
	struct slog_sink *old = atomic_exchange_explicit(&logger->state->named->state->sink, sink, memory_order_acq_rel);
	if (old == opened_sink)
		opened_sink = NULL;
	return old;
}

/* What the program wants, then what the environment wants, which wins. False if the program's text is wrong. */
static bool set_levels(const char *wanted)
{
	const char *environment = secure_getenv("SLOG");
	char both[SLOG_LEVELS_MAX + 1];
	if (wanted == NULL)
		wanted = "info";
	if (!slog_set_levels(wanted))
		return false;
	if (environment != NULL && strlen(wanted) + 1 + strlen(environment) < sizeof both) {
		strcpy(both, wanted);
		strcat(both, ",");
		strcat(both, environment);
		slog_set_levels(both);
	}
	return true;
}

int slog_open(const struct slog_options *options)
{
	static const struct slog_options defaults = {.size = sizeof defaults};
	if (options == NULL)
		options = &defaults;
	if (options->size != sizeof *options || options->facility < 0 || options->facility >= SLOG_FACILITIES ||
	    !set_levels(options->levels))
		return EINVAL;
	slog_identity_set(options->hostname, options->app_name);
	slog_set_facility(&slog_default_logger, options->facility == 0 ? SLOG_USER : (enum slog_facility)options->facility);
	struct slog_sink *old = opened_sink;
	slog_set_sink(&slog_default_logger, options->sink);
	opened_sink = options->sink;
	if (old != options->sink)
		slog_sink_close(&old);
	return 0;
}

void slog_close(void)
{
	struct slog_sink *sink = opened_sink;
	opened_sink = NULL;
	if (sink == NULL)
		return;
	slog_set_sink(&slog_default_logger, NULL);
	slog_sink_close(&sink);
}
