/* SPDX-License-Identifier: Apache-2.0 */
/* What all sinks share. */
#include <liblog/sink.h>

int slog_sink_flush(struct slog_sink *sink)
{
	return sink->driver->flush != NULL ? sink->driver->flush(sink) : 0;
}

void slog_sink_close(struct slog_sink **sink)
{
	struct slog_sink *closing = *sink;
	*sink = NULL;
	if (closing == NULL)
		return;
	slog_sink_flush(closing);
	closing->driver->close(closing);
}
