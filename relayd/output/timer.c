/* SPDX-License-Identifier: Apache-2.0 */
/* The handle is freed by libuv's close callback, a turn later than timer_close(); so the owner need not outlive it. */
#include "output/timer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

struct timer {
	uv_timer_t handle;
	worker_fn fn;
	void *context;
};

struct timer *timer_open(struct worker *worker, worker_fn fn, void *context)
{
	struct timer *timer = malloc(sizeof *timer);
	if (timer == NULL)
		return NULL;
	int error = uv_timer_init(worker_loop(worker), &timer->handle);
	assert(error == 0);
	(void)error;
	timer->handle.data = timer;
	timer->fn = fn;
	timer->context = context;
	return timer;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void timer_close(struct timer **timer)
{
	if (*timer == NULL)
		return;
	uv_close((uv_handle_t *)&(*timer)->handle, on_closed);
	*timer = NULL;
}

static void on_timer(uv_timer_t *handle)
{
	struct timer *timer = handle->data;
	timer->fn(timer->context);
}

void timer_set(struct timer *timer, uint64_t delay_ns)
{
	uint64_t delay_ms = (delay_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
	uv_timer_start(&timer->handle, on_timer, delay_ms, 0);
}

void timer_unset(struct timer *timer)
{
	uv_timer_stop(&timer->handle);
}

bool timer_is_set(const struct timer *timer)
{
	return uv_is_active((const uv_handle_t *)&timer->handle);
}
