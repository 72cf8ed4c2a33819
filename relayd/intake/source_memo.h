/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the ledger's sources a message is of, for a thread that counts every message: a place for each of the names
 * that came lately, so that most messages are counted without the ledger's own look-up, also where the messages of many
 * hosts come mixed. Two names that want one place take it from each other.
 */
#ifndef RELAYD_INTAKE_SOURCE_MEMO_H
#define RELAYD_INTAKE_SOURCE_MEMO_H

#include "spool/ledger_sources.h"

enum { SOURCE_MEMO_BITS = 8, SOURCE_MEMO_PLACES = 1 << SOURCE_MEMO_BITS };

/* All-zero is an empty one. Names stay where they are while the spool is open. */
struct source_memo {
	const struct spool_source_name *name[SOURCE_MEMO_PLACES];
	uint16_t number[SOURCE_MEMO_PLACES];
};

/* Hosts mostly differ in the first octets of their names, the last ones, or the end of their addresses. */
static inline unsigned source_memo_place(const uint8_t *address, struct bytes hostname)
{
	uint64_t first = hostname.len, last = 0;
	uint32_t end_of_address;
	memcpy(&end_of_address, address + SPOOL_ADDRESS_BYTES - sizeof end_of_address, sizeof end_of_address);
	if (hostname.len >= sizeof first) {
		memcpy(&first, hostname.at, sizeof first);
		memcpy(&last, hostname.at + hostname.len - sizeof last, sizeof last);
	} else {
		for (size_t i = 0; i < hostname.len; i++)
			first = first << 8 | hostname.at[i];
	}
	uint64_t mixed = (first ^ last << 1 ^ (uint64_t)end_of_address << 32) * 0x9e3779b97f4a7c15u;
	return (unsigned)(mixed >> (64 - SOURCE_MEMO_BITS));
}

/* The number of the source with this address and HOSTNAME. */
static inline unsigned source_memo_find(struct source_memo *memo, struct spool *spool, const uint8_t *address,
                                        struct bytes hostname)
{
	unsigned place = source_memo_place(address, hostname);
	if (memo->name[place] == NULL || !spool_source_name_is(memo->name[place], address, hostname)) {
		memo->number[place] = (uint16_t)spool_source_find(spool, address, hostname);
		memo->name[place] = spool_source_name(spool, memo->number[place]);
	}
	return memo->number[place];
}

#endif
