/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See deliver.h. The common event is encoded in its thread's lane; a larger one in memory that the lane gets for it,
 * and if there is none, it is cut to what the lane holds.
 */
#include "deliver.h"

#include <errno.h>

#include "backtrace.h"
#include "entry.h"
#include "stats.h"

#define FIRST_LARGE_BYTES SLOG_EVENT_BYTES_DEFAULT

/* Encodes into room, which has SLOG_LINE_FEED_BYTES more. */
static struct slog_line encode(const struct slog_sink *sink, const struct slog_entry *entry, char *room, size_t size)
{
	struct slog_line line = slog_line_in(room, size < sink->max_size ? size : sink->max_size);
	sink->encoder->encode(sink->encoder, entry, &line);
	return line;
}

void slog_deliver_line(struct slog_sink *sink, char *text, size_t length, enum slog_severity severity)
{
	if (sink->driver->line_feed)
		text[length++] = '\n';
	if (severity <= SLOG_ERR)
		slog_backtrace_write();
	int error = sink->driver->write(sink, text, length, severity);
	if (error != 0)
		slog_stats_dropped(severity, error);
}

static void write_line(struct slog_sink *sink, const struct slog_entry *entry, struct slog_line *line)
{
	if (entry->prepared == NULL || !entry->prepared->is_held) {
		slog_deliver_line(sink, line->text, line->length, entry->severity);
		return;
	}
	if (sink->driver->line_feed)
		line->text[line->length++] = '\n';
	slog_backtrace_hold(sink, line->text, line->length, entry->severity);
}

/* The most fields with which the entry fits, if any number of them does. */
static void cut_fields(const struct slog_sink *sink, struct slog_entry *entry, char *room, size_t size)
{
	size_t fits = 0;
	size_t too_many = slog_entry_total(entry);
	while (too_many - fits > 1) {
		size_t middle = fits + (too_many - fits) / 2;
		slog_entry_cut_fields(entry, middle);
		if (encode(sink, entry, room, size).overflowed)
			too_many = middle;
		else
			fits = middle;
	}
	slog_entry_cut_fields(entry, fits);
}

/* A length that does not end inside a UTF-8 character. */
static size_t whole_characters(const char *text, size_t length)
{
	size_t i = length;
	while (i > 0 && length - i < 3 && ((unsigned char)text[i] & 0xC0) == 0x80)
		i--;
	return i;
}

/* The most of the message with which the entry, now without fields, fits. */
static void cut_message(const struct slog_sink *sink, struct slog_entry *entry, char *room, size_t size)
{
	const char *message = entry->message;
	size_t fits = 0;
	size_t too_many = entry->message_length;
	while (too_many - fits > 1) {
		size_t middle = fits + (too_many - fits) / 2;
		entry->message_length = middle;
		if (encode(sink, entry, room, size).overflowed)
			too_many = middle;
		else
			fits = middle;
	}
	entry->message_length = whole_characters(message, fits);
	if (entry->message_length == 0)
		entry->message = NULL;
}

struct slog_line slog_deliver_cut(const struct slog_sink *sink, struct slog_entry *entry, char *room, size_t size)
{
	cut_fields(sink, entry, room, size);
	struct slog_line line = encode(sink, entry, room, size);
	if (line.overflowed && entry->message != NULL) {
		cut_message(sink, entry, room, size);
		line = encode(sink, entry, room, size);
	}
	if (!line.overflowed)
		slog_stats_cut();
	return line;
}

static void deliver_cut(struct slog_sink *sink, struct slog_entry *entry, char *room, size_t size)
{
	struct slog_line line = slog_deliver_cut(sink, entry, room, size);
	if (line.overflowed)
		slog_stats_dropped(entry->severity, EMSGSIZE);
	else
		write_line(sink, entry, &line);
}

/* An event too large for the lane. The first try has room for texts that grow threefold, as line feeds do. */
static void deliver_large(struct slog_sink *sink, struct slog_entry *entry, struct slog_lane *lane)
{
	struct slog_line line;
	char *room;
	size_t size = FIRST_LARGE_BYTES + 3 * entry->prepared->keys.octets;
	do {
		if (size > sink->max_size)
			size = sink->max_size;
		room = slog_lane_large(lane, size + SLOG_LINE_FEED_BYTES);
		if (room == NULL) {
			deliver_cut(sink, entry, lane->room, SLOG_LANE_LINE_BYTES);
			return;
		}
		line = encode(sink, entry, room, size);
		size *= 4;
	} while (line.overflowed && size / 4 < sink->max_size);
	if (line.overflowed)
		deliver_cut(sink, entry, room, sink->max_size);
	else
		write_line(sink, entry, &line);
}

void slog_deliver(struct slog_sink *sink, struct slog_entry *entry, struct slog_lane *lane)
{
	if (entry->prepared->keys.octets > SLOG_LANE_LINE_BYTES) {
		deliver_large(sink, entry, lane);
		return;
	}
	/* Not by encode(): a line that is returned is copied, and waits for its own stores. */
	size_t size = SLOG_LANE_LINE_BYTES;
	struct slog_line line = slog_line_in(lane->room, size < sink->max_size ? size : sink->max_size);
	sink->encoder->encode(sink->encoder, entry, &line);
	if (line.overflowed)
		deliver_large(sink, entry, lane);
	else
		write_line(sink, entry, &line);
}
