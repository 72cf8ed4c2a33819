/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, starting, reloading and stopping in the right order. What opens needs privileges and other threads do not yet
 * see; what starts makes bytes move, outputs first, so that the first message already finds its way out. Stopping goes the
 * other way round: inputs end their sessions while the spool still stores and answers, then outputs, then the spool.
 */
#include "relay/relay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <liblog/slog.h>

#include "base/clock.h"
#include "base/varint.h"
#include "intake/zone_file.h"
#include "relay/budget.h"
#include "relay/control.h"
#include "relay/losses.h"
#include "relay/probe_watches.h"
#include "relay/relay_internal.h"

static const char *const state_names[] = {
	[RELAY_STATE_OPENED] = "opened",
	[RELAY_STATE_RUNNING] = "running",
	[RELAY_STATE_STOPPING_INPUTS] = "stopping inputs",
	[RELAY_STATE_STOPPING_OUTPUTS] = "stopping outputs",
	[RELAY_STATE_STOPPED] = "stopped",
};

static void move_to(struct relay *relay, enum relay_state state)
{
	assert(state > relay->state);
	slog_debug("relay_state", "from", state_names[relay->state], "to", state_names[state]);
	relay->state = state;
}

/* ---- opening ---- */

static void on_spool_failed(void *context, const char *error)
{
	struct relay *relay = context;
	/* Told once; the text first, for whoever sees the flag reads it. */
	snprintf(relay->spool_error, sizeof relay->spool_error, "%s", error);
	atomic_store(&relay->spool_failed, true);
	uv_async_send(&relay->notice);
}

static void on_spool_moved(void *context)
{
	struct relay *relay = context;
	if (atomic_exchange(&relay->awaits_move, false))
		uv_async_send(&relay->notice);
}

/* The pools share spool.memory: each worker gets as many blocks as fit its part, never fewer than four (spool rule 9). */
static unsigned blocks_per_worker(const struct settings *settings, uint32_t block_size)
{
	uint64_t blocks = settings->process.spool.is.memory / settings->process.workers / block_size;
	return blocks < 4 ? 4 : blocks > 1024 ? 1024 : (unsigned)blocks;
}

/* A block must hold the largest message of any input and its envelope. */
static uint32_t block_size(const struct settings *settings)
{
	enum { BLOCK_SIZE_BYTES = 256 * 1024, BLOCK_ALIGNMENT_BYTES = 4096 };
	uint64_t size = BLOCK_SIZE_BYTES;
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		const struct input_common *common = settings->inputs[i].options;
		uint64_t wanted = common->max_message_size + ENVELOPE_PACKED_MAX_BYTES + VARINT_LEN_MAX;
		if (wanted > size)
			size = wanted;
	}
	return (uint32_t)((size + BLOCK_ALIGNMENT_BYTES - 1) / BLOCK_ALIGNMENT_BYTES * BLOCK_ALIGNMENT_BYTES);
}

static void log_recovery(const struct relay *relay)
{
	const struct spool_recovery *found = &relay->recovery;
	const char *path = relay->settings->process.spool.is.path;
	if (found->created) {
		slog_info("spool_created", "path", path);
		return;
	}
	slog_info("spool_opened", "path", path, "clean", slog_bool(found->clean), "first", found->first_sequence, "last",
	          found->last_sequence, "torn_octets", found->torn_octets, "rewritten_blocks", found->rewritten_blocks);
	if (!found->clean)
		slog_warning("unclean_stop", "path", path, "up_to_octets", relay->pool_bytes, "message",
		             slog_msgf("the relay did not stop in order: messages that unconfirmed senders (UDP, plain TCP, TLS, "
		                       "local sockets) had handed over but that were not stored yet may be lost, at most %" PRIu64
		                       " octets of them and what the kernel's socket buffers held; acknowledged messages are all "
		                       "here", relay->pool_bytes));
	if (found->damaged_ranges > 0)
		slog_err("spool_damaged", "path", path, "places", found->damaged_ranges, "messages", found->damaged_sequences,
		         "message", slog_msgf("%" PRIu64 " messages in %" PRIu64 " places of the spool cannot be read any more",
		                              found->damaged_sequences, found->damaged_ranges));
}

/* Whether what an input does not read in time is gone. */
static bool has_input_that_loses(const struct settings *settings)
{
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		if (settings->inputs[i].driver->loses)
			return true;
	}
	return false;
}

static struct spool_options spool_options_of(const struct settings *settings)
{
	const struct spool_settings *wanted = &settings->process.spool.is;
	uint32_t size = block_size(settings);
	return (struct spool_options){
		.path = wanted->path,
		.max_size_bytes = wanted->max_size,
		.reserve_bytes = wanted->reserve,
		.segment_size_bytes = (uint32_t)wanted->segment_size,
		.block_size_bytes = size,
		.sync = (enum spool_sync)wanted->sync,
		.compression = (enum spool_compression)wanted->compression,
		.inputs_lose = has_input_that_loses(settings),
		.workers = (unsigned)settings->process.workers,
		.blocks_per_worker = blocks_per_worker(settings, size),
	};
}

bool relay_spool_is_sound(const struct settings *settings, char *error)
{
	struct spool_options options = spool_options_of(settings);
	return spool_options_are_sound(&options, error);
}

static enum relay_result open_spool(struct relay *relay, char *error)
{
	struct spool_options options = spool_options_of(relay->settings);
	relay->pool_bytes = (uint64_t)options.workers * options.blocks_per_worker * options.block_size_bytes;
	options.events = (struct spool_events){
		.context = relay,
		.worker_stored = relay_on_worker_stored,
		.room = relay_on_room,
		.lost = losses_on_lost,
		.moved = on_spool_moved,
		.failed = on_spool_failed,
	};
	switch (spool_open(&options, &relay->spool, &relay->recovery, error)) {
	case SPOOL_OPENED:
		log_recovery(relay);
		return RELAY_OK;
	case SPOOL_LOCKED:
		return RELAY_SPOOL_LOCKED;
	case SPOOL_NEWER_VERSION:
	case SPOOL_UNUSABLE:
		break;
	}
	return RELAY_SPOOL_UNUSABLE;
}

uint64_t relay_received_before(const struct relay *relay, unsigned spool_index)
{
	struct spool_input_totals totals;
	spool_input_totals(relay->spool, spool_index, &totals);
	uint64_t received = totals.stored;
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
		received += totals.dropped[reason];
	return received;
}

static enum relay_result open_inputs(struct relay *relay, char *error)
{
	for (unsigned i = 0; i < relay->settings->inputs_count; i++) {
		struct relay_input *input = &relay->inputs[i];
		input->settings = &relay->settings->inputs[i];
		int index = spool_register_input(relay->spool, input->settings->name);
		if (index < 0) {
			snprintf(error, RELAY_ERROR_MAX_BYTES, "the spool %s already knows %d names of inputs and can remember no more",
			         relay->settings->process.spool.is.path, SPOOL_INPUTS_MAX);
			return RELAY_INPUT_FAILED;
		}
		input->spool_index = (unsigned)index;
		input->received_before = relay_received_before(relay, input->spool_index);
		struct input_setup setup = {
			.settings = input->settings->options,
			.name = input->settings->name,
			.spool_index = input->spool_index,
			.workers = relay->input_workers,
			.workers_count = relay->workers_count,
			.local_zone = &relay->local_zone,
		};
		input->input = input->settings->driver->open(&setup, error);
		if (input->input == NULL)
			return RELAY_INPUT_FAILED;
		relay->inputs_count++;
	}
	return RELAY_OK;
}

/* Whether what an output does not read in time stays in the spool, however long. */
static bool is_patient(const struct relay_output *output)
{
	const struct output_common *common = output->settings->options;
	return common->when_behind != SPOOL_DROP_OLDEST;
}

static enum relay_result open_outputs(struct relay *relay, char *error)
{
	bool gives_way = has_input_that_loses(relay->settings);
	for (unsigned i = 0; i < relay->outputs_count; i++) {
		struct relay_output *output = &relay->outputs[i];
		char name[16];
		snprintf(name, sizeof name, "output-%u", i % 1000);
		output->worker = worker_start(name);
		if (output->worker == NULL)
			return RELAY_NO_MEMORY;
		if (gives_way && is_patient(output))
			worker_give_way(output->worker);
		struct output_setup setup = {
			.settings = output->settings->options,
			.worker = output->worker,
			.spool = relay->spool,
			.cursor = output->cursor,
			.read_filter = relay->events.read_filter,
		};
		output->output = output->settings->driver->open(&setup, error);
		if (output->output == NULL)
			return RELAY_OUTPUT_FAILED;
	}
	return RELAY_OK;
}

static enum relay_result open_parts(struct relay *relay, char *error)
{
	snprintf(error, RELAY_ERROR_MAX_BYTES, "not enough memory or threads to start");
	if (!zone_file_load(relay->settings->process.time_zone, &relay->local_zone, error))
		return RELAY_INPUT_FAILED;
	enum relay_result result = open_spool(relay, error);
	if (result == RELAY_OK)
		result = relay_check_drops(relay, error);
	if (result == RELAY_OK)
		result = relay_open_cursors(relay, error);
	if (result == RELAY_OK && !relay_workers_open(relay))
		result = RELAY_NO_MEMORY;
	if (result == RELAY_OK)
		result = open_inputs(relay, error);
	if (result == RELAY_OK)
		result = open_outputs(relay, error);
	if (result == RELAY_OK && (relay->losses = losses_open(relay)) == NULL) {
		snprintf(error, RELAY_ERROR_MAX_BYTES, "not enough memory, or the spool knows too many names of inputs");
		result = RELAY_INPUT_FAILED;
	}
	if (result == RELAY_OK && ((relay->budget = budget_open(relay)) == NULL ||
	                           (relay->probe_watches = probe_watches_open(relay)) == NULL))
		result = RELAY_NO_MEMORY;
	if (result == RELAY_OK && relay->settings->process.control != NULL) {
		relay->control = control_open(relay->loop, relay->settings->process.control, relay, error);
		if (relay->control == NULL)
			result = RELAY_INPUT_FAILED;
	}
	return result;
}

static struct relay *relay_of_notice(uv_async_t *notice)
{
	return (struct relay *)(void *)((char *)notice - offsetof(struct relay, notice));
}

static void on_notice(uv_async_t *notice);

enum relay_result relay_open(uv_loop_t *loop, const struct settings *settings, const struct relay_events *events,
                             struct relay **opened, char *error)
{
	*opened = NULL;
	struct relay *relay = calloc(1, sizeof *relay);
	if (relay == NULL || uv_async_init(loop, &relay->notice, on_notice) != 0) {
		free(relay);
		snprintf(error, RELAY_ERROR_MAX_BYTES, "not enough memory to start");
		return RELAY_NO_MEMORY;
	}
	int result_of_lock = uv_mutex_init(&relay->awake_lock);
	assert(result_of_lock == 0);
	(void)result_of_lock;
	relay->loop = loop;
	relay->settings = settings;
	relay->events = *events;
	relay->started_ns = clock_monotonic_ns();
	enum relay_result result = open_parts(relay, error);
	if (result != RELAY_OK) {
		relay_close(&relay);
		return result;
	}
	*opened = relay;
	return RELAY_OK;
}

/* ---- running ---- */

void relay_start(struct relay *relay)
{
	move_to(relay, RELAY_STATE_RUNNING);
	spool_start(relay->spool);
	for (unsigned i = 0; i < relay->outputs_count; i++)
		relay->outputs[i].settings->driver->start(relay->outputs[i].output);
	for (unsigned i = 0; i < relay->inputs_count; i++)
		relay->inputs[i].settings->driver->start(relay->inputs[i].input);
	losses_start(relay->losses);
}

bool relay_reload(struct relay *relay)
{
	if (relay->state != RELAY_STATE_RUNNING)
		return false;
	bool all = true;
	char error[RELAY_ERROR_MAX_BYTES];
	for (unsigned i = 0; i < relay->inputs_count; i++) {
		const struct relay_input *input = &relay->inputs[i];
		if (input->settings->driver->reload == NULL || input->settings->driver->reload(input->input, error))
			continue;
		all = false;
		slog_err("reload_failed", "input", input->settings->name, "message",
		         slog_msgf("input \"%s\" keeps what it had: %s", input->settings->name, error));
	}
	for (unsigned i = 0; i < relay->outputs_count; i++) {
		const struct relay_output *output = &relay->outputs[i];
		if (output->settings->driver->reload == NULL || output->settings->driver->reload(output->output, error))
			continue;
		all = false;
		slog_err("reload_failed", "output", output->settings->name, "message",
		         slog_msgf("output \"%s\" keeps what it had: %s", output->settings->name, error));
	}
	return all;
}

/* ---- stopping ---- */

/* From any thread: one input or output has stopped; the last one wakes the main thread. */
static void on_part_stopped(void *context)
{
	struct relay *relay = context;
	if (atomic_fetch_sub(&relay->stopping, 1) == 1)
		uv_async_send(&relay->notice);
}

static void close_outputs(struct relay *relay)
{
	for (unsigned i = 0; i < relay->outputs_count; i++) {
		struct relay_output *output = &relay->outputs[i];
		if (output->output != NULL)
			output->settings->driver->close(&output->output);
		worker_stop(&output->worker);
		spool_cursor_close(&output->cursor);
	}
	relay->outputs_count = 0;
}

static void close_inputs(struct relay *relay)
{
	losses_close(&relay->losses);
	for (unsigned i = 0; i < relay->inputs_count; i++)
		relay->inputs[i].settings->driver->close(&relay->inputs[i].input);
	relay->inputs_count = 0;
	relay_workers_close(relay);
}

/* One part more than there are, given up at once, so that nothing to stop is the same as the last one stopping. */
static void stop_outputs(struct relay *relay)
{
	move_to(relay, RELAY_STATE_STOPPING_OUTPUTS);
	atomic_store(&relay->stopping, relay->outputs_count + 1);
	for (unsigned i = 0; i < relay->outputs_count; i++)
		relay->outputs[i].settings->driver->stop(relay->outputs[i].output, on_part_stopped, relay);
	on_part_stopped(relay);
}

void relay_stop(struct relay *relay)
{
	if (relay->state != RELAY_STATE_RUNNING)
		return;
	move_to(relay, RELAY_STATE_STOPPING_INPUTS);
	control_close(&relay->control);
	budget_close(&relay->budget);
	probe_watches_close(&relay->probe_watches);
	atomic_store(&relay->stopping, relay->inputs_count + 1);
	for (unsigned i = 0; i < relay->inputs_count; i++)
		relay->inputs[i].settings->driver->stop(relay->inputs[i].input, on_part_stopped, relay);
	on_part_stopped(relay);
}

static void on_notice(uv_async_t *notice)
{
	struct relay *relay = relay_of_notice(notice);
	if (atomic_load(&relay->spool_failed)) {
		relay->events.failed(relay->events.context, relay->spool_error);
		return;
	}
	if (relay->budget != NULL)
		budget_go_on(relay->budget);
	if (atomic_load(&relay->stopping) > 0)
		return;
	if (relay->state == RELAY_STATE_STOPPING_INPUTS) {
		close_inputs(relay);
		stop_outputs(relay);
	} else if (relay->state == RELAY_STATE_STOPPING_OUTPUTS) {
		close_outputs(relay);
		spool_close(&relay->spool);
		move_to(relay, RELAY_STATE_STOPPED);
		relay->events.stopped(relay->events.context);
	}
}

static void free_relay(uv_handle_t *notice)
{
	struct relay *relay = relay_of_notice((uv_async_t *)notice);
	uv_mutex_destroy(&relay->awake_lock);
	free(relay);
}

void relay_close(struct relay **closed)
{
	struct relay *relay = *closed;
	*closed = NULL;
	if (relay == NULL)
		return;
	assert(relay->state == RELAY_STATE_OPENED || relay->state == RELAY_STATE_STOPPED);
	control_close(&relay->control);
	budget_close(&relay->budget);
	probe_watches_close(&relay->probe_watches);
	close_inputs(relay);
	close_outputs(relay);
	spool_close(&relay->spool);
	uv_close((uv_handle_t *)&relay->notice, free_relay);
}
