/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-shot timers on a worker's loop that may be forgotten at any time: closing one never waits for the loop, and its
 * function is not called afterwards. All on the worker's thread.
 */
#ifndef RELAYD_OUTPUT_TIMER_H
#define RELAYD_OUTPUT_TIMER_H

#include "net/worker.h"

struct timer;

/* A timer that is not set. NULL if memory is short. */
struct timer *timer_open(struct worker *worker, worker_fn fn, void *context);
void timer_close(struct timer **timer);

/* Calls the function once in `delay_ns` (rounded up to milliseconds); a setting before it is forgotten. */
void timer_set(struct timer *timer, uint64_t delay_ns);
void timer_unset(struct timer *timer);
bool timer_is_set(const struct timer *timer);

#endif
