/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shipped of a block of the spool to a relay that takes blocks: the block as it lies, if it goes as a whole, else a
 * new one of the records that pass. A new one is always the same for the same records, because its checksum is how a mark
 * is known again (spool-rules.md, rule 27).
 */
#ifndef RELAYD_OUTPUT_SHIPMENT_H
#define RELAYD_OUTPUT_SHIPMENT_H

#include "output/account.h"
#include "output/drop_rules.h"
#include "relp/relp_block.h"
#include "spool/spool.h"

struct shipment;

/*
 * The memory in which blocks are packed again: taken when it is needed first, about as much as the block that is packed has
 * unpacked, twice. NULL if memory is short.
 */
struct shipment *shipment_open(void);
void shipment_close(struct shipment **shipment);

enum shipment_result {
	SHIPMENT_READY = 0,
	SHIPMENT_EMPTY = 1,     /* nothing passes: there is nothing to ship */
	SHIPMENT_MALFORMED = 2, /* a record cannot be read */
	SHIPMENT_NO_MEMORY = 3,
};

/* What of a block is shipped. */
struct shipment_choice {
	uint64_t from;               /* records before it are none of the shipment */
	const struct filter *filter;
	const struct drop_rules *rules;
	struct drop_scope scope;     /* of the rules; and what is left out is counted behind scope.behind only */
};

/* Whether the block goes as it lies: then its records need not be unpacked. */
static inline bool shipment_is_whole(const struct spool_view *view, const struct shipment_choice *choice)
{
	return !choice->filter->active && choice->from <= view->first &&
	       !drop_rules_reach(choice->rules, &choice->scope, view->first, view->last);
}

/*
 * The block that ships the records of `view` that are chosen; its range is all of choice->from (or view->first) up to
 * view->last. `total` is left 0. The payload is a view into `view`, or into the shipment until the next call or
 * shipment_done(). `left_out` says what is not in it; also of SHIPMENT_EMPTY.
 */
enum shipment_result shipment_make(struct shipment *shipment, const struct spool_view *view,
                                   const struct shipment_choice *choice, struct relp_block *block,
                                   struct account_left_out *left_out);

/* The block that was made is not needed any more: memory beyond a mebibyte goes back. */
void shipment_done(struct shipment *shipment);

#endif
