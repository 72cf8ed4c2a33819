/* SPDX-License-Identifier: Apache-2.0 */
/* connect -> resolving -> trying address 0, 1, 2 ... -> the owner's function. Everything ends in finish(). */
#include "output/connect.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/resolver.h"
#include "net/socket.h"
#include "output/timer.h"
#include "output/watch.h"

struct connect {
	struct worker *worker;
	const struct endpoint *endpoint;
	const char *server;
	connect_fn fn;
	void *context;
	struct resolver_request *resolving;
	struct timer *timer;     /* of the look-up, or of the address that is tried */
	uint64_t deadline_ns;    /* of all together */
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	unsigned count, tried;
	struct watch *watch;     /* of the descriptor that is connecting */
	char error[CONNECT_ERROR_MAX_BYTES];
};

void connect_cancel(struct connect **cancelled)
{
	struct connect *connect = *cancelled;
	if (connect == NULL)
		return;
	*cancelled = NULL;
	resolver_cancel(&connect->resolving);
	timer_close(&connect->timer);
	watch_close(&connect->watch);
	free(connect);
}

static void finish(struct connect *connect, int fd)
{
	connect_fn fn = connect->fn;
	void *context = connect->context;
	char error[CONNECT_ERROR_MAX_BYTES];
	memcpy(error, connect->error, sizeof error);
	connect_cancel(&connect);
	fn(context, fd, fd >= 0 ? "" : error);
}

static void try_next(struct connect *connect);

/* Why the address that was tried last is none. */
static void note_failure(struct connect *connect, const char *reason)
{
	char text[ADDRESS_TEXT_MAX_BYTES];
	snprintf(connect->error, sizeof connect->error, "%s (%s): %s", connect->server,
	         address_text(&connect->addresses[connect->tried - 1], text), reason);
}

static void on_writable(void *context)
{
	struct connect *connect = context;
	int error = socket_error(watch_fd(connect->watch));
	if (error == 0) {
		finish(connect, watch_take(&connect->watch));
		return;
	}
	note_failure(connect, strerror(error));
	watch_close(&connect->watch);
	try_next(connect);
}

/* An address that swallows our packets must leave time for those behind it: each gets its share of what is left. */
static void set_share(struct connect *connect)
{
	uint64_t now = worker_now_ns(connect->worker);
	uint64_t left = connect->deadline_ns > now ? connect->deadline_ns - now : 0;
	uint64_t share = left / (connect->count - connect->tried);
	timer_set(connect->timer, share > CONNECT_SHARE_MIN_NS ? share : CONNECT_SHARE_MIN_NS);
}

static void try_next(struct connect *connect)
{
	while (connect->tried < connect->count) {
		char error[SOCKET_ERROR_MAX_BYTES];
		set_share(connect);
		int fd = socket_connect(&connect->addresses[connect->tried++], error);
		if (fd < 0) {
			snprintf(connect->error, sizeof connect->error, "%s", error);
			continue;
		}
		connect->watch = watch_open(connect->worker, &fd, on_writable, connect);
		if (connect->watch != NULL) {
			watch_writable(connect->watch);
			return;
		}
		close(fd);
		snprintf(connect->error, sizeof connect->error, "%s: there is no memory for a connection", connect->server);
		break;
	}
	finish(connect, -1);
}

static void on_resolved(void *context, const struct address *addresses, unsigned count, const char *error)
{
	struct connect *connect = context;
	connect->resolving = NULL;
	assert(count <= RESOLVER_ADDRESSES_MAX);
	if (count > 0)
		memcpy(connect->addresses, addresses, count * sizeof *addresses);
	else
		snprintf(connect->error, sizeof connect->error, "%s", error);
	connect->count = count;
	try_next(connect);
}

static void on_timeout(void *context)
{
	struct connect *connect = context;
	if (connect->resolving != NULL) {
		snprintf(connect->error, sizeof connect->error, "%s: its name is not resolved within %d s", connect->server,
		         (int)(CONNECT_TIMEOUT_NS / CLOCK_NS_PER_SECOND));
		finish(connect, -1);
		return;
	}
	note_failure(connect, "no answer; is it up, and does a firewall let us pass?");
	watch_close(&connect->watch);
	try_next(connect);
}

struct connect *connect_start(struct worker *worker, const struct endpoint *endpoint, const char *server, connect_fn fn,
                              void *context)
{
	struct connect *connect = calloc(1, sizeof *connect);
	if (connect == NULL)
		return NULL;
	connect->worker = worker;
	connect->endpoint = endpoint;
	connect->server = server;
	connect->fn = fn;
	connect->context = context;
	connect->timer = timer_open(worker, on_timeout, connect);
	connect->resolving = resolver_start(worker, endpoint, on_resolved, connect);
	if (connect->timer == NULL || connect->resolving == NULL) {
		connect_cancel(&connect);
		return NULL;
	}
	connect->deadline_ns = worker_now_ns(worker) + CONNECT_TIMEOUT_NS;
	timer_set(connect->timer, CONNECT_TIMEOUT_NS);
	return connect;
}
