/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wake-up that can be asked for any number of times. `is_asked` is set by the first one who asks and taken by the
 * worker before it calls: those who find it set make no system call, and the exchange on both sides is what lets the
 * called function see everything that was written before any of the wake-ups.
 */
#include "net/rest.h"
#include "net/worker_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct waker {
	uv_async_t async;
	atomic_bool is_asked;
	struct rest *bell;
	worker_fn fn;
	void *context;
};

static void on_wake(uv_async_t *async)
{
	struct waker *waker = async->data;
	if (!atomic_exchange_explicit(&waker->is_asked, false, memory_order_acq_rel))
		return;
	rest_answer(waker->bell);
	waker->fn(waker->context);
}

struct waker *waker_open(struct worker *worker, worker_fn fn, void *context)
{
	assert(worker_is_current(worker));
	struct waker *waker = calloc(1, sizeof(*waker));
	if (waker == NULL)
		return NULL;
	if (uv_async_init(worker_loop(worker), &waker->async, on_wake) != 0) {
		free(waker);
		return NULL;
	}
	atomic_init(&waker->is_asked, false);
	waker->bell = worker_bell(worker);
	waker->fn = fn;
	waker->context = context;
	waker->async.data = waker;
	return waker;
}

void waker_wake(struct waker *waker)
{
	if (atomic_exchange_explicit(&waker->is_asked, true, memory_order_acq_rel))
		return;
	uv_async_send(&waker->async);
	rest_ring(waker->bell);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void waker_close(struct waker **waker)
{
	if (*waker == NULL)
		return;
	/* Asked, and never called any more. */
	if (atomic_exchange_explicit(&(*waker)->is_asked, false, memory_order_acq_rel))
		rest_answer((*waker)->bell);
	uv_close((uv_handle_t *)&(*waker)->async, on_closed);
	*waker = NULL;
}
