/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offers of RELP's `open` and of its answer:
 *
 *     OFFERS  = FEATURE *( LF FEATURE )
 *     FEATURE = NAME [ "=" VALUE *( "," VALUE ) ]
 *
 * Reading is as tolerant as librelp: unknown offers and unknown commands are passed over, LF may stand before the first
 * and after the last, `commands` may come more than once. What a block offer means stands in relp_block_offer.h.
 */
#ifndef RELAYD_RELP_RELP_OFFERS_H
#define RELAYD_RELP_RELP_OFFERS_H

#include "base/bytes.h"

enum {
	RELP_SOFTWARE_LEN_MAX = 255, /* octets of relp_software that we write */
	RELP_OFFERS_LEN_MAX = 768,   /* octets of offers that we write; those we read may be longer */
	RELP_BLOCK_VALUE_LEN_MAX = 255,
	RELP_BLOCK_COUNTS_LEN_MAX = 41,
};

struct relp_offers {
	bool has_version;      /* mandatory by the specification, left out by some */
	uint32_t version;      /* relp_version; everybody speaks 0 */
	struct bytes software; /* relp_software: name, version, URL. For the log only. Empty: none */
	bool has_commands;     /* a `commands` line was there, whatever it named */
	bool syslog;           /* `commands` names syslog */
	bool block_command;    /* `commands` names block */
	struct bytes block;    /* the value of the offer `block`; empty: none. For relp_block_offer.h */
	struct bytes block_counts; /* of the offer `block_counts`, likewise */
};

/*
 * Reads offers; the views in `out` are into `data`. False if relp_version is not a number (as librelp, also when a CR
 * follows it), with a constant sentence in `*reason`.
 */
bool relp_offers_read(struct bytes data, struct relp_offers *out, const char **reason);

/*
 * Writes offers to `out`, which has RELP_OFFERS_LEN_MAX octets of room; returns the length. `software`, `block` and
 * `block_counts` are ours: at most RELP_SOFTWARE_LEN_MAX, RELP_BLOCK_VALUE_LEN_MAX and RELP_BLOCK_COUNTS_LEN_MAX octets,
 * without LF. relp_version is always written.
 */
size_t relp_offers_write(const struct relp_offers *offers, uint8_t *out);

#endif
