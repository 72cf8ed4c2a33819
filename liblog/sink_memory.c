/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last lines in memory, for tests. A gate guards the text; it is held for a copy and never while waiting. What a
 * thread that does not exist in this child of fork() may have left half done is forgotten.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "gate.h"

#define GATE_WAIT_MS 1000 /* a copy takes microseconds */

struct sink_memory {
	struct slog_sink sink;
	struct slog_gate gate;
	size_t size;
	size_t length;
	char text[];
};

static bool enter(struct sink_memory *memory)
{
	enum slog_gate_outcome outcome = slog_gate_take(&memory->gate, GATE_WAIT_MS);
	if (outcome == SLOG_GATE_INHERITED)
		memory->length = 0;
	return outcome != SLOG_GATE_BUSY;
}

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
	if (!enter(memory))
		return EAGAIN;
	while (length > memory->size - memory->length)
		forget_oldest_line(memory);
	memcpy(memory->text + memory->length, line, length);
	memory->length += length;
	slog_gate_leave(&memory->gate);
	return 0;
}

static void close_memory(struct slog_sink *sink)
{
	free(sink);
}

static const struct slog_sink_driver driver = {
	.name = "memory", .line_feed = true, .write = write_memory, .close = close_memory,
};

struct slog_sink *slog_sink_memory(size_t size, const struct slog_encoder *encoder)
{
	struct sink_memory *memory = size <= PTRDIFF_MAX - sizeof *memory ? calloc(1, sizeof *memory + size) : NULL;
	if (memory == NULL)
		return NULL;
	memory->sink.driver = &driver;
	memory->sink.encoder = encoder != NULL ? encoder : &slog_encoder_json;
	memory->sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	memory->size = size;
	return &memory->sink;
}

size_t slog_memory_text(struct slog_sink *sink, char *out, size_t size)
{
	struct sink_memory *memory = (struct sink_memory *)sink;
	if (!enter(memory))
		return 0;
	size_t length = memory->length;
	if (size > 0) {
		size_t copied = length < size - 1 ? length : size - 1;
		memcpy(out, memory->text, copied);
		out[copied] = '\0';
	}
	slog_gate_leave(&memory->gate);
	return length;
}

void slog_memory_clear(struct slog_sink *sink)
{
	struct sink_memory *memory = (struct sink_memory *)sink;
	if (!enter(memory))
		return;
	memory->length = 0;
	slog_gate_leave(&memory->gate);
}
