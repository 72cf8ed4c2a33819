/* SPDX-License-Identifier: Apache-2.0 */
/* See loss.h. */
#include "loss.h"

#include "clock.h"
#include "entry.h"
#include "identity.h"
#include "logger.h"

#define FIELDS 4

static const char event_name[] = "slog_loss";

void slog_loss_add(struct slog_loss *loss, enum slog_severity severity)
{
	loss->until = slog_clock_now();
	if (!loss->is_any)
		loss->since = loss->until;
	loss->is_any = true;
	loss->dropped[severity]++;
}

void slog_loss_put(const struct slog_loss *loss, const struct slog_sink *sink, struct slog_line *line)
{
	struct slog_field dropped[SLOG_SEVERITIES];
	size_t n = 0;
	for (int severity = 0; severity < SLOG_SEVERITIES; severity++)
		if (loss->dropped[severity] > 0)
			dropped[n++] = slog_kv(slog_severity_name(severity), loss->dropped[severity]);
	const struct slog_field fields[FIELDS] = {
		slog_kv("sink", sink->driver->name),
		slog_kv("since", slog_time(loss->since)),
		slog_kv("until", slog_time(loss->until)),
		slog_kv("dropped", slog_group_value_(dropped, n)),
	};
	const struct slog_entry entry = {
		.time = slog_clock_now(),
		.severity = SLOG_WARNING,
		.facility = slog_logger_facility(&slog_default_logger),
		.logger = "",
		.name = event_name,
		.name_length = sizeof event_name - 1,
		.hostname = slog_identity_hostname(),
		.app_name = slog_identity_app_name(),
		.pid = slog_identity_pid(),
		.fields = fields,
		.field_count = FIELDS,
		.shown = FIELDS,
	};
	sink->encoder->encode(sink->encoder, &entry, line);
}
