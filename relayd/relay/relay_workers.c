/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input workers: a thread, its intake, and the two wake-ups by which the spool reaches it. At the end of each loop turn
 * the intake hands over what it gathered; if the writer is still busy with a group, a timer of a millisecond makes sure
 * that a part-filled block does not wait for the next message.
 */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "relay/relay_internal.h"

static void on_stored(void *context)
{
	struct relay_worker *worker = context;
	intake_stored(worker->input->intake);
}

static void on_room(void *context)
{
	struct relay_worker *worker = context;
	intake_room(worker->input->intake);
}

/* The turn's end does the work; the timer only makes a turn happen. */
static void on_hand_over(uv_timer_t *timer)
{
	(void)timer;
}

static void hand_over_at(struct relay_worker *worker, uint64_t again_ns)
{
	if (uv_is_active((uv_handle_t *)&worker->hand_over))
		return;
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t wait_ms = again_ns > now_ns ? (again_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS : 0;
	uv_timer_start(&worker->hand_over, on_hand_over, wait_ms, 0);
}

/*
 * Asks to be woken when a group is stored, if that is news to anybody: to a sender that waits for its answer, or to us, if
 * the next group is due and waits for this one. Asks, then looks once more: the spool stores, then looks who asks.
 */
static void await_stored(struct relay_worker *worker, bool is_late)
{
	struct intake *intake = worker->input->intake;
	if (!intake_awaits_stored(intake) && !(is_late && intake_holds_blocks(intake)))
		return;
	atomic_exchange(&worker->awaits_stored, true);
	intake_stored(intake);
}

/*
 * What is read while the writer gathers cannot be stored before the next group, so nothing is read until then: many small
 * pieces from many connections cost one wake-up together, and no message waits longer for it.
 */
static void on_turn_end(void *context)
{
	struct relay_worker *worker = context;
	struct intake *intake = worker->input->intake;
	uint64_t again_ns = intake_turn_end(intake);
	if (again_ns != 0)
		hand_over_at(worker, again_ns);
	bool is_late;
	uint64_t gathers_until_ns = spool_gathers_until_ns(worker->relay->spool, &is_late);
	await_stored(worker, is_late);
	if (gathers_until_ns != 0)
		worker_rest(worker->input->worker, gathers_until_ns);
}

static void open_on_thread(void *context)
{
	struct relay_worker *worker = context;
	struct worker *thread = worker->input->worker;
	worker->stored = waker_open(thread, on_stored, worker);
	worker->room = waker_open(thread, on_room, worker);
	worker->has_timer = uv_timer_init(worker_loop(thread), &worker->hand_over) == 0;
	worker_at_turn_end(thread, on_turn_end, worker);
}

static void close_on_thread(void *context)
{
	struct relay_worker *worker = context;
	worker_at_turn_end(worker->input->worker, NULL, NULL);
	intake_close(&worker->input->intake);
	waker_close(&worker->stored);
	waker_close(&worker->room);
	if (worker->has_timer)
		uv_close((uv_handle_t *)&worker->hand_over, NULL);
	worker->has_timer = false;
}

static bool open_one(struct relay *relay, unsigned number)
{
	struct relay_worker *worker = &relay->workers[number];
	*worker = (struct relay_worker){.relay = relay, .input = &relay->input_workers[number]};
	char name[16];
	snprintf(name, sizeof name, "input-%u", number % 1000);
	worker->input->worker = worker_start(name);
	if (worker->input->worker == NULL)
		return false;
	relay->workers_count++;
	worker->input->intake = intake_open(relay->spool, number);
	if (worker->input->intake == NULL)
		return false;
	bool called = worker_call(worker->input->worker, open_on_thread, worker);
	assert(called);
	(void)called;
	return worker->stored != NULL && worker->room != NULL && worker->has_timer;
}

/* How many workers the spool's threads may wake: all, or none any more. */
static void set_awake(struct relay *relay, unsigned count)
{
	uv_mutex_lock(&relay->awake_lock);
	relay->awake = count;
	uv_mutex_unlock(&relay->awake_lock);
}

bool relay_workers_open(struct relay *relay)
{
	unsigned wanted = (unsigned)relay->settings->process.workers;
	assert(wanted >= 1 && wanted <= SPOOL_WORKERS_MAX);
	for (unsigned number = 0; number < wanted; number++) {
		if (!open_one(relay, number))
			return false;
	}
	set_awake(relay, relay->workers_count);
	return true;
}

void relay_workers_close(struct relay *relay)
{
	/* The spool's threads go on until the outputs have stopped too. */
	set_awake(relay, 0);
	for (unsigned number = 0; number < relay->workers_count; number++) {
		struct relay_worker *worker = &relay->workers[number];
		bool called = worker_call(worker->input->worker, close_on_thread, worker);
		assert(called);
		(void)called;
		worker_stop(&worker->input->worker);
	}
	relay->workers_count = 0;
}

void relay_on_worker_stored(void *context, unsigned worker)
{
	struct relay *relay = context;
	if (!atomic_exchange(&relay->workers[worker].awaits_stored, false))
		return;
	uv_mutex_lock(&relay->awake_lock);
	if (worker < relay->awake)
		waker_wake(relay->workers[worker].stored);
	uv_mutex_unlock(&relay->awake_lock);
}

void relay_on_room(void *context)
{
	struct relay *relay = context;
	uv_mutex_lock(&relay->awake_lock);
	for (unsigned number = 0; number < relay->awake; number++)
		waker_wake(relay->workers[number].room);
	uv_mutex_unlock(&relay->awake_lock);
}
