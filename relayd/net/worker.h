/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread with its libuv loop, a mailbox for rare commands, and the orderly way to stop it. Everything that lives on a
 * worker is touched by its thread only; others post to it.
 */
#ifndef RELAYD_NET_WORKER_H
#define RELAYD_NET_WORKER_H

#include <stdbool.h>
#include <uv.h>

struct worker;

typedef void (*worker_fn)(void *context);

/*
 * Starts a thread with that name (cut to 15 octets for the kernel) and a running loop. NULL if the system refuses. The
 * thread takes no signals but those of its own faults; so SIGPIPE never ends it, and a write to a closed peer (OpenSSL
 * writes without MSG_NOSIGNAL) is an ordinary EPIPE. An idle worker makes no wake-ups.
 */
struct worker *worker_start(const char *name);

/*
 * From now on the worker's thread, and threads that it starts, give way to others where there is more work than processors:
 * its nice value grows by ten. A hint: where that is refused, all is as before. Once, and not from the worker's own thread.
 */
void worker_give_way(struct worker *worker);

/* The worker's loop, for handles made on its thread. */
uv_loop_t *worker_loop(struct worker *worker);

/*
 * Has `fn(context)` called on the worker's thread, in the order posted. From any thread; what the caller wrote before
 * is seen by `fn`. False if the worker is stopping or memory is short: then it is not called and the caller keeps what
 * `context` owns.
 */
bool worker_post(struct worker *worker, worker_fn fn, void *context);

/* As worker_post(), but waits until the call has returned; needs no memory. Not from the worker's own thread. */
bool worker_call(struct worker *worker, worker_fn fn, void *context);

/*
 * A wake-up that can be asked for from any thread, any number of times: `fn(context)` runs on the worker's thread at
 * least once after the last waker_wake(), many wake-ups becoming one, and sees what was written before the wake-ups.
 * Made and freed on the worker's thread; who may still wake it must be told before it is closed.
 */
struct waker;
struct waker *waker_open(struct worker *worker, worker_fn fn, void *context);
void waker_wake(struct waker *waker);
void waker_close(struct waker **waker);

/*
 * Has `fn(context)` called on the worker's thread at the end of every loop turn in which something happened, before the
 * loop waits again. One function per worker. From the worker's thread.
 */
void worker_at_turn_end(struct worker *worker, worker_fn fn, void *context);

/*
 * Asks for a rest at the end of this turn: until then (monotonic; the earliest that was asked for holds) the sockets are
 * left alone, and what comes meanwhile is found together. For whoever knows that it could do nothing with it before. A
 * letter, a waker or a timer ends the rest sooner, and every turn asks anew. From the worker's thread.
 */
void worker_rest(struct worker *worker, uint64_t until_ns);

/* No rest at the end of this turn: a socket has brought so much that there is more, or its buffer could fill. */
void worker_stay(struct worker *worker);

/* No rest at all, until as many calls of the second as of the first: for sockets that lose or block where nobody looks. */
void worker_begin_watch(struct worker *worker);
void worker_end_watch(struct worker *worker);

/* Monotonic and wall time of this loop turn, read once per turn, when first asked for. From the worker's thread. */
uint64_t worker_now_ns(struct worker *worker);
int64_t worker_wall_ns(struct worker *worker);

/* How many of something there were in a turn. All zero to begin with. */
struct turn_count {
	uint64_t turn;
	unsigned so_many;
};

/* Counts one more; false if there were `most` of it in this turn already. From the worker's thread. */
bool worker_turn_allows(const struct worker *worker, struct turn_count *count, unsigned most);

/* True on the worker's own thread. */
bool worker_is_current(const struct worker *worker);

/*
 * Refuses further posts, carries out those that were taken, ends the loop, joins the thread, frees and clears. The
 * owners have closed their handles before (by worker_call()): one that is still open is a leak and ends the process
 * with its type. Not from the worker's own thread. Harmless if NULL.
 */
void worker_stop(struct worker **worker);

#endif
