/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of `relayctl spool drop` (spool-rules.md, rule 39): up to a sequence, what a filter matches is not given to an
 * output. No segment is ever rewritten: outputs apply rules as they pass, and count what they drop, each in its totals. A
 * rule is on the disk before anybody acts on it, and goes when every output that it speaks of has passed its sequence.
 *
 * The spool knows a filter as a text only; outputs know what it means.
 */
#ifndef RELAYD_SPOOL_SPOOL_DROPS_H
#define RELAYD_SPOOL_SPOOL_DROPS_H

#include "spool/spool.h"

enum { SPOOL_DROP_FILTER_MAX_BYTES = 2048 };

struct spool_drop_rule {
	uint64_t id;                                  /* a number that grows: an older rule has a lower one */
	uint64_t to;                                  /* the last sequence that it speaks of */
	int64_t made_ns;                              /* wall clock */
	uint32_t uid;                                 /* of who made it */
	char output[SPOOL_NAME_MAX_BYTES + 1];        /* "": every output */
	char filter[SPOOL_DROP_FILTER_MAX_BYTES + 1]; /* JSON, as an output's "filter"; not empty */
};

/*
 * Makes a rule of what `rule` says: id and time are given to it. It is synced when this returns true; then outputs find it
 * when they look next, and those that wait are woken. False with a sentence in `error` (SPOOL_ERROR_MAX_BYTES): no such
 * output, a sequence that is not stored yet, SPOOL_DROP_RULES_MAX rules at work, the disk. After a failed sync the spool
 * has failed. One thread at a time; on a spool that runs, from any.
 */
bool spool_drop_add(struct spool *spool, struct spool_drop_rule *rule, char *error);

/*
 * Whether nothing but the disk stands in the way of that; if not, the same sentence. For who writes down first what is about
 * to be done: nobody shall read there of a rule that there never was.
 */
bool spool_drop_is_possible(struct spool *spool, const struct spool_drop_rule *rule, char *error);

/* One higher whenever a rule came or went: one atomic load. From any thread. */
uint64_t spool_drop_version(const struct spool *spool);

/* The rule at a place (0 .. SPOOL_DROP_RULES_MAX - 1); false if there is none. From any thread. */
bool spool_drop_at(struct spool *spool, unsigned place, struct spool_drop_rule *rule);

/* Whether the rule speaks of that output. */
bool spool_drop_is_for(const struct spool_drop_rule *rule, const char *output);

/* How many messages the rule at that place has cost outputs so far, all together. From any thread. */
uint64_t spool_drop_count(struct spool *spool, unsigned place, uint64_t id);

#endif
