/* SPDX-License-Identifier: Apache-2.0 */
/* Each output's place in the spool: those that are there are opened or refused, those that are not are made. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/relay_internal.h"

static const struct output_settings *find_output(const struct settings *settings, const char *name)
{
	for (unsigned i = 0; i < settings->outputs_count; i++)
		if (strcmp(settings->outputs[i].name, name) == 0)
			return &settings->outputs[i];
	return NULL;
}

static bool has_cursor(const struct spool_orphan *cursors, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(cursors[i].name, name) == 0)
			return true;
	return false;
}

/* What the operator can do about a cursor that no output has: in words that can be typed. */
static void explain_orphan(const struct settings *settings, const struct spool_orphan *orphan, unsigned orphans,
                           const char *new_name, char *error)
{
	const char *path = settings->process.spool.is.path;
	snprintf(error, RELAY_ERROR_MAX_BYTES,
	         "the spool %s keeps %" PRIu64 " messages for the output \"%s\", which is not in the configuration%s; give an "
	         "output that name, or run \"relayctl spool rename-output --spool '%s' '%s' '%s'\" for another output to go "
	         "on in its place, or \"relayctl spool forget --spool '%s' '%s'\" to give them up",
	         path, orphan->pending, orphan->name, orphans > 1 ? " (and there are more such outputs)" : "", path,
	         orphan->name, new_name, path, orphan->name);
}

/*
 * Rule 12. Looked for before any cursor is made: a start that is refused must leave the spool as it was, so that giving an
 * output its old name back is enough. Places that damage made nameless go to outputs that have none.
 */
static enum relay_result refuse_orphans(const struct relay *relay, char *error)
{
	const struct settings *settings = relay->settings;
	struct spool_orphan cursors[SPOOL_CURSORS_MAX];
	const struct spool_orphan *shown = NULL;
	const char *new_name = "NAME";
	unsigned count = spool_orphans(relay->spool, cursors, SPOOL_CURSORS_MAX);
	unsigned orphans = 0, new_outputs = 0;
	assert(count <= SPOOL_CURSORS_MAX);
	for (unsigned i = 0; i < settings->outputs_count; i++) {
		if (has_cursor(cursors, count, settings->outputs[i].name))
			continue;
		new_outputs++;
		new_name = settings->outputs[i].name;
	}
	for (unsigned i = 0, nameless = 0; i < count; i++) {
		if (find_output(settings, cursors[i].name) != NULL || (cursors[i].damaged && nameless++ < new_outputs))
			continue;
		if (orphans++ == 0)
			shown = &cursors[i];
	}
	if (orphans == 0)
		return RELAY_OK;
	explain_orphan(settings, shown, orphans, new_outputs == 1 ? new_name : "NAME", error);
	return RELAY_ORPHANED_CURSOR;
}

enum relay_result relay_open_cursors(struct relay *relay, char *error)
{
	enum relay_result result = refuse_orphans(relay, error);
	for (unsigned i = 0; i < relay->settings->outputs_count && result == RELAY_OK; i++) {
		const struct output_settings *settings = &relay->settings->outputs[i];
		const struct output_common *common = settings->options;
		struct spool_cursor_options options = {
			.name = settings->name,
			.from = (enum spool_from)common->from,
			.when_behind = (enum spool_when_behind)common->when_behind,
			.max_lag_bytes = common->max_lag_size,
			.max_lag_ns = common->max_lag_time_ns,
		};
		relay->outputs[i].settings = settings;
		relay->outputs[i].cursor = spool_cursor_open(relay->spool, &options, error);
		if (relay->outputs[i].cursor == NULL)
			return RELAY_SPOOL_UNUSABLE;
		relay->outputs_count++;
	}
	return result;
}
