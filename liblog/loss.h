/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sink had to drop since it last said so, and the event that says it:
 * slog_loss {sink, since, until, dropped: {"debug": 12, ...}}. Whoever has a struct slog_loss guards it.
 */
#ifndef LIBLOG_LOSS_H
#define LIBLOG_LOSS_H

#include <liblog/sink.h>

#define SLOG_LOSS_BYTES_MAX SLOG_EVENT_BYTES_MIN /* the event, encoded, with its LF */

struct slog_loss {
	bool is_any;
	struct timespec since;
	struct timespec until;
	uint64_t dropped[SLOG_SEVERITIES];
};

/* One more event was dropped. */
void slog_loss_add(struct slog_loss *loss, enum slog_severity severity);

/* Appends the event, encoded for this sink, without LF. The line overflows if it has no room for it. */
void slog_loss_put(const struct slog_loss *loss, const struct slog_sink *sink, struct slog_line *line);

#endif
