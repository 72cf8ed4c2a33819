/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slog_crash(). It may have interrupted anything, so it shares nothing with other calls: it has memory of its own, for
 * one crash at a time, and a crash inside it, or in another thread, is counted and no more.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "clock.h"
#include "deliver.h"
#include "entry.h"
#include "identity.h"
#include "logger.h"
#include "outlet.h"
#include "site.h"
#include "stats.h"

static _Atomic int crash_fd = -1;
static atomic_flag is_busy = ATOMIC_FLAG_INIT;
static struct slog_field fields[SLOG_PAIRS_MAX];
static char room[SLOG_CRASH_BYTES + SLOG_LINE_FEED_BYTES];
static const struct slog_sink limits = {NULL, &slog_encoder_json, SLOG_CRASH_BYTES - SLOG_LINE_FEED_BYTES};

void slog_set_crash_fd(int fd)
{
	atomic_store_explicit(&crash_fd, fd, memory_order_relaxed);
}

/* One attempt that does not wait: a socket gets the line as a datagram, all else with its LF. 0 or an errno value. */
static int send_line(struct slog_line *line)
{
	int fd = atomic_load_explicit(&crash_fd, memory_order_relaxed);
	struct slog_outlet outlet = slog_outlet_open(fd >= 0 ? fd : STDERR_FILENO);
	if (outlet.way != SLOG_OUTLET_SOCKET)
		line->text[line->length++] = '\n';
	ssize_t written = slog_outlet_write(&outlet, line->text, line->length);
	slog_outlet_close(&outlet);
	return written < 0 ? (int)-written : (size_t)written < line->length ? ENOSPC : 0;
}

static void crash(struct slog_logger *logger, const struct slog_site *site, const struct slog_site_reader *reader)
{
	struct slog_entry entry = {
		.time = slog_clock_now(),
		.severity = (enum slog_severity)site->severity,
		.facility = slog_logger_facility(logger),
		.logger = logger->state->named->state->name,
		.name = reader->event,
		.name_length = reader->names[0].length,
		.hostname = slog_identity_hostname(),
		.app_name = slog_identity_app_name(),
		.pid = slog_identity_pid(),
		.bound = logger->state->set.fields,
		.bound_count = logger->state->set.count,
		.fields = fields,
		.field_count = site->pairs,
		.shown = logger->state->set.count + site->pairs,
	};
	slog_entry_find_message(&entry);
	struct slog_line line = slog_line_in(room, limits.max_size);
	slog_encoder_json.encode(&slog_encoder_json, &entry, &line);
	if (line.overflowed)
		line = slog_deliver_cut(&limits, &entry, room, limits.max_size);
	int error = line.overflowed ? EMSGSIZE : send_line(&line);
	if (error != 0)
		slog_stats_dropped(entry.severity, error);
}

void slog_crash_1(struct slog_logger *logger, const struct slog_site *site, ...)
{
	int saved = errno;
	if (atomic_flag_test_and_set(&is_busy)) {
		slog_stats_dropped((enum slog_severity)site->severity, EDEADLK);
		return;
	}
	struct slog_site_reader reader = slog_site_reader(site);
	va_list arguments;
	va_start(arguments, site);
	for (size_t i = 0; i < site->pairs; i++) {
		slog_set_key(&fields[i], &reader, i);
		slog_take_argument(&fields[i].value, reader.names[i + 1].argument, &arguments);
	}
	va_end(arguments);
	crash(logger, site, &reader);
	atomic_flag_clear(&is_busy);
	errno = saved;
}

void slog_crash_values_1(struct slog_logger *logger, const struct slog_site *site, const struct slog_value *values)
{
	int saved = errno;
	if (atomic_flag_test_and_set(&is_busy)) {
		slog_stats_dropped((enum slog_severity)site->severity, EDEADLK);
		return;
	}
	struct slog_site_reader reader = slog_site_reader(site);
	for (size_t i = 0; i < site->pairs; i++) {
		slog_set_key(&fields[i], &reader, i);
		fields[i].value = values[i];
	}
	crash(logger, site, &reader);
	atomic_flag_clear(&is_busy);
	errno = saved;
}
