/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, off the loop, each on a thread of its own. Numbers and local paths never leave the worker's thread. */
#ifndef RELAYD_NET_RESOLVER_H
#define RELAYD_NET_RESOLVER_H

#include "net/address.h"
#include "net/worker.h"

enum {
	RESOLVER_ADDRESSES_MAX = 16,
	RESOLVER_LOOKUPS_MAX = 64, /* at a time, in the process, with those that were cancelled and have not ended */
};

struct resolver_request;

/*
 * The outcome, on the worker's thread, on a later turn than the call: `count` addresses in the order to try (as
 * getaddrinfo sorts them), or count 0 and `error`. The request is gone when this is called: its owner forgets it first.
 */
typedef void (*resolver_fn)(void *context, const struct address *addresses, unsigned count, const char *error);

/* Starts; NULL only if memory is short. From the worker's thread. */
struct resolver_request *resolver_start(struct worker *worker, const struct endpoint *endpoint, resolver_fn fn,
										void *context);

/* Cancels: `fn` is never called, and nobody waits for a name server. Clears the pointer; harmless if NULL. */
void resolver_cancel(struct resolver_request **request);

#endif
