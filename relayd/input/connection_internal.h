/* SPDX-License-Identifier: Apache-2.0 */
/* Between connection.c (one connection), connection_part.c (all of them at one worker) and connection_stop.c (their end). */
#ifndef RELAYD_INPUT_CONNECTION_INTERNAL_H
#define RELAYD_INPUT_CONNECTION_INTERNAL_H

#include "input/stream_server.h"

/* --- connection.c ------------------------------------------------------------------------------------------------ */

extern const struct stream_events connection_stream_events;

/* Ends it at once and frees it. */
void connection_close(struct connection *connection);

/* There may be room again: goes on reading, or settles what was left at the end of the stream and closes. */
void connection_try_again(struct connection *connection);

/* A rate-limited line about its peer. */
void connection_log(struct connection *connection, enum peer_event event, const char *message, struct bytes octets);

/* --- connection_part.c ------------------------------------------------------------------------------------------- */

/* Sets the time of connection.give_up() or of its end, from now. */
void connection_set_deadline(struct connection *connection, uint64_t from_now_ns);

/* It waits for room: tells the peer, if that is because the spool is full and it was not told for a while. */
void connection_tell_waiting(struct connection *connection, uint64_t now);

/* Something that the timer depends on has changed. */
void connection_part_update_timer(struct connection_part *part);

/* There may be room, or memory: those that wait for it are tried again in turn, as long as there are blocks. */
void connection_part_try_again(struct connection_part *part);

/* --- connection_stop.c ------------------------------------------------------------------------------------------- */

/* Ends it in order, by the protocol's stop(). */
void connection_stop(struct connection *connection);

/* The time for ending in order is over. */
void connection_expire(struct connection *connection);

/* A connection is gone: the timer may rest, and a part that stops may be complete. */
void connection_part_forget(struct connection_part *part);

/* At each tick: our stop goes on while messages without answers are taken, and gives up when none are, or at its bound. */
void connection_part_watch_stop(struct connection_part *part, uint64_t now);

/* Our stop has given up, or there is no memory to keep the message for later: counts it. It is lost. */
void connection_drop(struct connection *connection, struct bytes message);

static inline uint64_t connection_part_now(const struct connection_part *part)
{
	return worker_now_ns(part->on->worker);
}

static inline const struct connection_protocol *connection_protocol_of(const struct connection_part *part)
{
	return part->server->spec.protocol;
}

/*
 * Whether the peers of this input get answers: then they send again what got none, and nobody need take it or keep it for
 * them. Else they believe that all arrived which our kernel has acknowledged, and what we do not take is lost.
 */
static inline bool connection_part_answers(const struct connection_part *part)
{
	return connection_protocol_of(part)->owes != NULL;
}

#endif
