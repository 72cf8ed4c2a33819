/* SPDX-License-Identifier: Apache-2.0 */
/* What all sinks share. */
#include <liblog/sink.h>

#include <pthread.h>

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
	int cancel_state; /* a thread that is cancelled would leave half of it, and nobody could close the rest */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	slog_sink_flush(closing);
	closing->driver->close(closing);
	pthread_setcancelstate(cancel_state, &cancel_state);
}
