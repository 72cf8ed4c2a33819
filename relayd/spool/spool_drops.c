/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of `relayctl spool drop` as they come, are looked at, and go. Their file is drops_file.c. */
#include "spool/spool_drops.h"

#include "base/clock.h"
#include "spool/spool_audit.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <liblog/slog.h>
#include <stdio.h>

void drops_init(struct drops *drops)
{
	drops->file = -1;
	drops->next_id = 1;
	pthread_mutex_init(&drops->lock, NULL);
}

void drops_close(struct spool *spool)
{
	if (spool->drops.file >= 0)
		spool->disk->close(spool->disk, spool->drops.file);
	spool->drops.file = -1;
	pthread_mutex_destroy(&spool->drops.lock);
}

/* ---- looking ---- */

uint64_t spool_drop_version(const struct spool *spool)
{
	return atomic_load_explicit(&spool->drops.version, memory_order_acquire);
}

bool spool_drop_at(struct spool *spool, unsigned place, struct spool_drop_rule *rule)
{
	struct drops *drops = &spool->drops;
	assert(place < SPOOL_DROP_RULES_MAX);
	pthread_mutex_lock(&drops->lock);
	bool valid = drops->place[place].state == DROP_VALID;
	if (valid)
		*rule = drops->place[place].rule;
	pthread_mutex_unlock(&drops->lock);
	return valid;
}

bool spool_drop_is_for(const struct spool_drop_rule *rule, const char *output)
{
	return rule->output[0] == '\0' || strcmp(rule->output, output) == 0;
}

uint64_t spool_drop_count(struct spool *spool, unsigned place, uint64_t id)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		pthread_mutex_lock(&cursor->lock);
		if (cursor->used && cursor->totals.rule[place].id == id)
			sum += cursor->totals.rule[place].dropped;
		pthread_mutex_unlock(&cursor->lock);
	}
	return sum;
}

/* ---- coming ---- */

static bool refuse(const struct spool *spool, char *error, const char *what)
{
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: %s", spool->path, what);
	return false;
}

static bool has_output(const struct spool *spool, const char *name)
{
	for (unsigned i = 0; i < CURSORS_MAX; i++)
		if (spool->cursors.cursor[i].used && strcmp(spool->cursors.cursor[i].name, name) == 0)
			return true;
	return false;
}

/* With the lock; NULL if there is none. */
static struct drop_place *find_place(struct drops *drops)
{
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++)
		if (drops->place[i].state == DROP_FREE)
			return &drops->place[i];
	return NULL;
}

static bool has_place(struct drops *drops)
{
	pthread_mutex_lock(&drops->lock);
	bool has = find_place(drops) != NULL;
	pthread_mutex_unlock(&drops->lock);
	return has;
}

/* A free place, which is ours from here on; NULL if there is none. */
static struct drop_place *take_place(struct drops *drops)
{
	pthread_mutex_lock(&drops->lock);
	struct drop_place *found = find_place(drops);
	if (found != NULL)
		found->state = DROP_BUSY;
	pthread_mutex_unlock(&drops->lock);
	return found;
}

/* What is at the place from here on: its rule, or nothing. */
static void publish(struct drops *drops, struct drop_place *place, const struct spool_drop_rule *rule)
{
	pthread_mutex_lock(&drops->lock);
	if (rule != NULL)
		place->rule = *rule;
	place->state = rule != NULL ? DROP_VALID : DROP_FREE;
	pthread_mutex_unlock(&drops->lock);
	atomic_fetch_add_explicit(&drops->version, 1, memory_order_release);
}

bool spool_drop_is_possible(struct spool *spool, const struct spool_drop_rule *rule, char *error)
{
	if (rule->output[0] != '\0' && !has_output(spool, rule->output)) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s: has no place of an output \"%s\"", spool->path, rule->output);
		return false;
	}
	if (!has_place(&spool->drops))
		return refuse(spool, error, "has as many rules as it can remember: they go when all outputs have passed them");
	return true;
}

bool spool_drop_add(struct spool *spool, struct spool_drop_rule *rule, char *error)
{
	struct drops *drops = &spool->drops;
	assert(rule->filter[0] != '\0' && rule->to > 0);
	if (!spool_drop_is_possible(spool, rule, error))
		return false;
	int result = drops_create(spool, NULL);
	if (result == 0) {
		struct drop_place *place = take_place(drops);
		assert(place != NULL); /* others only give places back */
		rule->id = drops->next_id++;
		rule->made_ns = clock_wall_ns();
		result = drops_write(spool, place, rule);
		publish(drops, place, result == 0 ? rule : NULL);
		/* Whether it is on the disk nobody knows now: after the next start it may be at work. */
		if (result < 0 && spool->started)
			spool_fail(spool, "cannot write and sync the rules of spool drop", result);
	}
	if (result < 0) {
		snprintf(error, SPOOL_ERROR_MAX_BYTES, "%s/drops: cannot be written: %s", spool->path, strerror(-result));
		return false;
	}
	atomic_fetch_add(&drops->count, 1);
	slog_notice("spool_drop", "path", spool->path, "rule", rule->id, "output", rule->output, "to", rule->to, "filter",
	            rule->filter, "uid", rule->uid);
	readers_wake_for_drops(spool);
	if (spool->started)
		keeper_wake(spool, false); /* outputs may be behind it already */
	return true;
}

/* ---- changing, while nothing runs ---- */

static int remove_rule(struct spool *spool, struct drop_place *place)
{
	pthread_mutex_lock(&spool->drops.lock);
	place->state = DROP_BUSY;
	pthread_mutex_unlock(&spool->drops.lock);
	atomic_fetch_add_explicit(&spool->drops.version, 1, memory_order_release);
	int result = drops_erase(spool, place);
	if (result < 0)
		return result;
	atomic_fetch_sub(&spool->drops.count, 1);
	publish(&spool->drops, place, NULL);
	return 0;
}

int drops_settle(struct spool *spool, uint64_t last)
{
	int result = 0;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX && result == 0; i++) {
		struct drop_place *place = &spool->drops.place[i];
		struct spool_drop_rule rule = place->rule;
		if (place->state != DROP_VALID)
			continue;
		if (rule.output[0] != '\0' && !has_output(spool, rule.output)) {
			slog_warning("spool_drop_without_output", "path", spool->path, "rule", rule.id, "output", rule.output);
			result = remove_rule(spool, place);
		} else if (rule.to > last) {
			rule.to = last;
			result = drops_write(spool, place, &rule);
			place->rule = rule;
		}
	}
	return result;
}

int drops_rename(struct spool *spool, const char *name, const char *new_name)
{
	int result = 0;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX && result == 0; i++) {
		struct drop_place *place = &spool->drops.place[i];
		if (place->state != DROP_VALID || strcmp(place->rule.output, name) != 0)
			continue;
		memset(place->rule.output, 0, sizeof place->rule.output);
		memcpy(place->rule.output, new_name, strlen(new_name));
		result = drops_write(spool, place, &place->rule);
	}
	return result;
}

/* ---- going ---- */

/* By what is on the disk: a cursor that comes back behind the sequence still needs the rule. */
static bool is_passed(const struct spool *spool, const struct spool_drop_rule *rule)
{
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (cursor->used && cursor->synced < rule->to && spool_drop_is_for(rule, cursor->name))
			return false;
	}
	return true;
}

static void say_done(struct spool *spool, const struct spool_drop_rule *rule, uint64_t dropped)
{
	const struct spool_audit audit = {.command = "drop-done", .uid = rule->uid, .output = rule->output,
	                                  .filter = rule->filter, .rule = rule->id, .to = rule->to, .messages = dropped};
	int result = spool_audit_write(spool->path, &audit);
	slog_notice("spool_drop_done", "path", spool->path, "rule", rule->id, "output", rule->output, "to", rule->to, "filter",
	            rule->filter, "uid", rule->uid, "dropped", dropped);
	if (result < 0)
		slog_warning("spool_audit_not_written", "path", spool->path, "error", strerror(-result));
}

int drops_expire(struct spool *spool)
{
	struct drops *drops = &spool->drops;
	int result = 0;
	if (atomic_load(&drops->count) == 0)
		return 0;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX && result == 0; i++) {
		struct spool_drop_rule rule;
		if (!spool_drop_at(spool, i, &rule) || !is_passed(spool, &rule))
			continue;
		uint64_t dropped = spool_drop_count(spool, i, rule.id);
		result = remove_rule(spool, &drops->place[i]);
		if (result == 0)
			say_done(spool, &rule, dropped);
	}
	return result;
}
