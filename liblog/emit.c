/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the calls: from arguments to an event. */
#include <liblog/slog.h>

#include <assert.h>
#include <stdarg.h>

#include "clock.h"
#include "deliver.h"
#include "entry.h"
#include "identity.h"
#include "logger.h"
#include "stats.h"

/* One event from its parts. */
static __attribute__((noinline)) void emit(struct slog_lane *lane, struct slog_logger *logger, int severity,
                                           const char *name, size_t name_length, const struct slog_field *fields,
                                           size_t n)
{
	struct slog_entry entry = {
		.time = slog_clock_now(),
		.severity = (enum slog_severity)severity,
		.facility = slog_logger_facility(logger),
		.logger = logger->state->named->state->name,
		.name = name,
		.name_length = name_length,
		.hostname = slog_identity_hostname(),
		.app_name = slog_identity_app_name(),
		.pid = slog_identity_pid(),
		.bound = logger->state->bound,
		.bound_count = logger->state->bound_count,
		.fields = fields,
		.field_count = n,
	};
	entry.shown = slog_entry_total(&entry);
	slog_entry_find_message(&entry);
	slog_deliver(slog_logger_sink(logger), &entry, lane);
}

/* Takes the next argument. A flat switch over the types that a call site can have. */
static struct slog_value take_argument(unsigned type, va_list *arguments)
{
	switch (type) {
	case SLOG_ARGUMENT_BOOL_:
		return slog_bool_value_(va_arg(*arguments, int) != 0);
	case SLOG_ARGUMENT_INT_:
		return slog_int_value_(va_arg(*arguments, int));
	case SLOG_ARGUMENT_UINT_:
		return slog_uint_value_(va_arg(*arguments, unsigned));
	case SLOG_ARGUMENT_LONG_:
		return slog_int_value_(va_arg(*arguments, long));
	case SLOG_ARGUMENT_ULONG_:
		return slog_uint_value_(va_arg(*arguments, unsigned long));
	case SLOG_ARGUMENT_LLONG_:
		return slog_int_value_(va_arg(*arguments, long long));
	case SLOG_ARGUMENT_ULLONG_:
		return slog_uint_value_(va_arg(*arguments, unsigned long long));
	case SLOG_ARGUMENT_FLOAT_:
		return slog_float_value_((float)va_arg(*arguments, double));
	case SLOG_ARGUMENT_DOUBLE_:
		return slog_double_value_(va_arg(*arguments, double));
	case SLOG_ARGUMENT_STRING_:
		return slog_string_value_(va_arg(*arguments, const void *));
	case SLOG_ARGUMENT_POINTER_:
		return slog_pointer_value_(va_arg(*arguments, const void *));
	default:
		assert(type == SLOG_ARGUMENT_VALUE_);
		return va_arg(*arguments, struct slog_value);
	}
}

/* What a call site has said once: the walk over its names. */
struct site_reader {
	const struct slog_name *names;
	const char *event;
	const char *key; /* of the next pair */
};

static struct site_reader site_reader(const struct slog_site *site)
{
	assert(site->version == SLOG_SITE_VERSION && site->pairs <= SLOG_PAIRS_MAX);
	struct site_reader reader;
	reader.names = (const struct slog_name *)(const void *)((const char *)site + site->size);
	reader.event = (const char *)(reader.names + site->pairs + 1);
	reader.key = reader.event + reader.names[0].length;
	return reader;
}

static void set_key(struct slog_field *field, struct site_reader *reader, size_t pair)
{
	field->key = reader->key;
	field->key_length = reader->names[pair + 1].length;
	reader->key += field->key_length;
}

void slog_emit_1(struct slog_logger *logger, const struct slog_site *site, ...)
{
	int saved = errno;
	struct slog_lane *lane = slog_lane_take((enum slog_severity)site->severity);
	if (lane == NULL)
		return;
	struct site_reader reader = site_reader(site);
	va_list arguments;
	va_start(arguments, site);
	for (size_t i = 0; i < site->pairs; i++) {
		set_key(&lane->fields[i], &reader, i);
		lane->fields[i].value = take_argument(reader.names[i + 1].argument, &arguments);
	}
	va_end(arguments);
	emit(lane, logger, site->severity, reader.event, reader.names[0].length, lane->fields, site->pairs);
	slog_lane_release(lane);
	errno = saved;
}

void slog_emit_values_1(struct slog_logger *logger, const struct slog_site *site, const struct slog_value *values)
{
	int saved = errno;
	struct slog_lane *lane = slog_lane_take((enum slog_severity)site->severity);
	if (lane == NULL)
		return;
	struct site_reader reader = site_reader(site);
	for (size_t i = 0; i < site->pairs; i++) {
		set_key(&lane->fields[i], &reader, i);
		lane->fields[i].value = values[i];
	}
	emit(lane, logger, site->severity, reader.event, reader.names[0].length, lane->fields, site->pairs);
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
	emit(lane, logger, (int)severity, event, length, fields, n);
	slog_lane_release(lane);
	errno = saved;
}
