/* SPDX-License-Identifier: Apache-2.0 */
#include "output/drop_rules.h"

#include <stdlib.h>

#include "output/output_common.h"

void drop_rules_init(struct drop_rules *rules, const struct output_setup *setup, const char *output)
{
	*rules = (struct drop_rules){.setup = setup, .output = output};
}

static void free_rule(struct drop_rule *rule)
{
	if (rule == NULL)
		return;
	filter_free(&rule->filter);
	option_free(output_filter_rows, &rule->options);
	free(rule);
}

void drop_rules_free(struct drop_rules *rules)
{
	for (unsigned i = 0; i < rules->count; i++)
		free_rule(rules->rule[i]);
	rules->count = 0;
}

bool drop_rules_are_stale(const struct drop_rules *rules)
{
	return !rules->loaded || rules->version != spool_drop_version(rules->setup->spool);
}

/* Compiles one; NULL if memory is short: that its filter is one was seen before the spool had the rule. */
static struct drop_rule *compile(const struct output_setup *setup, const struct spool_drop_rule *from, unsigned place)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	struct drop_rule *rule = calloc(1, sizeof *rule);
	if (rule == NULL)
		return NULL;
	*rule = (struct drop_rule){.place = place, .id = from->id, .to = from->to, .options = {.present = true}};
	if (setup->read_filter(from->filter, &rule->options, error) &&
	    filter_compile(&rule->filter, &rule->options, setup->spool, error))
		return rule;
	free_rule(rule);
	return NULL;
}

/* The place of the oldest rule for us that is newer than `id`; -1: there is none. */
static int find_next(const struct drop_rules *rules, uint64_t id, struct spool_drop_rule *found)
{
	int place = -1;
	struct spool_drop_rule each;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++) {
		if (!spool_drop_at(rules->setup->spool, i, &each) || each.id <= id || !spool_drop_is_for(&each, rules->output) ||
		    (place >= 0 && each.id > found->id))
			continue;
		*found = each;
		place = (int)i;
	}
	return place;
}

/* What had been shipped when the rule came: if it is not new, that is known. */
static uint64_t shipped_before(const struct drop_rules *rules, uint64_t id, uint64_t shipped)
{
	for (unsigned i = 0; i < rules->count; i++)
		if (rules->rule[i]->id == id)
			return rules->rule[i]->shipped;
	return shipped;
}

bool drop_rules_refresh(struct drop_rules *rules, uint64_t shipped)
{
	struct drop_rules fresh = {.setup = rules->setup, .output = rules->output, .loaded = true};
	struct spool_drop_rule found = {.id = 0};
	fresh.version = spool_drop_version(rules->setup->spool); /* before: what comes meanwhile is looked at again */
	int place = rules->setup->read_filter != NULL ? find_next(rules, 0, &found) : -1;
	for (; place >= 0; place = find_next(rules, found.id, &found)) {
		struct drop_rule *rule = compile(rules->setup, &found, (unsigned)place);
		if (rule == NULL) {
			drop_rules_free(&fresh);
			return false;
		}
		rule->shipped = shipped_before(rules, rule->id, shipped);
		fresh.rule[fresh.count++] = rule;
	}
	drop_rules_free(rules);
	*rules = fresh;
	return true;
}

void drop_rules_reclaim(struct drop_rules *rules, uint64_t kept)
{
	for (unsigned i = 0; i < rules->count; i++)
		if (rules->rule[i]->shipped > kept)
			rules->rule[i]->shipped = kept;
}

/* The sequence behind which the rule has something to say. */
static uint64_t behind(const struct drop_rule *rule, const struct drop_scope *scope)
{
	return rule->shipped > scope->behind ? rule->shipped : scope->behind;
}

bool drop_rules_reach(const struct drop_rules *rules, const struct drop_scope *scope, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < rules->count && rules->rule[i]->id <= scope->newest; i++) {
		const struct drop_rule *rule = rules->rule[i];
		if (rule->to >= first && rule->to > behind(rule, scope) && last > rule->shipped)
			return true;
	}
	return false;
}

const struct drop_rule *drop_rules_find(const struct drop_rules *rules, const struct drop_scope *scope, uint64_t sequence,
                                        const struct envelope *envelope)
{
	for (unsigned i = 0; i < rules->count && rules->rule[i]->id <= scope->newest; i++) {
		const struct drop_rule *rule = rules->rule[i];
		if (sequence > behind(rule, scope) && sequence <= rule->to && filter_passes(&rule->filter, envelope))
			return rule;
	}
	return NULL;
}
