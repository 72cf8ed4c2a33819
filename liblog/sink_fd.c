/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to a descriptor that belongs to the program; standard error is one. */
#include <liblog/sink.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "carrier.h"
#include "losses.h"
#include "sink_stderr.h"
#include "write_line.h"

struct sink_fd {
	struct slog_sink sink;
	struct slog_losses losses;
	struct slog_writer writer;
	int fd;
};

static int write_raw(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct sink_fd *to = (struct sink_fd *)sink;
	(void)severity;
	return slog_write_line(&to->writer, to->fd, line, length);
}

static int write_fd(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	return slog_losses_write(&((struct sink_fd *)sink)->losses, write_raw, sink, line, length, severity);
}

static void close_fd(struct slog_sink *sink)
{
	slog_losses_tell(&((struct sink_fd *)sink)->losses, write_raw, sink);
	free(sink);
}

static size_t send_fd(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_fd *to = (struct sink_fd *)sink;
	return slog_write_lines(&to->writer, to->fd, events, n, error);
}

static void wait_fd(struct slog_sink *sink, unsigned ms)
{
	slog_patience_sleep(((struct sink_fd *)sink)->fd, ms);
}

static const struct slog_carrier carrier = {.send = send_fd, .wait = wait_fd};

static const struct slog_sink_driver driver = {
	.name = "fd", .line_feed = true, .write = write_fd, .close = close_fd, .carrier = &carrier,
};

/* For people if people see it, for programs if not. */
static const struct slog_encoder *suitable_encoder(int fd)
{
	if (!isatty(fd))
		return &slog_encoder_json;
	const char *no_color = getenv("NO_COLOR");
	return no_color != NULL && no_color[0] != '\0' ? &slog_encoder_console : &slog_encoder_console_colour;
}

static void start(struct sink_fd *to, int fd, const struct slog_encoder *encoder)
{
	to->sink.driver = &driver;
	to->sink.encoder = encoder != NULL ? encoder : suitable_encoder(fd);
	to->sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	to->fd = fd;
}

struct slog_sink *slog_sink_fd(int fd, const struct slog_encoder *encoder)
{
	struct sink_fd *to = calloc(1, sizeof *to);
	if (to == NULL)
		return NULL;
	start(to, fd, encoder);
	return &to->sink;
}

static struct sink_fd standard_error;

static void start_standard_error(void)
{
	start(&standard_error, STDERR_FILENO, NULL);
}

struct slog_sink *slog_sink_stderr(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, start_standard_error);
	return &standard_error.sink;
}
