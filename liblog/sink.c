/* SPDX-License-Identifier: Apache-2.0 */
/* What all sinks share. */
#include <liblog/sink.h>

void slog_sink_close(struct slog_sink **sink)
{
	struct slog_sink *closing = *sink;
	*sink = NULL;
	if (closing == NULL)
		return;
	if (closing->driver->flush != NULL)
		closing->driver->flush(closing);
	closing->driver->close(closing);
}
