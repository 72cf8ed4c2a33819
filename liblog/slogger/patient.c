/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In front of the sink that events go to. The library's sinks rather drop than wait, which is right for a daemon and wrong
 * for a tool: here an event that was not taken is tried again for some seconds. Whether it was taken is what the sink
 * itself says of it, not what is counted: behind a ring other events may be lost at the same time.
 */
#include <errno.h>
#include <time.h>

#include "slogger.h"

#define TRIES_MAX 50
#define PAUSE_MS 100

static struct slog_sink *to;

/* That nobody listens is no passing trouble. */
static bool may_pass(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ETIMEDOUT;
}

static int write_patiently(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	(void)sink;
	int error = to->driver->write(to, line, length, severity);
	for (int tries = 1; may_pass(error) && tries < TRIES_MAX; tries++) {
		nanosleep(&pause, NULL);
		error = to->driver->write(to, line, length, severity);
	}
	return error;
}

static int flush_it(struct slog_sink *sink)
{
	(void)sink;
	return slog_sink_flush(to);
}

static void close_it(struct slog_sink *sink)
{
	(void)sink;
	slog_sink_close(&to);
}

struct slog_sink *slogger_patient(struct slog_sink *sink)
{
	static struct slog_sink_driver driver = {.write = write_patiently, .flush = flush_it, .close = close_it};
	static struct slog_sink patient;
	driver.name = sink->driver->name;
	driver.line_feed = sink->driver->line_feed;
	patient = (struct slog_sink){.driver = &driver, .encoder = sink->encoder, .max_size = sink->max_size};
	to = sink;
	return &patient;
}
