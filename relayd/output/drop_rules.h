/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's rules of `relayctl spool drop` (spool/spool_drops.h) as one output applies them: those that speak of it,
 * with their filters compiled, oldest first. A record is dropped by the oldest rule that matches it.
 *
 * One thread, the output's.
 */
#ifndef RELAYD_OUTPUT_DROP_RULES_H
#define RELAYD_OUTPUT_DROP_RULES_H

#include "output/filter.h"
#include "spool/spool_drops.h"

struct drop_rule {
	unsigned place;  /* readable: in the spool */
	uint64_t id;     /* readable */
	uint64_t to;
	uint64_t shipped; /* the rule says nothing of what had been shipped when it came: up to here; 0: nothing had */
	struct output_filter_options options;
	struct filter filter;
};

/* Set up with drop_rules_init(); private but for what is said to be readable. */
struct drop_rules {
	const struct output_setup *setup;
	const char *output;
	uint64_t version;  /* of the spool's rules that these are */
	bool loaded;
	unsigned count;    /* readable */
	struct drop_rule *rule[SPOOL_DROP_RULES_MAX]; /* readable, oldest first */
};

/* No rules yet, of an output of that name; `setup` outlives them. drop_rules_free() frees; harmless if all is zero. */
void drop_rules_init(struct drop_rules *rules, const struct output_setup *setup, const char *output);
void drop_rules_free(struct drop_rules *rules);

/* Whether the spool's rules are others by now: one atomic load. */
bool drop_rules_are_stale(const struct drop_rules *rules);

/*
 * Takes the spool's rules as they are now; none if the setup cannot read filters. Those that are new say nothing of what
 * was shipped already, up to `shipped` (0: nothing was). False, with those of before, if memory is short.
 */
bool drop_rules_refresh(struct drop_rules *rules, uint64_t shipped);

/* What was shipped behind `kept` is not with the next hop: it is shipped again, and every rule speaks of it. */
void drop_rules_reclaim(struct drop_rules *rules, uint64_t kept);

/* Which rules say something of which records: rules that came later, and records that went before, are left out. */
struct drop_scope {
	uint64_t newest; /* id of the newest rule that counts; UINT64_MAX: all do */
	uint64_t behind; /* no rule says anything of sequences up to here */
};

/* Whether a rule may drop something of first..last. */
bool drop_rules_reach(const struct drop_rules *rules, const struct drop_scope *scope, uint64_t first, uint64_t last);

/* The rule that drops this record; NULL if none does. */
const struct drop_rule *drop_rules_find(const struct drop_rules *rules, const struct drop_scope *scope, uint64_t sequence,
                                        const struct envelope *envelope);

#endif
