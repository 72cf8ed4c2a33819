/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is one of two: a timer that fires on the next turn for what needs no look-up, or a libuv request. A
 * cancelled look-up that libuv cannot take back any more is forgotten by its owner and freed when it ends.
 */
#include "net/resolver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolver_request {
	union {
		uv_timer_t timer;
		uv_getaddrinfo_t lookup;
	} uv;
	bool is_lookup;
	struct endpoint endpoint;
	struct address number; /* without a look-up: the outcome, or len 0 and `refusal` */
	int refusal;           /* libuv's reason not to start the look-up */
	resolver_fn fn;        /* NULL: cancelled */
	void *context;
};

enum { RESOLVER_ERROR_MAX_BYTES = ADDRESS_HOST_MAX_BYTES + 128 };

static void write_error(const struct resolver_request *request, const char *reason, char *error)
{
	snprintf(error, RESOLVER_ERROR_MAX_BYTES, "cannot resolve \"%s\": %s", request->endpoint.host, reason);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_next_turn(uv_timer_t *timer)
{
	struct resolver_request *request = timer->data;
	char error[RESOLVER_ERROR_MAX_BYTES];
	/* Freed on a later turn: what it holds may be lent to `fn`. */
	uv_close((uv_handle_t *)timer, on_timer_closed);
	if (request->number.len > 0) {
		request->fn(request->context, &request->number, 1, NULL);
		return;
	}
	write_error(request, uv_strerror(request->refusal), error);
	request->fn(request->context, NULL, 0, error);
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

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct resolver_request *request = lookup->data;
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	char error[RESOLVER_ERROR_MAX_BYTES];
	unsigned count = status == 0 ? copy_addresses(found, addresses) : 0;
	write_error(request, status != 0 ? uv_strerror(status) : "it has no address", error);
	uv_freeaddrinfo(found);
	resolver_fn fn = request->fn;
	void *context = request->context;
	free(request);
	if (fn != NULL)
		fn(context, addresses, count, count > 0 ? NULL : error);
}

static void start_timer(struct worker *worker, struct resolver_request *request)
{
	request->is_lookup = false;
	uv_timer_init(worker_loop(worker), &request->uv.timer);
	request->uv.timer.data = request;
	uv_timer_start(&request->uv.timer, on_next_turn, 0, 0);
}

/* libuv's error if it does not even begin. */
static int start_lookup(struct worker *worker, struct resolver_request *request)
{
	char service[sizeof("65535")];
	snprintf(service, sizeof(service), "%u", (unsigned)request->endpoint.port);
	/* One entry per address, in the order of RFC 6724; no IPv6 addresses on a machine that has none itself. */
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
	request->is_lookup = true;
	request->uv.lookup.data = request;
	return uv_getaddrinfo(worker_loop(worker), &request->uv.lookup, on_looked_up, request->endpoint.host, service,
						  &hints);
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
	if (request->number.len > 0 || request->refusal != 0)
		start_timer(worker, request);
	return request;
}

void resolver_cancel(struct resolver_request **request)
{
	struct resolver_request *cancelled = *request;
	if (cancelled == NULL)
		return;
	*request = NULL;
	cancelled->fn = NULL;
	if (cancelled->is_lookup)
		(void)uv_cancel((uv_req_t *)&cancelled->uv.lookup);
	else
		uv_close((uv_handle_t *)&cancelled->uv.timer, on_timer_closed);
}
