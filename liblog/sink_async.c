/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front of the asynchronous ring: what logging calls do. A thread's events go into one lane, in order; threads have
 * lanes of their own as long as there are enough, and share them then. See async.h for the worker.
 */
#include "async.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "futex.h"
#include "generation.h"
#include "outlet.h"
#include "stats.h"

#define LANE_SIZE_DEFAULT 262144
#define LANES_DEFAULT 16
#define EVENTS_PER_LANE_MIN 4    /* of the largest size */
#define WORKER_STACK_BYTES 524288 /* getaddrinfo(3) wants some */
#define ABANDON_MS 200           /* how much longer than its bound the worker may take to end */
#define PROBE_MS 1

static struct slog_gate list_gate;
static struct slog_async *all_rings;

/* ---- the worker -------------------------------------------------------------------------------------------------- */

/* The gate is held. All signals are the program's: the worker takes none of them. */
static void start_worker(struct slog_async *async)
{
	sigset_t all;
	sigset_t before;
	pthread_attr_t attributes;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&async->thread, &attributes, slog_async_work, async);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error != 0)
		slog_stats_failed(error);
	else
		atomic_store(&async->worker, SLOG_ASYNC_WORKER);
}

void slog_async_wake(struct slog_async *async)
{
	atomic_store(&async->state, SLOG_ASYNC_AWAKE);
	slog_futex_wake(&async->state);
}

static bool has_worker(struct slog_async *async)
{
	return atomic_load_explicit(&async->worker, memory_order_acquire) != SLOG_ASYNC_NO_WORKER;
}

static void see_to_worker(struct slog_async *async)
{
	if (has_worker(async) || slog_gate_take(&async->gate, SLOG_WAIT_CALL_MS) == SLOG_GATE_BUSY)
		return;
	if (!has_worker(async))
		start_worker(async);
	slog_gate_leave(&async->gate);
}

/* In a child of the process that the lanes belong to: they are emptied, and there is no worker. False if it is too soon. */
static bool move_in(struct slog_async *async)
{
	uint32_t now = slog_generation();
	if (atomic_load_explicit(&async->generation, memory_order_acquire) == now)
		return true;
	if (slog_gate_take(&async->gate, SLOG_WAIT_CALL_MS) == SLOG_GATE_BUSY)
		return false;
	if (atomic_load_explicit(&async->generation, memory_order_relaxed) != now) {
		for (unsigned i = 0; i < async->lanes_max; i++)
			if (async->lanes[i] != NULL)
				slog_ring_lane_reset(async->lanes[i]);
		async->sent_count = 0;
		async->refused.times = 0;
		async->failures = 0;
		async->has_rest = false;
		async->waiters = 0;
		async->stop_at = 0;
		async->state = SLOG_ASYNC_AWAKE;
		async->worker = SLOG_ASYNC_NO_WORKER;
		atomic_store_explicit(&async->generation, now, memory_order_release);
	}
	slog_gate_leave(&async->gate);
	return true;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* This thread's lane, made when it is first used; without memory the first lane serves all. */
static struct slog_ring_lane *lane_of_thread(struct slog_async *async)
{
	static _Atomic unsigned threads;
	static _Thread_local unsigned number; /* 1, 2, ...; 0: this thread has none yet */
	if (number == 0)
		number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
	unsigned i = (number - 1) % async->lanes_max;
	struct slog_ring_lane *lane = atomic_load_explicit(&async->lanes[i], memory_order_acquire);
	if (lane != NULL)
		return lane;
	if (slog_gate_take(&async->gate, SLOG_WAIT_CALL_MS) != SLOG_GATE_BUSY) {
		lane = async->lanes[i];
		if (lane == NULL)
			lane = slog_ring_lane_make(async->lane_size);
		atomic_store_explicit(&async->lanes[i], lane, memory_order_release);
		slog_gate_leave(&async->gate);
	}
	return lane != NULL ? lane : async->lanes[0];
}

/* Tells the worker about a new event, if it sleeps. */
static void notify(struct slog_async *async, const struct slog_ring_lane *lane, enum slog_severity severity)
{
	uint32_t state = atomic_load(&async->state);
	bool is_urgent = severity <= SLOG_ERR || slog_ring_lane_is_filling(lane);
	if (state != SLOG_ASYNC_SLEEPING && (state != SLOG_ASYNC_GATHERING || !is_urgent))
		return;
	if (atomic_compare_exchange_strong(&async->state, &state, SLOG_ASYNC_AWAKE))
		slog_futex_wake(&async->state);
}

/* Waits for room, for an event that is worth it. False if it may not: nothing is left of *left_us, or of the patience. */
static bool wait_for_room(struct slog_async *async, uint32_t progress, unsigned *left_us)
{
	struct slog_wait wait;
	if (!slog_patience_begin(&async->patience, *left_us, &wait))
		return false;
	atomic_fetch_add(&async->waiters, 1);
	slog_futex_wait(&async->progress, progress, wait.granted_us / 1000);
	atomic_fetch_sub(&async->waiters, 1);
	unsigned waited_us = slog_patience_end(&async->patience, &wait, true);
	*left_us -= waited_us < *left_us ? waited_us : *left_us;
	return true;
}

static int put_waiting(struct slog_async *async, struct slog_ring_lane *lane, const char *line, size_t length,
                       enum slog_severity severity)
{
	unsigned left_us = async->wait_ms * 1000;
	int error;
	do {
		uint32_t progress = atomic_load(&async->progress);
		error = slog_ring_lane_put(lane, async->to, line, length, severity, left_us == 0);
		if (error == 0 || left_us == 0)
			return error;
		see_to_worker(async);
		if (!wait_for_room(async, progress, &left_us))
			left_us = 0;
	} while (true);
}

static int write_async(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct slog_async *async = (struct slog_async *)sink;
	if (!move_in(async))
		return EAGAIN;
	struct slog_ring_lane *lane = lane_of_thread(async);
	int error = async->wait_ms > 0 && severity <= SLOG_ERR
	                ? put_waiting(async, lane, line, length, severity)
	                : slog_ring_lane_put(lane, async->to, line, length, severity, true);
	see_to_worker(async);
	if (error == 0) {
		slog_patience_restore(&async->patience);
		notify(async, lane, severity);
	}
	return error;
}

/* ---- flushing and closing ---------------------------------------------------------------------------------------- */

/* True if every lane has been emptied up to the position that it had, and nothing is half sent. */
static bool has_come_to(struct slog_async *async, const uint64_t *heads)
{
	for (unsigned i = 0; i < async->lanes_max; i++)
		if (async->lanes[i] != NULL && atomic_load_explicit(&async->lanes[i]->tail, memory_order_acquire) < heads[i])
			return false;
	return !atomic_load(&async->has_rest);
}

static int wait_until_done(struct slog_async *async, const uint64_t *heads, uint64_t deadline)
{
	int error = ETIMEDOUT;
	atomic_fetch_add(&async->waiters, 1);
	for (uint64_t now = slog_clock_monotonic_ms(); now < deadline; now = slog_clock_monotonic_ms()) {
		uint32_t progress = atomic_load(&async->progress);
		if (has_come_to(async, heads)) {
			error = 0;
			break;
		}
		slog_async_wake(async);
		slog_futex_wait(&async->progress, progress, (unsigned)(deadline - now));
	}
	atomic_fetch_sub(&async->waiters, 1);
	return error;
}

/* Waits until what is queued now is out, no longer than the deadline: 0 or an errno value. */
static int flush_until(struct slog_async *async, uint64_t deadline)
{
	uint64_t heads[SLOG_ASYNC_LANES_MAX] = {0};
	if (!move_in(async))
		return EAGAIN;
	for (unsigned i = 0; i < async->lanes_max; i++)
		if (async->lanes[i] != NULL)
			heads[i] = atomic_load(&async->lanes[i]->head);
	if (has_come_to(async, heads))
		return slog_sink_flush(async->to);
	see_to_worker(async);
	int error = wait_until_done(async, heads, deadline);
	async->is_late = error != 0;
	return error != 0 ? error : slog_sink_flush(async->to);
}

static int flush_async(struct slog_sink *sink)
{
	return flush_until((struct slog_async *)sink, slog_clock_monotonic_ms() + SLOG_ASYNC_FLUSH_MS);
}

/* Tells what was lost, after all else. */
static void tell_losses(struct slog_async *async)
{
	for (unsigned i = 0; i < async->lanes_max; i++) {
		if (async->lanes[i] == NULL)
			continue;
		slog_ring_lane_tell(async->lanes[i], async->to);
		if (atomic_load(&async->lanes[i]->head) != atomic_load(&async->lanes[i]->tail))
			see_to_worker(async);
	}
}

/* Events still in the lanes, counted as dropped, and one that was sent in part: the worker has given it up and counted. */
static uint64_t count_left(struct slog_async *async)
{
	uint64_t left = atomic_exchange(&async->has_rest, false) ? 1 : 0;
	for (unsigned i = 0; i < async->lanes_max; i++) {
		struct slog_ring_lane *lane = async->lanes[i];
		struct slog_lane_event event;
		uint64_t position = lane != NULL ? atomic_load(&lane->tail) : 0;
		while (lane != NULL && slog_ring_lane_next(lane, &position, &event)) {
			slog_stats_dropped(event.severity, ETIMEDOUT);
			left++;
		}
	}
	return left;
}

/* The last resort: one sentence to standard error, if it takes it at once. */
static void tell_stderr(const struct slog_async *async, uint64_t left)
{
	char text[128];
	bool is_acknowledged = async->to->driver->carrier != NULL && async->to->driver->carrier->settle != NULL;
	int length = snprintf(text, sizeof text, "liblog: %s: %llu events were not %s at the end\n", async->to->driver->name,
	                      (unsigned long long)left, is_acknowledged ? "acknowledged" : "written");
	if (left == 0 || length <= 0)
		return;
	struct slog_outlet outlet = slog_outlet_open(STDERR_FILENO);
	ssize_t written = slog_outlet_write(&outlet, text, (size_t)length);
	slog_outlet_close(&outlet);
	if (written < 0 && written != -EAGAIN)
		slog_stats_failed((int)-written);
}

/*
 * Ends the worker, which does what it can until the deadline, or is to end at once if a flush was in vain. False if it
 * does not end: then it is abandoned.
 */
static bool stop_worker(struct slog_async *async, uint64_t deadline)
{
	uint64_t now = slog_clock_monotonic_ms();
	uint64_t stop_at = async->is_late && now < deadline ? now : deadline;
	uint64_t abandon_at = stop_at + ABANDON_MS;
	if (!has_worker(async))
		return true;
	atomic_store(&async->stop_at, stop_at);
	while (atomic_load(&async->worker) == SLOG_ASYNC_WORKER && slog_clock_monotonic_ms() < abandon_at) {
		slog_async_wake(async);
		slog_futex_wait(&async->worker, SLOG_ASYNC_WORKER, PROBE_MS);
	}
	if (atomic_load(&async->worker) == SLOG_ASYNC_WORKER)
		return false;
	pthread_join(async->thread, NULL);
	atomic_store(&async->worker, SLOG_ASYNC_NO_WORKER);
	atomic_store(&async->stop_at, 0);
	return true;
}

/* Takes the ring off the list. False if the end of the program is at the list, and takes long. */
static bool unlist(struct slog_async *async)
{
	if (slog_gate_take(&list_gate, SLOG_ASYNC_FLUSH_MS) == SLOG_GATE_BUSY)
		return false;
	struct slog_async **at = &all_rings;
	while (*at != NULL && *at != async)
		at = &(*at)->next;
	if (*at == async)
		*at = async->next;
	slog_gate_leave(&list_gate);
	return true;
}

/*
 * slog_sink_close() has flushed. A worker that does not end keeps the ring and the sink: they are never freed. Nor are
 * they while the ring is listed: the end of the program sees to it.
 */
static void close_async(struct slog_sink *sink)
{
	struct slog_async *async = (struct slog_async *)sink;
	if (!unlist(async) || !move_in(async))
		return;
	tell_losses(async);
	bool has_ended = stop_worker(async, slog_clock_monotonic_ms() + SLOG_ASYNC_FLUSH_MS);
	tell_stderr(async, count_left(async));
	if (!has_ended)
		return;
	for (unsigned i = 0; i < async->lanes_max; i++)
		slog_ring_lane_free(async->lanes[i]);
	slog_sink_close(&async->to);
	free(async);
}

static bool is_of_this_process(struct slog_async *async)
{
	return atomic_load(&async->generation) == slog_generation();
}

/*
 * At exit, and when the library is unloaded: what is queued goes out within one bound for all rings, whose workers are at
 * it at the same time, and no thread of ours remains.
 */
static __attribute__((destructor)) void flush_all(void)
{
	uint64_t deadline = slog_clock_monotonic_ms() + SLOG_ASYNC_FLUSH_MS;
	if (slog_gate_take(&list_gate, SLOG_ASYNC_FLUSH_MS) == SLOG_GATE_BUSY)
		return;
	for (struct slog_async *async = all_rings; async != NULL; async = async->next)
		if (is_of_this_process(async) && has_worker(async))
			slog_async_wake(async);
	for (struct slog_async *async = all_rings; async != NULL; async = async->next) {
		if (!is_of_this_process(async))
			continue;
		flush_until(async, deadline);
		tell_losses(async);
		stop_worker(async, deadline);
		tell_stderr(async, count_left(async));
	}
	slog_gate_leave(&list_gate);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static const struct slog_sink_driver line_driver = {
	.name = "async", .line_feed = true, .write = write_async, .flush = flush_async, .close = close_async,
};
static const struct slog_sink_driver message_driver = {
	.name = "async", .write = write_async, .flush = flush_async, .close = close_async,
};

static size_t power_of_two(size_t size)
{
	size_t power = SLOG_LANE_SIZE_MIN;
	while (power < size && power < SLOG_LANE_SIZE_MAX)
		power *= 2;
	return power;
}

static void set_options(struct slog_async *async, const struct slog_async_options *options)
{
	static const struct slog_async_options defaults = {.size = sizeof defaults};
	if (options == NULL)
		options = &defaults;
	async->lane_size = power_of_two(options->lane_size != 0 ? options->lane_size : LANE_SIZE_DEFAULT);
	async->lanes_max = options->lanes != 0 ? options->lanes : LANES_DEFAULT;
	if (async->lanes_max > SLOG_ASYNC_LANES_MAX)
		async->lanes_max = SLOG_ASYNC_LANES_MAX;
	async->wait_ms = options->wait_ms < SLOG_WAIT_SECOND_MS ? options->wait_ms : SLOG_WAIT_SECOND_MS;
}

static void enlist(struct slog_async *async)
{
	if (slog_gate_take(&list_gate, SLOG_ASYNC_FLUSH_MS) == SLOG_GATE_BUSY)
		return;
	async->next = all_rings;
	all_rings = async;
	slog_gate_leave(&list_gate);
}

struct slog_sink *slog_sink_async(struct slog_sink *sink, const struct slog_async_options *options)
{
	if (sink == NULL)
		return NULL;
	struct slog_async *async = calloc(1, sizeof *async);
	int error = async == NULL ? ENOMEM : options != NULL && options->size != sizeof *options ? EINVAL : 0;
	if (error == 0) {
		set_options(async, options);
		async->lanes[0] = slog_ring_lane_make(async->lane_size);
		error = async->lanes[0] == NULL ? ENOMEM : 0;
	}
	if (error != 0) {
		free(async);
		slog_sink_close(&sink);
		errno = error;
		return NULL;
	}
	async->to = sink;
	async->generation = slog_generation();
	async->sink.driver = sink->driver->line_feed ? &line_driver : &message_driver;
	async->sink.encoder = sink->encoder;
	async->sink.max_size = sink->max_size;
	if (async->sink.max_size > async->lane_size / EVENTS_PER_LANE_MIN)
		async->sink.max_size = async->lane_size / EVENTS_PER_LANE_MIN;
	enlist(async);
	return &async->sink;
}
