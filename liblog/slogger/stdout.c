/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as lines on standard output. Unlike the sinks of the library, which protect programs that must not hang, this
 * one waits for whoever reads: a pipe into a slow program loses nothing.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "slogger.h"

static bool is_gone;

static int write_all(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink;
	(void)severity;
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, line, length);
		if (written >= 0) {
			line += written;
			length -= (size_t)written;
		} else if (errno == EAGAIN) {
			struct pollfd wanted = {.fd = STDOUT_FILENO, .events = POLLOUT};
			poll(&wanted, 1, -1);
		} else if (errno != EINTR) {
			is_gone = is_gone || errno == EPIPE;
			return errno;
		}
	}
	return 0;
}

static void close_nothing(struct slog_sink *sink)
{
	(void)sink;
}

bool slogger_stdout_is_gone(void)
{
	return is_gone;
}

struct slog_sink *slogger_stdout(const struct slog_encoder *encoder)
{
	static const struct slog_sink_driver driver = {
		.name = "stdout", .line_feed = true, .write = write_all, .close = close_nothing};
	static struct slog_sink sink;
	sink.driver = &driver;
	sink.encoder = encoder;
	sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	return &sink;
}
