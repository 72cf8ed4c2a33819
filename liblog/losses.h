/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For a sink that logging calls write to themselves: remembers what it had to drop and tells it, by the event of loss.h,
 * before the next event that gets through, and when the sink is closed. (Behind a ring the lanes do this.)
 */
#ifndef LIBLOG_LOSSES_H
#define LIBLOG_LOSSES_H

#include <stdatomic.h>

#include "gate.h"
#include "loss.h"

/* Of one sink; zero is a sink that has lost nothing. */
struct slog_losses {
	atomic_bool is_any;
	struct slog_gate gate; /* guards loss; held for no longer than it takes to count */
	struct slog_loss loss;
	struct slog_gate teller; /* held by the one thread that tells, which uses room */
	char room[SLOG_LOSS_BYTES_MAX];
};

/* The sink's way to its device, as slog_sink_driver.write. */
typedef int slog_raw_write_fn(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity);

/*
 * Writes an event, and before it what is to be told. If that is not taken the event is not tried: one call waits for the
 * device once. What write() returns.
 */
int slog_losses_write(struct slog_losses *losses, slog_raw_write_fn *write, struct slog_sink *sink, const char *line,
                      size_t length, enum slog_severity severity);

/* Tells what is to be told, if it can. */
void slog_losses_tell(struct slog_losses *losses, slog_raw_write_fn *write, struct slog_sink *sink);

#endif
