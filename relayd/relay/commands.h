/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the control socket. A request is one JSON object with the member `command`; the others are its
 * arguments. One of another kind than it must be, one that the command does not take, and one that is there twice is an
 * error that names it. An answer is one JSON object; what cannot be done is {"error": a sentence}.
 *
 *     status, ledger                   the documents of relayctl(1)
 *     probe   id, count, begin | end   what was seen of the probes of that id; begins, or ends, to look for them
 *             stream                   also how far this stream of another relay is stored
 *     cut     output, seconds          for a drill: only for root and the relay's own user
 *             check                    only says whether it would be done
 *     restore output                   likewise
 *     streams                          the streams between relays (streams.h)
 *     stream-adopt   stream, identity  gives one to another identity: likewise
 *     stream-forget  stream            forgets one: likewise
 *     drop    spool, filter, output,   a rule of `relayctl spool drop`, likewise: relay_drop.c
 *             to, messages
 */
#ifndef RELAYD_RELAY_COMMANDS_H
#define RELAYD_RELAY_COMMANDS_H

#include <sys/socket.h>

struct relay;

/* The answer to `request`, allocated; NULL if memory is short. `who` asks (SO_PEERCRED). From the main thread. */
char *commands_answer(struct relay *relay, const char *request, const struct ucred *who);

#endif
