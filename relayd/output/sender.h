/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all outputs share: walks the spool behind the cursor, unpacks, filters and encodes each record once, drops what rules
 * of `relayctl spool drop` say, hands it to the transport while that takes more, keeps the account of what was settled, and
 * moves the cursor with exact totals. It sleeps when everything stored was read, and a turn of the loop does a bounded
 * amount of work.
 *
 * The transport is a few functions of the driver; it calls back with what was settled or lost. Everything runs on the
 * output's worker thread.
 */
#ifndef RELAYD_OUTPUT_SENDER_H
#define RELAYD_OUTPUT_SENDER_H

#include "output/account.h"
#include "output/encoder.h"
#include "output/output_common.h"
#include "relp/relp_block.h"

struct sender;

/* What became of a block that was given to the transport. */
enum sender_shipped {
	SENDER_SHIPPED = 0,
	SENDER_NO_ROOM = 1, /* or no connection: the same block is given again after sender_resume() */
	SENDER_KNOWN = 2,   /* the next hop has it already: it is settled */
};

struct sender_transport {
	/*
	 * Takes one message (the view lives until it returns). False: no room, or no connection; the same message is given again
	 * after sender_resume(). With ACCOUNT_EACH, sequences grow but for those that were lost.
	 */
	bool (*send)(void *context, uint64_t sequence, struct bytes message);
	/*
	 * Instead of `send`, with ACCOUNT_THROUGH: `count` messages whose sequences follow each other, from `first` on. Takes as
	 * many of the first ones as there is room for, and returns how many; the others are given again.
	 */
	unsigned (*send_run)(void *context, uint64_t first, const struct bytes *messages, unsigned count);
	/*
	 * Asked before `send`: whether this message was put into quarantine and is not to be sent any more. Optional, with
	 * ACCOUNT_EACH. The envelope lives until it returns.
	 */
	bool (*quarantine)(void *context, uint64_t sequence, const struct envelope *envelope);
	/*
	 * Whether whole blocks are taken now, instead of messages; it changes only with sender_start_over(). Optional, and so is
	 * send_block() without it. With ACCOUNT_EACH. A block is settled by its last sequence.
	 */
	bool (*ships_blocks)(void *context);
	enum sender_shipped (*send_block)(void *context, struct relp_block *block);
	/* A run of messages is over for now: write out what was gathered. Optional. */
	void (*flush)(void *context);
	/*
	 * The account is full, so nothing more is given until something is settled: what depends on nobody else is settled now.
	 * Optional.
	 */
	void (*settle)(void *context);
	/*
	 * All that is stored was given out, some of it just now, and flushed: nothing is missed by who looks for answers a
	 * little later. Optional.
	 */
	void (*caught_up)(void *context);
	/* The cursor was moved to `sequence`: nothing up to there is wanted any more. Optional. */
	void (*passed_over)(void *context, uint64_t sequence);
	/* This message (or the block that ends with it) is not given any more, though it may have been before. Optional. */
	void (*not_wanted)(void *context, uint64_t sequence);
	void *context;
};

/*
 * A sender for the output, reading behind its cursor; it does nothing before sender_resume(). `pending_max`: as for
 * account_open(). NULL if memory is short. On the worker's thread, as everything here.
 */
struct sender *sender_open(struct output *output, enum account_kind kind, size_t pending_max,
                           enum encoder_format format, const struct sender_transport *transport);
void sender_close(struct sender **sender);

/*
 * The transport has room, or has settled or lost something: goes on sending. Not from inside the transport's functions.
 */
void sender_resume(struct sender *sender);

/* The same on a later turn of the loop; from inside the transport's functions too. */
void sender_resume_later(struct sender *sender);

/* There was no memory for a message or block, which was not taken: it is given again in a second. From inside `send`. */
void sender_retry(struct sender *sender);

/* Hands out nothing more, for good; what is settled still moves the cursor. */
void sender_stop(struct sender *sender);

/* ACCOUNT_EACH: the next hop has this one. The cursor moves with the next sender_resume() or sender_publish(). */
void sender_settle(struct sender *sender, uint64_t sequence);

/* ACCOUNT_EACH: this one's session has ended unanswered: it is sent again, after sender_resume(). */
void sender_lose(struct sender *sender, uint64_t sequence);

/*
 * All that is not settled is read and sent again, after sender_resume(): behind what is delivered, or from `from` on if
 * that is less (blocks are then shipped again that were settled before). Nothing that was given out before may be
 * settled any more.
 */
void sender_start_over(struct sender *sender, uint64_t from);

/*
 * The session that shipped blocks has ended: as sender_start_over(sender, UINT64_MAX). A rule of `relayctl spool drop` says
 * nothing of what was shipped before the rule came, until the next hop has been asked what it has, or for 30 s.
 */
void sender_cut_off(struct sender *sender);

/* The next hop was asked: of what was shipped it has all up to `has`, and nothing behind. Then sender_start_over(). */
void sender_asked(struct sender *sender, uint64_t has);

enum sender_knowledge {
	SENDER_KNOWS = 0,
	SENDER_KNOWS_NOT = 1,
	SENDER_CANNOT_SAY = 2, /* the spool cannot be read now, or there is no memory: try again later */
};

/*
 * Whether a block that ends with `last` may have been shipped under this checksum: as it would be now, before rules of
 * `relayctl spool drop` came, or before there was a filter. If so, all up to there is made in the same way again until
 * the next call; with `last` 0 nothing is.
 */
enum sender_knowledge sender_knows(struct sender *sender, uint64_t last, uint64_t checksum);

/* ACCOUNT_THROUGH: the transport has all up to `sequence`. */
void sender_settle_through(struct sender *sender, uint64_t sequence);

/* ACCOUNT_THROUGH: all that is not settled is read and sent again, after sender_resume(). */
void sender_rewind(struct sender *sender);

/* Moves the cursor over what is settled, without sending. */
void sender_publish(struct sender *sender);

/* Asserts the account's invariants and the ledger's equation (spool-rules.md, 8): for tests. */
void sender_check(const struct sender *sender);

#endif
