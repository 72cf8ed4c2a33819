/* SPDX-License-Identifier: Apache-2.0 */
/* From an event to octets in a sink. */
#ifndef LIBLOG_DELIVER_H
#define LIBLOG_DELIVER_H

#include <liblog/sink.h>

#include "lane.h"

/*
 * Encodes the entry for this sink and gives it to the sink's driver. An event larger than the sink allows loses fields
 * from the end, then the end of its message, and is counted as cut; one that the sink does not take is counted as
 * dropped. The lane is the caller's. Changes the entry when it must be cut.
 */
void slog_deliver(struct slog_sink *sink, struct slog_entry *entry, struct slog_lane *lane);

/* The same for a line that is encoded, has SLOG_LINE_FEED_BYTES of room behind it, and is not for the backtrace. */
void slog_deliver_line(struct slog_sink *sink, char *text, size_t length, enum slog_severity severity);

/*
 * The line of an entry that is too large for size octets, or for the sink, with as much of it as fits; counted as cut.
 * It has overflowed if not even the header fits. room has SLOG_LINE_FEED_BYTES more. Signal-safe if the encoder is.
 */
struct slog_line slog_deliver_cut(const struct slog_sink *sink, struct slog_entry *entry, char *room, size_t size);

#endif
