/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker of an asynchronous ring. A round: collect events from the lanes, give them to the sink in one call, note
 * which of them are delivered, and free their room. When the sink takes nothing the events stay where they are, and the
 * worker tries again after a while that grows; only an event that the sink can never take, or that the other side has
 * refused again and again, is dropped, and counted.
 */
#include "async.h"

#include <assert.h>
#include <errno.h>

#include "clock.h"
#include "futex.h"
#include "stats.h"

#define NAP_MIN_MS 1
#define NAP_MAX_MS 1000       /* between attempts at a sink that fails */
#define WAIT_MAX_MS 250       /* for a sink that is full, before it is asked again */
#define HURRIED_MS 10         /* the same while somebody waits for us */
#define EAGER_FAILURES 16     /* waits that may end at once before we nap all the same */
#define REFUSALS_MAX 3        /* of an event that is sent again; then it is given up */
#define BURST_EVENTS 32       /* a load of so many comes from a burst, not from a trickle */

/* What one round carries. */
struct load {
	size_t count;
	struct iovec octets[SLOG_CARGO_MAX];
	struct slog_lane_event events[SLOG_CARGO_MAX];
	unsigned lanes[SLOG_CARGO_MAX];
};

static struct slog_ring_lane *lane_at(struct slog_async *async, unsigned i)
{
	return atomic_load_explicit(&async->lanes[i], memory_order_acquire);
}

/* Up to here events of a lane may be sent. Nothing goes past one that was refused: it would come twice. */
static uint64_t limit_of_lane(const struct slog_async *async, const struct slog_ring_lane *lane, unsigned number)
{
	if (async->refused.times == 0)
		return UINT64_MAX;
	return number == async->refused.lane ? async->refused.end : lane->sent;
}

static void collect(struct slog_async *async, struct load *load)
{
	size_t max = SLOG_ASYNC_WINDOW - async->sent_count;
	if (max > SLOG_CARGO_MAX)
		max = SLOG_CARGO_MAX;
	load->count = 0;
	for (unsigned i = 0; i < async->lanes_max; i++) {
		unsigned number = (async->next_lane + i) % async->lanes_max;
		struct slog_ring_lane *lane = lane_at(async, number);
		if (lane == NULL)
			continue;
		uint64_t position = lane->sent;
		uint64_t limit = limit_of_lane(async, lane, number);
		while (load->count < max && position < limit &&
		       slog_ring_lane_next(lane, &position, &load->events[load->count])) {
			load->octets[load->count] = load->events[load->count].octets;
			load->lanes[load->count++] = number;
		}
	}
	async->next_lane = (async->next_lane + 1) % async->lanes_max;
}

/* An event has been given to the sink, or dropped. */
static void note_sent(struct slog_async *async, const struct load *load, size_t i, bool is_settled)
{
	unsigned at = (async->sent_first + async->sent_count++) % SLOG_ASYNC_WINDOW;
	assert(async->sent_count <= SLOG_ASYNC_WINDOW);
	async->sent[at] = (struct slog_async_sent){load->lanes[i], is_settled, load->events[i].end};
	lane_at(async, load->lanes[i])->sent = load->events[i].end;
}

static void tell_progress(struct slog_async *async)
{
	atomic_fetch_add(&async->progress, 1);
	if (atomic_load(&async->waiters) > 0)
		slog_futex_wake(&async->progress);
}

static bool is_refused(const struct slog_async *async, unsigned lane, uint64_t end)
{
	return async->refused.times > 0 && async->refused.lane == lane && async->refused.end == end;
}

/* Frees the room of what is settled, oldest first. */
static void release(struct slog_async *async)
{
	bool any = false;
	while (async->sent_count > 0 && async->sent[async->sent_first].is_settled) {
		const struct slog_async_sent *oldest = &async->sent[async->sent_first];
		if (is_refused(async, oldest->lane, oldest->end))
			async->refused.times = 0;
		atomic_store_explicit(&lane_at(async, oldest->lane)->tail, oldest->end, memory_order_release);
		async->sent_first = (async->sent_first + 1) % SLOG_ASYNC_WINDOW;
		async->sent_count--;
		any = true;
	}
	if (any)
		tell_progress(async);
}

/* The sink has settled this many more of those that are not yet. */
static void settle_oldest(struct slog_async *async, size_t n)
{
	for (unsigned i = 0; n > 0 && i < async->sent_count; i++) {
		struct slog_async_sent *sent = &async->sent[(async->sent_first + i) % SLOG_ASYNC_WINDOW];
		if (!sent->is_settled)
			n--;
		sent->is_settled = true;
	}
	assert(n == 0);
}

/* The other side has refused the event that is behind n that are not settled. */
static void note_refused(struct slog_async *async, size_t n)
{
	for (unsigned i = 0; i < async->sent_count; i++) {
		const struct slog_async_sent *sent = &async->sent[(async->sent_first + i) % SLOG_ASYNC_WINDOW];
		if (sent->is_settled || n-- > 0)
			continue;
		unsigned times = is_refused(async, sent->lane, sent->end) ? async->refused.times + 1 : 1;
		async->refused = (struct slog_async_refused){times, sent->lane, sent->end};
		return;
	}
	assert(false);
}

/* The connection is lost: everything that is not settled is to be sent again, and what lies behind it. */
static void send_again(struct slog_async *async)
{
	async->sent_count = 0;
	for (unsigned i = 0; i < async->lanes_max; i++) {
		struct slog_ring_lane *lane = lane_at(async, i);
		if (lane != NULL)
			lane->sent = atomic_load_explicit(&lane->tail, memory_order_relaxed);
	}
}

/* Asks a sink that acknowledges. True if something has changed. */
static bool settle(struct slog_async *async)
{
	const struct slog_carrier *carrier = async->to->driver->carrier;
	if (carrier == NULL || carrier->settle == NULL)
		return false;
	const struct slog_settling settling = carrier->settle(async->to);
	settle_oldest(async, settling.delivered);
	release(async);
	if (settling.is_refused)
		note_refused(async, settling.refused);
	if (settling.again)
		send_again(async);
	return settling.delivered > 0;
}

/* Gives events to a sink without a carrier. */
static size_t write_each(struct slog_sink *to, const struct load *load, int *error)
{
	for (size_t i = 0; i < load->count; i++) {
		const struct slog_lane_event *event = &load->events[i];
		*error = to->driver->write(to, event->octets.iov_base, event->octets.iov_len, event->severity);
		if (*error != 0)
			return i;
	}
	return load->count;
}

/* True if the sink will never take this event, however long we wait. */
static bool is_hopeless(int error)
{
	return error == EMSGSIZE || error == EINVAL || error == EILSEQ || error == EFBIG || error == ENOTSUP ||
	       error == EBADF;
}

static bool is_hurried(struct slog_async *async)
{
	return atomic_load(&async->stop_at) != 0 || atomic_load(&async->waiters) > 0;
}

static unsigned at_most(unsigned ms, unsigned max)
{
	return ms < max ? ms : max;
}

/* Sleeps for a while that grows with the failures. */
static void nap(struct slog_async *async)
{
	unsigned shift = at_most(async->failures, 10);
	unsigned ms = at_most(NAP_MIN_MS << shift, NAP_MAX_MS);
	atomic_store(&async->state, SLOG_ASYNC_NAPPING);
	slog_futex_wait(&async->state, SLOG_ASYNC_NAPPING, is_hurried(async) ? at_most(ms, HURRIED_MS) : ms);
	atomic_store(&async->state, SLOG_ASYNC_AWAKE);
}

/* Waits until the sink may take events, or has an answer to those it took. */
static void wait_for_sink(struct slog_async *async)
{
	const struct slog_carrier *carrier = async->to->driver->carrier;
	if (carrier == NULL || carrier->wait == NULL || async->failures > EAGER_FAILURES)
		nap(async);
	else
		carrier->wait(async->to, is_hurried(async) ? HURRIED_MS : WAIT_MAX_MS);
	async->failures++;
}

static void drop_one(struct slog_async *async, const struct load *load, size_t i, int error)
{
	slog_stats_dropped(load->events[i].severity, error);
	slog_ring_lane_lost(lane_at(async, load->lanes[i]), load->events[i].severity);
	note_sent(async, load, i, true);
	release(async);
}

/*
 * The last event of the load is not sent if it was refused too often: it is dropped, as soon as all before it are settled.
 * (Before that it could come again with them, and be counted twice.) True if it was dropped.
 */
static bool give_up_refused(struct slog_async *async, struct load *load)
{
	if (load->count == 0 || async->refused.times < REFUSALS_MAX)
		return false;
	size_t last = load->count - 1;
	if (!is_refused(async, load->lanes[last], load->events[last].end))
		return false;
	load->count = last;
	if (last > 0 || async->sent_count > 0)
		return false;
	drop_one(async, load, 0, EBADMSG);
	return true;
}

/* What the sink has sent in part is not done: whoever flushes waits for it, and the worker does not sleep. */
static bool see_to_rest(struct slog_async *async)
{
	const struct slog_carrier *carrier = async->to->driver->carrier;
	bool has_rest = carrier != NULL && carrier->has_rest != NULL && carrier->has_rest(async->to);
	if (atomic_exchange(&async->has_rest, has_rest) && !has_rest)
		tell_progress(async);
	return has_rest;
}

/* Carries one load. True if there was something to do. */
static bool carry(struct slog_async *async)
{
	const struct slog_carrier *carrier = async->to->driver->carrier;
	struct load load;
	int error = 0;
	bool has_settled = settle(async);
	collect(async, &load);
	if (give_up_refused(async, &load))
		return true;
	if (load.count == 0) {
		bool is_busy = see_to_rest(async) || async->sent_count > 0;
		if (is_busy && !has_settled)
			wait_for_sink(async);
		return is_busy || has_settled;
	}
	async->last_load = load.count;
	size_t sent = carrier != NULL ? carrier->send(async->to, load.octets, load.count, &error)
	                              : write_each(async->to, &load, &error);
	for (size_t i = 0; i < sent; i++)
		note_sent(async, &load, i, carrier == NULL || carrier->settle == NULL);
	see_to_rest(async);
	release(async);
	if (sent > 0 || has_settled)
		async->failures = 0;
	if (sent == load.count)
		return true;
	if (is_hopeless(error)) {
		drop_one(async, &load, sent, error);
	} else if (error == EAGAIN) {
		wait_for_sink(async);
	} else {
		slog_stats_failed(error);
		async->failures++;
		nap(async);
	}
	return true;
}

static bool has_events(struct slog_async *async)
{
	for (unsigned i = 0; i < async->lanes_max; i++) {
		struct slog_ring_lane *lane = lane_at(async, i);
		if (lane != NULL && atomic_load(&lane->head) != lane->sent)
			return true;
	}
	return false;
}

/*
 * Sleeps until there may be events. After a trickle that is a short sleep first, for which nobody has to wake us. Not so
 * after a burst: waking is little to the first event of the next one, and we send while the processor is still warm.
 */
static void sleep_until_event(struct slog_async *async)
{
	static const uint32_t depth[] = {SLOG_ASYNC_GATHERING, SLOG_ASYNC_SLEEPING};
	size_t first = async->last_load < BURST_EVENTS ? 0 : 1;
	for (size_t i = first; i < sizeof depth / sizeof *depth && atomic_load(&async->stop_at) == 0; i++) {
		atomic_store(&async->state, depth[i]);
		if (atomic_load(&async->stop_at) == 0 && (depth[i] == SLOG_ASYNC_GATHERING || !has_events(async)))
			slog_futex_wait(&async->state, depth[i],
			                depth[i] == SLOG_ASYNC_GATHERING ? SLOG_ASYNC_GATHER_MS : SLOG_FUTEX_FOR_EVER);
		atomic_store(&async->state, SLOG_ASYNC_AWAKE);
		if (has_events(async))
			return;
	}
}

void *slog_async_work(void *argument)
{
	struct slog_async *async = argument;
	pthread_setname_np(pthread_self(), "liblog");
	for (;;) {
		uint64_t stop_at = atomic_load(&async->stop_at);
		if (stop_at != 0 && slog_clock_monotonic_ms() >= stop_at)
			break;
		if (carry(async))
			continue;
		if (stop_at != 0)
			break;
		sleep_until_event(async);
	}
	const struct slog_carrier *carrier = async->to->driver->carrier;
	see_to_rest(async);
	if (carrier != NULL && carrier->finish != NULL && async->sent_count == 0)
		carrier->finish(async->to);
	atomic_store(&async->worker, SLOG_ASYNC_WORKER_ENDED);
	slog_futex_wake(&async->worker);
	return NULL;
}
