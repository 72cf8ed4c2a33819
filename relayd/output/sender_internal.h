/* SPDX-License-Identifier: Apache-2.0 */
/* The sender's own struct, for sender.c (messages) and sender_blocks.c (blocks). */
#ifndef RELAYD_OUTPUT_SENDER_INTERNAL_H
#define RELAYD_OUTPUT_SENDER_INTERNAL_H

#include "output/drop_rules.h"
#include "output/filter.h"
#include "output/sender.h"
#include "output/shipment.h"
#include "output/timer.h"

/* What of a stream the next hop has already, behind what is delivered, and how it was shipped to it. */
struct sender_known {
	uint64_t to;          /* sequence; 0: nothing */
	uint64_t newest_rule; /* rules that came later had no part in it */
	bool whole;           /* without our filter, too: it is a new one */
};

/* So many messages are given to a transport at once that takes runs of them. */
enum { SENDER_RUN_MAX = 64 };

struct sender {
	struct output *output;
	struct sender_transport transport;
	struct spool_reader *reader;
	struct waker *waker;
	struct timer *retry;
	struct filter filter;
	struct drop_rules rules;
	struct encoder encoder;
	struct account account;
	bool stopped;
	uint64_t read_retry_ns; /* the wait behind the last read error; 0: the spool can be read */
	bool lost_some; /* since the reader's place was set */

	/* The block that is lent, and how far it was read. */
	bool has_block;
	struct spool_view block;
	struct bytes rest;             /* records not looked at yet */
	uint64_t next;                 /* sequence of the first of them */
	struct envelope_context unpacking;

	/* With blocks: what is shipped of the block that is lent, once it was made. */
	struct shipment *shipment;
	uint64_t ship_from;            /* records before it are none of the next shipment */
	bool has_shipment;
	struct relp_block shipped;
	struct account_left_out left_out;
	struct sender_known known;
	uint64_t shipped_to;           /* up to here the next hop may have it: rules that come now say nothing of it */
	uint64_t ask_until_ns;         /* what it has is to be asked, until then; 0: its session goes on */

	/* The messages that wait for room: one, or a run of them. */
	unsigned waiting;              /* 0: none */
	uint64_t sequence;             /* of the first; those of the others follow */
	struct bytes message[SENDER_RUN_MAX];
	struct envelope envelope;      /* what one was encoded from, if it does not; lives as long as the block */
};

enum step {
	STEP_ON = 0,        /* something was done: call again */
	STEP_CAUGHT_UP = 1, /* nothing is stored beyond; the waker will be called */
	STEP_FULL = 2,      /* the transport or the account has no room: sender_resume() will be called */
	STEP_RETRY = 3,     /* trouble; the timer is set */
};

/* sender.c */

/* Reads from that sequence on, with what was begun forgotten. */
void sender_go_to(struct sender *sender, uint64_t sequence);

/* Counts and says that these cannot be read. */
enum step sender_note_damage(struct sender *sender, uint64_t first, uint64_t last);

/* Comes back in a second. */
enum step sender_retry_later(struct sender *sender);

/*
 * Takes the rules of `relayctl spool drop` as they are now; if they are others than before, what was not given to the
 * transport yet is looked at once more. False: there is no memory, and nothing may be sent; it comes back in a second.
 */
bool sender_take_rules(struct sender *sender);

/* Whether the reader may leave the block with that sequence packed: nothing is to be taken out of it. */
bool sender_leaves_packed(const struct sender *sender, uint64_t sequence);

/* sender_blocks.c */

/* Ships the block that is lent, or says why it does not. */
enum step sender_ship_block(struct sender *sender);

/* If the next hop could not be asked what it has, and the wait for it is over: rules speak of all that is not settled. */
void sender_stop_asking(struct sender *sender);
/* At the end of a turn: comes back when the wait is over. */
void sender_keep_asking(struct sender *sender);

#endif
