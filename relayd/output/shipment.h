/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shipped of a block of the spool to a relay that takes blocks: the block as it lies, if it goes as a whole, else a
 * new one of the records that pass. A new one is always the same for the same records, because its checksum is how a mark
 * is known again (spool page, rule 27).
 */
#ifndef RELAYD_OUTPUT_SHIPMENT_H
#define RELAYD_OUTPUT_SHIPMENT_H

#include "output/filter.h"
#include "relp/relp_block.h"
#include "spool/spool.h"

struct shipment;

/* The memory in which blocks are packed again: taken when it is needed first. NULL if memory is short. */
struct shipment *shipment_open(void);
void shipment_close(struct shipment **shipment);

enum shipment_result {
	SHIPMENT_READY = 0,
	SHIPMENT_EMPTY = 1,     /* nothing passes: there is nothing to ship */
	SHIPMENT_MALFORMED = 2, /* a record cannot be read */
	SHIPMENT_NO_MEMORY = 3,
};

/* Whether the block goes as it lies: then its records need not be unpacked. */
static inline bool shipment_is_whole(const struct spool_view *view, uint64_t from, const struct filter *filter)
{
	return !filter->active && from <= view->first;
}

/*
 * The block that ships the records of `view` from sequence `from` on that pass the filter; its range is all of from (or
 * view->first) .. view->last. `total` is left 0. The payload is a view into `view`, or into the shipment until the next
 * call.
 */
enum shipment_result shipment_make(struct shipment *shipment, const struct spool_view *view, uint64_t from,
                                   const struct filter *filter, struct relp_block *block);

#endif
