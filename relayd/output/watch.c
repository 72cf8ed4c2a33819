/* SPDX-License-Identifier: Apache-2.0 */
/* uv_close() takes the descriptor out of the poll set at once; only the handle's memory lives a turn longer. */
#include "output/watch.h"

#include <stdlib.h>
#include <unistd.h>

struct watch {
	uv_poll_t handle;
	int fd;
	worker_fn fn;
	void *context;
};

struct watch *watch_open(struct worker *worker, int *fd, worker_fn fn, void *context)
{
	struct watch *watch = malloc(sizeof *watch);
	if (watch == NULL || uv_poll_init(worker_loop(worker), &watch->handle, *fd) != 0) {
		free(watch);
		return NULL;
	}
	watch->handle.data = watch;
	watch->fd = *fd;
	watch->fn = fn;
	watch->context = context;
	*fd = -1;
	return watch;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	(void)status; /* an error is found by whoever uses the socket */
	(void)events;
	struct watch *watch = handle->data;
	uv_poll_stop(handle);
	watch->fn(watch->context);
}

void watch_writable(struct watch *watch)
{
	uv_poll_start(&watch->handle, UV_WRITABLE, on_poll);
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int watch_take(struct watch **taken)
{
	struct watch *watch = *taken;
	*taken = NULL;
	int fd = watch->fd;
	uv_close((uv_handle_t *)&watch->handle, on_closed);
	return fd;
}

void watch_close(struct watch **watch)
{
	if (*watch != NULL)
		close(watch_take(watch));
}
