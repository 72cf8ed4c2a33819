/* SPDX-License-Identifier: Apache-2.0 */
/* Setting a logger's facility. The list of loggers is in registry.c, setting up the default one in open.c. */
#include "logger.h"

#include <assert.h>

void slog_set_facility(struct slog_logger *logger, enum slog_facility facility)
{
	assert((int)facility >= 0 && (int)facility < SLOG_FACILITIES);
	atomic_store_explicit(&logger->state->named->state->facility, (int)facility, memory_order_relaxed);
}
