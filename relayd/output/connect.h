/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt to connect to one server: its name is resolved anew, then its addresses are tried in order until one takes
 * the connection, all within one time limit of which each has its share.
 */
#ifndef RELAYD_OUTPUT_CONNECT_H
#define RELAYD_OUTPUT_CONNECT_H

#include "base/clock.h"
#include "net/address.h"
#include "net/worker.h"

enum { CONNECT_ERROR_MAX_BYTES = 400 };

#define CONNECT_TIMEOUT_NS   ((uint64_t)10 * CLOCK_NS_PER_SECOND) /* for the name and all addresses together */
#define CONNECT_SHARE_MIN_NS ((uint64_t)250 * CLOCK_NS_PER_MS)    /* but so long for each address */

struct connect;

/*
 * The outcome, on a later turn than the start: a connected descriptor that is the owner's from here on, or -1 and a
 * sentence. The attempt is gone when this is called: its owner forgets it first.
 */
typedef void (*connect_fn)(void *context, int fd, const char *error);

/* Starts; NULL if memory is short. `server` is what messages call it; it and the endpoint must outlive the attempt. */
struct connect *connect_start(struct worker *worker, const struct endpoint *endpoint, const char *server, connect_fn fn,
                              void *context);

/* Gives it up: `fn` is not called. Clears the pointer; harmless if NULL. */
void connect_cancel(struct connect **connect);

#endif
