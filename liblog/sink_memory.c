/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines in memory, for tests. A lock guards the text; it is held for a copy and never while waiting. */
#include <liblog/sink.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct sink_memory {
	struct slog_sink sink;
	pthread_mutex_t lock;
	size_t size;
	size_t length;
	char text[];
};

static void forget_oldest_line(struct sink_memory *memory)
{
	const char *end = memchr(memory->text, '\n', memory->length);
	size_t first = (size_t)(end - memory->text) + 1;
	memory->length -= first;
	memmove(memory->text, memory->text + first, memory->length);
}

static int write_memory(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct sink_memory *memory = (struct sink_memory *)sink;
	(void)severity;
	if (length > memory->size)
		return ENOSPC;
	pthread_mutex_lock(&memory->lock);
	while (length > memory->size - memory->length)
		forget_oldest_line(memory);
	memcpy(memory->text + memory->length, line, length);
	memory->length += length;
	pthread_mutex_unlock(&memory->lock);
	return 0;
}

static void close_memory(struct slog_sink *sink)
{
	struct sink_memory *memory = (struct sink_memory *)sink;
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static const struct slog_sink_driver driver = {
	.name = "memory", .line_feed = true, .write = write_memory, .close = close_memory,
};

struct slog_sink *slog_sink_memory(size_t size, const struct slog_encoder *encoder)
{
	struct sink_memory *memory = calloc(1, sizeof *memory + size);
	if (memory == NULL)
		return NULL;
	memory->sink.driver = &driver;
	memory->sink.encoder = encoder != NULL ? encoder : &slog_encoder_json;
	memory->sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	memory->size = size;
	pthread_mutex_init(&memory->lock, NULL);
	return &memory->sink;
}

size_t slog_memory_text(struct slog_sink *sink, char *out, size_t size)
{
	struct sink_memory *memory = (struct sink_memory *)sink;
	pthread_mutex_lock(&memory->lock);
	size_t length = memory->length;
	if (size > 0) {
		size_t copied = length < size - 1 ? length : size - 1;
		memcpy(out, memory->text, copied);
		out[copied] = '\0';
	}
	pthread_mutex_unlock(&memory->lock);
	return length;
}

void slog_memory_clear(struct slog_sink *sink)
{
	struct sink_memory *memory = (struct sink_memory *)sink;
	pthread_mutex_lock(&memory->lock);
	memory->length = 0;
	pthread_mutex_unlock(&memory->lock);
}
