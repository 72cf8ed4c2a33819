/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the calls: from arguments to an event. */
#include <liblog/slog.h>

#include <assert.h>

#include "clock.h"
#include "deliver.h"
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
	if (prepared->set != NULL && slog_bound_set_meets(prepared->set, hash, &fields[i]))
		prepared->overrides = true;
}

static bool is_nested(const struct slog_value *value)
{
	return value->type == SLOG_TYPE_GROUP || value->type == SLOG_TYPE_ERROR;
}

/* Looks at the fields of a call site, with the help of what is remembered of it. */
static void prepare_site(struct slog_prepared *prepared, struct slog_lane *lane, const struct slog_name *names,
                         uint8_t pairs)
{
	const struct slog_field *fields = lane->fields;
	struct slog_site_memo *memo = slog_site_memo_for(&lane->memos, names, pairs, fields);
	if (memo == NULL) {
		for (size_t i = 0; i < pairs; i++)
			prepare_field(prepared, fields, i);
		return;
	}
	if (prepared->set != NULL && prepared->set->number != memo->set_number)
		slog_site_memo_meet(memo, prepared->set, fields);
	prepared->overrides = prepared->set != NULL && memo->overrides;
	prepared->keys.has_equal = memo->has_equal;
	prepared->keys.has_similar = memo->has_similar;
	if (memo->message != SLOG_KEYS_NO_MESSAGE && slog_field_is_message(&fields[memo->message]))
		prepared->keys.message = memo->message;
	prepared->keys.octets += memo->length;
	prepared->memo = memo;
}

void slog_emit_1(struct slog_logger *logger, const struct slog_site *site, ...)
{
	int saved = errno;
	struct slog_lane *lane = slog_lane_take((enum slog_severity)site->severity);
	if (lane == NULL)
		return;
	struct slog_site_reader reader = slog_site_reader(site);
	struct slog_prepared prepared = prepared_for(logger);
	struct slog_field *fields = lane->fields;
	size_t texts = 0;
	bool has_nested = false;
	va_list arguments;
	va_start(arguments, site);
	for (size_t i = 0; i < site->pairs; i++) {
		slog_set_key(&fields[i], &reader, i);
		slog_take_argument(&fields[i].value, reader.names[i + 1].argument, &arguments);
		texts += fields[i].value.length;
		has_nested |= is_nested(&fields[i].value);
	}
	va_end(arguments);
	prepared.keys.octets = texts;
	prepared.keys.has_nested = has_nested;
	prepare_site(&prepared, lane, reader.names, site->pairs);
	emit(lane, logger, site->severity, reader.event, reader.names[0].length, fields, site->pairs, &prepared);
	slog_lane_release(lane);
	errno = saved;
}

void slog_emit_values_1(struct slog_logger *logger, const struct slog_site *site, const struct slog_value *values)
{
	int saved = errno;
	struct slog_lane *lane = slog_lane_take((enum slog_severity)site->severity);
	if (lane == NULL)
		return;
	struct slog_site_reader reader = slog_site_reader(site);
	struct slog_prepared prepared = prepared_for(logger);
	for (size_t i = 0; i < site->pairs; i++) {
		slog_set_key(&lane->fields[i], &reader, i);
		lane->fields[i].value = values[i];
		prepared.keys.octets += values[i].length;
		prepared.keys.has_nested |= is_nested(&values[i]);
	}
	prepare_site(&prepared, lane, reader.names, site->pairs);
	emit(lane, logger, site->severity, reader.event, reader.names[0].length, lane->fields, site->pairs, &prepared);
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
