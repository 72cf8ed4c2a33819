/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of probes is the thread's; the main thread looks at it in calls on that thread (worker_call), between two
 * turns that are each short.
 */
#include "relay/probe_watch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "output/filter.h"
#include "output/output_common.h"
#include "relay/document.h"
#include "relay/relay_internal.h"
#include "spool/spool_stream.h"

enum { TURN_BLOCKS = 16 }; /* read in one turn of the loop */

/* One number, as often as it was stored. */
struct seen {
	uint32_t copies;
	uint32_t input;     /* of the first one, as all that follows */
	uint64_t sequence;
	int64_t stored_ns;  /* wall clock when it was found stored */
};

struct probe_watch {
	struct relay *relay;
	struct worker *worker;
	struct waker *waker;
	struct spool_reader *reader;
	char id[PROBE_ID_LEN + 1];
	unsigned count;
	uint64_t next;      /* all below was looked at */
	uint64_t unread;    /* could not be: damaged, or released before */
	struct seen *seen;  /* [number - 1] */
	yajl_gen gen;       /* of the document under way */

	/* By output of the relay. */
	struct filter filters[SETTINGS_OUTPUTS_MAX];
	bool wants[SETTINGS_OUTPUTS_MAX];          /* the last probe seen */
	uint64_t put_aside[SETTINGS_OUTPUTS_MAX];  /* when the watch began */
};

/* ---- on its thread ---- */

static void note(struct probe_watch *watch, unsigned number, uint64_t sequence, const struct envelope *envelope)
{
	struct seen *seen = &watch->seen[number - 1];
	if (seen->copies++ == 0) {
		seen->input = envelope->input;
		seen->sequence = sequence;
		seen->stored_ns = clock_wall_ns();
	}
	for (unsigned i = 0; i < watch->relay->outputs_count; i++)
		watch->wants[i] = filter_passes(&watch->filters[i], envelope);
}

static void look_at_records(struct probe_watch *watch, const struct spool_view *view)
{
	struct envelope_context unpacking;
	struct envelope envelope;
	struct bytes rest = view->records, record;
	uint64_t sequence = view->first;
	envelope_context_start(&unpacking, view->base_ns);
	for (; spool_record_next(&rest, &record); sequence++) {
		/* Each is unpacked: it is relative to the one before it. */
		bool readable = envelope_unpack(&unpacking, record, &envelope);
		unsigned number = sequence >= watch->next ? probe_find(record, watch->id, watch->count) : 0;
		envelope.input = (uint16_t)view->input;
		if (readable && number > 0)
			note(watch, number, sequence, &envelope);
	}
}

static void look_at_block(struct probe_watch *watch, const struct spool_view *view)
{
	if (view->first > watch->next)
		watch->unread += view->first - watch->next;
	/* Once over the whole block: most have none, and nothing of them is unpacked. */
	if (probe_find(view->records, watch->id, watch->count) > 0)
		look_at_records(watch, view);
	watch->next = view->last + 1;
}

static void wake(void *context)
{
	waker_wake(context);
}

/* One turn. A spool that cannot be read is tried again when somebody asks. */
static void look(void *context)
{
	struct probe_watch *watch = context;
	struct spool_view view;
	for (unsigned i = 0; i < TURN_BLOCKS; i++) {
		switch (spool_read(watch->reader, &view)) {
		case SPOOL_READ_BLOCK:
			look_at_block(watch, &view);
			break;
		case SPOOL_READ_DAMAGE:
			watch->unread += view.last - watch->next + 1;
			watch->next = view.last + 1;
			break;
		case SPOOL_READ_CAUGHT_UP:
			if (spool_reader_wait(watch->reader, wake, watch->waker))
				return;
			break;
		case SPOOL_READ_FAILED:
			return;
		}
	}
	waker_wake(watch->waker);
}

static void open_on_thread(void *context)
{
	struct probe_watch *watch = context;
	watch->reader = spool_reader_open(watch->relay->spool, watch->next);
	watch->waker = waker_open(watch->worker, look, watch);
	if (watch->reader != NULL && watch->waker != NULL)
		look(watch);
}

static void close_on_thread(void *context)
{
	struct probe_watch *watch = context;
	/* The reader first: it may still ask the waker. */
	if (watch->reader != NULL)
		spool_reader_close(&watch->reader);
	if (watch->waker != NULL)
		waker_close(&watch->waker);
}

static void write_numbers(const struct probe_watch *watch)
{
	yajl_gen gen = watch->gen;
	document_name(gen, "numbers");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < watch->count; i++) {
		const struct seen *seen = &watch->seen[i];
		if (seen->copies == 0)
			continue;
		yajl_gen_map_open(gen);
		document_count(gen, "number", i + 1);
		document_count(gen, "copies", seen->copies);
		document_count(gen, "sequence", seen->sequence);
		document_count(gen, "stored_ns", (uint64_t)seen->stored_ns);
		document_text(gen, "input", spool_input_name(watch->relay->spool, seen->input));
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
}

/* What an output will never deliver, or did in vain. */
static uint64_t put_aside(const struct relay_output *output)
{
	struct spool_output_totals totals;
	spool_cursor_totals(output->cursor, &totals);
	return totals.quarantined + totals.dropped_oldest + totals.damaged + totals.dropped_by_rule +
	       spool_cursor_lost_by_peer(output->cursor);
}

static void write_outputs(const struct probe_watch *watch)
{
	yajl_gen gen = watch->gen;
	document_name(gen, "outputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < watch->relay->outputs_count; i++) {
		const struct relay_output *output = &watch->relay->outputs[i];
		uint8_t stream[SPOOL_STREAM_ID_BYTES];
		uint64_t checksum;
		(void)spool_cursor_stream(output->cursor, stream, &checksum);
		yajl_gen_map_open(gen);
		document_text(gen, "name", output->settings->name);
		document_bool(gen, "confirmed", output->settings->driver->confirmed);
		document_hex(gen, "stream", stream, sizeof stream);
		document_bool(gen, "wants", watch->wants[i]);
		document_count(gen, "delivered", spool_cursor_delivered(output->cursor));
		document_count(gen, "put_aside", put_aside(output) - watch->put_aside[i]);
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
}

static void write_on_thread(void *context)
{
	struct probe_watch *watch = context;
	look(watch);
	document_count(watch->gen, "looked_at", watch->next - 1);
	document_count(watch->gen, "unread", watch->unread);
	write_numbers(watch);
	write_outputs(watch);
}

/* ---- on the main thread ---- */

static bool open_filters(struct probe_watch *watch)
{
	char error[FILTER_ERROR_MAX_BYTES];
	for (unsigned i = 0; i < watch->relay->outputs_count; i++) {
		const struct relay_output *output = &watch->relay->outputs[i];
		const struct output_common *common = output->settings->options;
		watch->put_aside[i] = put_aside(output);
		if (!filter_compile(&watch->filters[i], &common->filter, watch->relay->spool, error))
			return false;
	}
	return true;
}

struct probe_watch *probe_watch_open(struct relay *relay, const char *id, unsigned count)
{
	assert(probe_id_is_valid(id) && count > 0 && count <= PROBE_NUMBERS_MAX);
	struct probe_watch *watch = calloc(1, sizeof *watch);
	if (watch == NULL)
		return NULL;
	watch->relay = relay;
	watch->count = count;
	memcpy(watch->id, id, sizeof watch->id);
	watch->next = spool_stored(relay->spool) + 1;
	watch->seen = calloc(count, sizeof *watch->seen);
	bool good = watch->seen != NULL && open_filters(watch) && (watch->worker = worker_start("probe")) != NULL &&
	            worker_call(watch->worker, open_on_thread, watch) && watch->reader != NULL && watch->waker != NULL;
	if (!good)
		probe_watch_close(&watch);
	return watch;
}

void probe_watch_close(struct probe_watch **closed)
{
	struct probe_watch *watch = *closed;
	*closed = NULL;
	if (watch == NULL)
		return;
	if (watch->worker != NULL) {
		bool called = worker_call(watch->worker, close_on_thread, watch);
		assert(called);
		(void)called;
		worker_stop(&watch->worker);
	}
	for (unsigned i = 0; i < watch->relay->outputs_count; i++)
		filter_free(&watch->filters[i]);
	free(watch->seen);
	free(watch);
}

const char *probe_watch_id(const struct probe_watch *watch)
{
	return watch->id;
}

void probe_watch_write(struct probe_watch *watch, yajl_gen gen)
{
	document_text(gen, "id", watch->id);
	document_count(gen, "count", watch->count);
	document_count(gen, "stored", spool_stored(watch->relay->spool));
	watch->gen = gen;
	bool called = worker_call(watch->worker, write_on_thread, watch);
	assert(called);
	(void)called;
}
