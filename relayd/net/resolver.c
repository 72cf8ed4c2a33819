/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs no look-up comes by a timer that fires on the next turn. A look-up has a thread of its own: getaddrinfo()
 * cannot be interrupted, and libuv's pool would wait for it at the end of the loop, half a minute where a name server does
 * not answer, and has but four threads for all names. What the thread finds lies in memory that both share, until the last
 * of them has let it go; a look-up that was cancelled ends whenever it ends, and tells nobody.
 */
#include "net/resolver.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESOLVER_ERROR_MAX_BYTES = ADDRESS_HOST_MAX_BYTES + 128 };

/* Of both threads; the lock is for what stands behind it. */
struct lookup {
	struct endpoint endpoint;
	atomic_uint owners;
	pthread_mutex_t lock;
	uv_async_t *done; /* NULL: cancelled */
	int status;       /* of getaddrinfo() */
	unsigned count;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
};

struct resolver_request {
	union {
		uv_timer_t timer;
		uv_async_t done;
	} uv;
	struct lookup *lookup; /* NULL: by the timer */
	struct endpoint endpoint;
	struct address number; /* without a look-up: the outcome, or len 0 and `refusal` */
	const char *refusal;   /* why no look-up could be started */
	resolver_fn fn;
	void *context;
};

/* Of the process: those of names that nobody waits for any more, too. */
static atomic_uint lookups_running;

static void write_error(const struct resolver_request *request, const char *reason, char *error)
{
	snprintf(error, RESOLVER_ERROR_MAX_BYTES, "cannot resolve \"%s\": %s", request->endpoint.host, reason);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* --- without a look-up ------------------------------------------------------------------------------------------- */

static void on_next_turn(uv_timer_t *timer)
{
	struct resolver_request *request = timer->data;
	char error[RESOLVER_ERROR_MAX_BYTES];
	/* Freed on a later turn: what it holds may be lent to `fn`. */
	uv_close((uv_handle_t *)timer, on_closed);
	if (request->number.len > 0) {
		request->fn(request->context, &request->number, 1, NULL);
		return;
	}
	write_error(request, request->refusal, error);
	request->fn(request->context, NULL, 0, error);
}

static void start_timer(struct worker *worker, struct resolver_request *request)
{
	uv_timer_init(worker_loop(worker), &request->uv.timer);
	request->uv.timer.data = request;
	uv_timer_start(&request->uv.timer, on_next_turn, 0, 0);
}

/* --- a look-up, on its own thread -------------------------------------------------------------------------------- */

static void let_go(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->owners, 1) > 1)
		return;
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

/* Copies what getaddrinfo found; returns how many. */
static unsigned copy_addresses(const struct addrinfo *found, struct address addresses[RESOLVER_ADDRESSES_MAX])
{
	unsigned count = 0;
	for (; found != NULL && count < RESOLVER_ADDRESSES_MAX; found = found->ai_next) {
		if (found->ai_addrlen > sizeof(addresses[count].sa))
			continue;
		memset(&addresses[count], 0, sizeof(addresses[count]));
		memcpy(&addresses[count].sa, found->ai_addr, found->ai_addrlen);
		addresses[count].len = found->ai_addrlen;
		count++;
	}
	return count;
}

static void *look_up(void *context)
{
	struct lookup *lookup = context;
	char service[sizeof("65535")];
	snprintf(service, sizeof(service), "%u", (unsigned)lookup->endpoint.port);
	/* One entry per address, in the order of RFC 6724; no IPv6 addresses on a machine that has none itself. */
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int status = getaddrinfo(lookup->endpoint.host, service, &hints, &found);
	pthread_mutex_lock(&lookup->lock);
	lookup->status = status;
	lookup->count = status == 0 ? copy_addresses(found, lookup->addresses) : 0;
	/* Under the lock: who cancels closes the handle behind it. */
	if (lookup->done != NULL)
		uv_async_send(lookup->done);
	pthread_mutex_unlock(&lookup->lock);
	if (status == 0)
		freeaddrinfo(found);
	let_go(lookup);
	atomic_fetch_sub(&lookups_running, 1);
	return NULL;
}

static bool start_thread(struct lookup *lookup)
{
	pthread_t thread;
	pthread_attr_t attributes;
	if (pthread_attr_init(&attributes) != 0)
		return false;
	bool good = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
				pthread_create(&thread, &attributes, look_up, lookup) == 0;
	pthread_attr_destroy(&attributes);
	return good;
}

/* --- a look-up, on the worker's thread --------------------------------------------------------------------------- */

/* The handle is closed, and the request freed with it; the other thread may go on. */
static void forget(struct resolver_request *request)
{
	struct lookup *lookup = request->lookup;
	pthread_mutex_lock(&lookup->lock);
	lookup->done = NULL;
	pthread_mutex_unlock(&lookup->lock);
	let_go(lookup);
	uv_close((uv_handle_t *)&request->uv.done, on_closed);
}

static void on_looked_up(uv_async_t *done)
{
	struct resolver_request *request = done->data;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	char error[RESOLVER_ERROR_MAX_BYTES];
	pthread_mutex_lock(&request->lookup->lock);
	int status = request->lookup->status;
	unsigned count = request->lookup->count;
	memcpy(addresses, request->lookup->addresses, sizeof(addresses));
	pthread_mutex_unlock(&request->lookup->lock);
	write_error(request, status != 0 ? gai_strerror(status) : "it has no address", error);
	resolver_fn fn = request->fn;
	void *context = request->context;
	forget(request);
	fn(context, addresses, count, count > 0 ? NULL : error);
}

/* NULL, or why it does not even begin: a constant sentence. */
static const char *start_lookup(struct worker *worker, struct resolver_request *request)
{
	static const char no_memory[] = "there is no memory, or no thread, for a look-up";
	if (atomic_fetch_add(&lookups_running, 1) >= RESOLVER_LOOKUPS_MAX) {
		atomic_fetch_sub(&lookups_running, 1);
		return "too many look-ups are running that the name servers do not answer";
	}
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	if (lookup == NULL || uv_async_init(worker_loop(worker), &request->uv.done, on_looked_up) != 0) {
		free(lookup);
		atomic_fetch_sub(&lookups_running, 1);
		return no_memory;
	}
	request->uv.done.data = request;
	request->lookup = lookup;
	lookup->endpoint = request->endpoint;
	lookup->done = &request->uv.done;
	atomic_store(&lookup->owners, 2);
	pthread_mutex_init(&lookup->lock, NULL);
	if (start_thread(lookup))
		return NULL;
	atomic_fetch_sub(&lookups_running, 1);
	lookup->status = EAI_AGAIN;
	let_go(lookup); /* for the thread that never was */
	uv_async_send(&request->uv.done); /* on a later turn, as any other failure */
	return NULL;
}

struct resolver_request *resolver_start(struct worker *worker, const struct endpoint *endpoint, resolver_fn fn,
										void *context)
{
	assert(worker_is_current(worker) && fn != NULL);
	struct resolver_request *request = calloc(1, sizeof(*request));
	if (request == NULL)
		return NULL;
	request->endpoint = *endpoint;
	request->fn = fn;
	request->context = context;
	if (!address_of_endpoint(endpoint, &request->number)) {
		request->number.len = 0;
		request->refusal = start_lookup(worker, request);
	}
	if (request->lookup == NULL)
		start_timer(worker, request);
	return request;
}

void resolver_cancel(struct resolver_request **request)
{
	struct resolver_request *cancelled = *request;
	if (cancelled == NULL)
		return;
	*request = NULL;
	if (cancelled->lookup != NULL)
		forget(cancelled);
	else
		uv_close((uv_handle_t *)&cancelled->uv.timer, on_closed);
}
