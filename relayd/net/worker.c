/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libuv loop on a thread of its own. One uv_async carries the mailbox, a uv_prepare marks the end of a turn: libuv
 * runs prepare handles right before it waits, after every callback of the turn, and a prepare handle never makes it
 * wake up. Both clocks are read at most once a turn.
 */
#include "net/worker.h"

#include "base/clock.h"
#include "net/rest.h"
#include "net/stream_pool.h"
#include "net/worker_internal.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	THREAD_NAME_MAX_BYTES = 16, /* the kernel's TASK_COMM_LEN, with NUL */
	NICE_STEP = 10,
};

/* One call to be made on the worker's thread. */
struct letter {
	struct letter *next;
	worker_fn fn;
	void *context;
	bool is_awaited; /* lies on the stack of worker_call(), which waits for `is_done` */
	bool is_done;
};

struct worker {
	uv_loop_t loop;
	uv_async_t mail;
	uv_prepare_t turn_end;
	pthread_t thread;
	char name[THREAD_NAME_MAX_BYTES];

	/* Shared with other threads, under `lock`. */
	pthread_mutex_t lock;
	pthread_cond_t call_done;
	struct letter *first;
	struct letter **last;
	bool is_stopping;
	struct rest rest;

	/* The worker's thread only. */
	worker_fn at_turn_end;
	void *at_turn_end_context;
	uint64_t turn;
	uint64_t now_ns; /* 0: not read yet in this turn */
	int64_t wall_ns;
	struct stream_pool *streams;
};

bool worker_is_current(const struct worker *worker)
{
	return pthread_equal(pthread_self(), worker->thread) != 0;
}

static void be_nice(void *context)
{
	(void)context;
	(void)nice(NICE_STEP); /* the calling thread's on Linux; 19 is the most */
}

void worker_give_way(struct worker *worker)
{
	worker_call(worker, be_nice, NULL);
}

uv_loop_t *worker_loop(struct worker *worker)
{
	return &worker->loop;
}

struct stream_pool **worker_stream_pool(struct worker *worker)
{
	return &worker->streams;
}

struct rest *worker_bell(struct worker *worker)
{
	return &worker->rest;
}

void worker_rest(struct worker *worker, uint64_t until_ns)
{
	assert(worker_is_current(worker));
	if (worker->rest.until_ns == 0 || until_ns < worker->rest.until_ns)
		worker->rest.until_ns = until_ns;
}

void worker_stay(struct worker *worker)
{
	worker->rest.is_refused = true;
}

void worker_begin_watch(struct worker *worker)
{
	assert(worker_is_current(worker));
	worker->rest.watches++;
}

void worker_end_watch(struct worker *worker)
{
	assert(worker_is_current(worker) && worker->rest.watches > 0);
	worker->rest.watches--;
}

uint64_t worker_turn(const struct worker *worker)
{
	return worker->turn;
}

bool worker_turn_allows(const struct worker *worker, struct turn_count *count, unsigned most)
{
	if (count->turn != worker->turn)
		*count = (struct turn_count){.turn = worker->turn};
	if (count->so_many >= most)
		return false;
	count->so_many++;
	return true;
}

/* Once a turn; the time is asked for with each message. */
static inline void read_clocks(struct worker *worker)
{
	if (worker->now_ns != 0)
		return;
	assert(worker_is_current(worker));
	worker->now_ns = clock_monotonic_ns();
	worker->wall_ns = clock_wall_ns();
}

uint64_t worker_now_ns(struct worker *worker)
{
	read_clocks(worker);
	return worker->now_ns;
}

int64_t worker_wall_ns(struct worker *worker)
{
	read_clocks(worker);
	return worker->wall_ns;
}

void worker_at_turn_end(struct worker *worker, worker_fn fn, void *context)
{
	assert(worker_is_current(worker));
	worker->at_turn_end = fn;
	worker->at_turn_end_context = context;
}

static void on_turn_end(uv_prepare_t *handle)
{
	struct worker *worker = handle->data;
	if (worker->at_turn_end != NULL)
		worker->at_turn_end(worker->at_turn_end_context);
	rest_take(&worker->rest, &worker->loop);
	worker->turn++;
	worker->now_ns = 0;
}

/* --- the mailbox ------------------------------------------------------------------------------------------------- */

static bool put_letter(struct worker *worker, struct letter *letter)
{
	pthread_mutex_lock(&worker->lock);
	bool is_taken = !worker->is_stopping;
	if (is_taken) {
		*worker->last = letter;
		worker->last = &letter->next;
		/* Under the lock: once it is free the worker may stop, and its uv_async is gone. */
		uv_async_send(&worker->mail);
		rest_ring(&worker->rest);
	}
	pthread_mutex_unlock(&worker->lock);
	return is_taken;
}

/* All letters at once: one that posts again does not keep the loop from its other work. */
static struct letter *take_letters(struct worker *worker, bool *is_stopping)
{
	pthread_mutex_lock(&worker->lock);
	struct letter *letters = worker->first;
	worker->first = NULL;
	worker->last = &worker->first;
	*is_stopping = worker->is_stopping;
	pthread_mutex_unlock(&worker->lock);
	return letters;
}

static void finish_letter(struct worker *worker, struct letter *letter)
{
	if (!letter->is_awaited) {
		free(letter);
		return;
	}
	pthread_mutex_lock(&worker->lock);
	letter->is_done = true;
	pthread_cond_broadcast(&worker->call_done);
	pthread_mutex_unlock(&worker->lock);
}

bool worker_post(struct worker *worker, worker_fn fn, void *context)
{
	struct letter *letter = malloc(sizeof(*letter));
	if (letter == NULL)
		return false;
	*letter = (struct letter){.fn = fn, .context = context};
	bool is_taken = put_letter(worker, letter);
	if (!is_taken)
		free(letter);
	return is_taken;
}

bool worker_call(struct worker *worker, worker_fn fn, void *context)
{
	assert(!worker_is_current(worker));
	struct letter letter = {.fn = fn, .context = context, .is_awaited = true};
	if (!put_letter(worker, &letter))
		return false;
	pthread_mutex_lock(&worker->lock);
	while (!letter.is_done)
		pthread_cond_wait(&worker->call_done, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
	return true;
}

/* --- stopping ---------------------------------------------------------------------------------------------------- */

static void refuse_leak(uv_handle_t *handle, void *context)
{
	const struct worker *worker = context;
	if (uv_is_closing(handle))
		return;
	fprintf(stderr, "relayd: worker %s was stopped with an open %s handle\n", worker->name,
			uv_handle_type_name(handle->type));
	abort();
}

static void close_own_handles(struct worker *worker)
{
	stream_pool_close(&worker->streams);
	uv_close((uv_handle_t *)&worker->mail, NULL);
	uv_close((uv_handle_t *)&worker->turn_end, NULL);
	uv_walk(&worker->loop, refuse_leak, worker);
}

static void on_mail(uv_async_t *handle)
{
	struct worker *worker = handle->data;
	bool is_stopping;
	struct letter *letters = take_letters(worker, &is_stopping);
	while (letters != NULL) {
		struct letter *letter = letters;
		letters = letter->next;
		rest_answer(&worker->rest);
		letter->fn(letter->context);
		finish_letter(worker, letter);
	}
	if (is_stopping)
		close_own_handles(worker);
}

void worker_stop(struct worker **worker)
{
	struct worker *stopped = *worker;
	if (stopped == NULL)
		return;
	assert(!worker_is_current(stopped));
	pthread_mutex_lock(&stopped->lock);
	stopped->is_stopping = true;
	uv_async_send(&stopped->mail);
	rest_ring(&stopped->rest); /* never answered: it does not rest any more */
	pthread_mutex_unlock(&stopped->lock);

	pthread_join(stopped->thread, NULL);
	assert(stopped->first == NULL);
	int result = uv_loop_close(&stopped->loop);
	assert(result == 0);
	(void)result;
	pthread_cond_destroy(&stopped->call_done);
	pthread_mutex_destroy(&stopped->lock);
	free(stopped);
	*worker = NULL;
}

/* --- starting ---------------------------------------------------------------------------------------------------- */

static void *run(void *context)
{
	struct worker *worker = context;
	/* `thread` is written by pthread_create() in the other thread, perhaps not yet: this thread needs it now. */
	pthread_mutex_lock(&worker->lock);
	pthread_mutex_unlock(&worker->lock);
	pthread_setname_np(pthread_self(), worker->name);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* All signals belong to the main thread, but for those that a fault raises in the thread that made it. */
static void block_signals(sigset_t *before)
{
	sigset_t blocked;
	sigfillset(&blocked);
	const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static bool start_thread(struct worker *worker)
{
	sigset_t before;
	block_signals(&before);
	pthread_mutex_lock(&worker->lock);
	int result = pthread_create(&worker->thread, NULL, run, worker);
	pthread_mutex_unlock(&worker->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result == 0;
}

static void discard_loop(struct worker *worker)
{
	uv_close((uv_handle_t *)&worker->mail, NULL);
	uv_close((uv_handle_t *)&worker->turn_end, NULL);
	uv_run(&worker->loop, UV_RUN_DEFAULT);
	uv_loop_close(&worker->loop);
}

struct worker *worker_start(const char *name)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	if (worker == NULL)
		return NULL;
	snprintf(worker->name, sizeof(worker->name), "%s", name);
	worker->last = &worker->first;
	if (uv_loop_init(&worker->loop) != 0)
		goto free_worker;
	if (uv_async_init(&worker->loop, &worker->mail, on_mail) != 0)
		goto close_loop;
	uv_prepare_init(&worker->loop, &worker->turn_end);
	worker->mail.data = worker->turn_end.data = worker;
	uv_prepare_start(&worker->turn_end, on_turn_end);
	/* The loop lives as long as the mailbox; the prepare handle alone must not keep it. */
	uv_unref((uv_handle_t *)&worker->turn_end);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->call_done, NULL);
	if (start_thread(worker))
		return worker;

	pthread_cond_destroy(&worker->call_done);
	pthread_mutex_destroy(&worker->lock);
	discard_loop(worker);
	free(worker);
	return NULL;
close_loop:
	uv_loop_close(&worker->loop);
free_worker:
	free(worker);
	return NULL;
}
