/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks and tells on the first input worker's thread, whose intake takes the messages. For every counter there is what was
 * told of it: the difference is the loss, and between the looks at it lies when it happened.
 *
 * A look first asks the spool to be told of the next loss, so none falls between a look and the rest that follows it; and
 * only the first loss after a look costs a wake-up. While something is untold there is a look every second.
 */
#include "relay/losses.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "intake/counter.h"
#include "relay/loss_message.h"
#include "relay/relay_internal.h"
#include "spool/ledger_sources.h"
#include "spool/spool_stream.h"
#include "syslog/peer.h"

enum { TICK_MS = 1000, OUTPUT_REASONS = 4 };

/* So soon a loss is counted: the kernel's are asked for every second, by threads that have other things to do. */
#define COUNTED_WITHIN_NS (2 * (int64_t)CLOCK_NS_PER_SECOND)

/* One row's counters as they were told, and since when they have not moved. */
struct told {
	uint64_t dropped[SPOOL_DROP_REASONS];
	uint64_t suspected;
	int64_t from_ns;    /* wall clock of the last look before they moved */
	uint64_t last_ns;   /* monotonic time of the last message; 0: none */
};

struct losses {
	struct relay *relay;
	char name[SPOOL_NAME_MAX_BYTES + 1];
	unsigned index;
	uint64_t received_before;
	char hostname[256];
	struct intake_source source;
	struct waker *waker;
	uv_timer_t timer;                   /* runs only while there is something to look at */
	_Atomic int64_t counted_ns;         /* wall clock when the spool told of a loss */
	bool untold;                        /* the last look left something */
	bool has_started;
	bool unclean;                       /* still to be told */
	struct told input[SPOOL_INPUTS_MAX];
	struct told output[SETTINGS_OUTPUTS_MAX];
	struct told by_source[SPOOL_SOURCES_MAX];
	struct told streams;                /* when only: the spool knows what was told of each */
};

/* The senders of what the kernel drops are not known; everything else is told by source. */
static bool is_by_source(unsigned reason)
{
	return reason != SPOOL_DROP_KERNEL && reason != SPOOL_DROP_KERNEL_AGGREGATES;
}

/* ---- one message ---- */

static bool put(struct losses *losses, const struct loss *loss)
{
	char text[LOSS_MESSAGE_MAX_BYTES];
	struct intake *intake = losses->relay->input_workers[0].intake;
	struct peer peer = {.transport = TRANSPORT_INTERNAL};
	uint64_t receipt;
	enum spool_level level = intake_level(intake);
	if (level == SPOOL_LEVEL_FULL || (level == SPOOL_LEVEL_RESERVE && loss->event != LOSS_CERTAIN))
		return false; /* later */
	size_t len = loss_message_write(loss, losses->hostname, (long)getpid(), text);
	return intake_take(intake, &losses->source, &peer, bytes_of(text, len), 0, loss->to_ns, &receipt) == INTAKE_TAKEN;
}

static bool tell(struct losses *losses, const struct loss *loss)
{
	bool told = put(losses, loss);
	losses->untold = losses->untold || !told;
	return told;
}

/* Tells the difference of one counter. True if there is none left. */
static bool tell_counter(struct losses *losses, struct loss *loss, uint64_t total, uint64_t *told)
{
	if (total < *told)
		*told = total; /* an output had sent on already what was told as passed over */
	if (total == *told)
		return true;
	loss->count = total - *told;
	loss->total = total;
	if (!tell(losses, loss))
		return false;
	*told = total;
	return true;
}

/* ---- rows ---- */

static bool tell_drops(struct losses *losses, struct loss *loss, const uint64_t *dropped, struct told *told,
                       bool by_source)
{
	bool all = true;
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++) {
		loss->reason = spool_drop_reason_name((enum spool_drop_reason)reason);
		if (loss->reason != NULL && is_by_source(reason) == by_source)
			all = tell_counter(losses, loss, dropped[reason], &told->dropped[reason]) && all;
	}
	return all;
}

static bool drops_moved(const uint64_t *dropped, const struct told *told, bool by_source)
{
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
		if (is_by_source(reason) == by_source && dropped[reason] != told->dropped[reason])
			return true;
	return false;
}

/* Whether the row is to be told now. If nothing moved, this look is where its next loss begins. */
static bool is_due(struct losses *losses, struct told *told, bool moved, bool now_or_never, struct loss *loss,
                   uint64_t now_ns)
{
	if (!moved) {
		told->from_ns = loss->to_ns;
		return false;
	}
	loss->from_ns = told->from_ns;
	bool due = now_or_never || told->last_ns == 0 || now_ns - told->last_ns >= LOSSES_INTERVAL_NS;
	losses->untold = losses->untold || !due;
	return due;
}

static void was_told(struct told *told, const struct loss *loss, uint64_t now_ns)
{
	told->from_ns = loss->to_ns;
	told->last_ns = now_ns;
}

static void look_at_input(struct losses *losses, unsigned index, bool now_or_never, int64_t wall_ns, uint64_t now_ns)
{
	struct told *told = &losses->input[index];
	struct loss loss = {.to_ns = wall_ns, .input = spool_input_name(losses->relay->spool, index)};
	struct spool_input_totals totals;
	spool_input_totals(losses->relay->spool, index, &totals);
	if (!is_due(losses, told, drops_moved(totals.dropped, told, false), now_or_never, &loss, now_ns))
		return;
	if (tell_drops(losses, &loss, totals.dropped, told, false))
		was_told(told, &loss, now_ns);
}

static void look_at_source(struct losses *losses, unsigned index, bool now_or_never, int64_t wall_ns, uint64_t now_ns)
{
	struct told *told = &losses->by_source[index];
	struct loss loss = {.to_ns = wall_ns};
	struct spool_source_totals totals;
	char address[PEER_TEXT_MAX_BYTES + 1];
	spool_source_totals(losses->relay->spool, index, &totals);
	bool moved = drops_moved(totals.dropped, told, true) || totals.suspected != told->suspected;
	if (!is_due(losses, told, moved, now_or_never, &loss, now_ns))
		return;
	if (index != SPOOL_SOURCE_OTHERS) {
		const struct spool_source_name *name = spool_source_name(losses->relay->spool, index);
		struct peer peer = {.port = 0};
		memcpy(peer.address, name->address, sizeof peer.address);
		address[peer_write_address(&peer, (uint8_t *)address)] = '\0';
		loss.peer = address;
		loss.hostname = bytes_of(name->hostname, name->hostname_len);
	}
	bool all = tell_drops(losses, &loss, totals.dropped, told, true);
	loss.event = LOSS_SUSPECTED;
	loss.reason = "sequence-id";
	all = tell_counter(losses, &loss, totals.suspected, &told->suspected) && all;
	if (all)
		was_told(told, &loss, now_ns);
}

static void output_drops(const struct relay_output *output, uint64_t dropped[OUTPUT_REASONS])
{
	struct spool_output_totals totals;
	spool_cursor_totals(output->cursor, &totals);
	dropped[0] = totals.dropped_oldest;
	dropped[1] = totals.dropped_by_rule;
	dropped[2] = totals.damaged;
	dropped[3] = spool_cursor_lost_by_peer(output->cursor);
}

static void look_at_output(struct losses *losses, unsigned index, bool now_or_never, int64_t wall_ns, uint64_t now_ns)
{
	static const char *const reasons[OUTPUT_REASONS] = {"dropped-oldest", "dropped-by-rule", "damaged", "lost-by-peer"};
	const struct relay_output *output = &losses->relay->outputs[index];
	struct told *told = &losses->output[index];
	struct loss loss = {.to_ns = wall_ns, .output = output->settings->name};
	uint64_t dropped[OUTPUT_REASONS];
	bool all = true;
	output_drops(output, dropped);
	bool moved = memcmp(dropped, told->dropped, sizeof dropped) != 0;
	if (!is_due(losses, told, moved, now_or_never, &loss, now_ns))
		return;
	for (unsigned reason = 0; reason < OUTPUT_REASONS; reason++) {
		loss.reason = reasons[reason];
		all = tell_counter(losses, &loss, dropped[reason], &told->dropped[reason]) && all;
	}
	if (all)
		was_told(told, &loss, now_ns);
}

/* What relays before this one say to be lost with what our disk had. It is the word of each for its own stream. */
static void look_at_streams(struct losses *losses, bool now_or_never, int64_t wall_ns, uint64_t now_ns)
{
	struct told *told = &losses->streams;
	struct loss loss = {.to_ns = wall_ns, .reason = "spool-restored"};
	struct spool *spool = losses->relay->spool;
	struct spool_stream_entry entry;
	uint64_t before;
	unsigned at = 0;
	bool moved = spool_stream_untold(spool, &at, &entry, &before);
	if (!is_due(losses, told, moved, now_or_never, &loss, now_ns))
		return;
	do {
		loss.identity = entry.identity;
		if (!tell_counter(losses, &loss, entry.lost, &before))
			return;
		spool_stream_told(spool, entry.stream, entry.lost);
		told->last_ns = now_ns; /* also if there is no room for the rest */
	} while (spool_stream_untold(spool, &at, &entry, &before));
	was_told(told, &loss, now_ns);
}

static void look(struct losses *losses, bool now_or_never)
{
	struct relay *relay = losses->relay;
	uint64_t now_ns = clock_monotonic_ns();
	int64_t wall_ns = clock_wall_ns();
	spool_await_loss(relay->spool); /* before anything is read: what comes later is told */
	unsigned sources = spool_source_count(relay->spool);
	losses->untold = false;
	const struct loss unclean = {.event = LOSS_UNCLEAN, .to_ns = wall_ns, .octets = relay->pool_bytes};
	if (losses->unclean && tell(losses, &unclean))
		losses->unclean = false;
	for (unsigned i = 0; i < SPOOL_INPUTS_MAX; i++)
		look_at_input(losses, i, now_or_never, wall_ns, now_ns);
	for (unsigned i = 0; i < sources; i++)
		look_at_source(losses, i, now_or_never, wall_ns, now_ns);
	for (unsigned i = 0; i < relay->outputs_count; i++)
		look_at_output(losses, i, now_or_never, wall_ns, now_ns);
	look_at_streams(losses, now_or_never, wall_ns, now_ns);
}

/* ---- life ---- */

/* What was counted before is taken as told: by the process that counted it. */
static void take_as_told(struct losses *losses)
{
	const struct relay *relay = losses->relay;
	int64_t now_ns = clock_wall_ns();
	for (unsigned i = 0; i < SPOOL_INPUTS_MAX; i++) {
		struct spool_input_totals totals;
		spool_input_totals(relay->spool, i, &totals);
		memcpy(losses->input[i].dropped, totals.dropped, sizeof totals.dropped);
		losses->input[i].from_ns = now_ns;
	}
	for (unsigned i = 0; i < SPOOL_SOURCES_MAX; i++) {
		struct spool_source_totals totals = {0};
		if (i < spool_source_count(relay->spool))
			spool_source_totals(relay->spool, i, &totals);
		memcpy(losses->by_source[i].dropped, totals.dropped, sizeof totals.dropped);
		losses->by_source[i].suspected = totals.suspected;
		losses->by_source[i].from_ns = now_ns;
	}
	for (unsigned i = 0; i < relay->outputs_count; i++) {
		output_drops(&relay->outputs[i], losses->output[i].dropped);
		losses->output[i].from_ns = now_ns;
	}
	losses->streams.from_ns = now_ns;
}

/* "internal", unless the operator gave that name to an input. */
static void choose_name(struct losses *losses)
{
	strcpy(losses->name, "internal");
	for (unsigned i = 0; i < losses->relay->inputs_count; i++)
		if (strcmp(losses->relay->inputs[i].settings->name, losses->name) == 0)
			strcpy(losses->name, "relayd internal");
}

static void on_timer(uv_timer_t *timer)
{
	struct losses *losses = timer->data;
	look(losses, false);
	if (losses->untold)
		uv_timer_start(timer, on_timer, TICK_MS, 0);
}

/* Nothing of the row moved before `from_ns`, however long ago the last look was, and whatever the clock was set to since. */
static void end_rest(struct told *told, int64_t from_ns, int64_t counted_ns)
{
	if (told->from_ns < from_ns || told->from_ns > counted_ns)
		told->from_ns = from_ns;
}

static void end_rest_of_all(struct losses *losses)
{
	int64_t counted_ns = atomic_load(&losses->counted_ns), from_ns = counted_ns - COUNTED_WITHIN_NS;
	for (unsigned i = 0; i < SPOOL_INPUTS_MAX; i++)
		end_rest(&losses->input[i], from_ns, counted_ns);
	for (unsigned i = 0; i < SPOOL_SOURCES_MAX; i++)
		end_rest(&losses->by_source[i], from_ns, counted_ns);
	for (unsigned i = 0; i < SETTINGS_OUTPUTS_MAX; i++)
		end_rest(&losses->output[i], from_ns, counted_ns);
	end_rest(&losses->streams, from_ns, counted_ns);
}

/* The first loss after a look: a second later there is the next, for what comes with it is told with it. */
static void on_lost(void *context)
{
	struct losses *losses = context;
	if (uv_is_active((uv_handle_t *)&losses->timer))
		return;
	end_rest_of_all(losses);
	uv_timer_start(&losses->timer, on_timer, TICK_MS, 0);
}

void losses_on_lost(void *context)
{
	struct relay *relay = context;
	uv_mutex_lock(&relay->awake_lock);
	struct losses *losses = relay->losses_awake;
	if (losses != NULL) {
		atomic_store(&losses->counted_ns, clock_wall_ns());
		waker_wake(losses->waker);
	}
	uv_mutex_unlock(&relay->awake_lock);
}

/* Whom the spool's word of a loss wakes; NULL: nobody any more. */
static void set_awake(struct relay *relay, struct losses *losses)
{
	uv_mutex_lock(&relay->awake_lock);
	relay->losses_awake = losses;
	uv_mutex_unlock(&relay->awake_lock);
}

static void open_on_thread(void *context)
{
	struct losses *losses = context;
	struct worker *worker = losses->relay->input_workers[0].worker;
	losses->waker = waker_open(worker, on_lost, losses);
	int result = uv_timer_init(worker_loop(worker), &losses->timer);
	assert(result == 0);
	losses->timer.data = losses;
}

struct losses *losses_open(struct relay *relay)
{
	struct losses *losses = calloc(1, sizeof *losses);
	if (losses == NULL)
		return NULL;
	losses->relay = relay;
	choose_name(losses);
	int index = spool_register_input(relay->spool, losses->name);
	if (index < 0) {
		free(losses);
		return NULL;
	}
	losses->index = (unsigned)index;
	bool called = worker_call(relay->input_workers[0].worker, open_on_thread, losses);
	assert(called);
	if (losses->waker == NULL) {
		losses_close(&losses);
		return NULL;
	}
	losses->received_before = relay_received_before(relay, losses->index);
	if (gethostname(losses->hostname, sizeof losses->hostname - 1) != 0)
		losses->hostname[0] = '\0';
	losses->unclean = !relay->recovery.clean;
	losses->source = (struct intake_source){
		.input = losses->index,
		.use = SPOOL_BLOCK_SHEDS,
		.tries_again = true,
		.max_message_bytes = LOSS_MESSAGE_MAX_BYTES,
		.parse = {.zone = &relay->local_zone},
	};
	take_as_told(losses);
	return losses;
}

/* What was counted before anybody could be told of it is found by the first look. */
static void start_on_thread(void *context)
{
	struct losses *losses = context;
	intake_add_source(losses->relay->input_workers[0].intake, &losses->source);
	losses->has_started = true;
	set_awake(losses->relay, losses);
	uv_timer_start(&losses->timer, on_timer, losses->unclean ? 0 : TICK_MS, 0);
}

void losses_start(struct losses *losses)
{
	bool called = worker_call(losses->relay->input_workers[0].worker, start_on_thread, losses);
	assert(called);
}

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

static void close_on_thread(void *context)
{
	struct losses *losses = context;
	set_awake(losses->relay, NULL);
	if (losses->has_started) {
		look(losses, true);
		intake_remove_source(losses->relay->input_workers[0].intake, &losses->source);
	}
	waker_close(&losses->waker);
	uv_close((uv_handle_t *)&losses->timer, on_closed);
}

void losses_close(struct losses **closed)
{
	struct losses *losses = *closed;
	*closed = NULL;
	if (losses == NULL)
		return;
	bool called = worker_call(losses->relay->input_workers[0].worker, close_on_thread, losses);
	assert(called);
}

/* ---- for the status ---- */

const char *losses_input_name(const struct losses *losses)
{
	return losses->name;
}

unsigned losses_spool_index(const struct losses *losses)
{
	return losses->index;
}

uint64_t losses_received(const struct losses *losses)
{
	return losses->received_before + counter_get(&losses->source.received);
}
