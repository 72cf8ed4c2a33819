/* SPDX-License-Identifier: Apache-2.0 */
/* See losses.h. */
#include "losses.h"

#define GATE_WAIT_MS 1

static void note(struct slog_losses *losses, enum slog_severity severity)
{
	if (slog_gate_take(&losses->gate, GATE_WAIT_MS) == SLOG_GATE_BUSY)
		return;
	slog_loss_add(&losses->loss, severity);
	atomic_store_explicit(&losses->is_any, true, memory_order_relaxed);
	slog_gate_leave(&losses->gate);
}

/* Takes out what is to be told. */
static struct slog_loss take_out(struct slog_losses *losses)
{
	struct slog_loss taken = {.is_any = false};
	if (slog_gate_take(&losses->gate, GATE_WAIT_MS) == SLOG_GATE_BUSY)
		return taken;
	taken = losses->loss;
	memset(&losses->loss, 0, sizeof losses->loss);
	atomic_store_explicit(&losses->is_any, false, memory_order_relaxed);
	slog_gate_leave(&losses->gate);
	return taken;
}

/* A loss that could not be told, and what was lost since then, are one. */
static void put_back(struct slog_losses *losses, const struct slog_loss *untold)
{
	struct slog_loss *loss = &losses->loss;
	if (slog_gate_take(&losses->gate, GATE_WAIT_MS) == SLOG_GATE_BUSY)
		return;
	loss->since = untold->since;
	if (!loss->is_any)
		loss->until = untold->until;
	loss->is_any = true;
	for (int i = 0; i < SLOG_SEVERITIES; i++)
		loss->dropped[i] += untold->dropped[i];
	atomic_store_explicit(&losses->is_any, true, memory_order_relaxed);
	slog_gate_leave(&losses->gate);
}

static int tell(struct slog_losses *losses, slog_raw_write_fn *write, struct slog_sink *sink)
{
	struct slog_line line = slog_line_in(losses->room, sizeof losses->room - 1);
	const struct slog_loss loss = take_out(losses);
	if (!loss.is_any)
		return 0;
	slog_loss_put(&loss, sink, &line);
	if (line.overflowed)
		return 0;
	if (sink->driver->line_feed)
		line.text[line.length++] = '\n';
	int error = write(sink, line.text, line.length, SLOG_WARNING);
	if (error != 0)
		put_back(losses, &loss);
	return error;
}

/* Others who find a thread telling go on with their own events. */
static int tell_if_nobody_does(struct slog_losses *losses, slog_raw_write_fn *write, struct slog_sink *sink)
{
	if (slog_gate_take_whole(&losses->teller, 0) == SLOG_GATE_BUSY)
		return 0;
	int error = tell(losses, write, sink);
	slog_gate_leave_whole(&losses->teller);
	return error;
}

int slog_losses_write(struct slog_losses *losses, slog_raw_write_fn *write, struct slog_sink *sink, const char *line,
                      size_t length, enum slog_severity severity)
{
	int error = 0;
	if (atomic_load_explicit(&losses->is_any, memory_order_relaxed))
		error = tell_if_nobody_does(losses, write, sink);
	if (error == 0)
		error = write(sink, line, length, severity);
	if (error != 0)
		note(losses, severity);
	return error;
}

void slog_losses_tell(struct slog_losses *losses, slog_raw_write_fn *write, struct slog_sink *sink)
{
	if (atomic_load_explicit(&losses->is_any, memory_order_relaxed))
		tell_if_nobody_does(losses, write, sink);
}
