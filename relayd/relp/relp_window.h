/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window of a RELP client: commands sent and not yet answered, oldest first. TXNRs are handed out without gaps, so
 * an answer finds its entry by subtraction. Answers may come in any order; only the contiguous accepted prefix is
 * settled.
 *
 *     first_txnr ... next_txnr - 1         the entries, answered or not
 *     octets == sum of the entries' sizes  all this is checked by relp_window_check()
 */
#ifndef RELAYD_RELP_RELP_WINDOW_H
#define RELAYD_RELP_RELP_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RELP_WINDOW_DEFAULT = 128,    /* commands; what librelp uses */
	RELP_WINDOW_MAX = 65536,      /* commands */
	RELP_TXNR_REOPEN = 900000000, /* from here on the session should be closed and opened anew */
};

enum relp_window_answer {
	RELP_WINDOW_OUTSTANDING = 0,
	RELP_WINDOW_ACCEPTED = 1,
	RELP_WINDOW_REFUSED = 2, /* it is never settled, nor is anything behind it */
};

struct relp_window_entry {
	uint64_t sequence; /* of the message in the sender's own numbers */
	uint64_t sent_ns;
	uint32_t size; /* octets */
	enum relp_window_answer answer;
};

/* Set up with relp_window_init(); the fields are private. */
struct relp_window {
	struct relp_window_entry *entries; /* ring of `capacity`, the caller's */
	size_t capacity;
	size_t first; /* index of the oldest entry */
	size_t count;
	uint64_t octets;
	uint64_t octets_max;
	uint32_t first_txnr; /* of the oldest entry; next_txnr if there is none */
	uint32_t next_txnr;
	bool any_sent;          /* last_sequence is set */
	uint64_t last_sequence; /* of the newest command ever added: sequences must grow */
};

/*
 * An empty window over the caller's array `entries` of `capacity` (1..RELP_WINDOW_MAX), which must outlive it. It takes
 * as many commands as have `octets_max` octets together; a single larger one has it for itself. TXNRs begin at `txnr`.
 */
void relp_window_init(struct relp_window *window, struct relp_window_entry *entries, size_t capacity,
                      uint64_t octets_max, uint32_t txnr);

/* Whether a command of `size` octets may be added now: count, octets, and TXNRs that are left. */
bool relp_window_has_room(const struct relp_window *window, size_t size);

/*
 * Adds a command, for which there must be room, and returns its TXNR. `sequence` must be above that of the command
 * before it.
 */
uint32_t relp_window_add(struct relp_window *window, uint64_t sequence, size_t size, uint64_t now_ns);

/* Finds a command that is not settled by its TXNR; NULL if there is none. Lends the entry until the next call. */
const struct relp_window_entry *relp_window_find(const struct relp_window *window, uint32_t txnr);

/*
 * Takes note of the answer (accepted or refused) to the command `txnr`. False, and nothing changed, if no such command
 * is outstanding: it was never sent, or was answered before.
 */
bool relp_window_answer(struct relp_window *window, uint32_t txnr, enum relp_window_answer answer);

/*
 * Takes the accepted commands at the front out of the window. True if there were any; `*delivered` is then the sequence
 * of the last: it and all before it have been accepted.
 */
bool relp_window_settle(struct relp_window *window, uint64_t *delivered);

/* When the oldest command that is not settled was sent; UINT64_MAX: none. Call relp_window_settle() first. */
uint64_t relp_window_oldest_ns(const struct relp_window *window);

/* Asserts the invariants. */
void relp_window_check(const struct relp_window *window);

#endif
