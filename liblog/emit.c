/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the calls: by the short road (direct.h) if it can be, else from arguments to an event. */
#include <liblog/slog.h>

#include <assert.h>

#include "clock.h"
#include "deliver.h"
#include "direct.h"
#include "entry.h"
#include "logger.h"
#include "site.h"
#include "stats.h"

/* One event from its parts. Its own keys are known already. */
static __attribute__((noinline)) void emit(struct slog_lane *lane, struct slog_logger *logger, int severity,
                                           const char *name, size_t name_length, const struct slog_field *fields,
                                           size_t n, struct slog_prepared *prepared)
{
	const struct slog_logger_state *named = logger->state->named->state;
	slog_prepared_finish(prepared);
	prepared->headers = &lane->headers;
	slog_headers_refresh(&lane->headers);
	struct slog_entry entry; /* member by member: to clear all of it first would cost as much as a field */
	entry.time = slog_clock_now();
	entry.severity = (enum slog_severity)severity;
	entry.facility = slog_logger_facility(logger);
	entry.logger = named->name;
	entry.name = name;
	entry.name_length = name_length;
	entry.message = NULL;
	entry.message_length = 0;
	entry.hostname = lane->headers.hostname;
	entry.app_name = lane->headers.app_name;
	entry.pid = lane->headers.pid;
	entry.bound = logger->state->set.fields;
	entry.bound_count = logger->state->set.count;
	entry.fields = fields;
	entry.field_count = n;
	entry.shown = logger->state->set.count + n;
	entry.is_cut = false;
	entry.cut = 0;
	entry.prepared = prepared;
	prepared->entry = &entry;
	prepared->is_held = severity > atomic_load_explicit(&named->threshold, memory_order_relaxed);
	slog_entry_find_message(&entry);
	slog_deliver(slog_logger_sink(logger), &entry, lane);
}

/* What is found out while the fields are walked. */
static inline struct slog_prepared prepared_for(const struct slog_logger *logger)
{
	const struct slog_bound_set *set = &logger->state->set;
	return (struct slog_prepared){.keys = slog_keys_none(), .set = set->count > 0 ? set : NULL};
}

/* Looks at fields[i], when it is complete. */
static void prepare_field(struct slog_prepared *prepared, const struct slog_field *fields, size_t i)
{
	uint32_t hash = slog_keys_add(&prepared->keys, fields, i);
	if (prepared->set != NULL && slog_bound_set_meets(prepared->set, hash, fields[i].key, fields[i].key_length))
		prepared->overrides = true;
}

/* Looks at the fields of a call site that is remembered. */
static void prepare_known(struct slog_prepared *prepared, struct slog_site_memo *memo, const struct slog_field *fields)
{
	if (prepared->set != NULL && prepared->set->number != memo->set_number)
		slog_site_memo_meet(memo, prepared->set);
	prepared->overrides = prepared->set != NULL && memo->overrides;
	prepared->keys.has_equal = memo->has_equal;
	prepared->keys.has_similar = memo->has_similar;
	if (memo->message != SLOG_KEYS_NO_MESSAGE && slog_field_is_message(&fields[memo->message]))
		prepared->keys.message = memo->message;
	prepared->keys.octets = memo->length;
	for (size_t i = 0; i < memo->pairs; i++) {
		prepared->keys.octets += fields[i].value.length;
		prepared->keys.has_nested |= slog_is_nested(&fields[i].value);
	}
	prepared->memo = memo;
}

static inline struct slog_site_memo *known_site(struct slog_lane *lane, const struct slog_site *site)
{
	slog_site_check(site);
	return slog_site_memo_known(&lane->memos, site);
}

/* The long road of a call site, from its fields, with what is remembered of it; NULL: not known yet. */
static void emit_site(struct slog_lane *lane, struct slog_logger *logger, const struct slog_site *site,
                      const struct slog_site_reader *reader, struct slog_site_memo *memo)
{
	struct slog_prepared prepared = prepared_for(logger);
	const struct slog_field *fields = lane->fields;
	if (memo == NULL)
		memo = slog_site_memo_for(&lane->memos, site, fields);
	for (size_t i = 0; memo == NULL && i < site->pairs; i++)
		prepare_field(&prepared, fields, i);
	if (memo != NULL)
		prepare_known(&prepared, memo, fields);
	emit(lane, logger, site->severity, reader->event, reader->names[0].length, fields, site->pairs, &prepared);
}

static __attribute__((noinline)) void emit_arguments(struct slog_lane *lane, struct slog_logger *logger,
                                                     const struct slog_site *site, struct slog_site_memo *memo,
                                                     va_list *arguments)
{
	struct slog_site_reader reader = slog_site_reader(site);
	for (size_t i = 0; i < site->pairs; i++) {
		slog_set_key(&lane->fields[i], &reader, i);
		slog_take_argument(&lane->fields[i].value, reader.names[i + 1].argument, arguments);
	}
	emit_site(lane, logger, site, &reader, memo);
}

static __attribute__((noinline)) void emit_values(struct slog_lane *lane, struct slog_logger *logger,
                                                  const struct slog_site *site, struct slog_site_memo *memo,
                                                  const struct slog_value *values)
{
	struct slog_site_reader reader = slog_site_reader(site);
	for (size_t i = 0; i < site->pairs; i++) {
		slog_set_key(&lane->fields[i], &reader, i);
		lane->fields[i].value = values[i];
	}
	emit_site(lane, logger, site, &reader, memo);
}

void slog_emit_1(struct slog_logger *logger, const struct slog_site *site, ...)
{
	int saved = errno;
	struct slog_lane *lane = slog_lane_take((enum slog_severity)site->severity);
	if (lane == NULL)
		return;
	struct slog_site_memo *memo = known_site(lane, site);
	bool is_done = false;
	va_list arguments;
	if (memo != NULL) {
		va_start(arguments, site);
		is_done = slog_direct_emit(lane, logger, site, memo, (struct slog_direct_values){&arguments, NULL});
		va_end(arguments);
	}
	if (!is_done) {
		va_start(arguments, site);
		emit_arguments(lane, logger, site, memo, &arguments);
		va_end(arguments);
	}
	slog_lane_release(lane);
	errno = saved;
}

void slog_emit_values_1(struct slog_logger *logger, const struct slog_site *site, const struct slog_value *values)
{
	int saved = errno;
	struct slog_lane *lane = slog_lane_take((enum slog_severity)site->severity);
	if (lane == NULL)
		return;
	struct slog_site_memo *memo = known_site(lane, site);
	if (memo == NULL || !slog_direct_emit(lane, logger, site, memo, (struct slog_direct_values){NULL, values}))
		emit_values(lane, logger, site, memo, values);
	slog_lane_release(lane);
	errno = saved;
}

void slog_event(struct slog_logger *logger, enum slog_severity severity, const char *event,
                const struct slog_field *fields, size_t n)
{
	assert((int)severity >= SLOG_EMERG && (int)severity <= SLOG_TRACE);
	if (!slog_enabled(logger, severity))
		return;
	int saved = errno;
	struct slog_lane *lane = slog_lane_take(severity);
	if (lane == NULL)
		return;
	size_t length = strlen(event);
	if (length > SLOG_EVENT_NAME_LONG_MAX) {
		length = SLOG_EVENT_NAME_LONG_MAX;
		slog_stats_cut();
	}
	struct slog_prepared prepared = prepared_for(logger);
	for (size_t i = 0; i < n; i++)
		prepare_field(&prepared, fields, i);
	emit(lane, logger, (int)severity, event, length, fields, n, &prepared);
	slog_lane_release(lane);
	errno = saved;
}
