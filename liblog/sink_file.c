/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines appended to a file. O_APPEND makes each write(2) land whole at the end, also among processes. After
 * slog_reopen() the next event puts the new file under the same descriptor number with dup3(2), so that threads that
 * are writing meanwhile need no lock: each of them reaches the old file or the new one. A program that closed our
 * descriptor gets the file opened again under a number of its own.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "carrier.h"
#include "losses.h"
#include "socket.h"
#include "stats.h"
#include "write_line.h"

#define FILE_MODE 0640

struct sink_file {
	struct slog_sink sink;
	struct slog_losses losses;
	struct slog_writer writer;
	_Atomic int fd;
	_Atomic unsigned opened; /* the value of reopen_requests when the file was last opened */
	char path[];
};

static _Atomic unsigned reopen_requests;

void slog_reopen(void)
{
	atomic_fetch_add_explicit(&reopen_requests, 1, memory_order_relaxed);
}

static int open_file(const char *path)
{
	int fd;
	do
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? fd : slog_descriptor_raise(fd);
}

/*
 * Of several threads the one that changes `opened` opens the file; the others go on with the old one. Were it cancelled
 * they would do so for ever.
 */
static void reopen_if_asked(struct sink_file *file)
{
	unsigned wanted = atomic_load_explicit(&reopen_requests, memory_order_relaxed);
	unsigned opened = atomic_load_explicit(&file->opened, memory_order_relaxed);
	if (wanted == opened || !atomic_compare_exchange_strong(&file->opened, &opened, wanted))
		return;
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	int fd = open_file(file->path);
	if (fd < 0 || dup3(fd, file->fd, O_CLOEXEC) < 0)
		slog_stats_failed(errno);
	if (fd >= 0)
		close(fd);
	pthread_setcancelstate(cancel_state, &cancel_state);
}

/*
 * After EBADF: 0, or why the file cannot be opened. Of several threads one opens it; the others find that the number has
 * changed.
 */
static int replace_closed(struct sink_file *file, int closed)
{
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	int fd = open_file(file->path);
	int error = fd < 0 ? errno : 0;
	if (fd >= 0 && !atomic_compare_exchange_strong(&file->fd, &closed, fd))
		close(fd);
	pthread_setcancelstate(cancel_state, &cancel_state);
	return error;
}

static int write_raw(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct sink_file *file = (struct sink_file *)sink;
	(void)severity;
	reopen_if_asked(file);
	int fd = atomic_load_explicit(&file->fd, memory_order_relaxed);
	int error = slog_write_line(&file->writer, fd, line, length);
	if (error != EBADF)
		return error;
	error = replace_closed(file, fd);
	return error != 0 ? error : slog_write_line(&file->writer, file->fd, line, length);
}

static int write_file(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	return slog_losses_write(&((struct sink_file *)sink)->losses, write_raw, sink, line, length, severity);
}

static size_t send_file(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_file *file = (struct sink_file *)sink;
	reopen_if_asked(file);
	int fd = file->fd;
	size_t sent = slog_write_lines(&file->writer, fd, events, n, error);
	if (sent > 0 || *error != EBADF)
		return sent;
	*error = replace_closed(file, fd);
	return *error == 0 ? slog_write_lines(&file->writer, file->fd, events, n, error) : 0;
}

static void close_file(struct slog_sink *sink)
{
	struct sink_file *file = (struct sink_file *)sink;
	slog_losses_tell(&file->losses, write_raw, sink);
	close(file->fd);
	free(file);
}

static const struct slog_carrier carrier = {.send = send_file};

static const struct slog_sink_driver driver = {
	.name = "file", .line_feed = true, .write = write_file, .close = close_file, .carrier = &carrier,
};

struct slog_sink *slog_sink_file(const char *path, const struct slog_encoder *encoder)
{
	size_t path_size = strlen(path) + 1;
	struct sink_file *file = calloc(1, sizeof *file + path_size);
	if (file == NULL)
		return NULL;
	file->opened = atomic_load_explicit(&reopen_requests, memory_order_relaxed);
	file->fd = open_file(path);
	if (file->fd < 0) {
		int error = errno;
		free(file);
		errno = error;
		return NULL;
	}
	memcpy(file->path, path, path_size);
	file->sink.driver = &driver;
	file->sink.encoder = encoder != NULL ? encoder : &slog_encoder_json;
	file->sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	return &file->sink;
}
