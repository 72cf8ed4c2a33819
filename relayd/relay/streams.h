/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams between relays, for `relayctl stream` and the ledger: those that are received, and those that outputs send. The
 * document is made from a spool alone, so that relayctl can make it of one that no relay has open.
 */
#ifndef RELAYD_RELAY_STREAMS_H
#define RELAYD_RELAY_STREAMS_H

#include <stdbool.h>
#include <sys/socket.h>

#include <yajl/yajl_gen.h>

struct relay;
struct spool;

enum { STREAMS_ERROR_MAX_BYTES = 512 };

/*
 * Writes the members `spool` (its id), `stored` (whether all changes by hand are on the disk), `received` and `sent` into
 * the open object. `relay` knows whom outputs talk to; NULL: nobody does.
 */
void streams_write(yajl_gen gen, struct spool *spool, const struct relay *relay);

/* The document of `relayctl stream ls`, as one line of JSON, allocated; NULL if memory is short. */
char *streams_json(struct relay *relay);

/*
 * What the operator `who` does to the stream with this id, in hexadecimal digits: gives it to another identity, has it
 * forgotten. Logged. False, and a sentence in `error` (STREAMS_ERROR_MAX_BYTES), if it cannot be done.
 */
bool streams_adopt(struct relay *relay, const char *stream, const char *identity, const struct ucred *who, char *error);
bool streams_forget(struct relay *relay, const char *stream, const struct ucred *who, char *error);

#endif
