/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells those downstream what was lost: looks at the ledger's counters a second after the spool's word that one has moved,
 * and every second while something is untold; with nothing to tell there is no timer. Puts one message for each counter
 * that moved (loss_message.h) into the spool, then and at most every LOSSES_INTERVAL_NS. It is an input of its own,
 * "internal", with its row in the ledger. It drops none of its own messages, so it feeds on nothing of its own.
 *
 * A full spool takes no such message: it is told when there is room, with the whole time that it covers. What was counted
 * but not yet told when the process is killed stays in the ledger, and is not told.
 */
#ifndef RELAYD_RELAY_LOSSES_H
#define RELAYD_RELAY_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

struct relay;
struct losses;

#define LOSSES_INTERVAL_NS ((uint64_t)10 * 1000 * 1000 * 1000)

/* Registers the input; everything else is open, nothing runs. NULL if memory is short or the spool knows too many names. */
struct losses *losses_open(struct relay *relay);

/* Begins to look, on the first input worker. If the last run ended uncleanly, that is told first. */
void losses_start(struct losses *losses);

/* For struct spool_events, with the relay as context: something was lost. From any thread, and until the spool is closed. */
void losses_on_lost(void *relay);

/* Tells what is left, and ends; all inputs have stopped, the spool runs. Clears the pointer; harmless if NULL. */
void losses_close(struct losses **losses);

/* For the status. From the main thread. */
const char *losses_input_name(const struct losses *losses);
unsigned losses_spool_index(const struct losses *losses);
/* Messages told, by this process and those before. */
uint64_t losses_received(const struct losses *losses);

#endif
