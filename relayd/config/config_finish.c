/* SPDX-License-Identifier: Apache-2.0 */
/* After all rows are read: presets that are computed, and checks that look at several settings. */
#include <stdlib.h>
#include <unistd.h>

#include <liblog/slog.h>

#include "config/config_internal.h"
#include "config/places.h"

enum {
	SHARE_OF_MAX_SIZE = 8, /* presets of the spool take at most this part of max_size */
	SEGMENTS_MIN = 4,      /* that max_size must have room for: one is written, one is freed, and space is not coarse */
	PROCESSORS_PER_WORKER = 2,
};

static unsigned line_of(const struct config *config, const char *name)
{
	const struct json_value *spool = json_member(config->tree, "spool");
	const struct json_value *member = json_member(spool, name);
	return member != NULL ? member->line : spool != NULL ? spool->line : config->tree->line;
}

static bool is_written(const struct config *config, const char *name)
{
	return json_member(json_member(config->tree, "spool"), name) != NULL;
}

static void limit_preset(const struct config *config, const char *name, uint64_t *value, uint64_t limit)
{
	if (!is_written(config, name) && *value > limit)
		*value = limit;
}

static void finish_spool(struct config *config)
{
	struct spool_settings *spool = &config->settings.process.spool.is;
	char max_size[32];
	option_print_size(spool->max_size, max_size, sizeof max_size);
	limit_preset(config, "reserve", &spool->reserve, spool->max_size / SHARE_OF_MAX_SIZE);
	limit_preset(config, "memory", &spool->memory, spool->max_size / SHARE_OF_MAX_SIZE);
	limit_preset(config, "segment_size", &spool->segment_size, spool->max_size / SHARE_OF_MAX_SIZE);
	if (spool->segment_size > spool->max_size / SEGMENTS_MIN)
		config_report(config, line_of(config, "segment_size"),
					  "spool: segment_size is more than a quarter of max_size, "
					  "which is %s",
					  max_size);
	if (spool->reserve > spool->max_size / 2)
		config_report(config, line_of(config, "reserve"), "spool: reserve is more than half of max_size, which is %s",
					  max_size);
	if (spool->path == NULL)
		config_report(config, line_of(config, "path"), "spool: path must be text in quotes, not null");
}

static void finish_log(struct config *config)
{
	struct log_settings *log = &config->settings.process.log.is;
	const struct json_value *written = json_member(json_member(config->tree, "log"), "level");
	int level;
	if (log->level == NULL || !slog_level_read(log->level, strlen(log->level), &level))
		config_report(config, written != NULL ? written->line : config->tree->line,
					  "log: level: must be one of emerg, alert, crit, err, warning, notice, info, debug, trace, off");
}

static void finish_workers(struct process_settings *process)
{
	if (process->workers > 0)
		return;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	process->workers = processors > PROCESSORS_PER_WORKER ? (uint64_t)processors / PROCESSORS_PER_WORKER : 1;
	if (process->workers > SPOOL_WORKERS_MAX)
		process->workers = SPOOL_WORKERS_MAX;
}

void config_finish(struct config *config)
{
	struct process_settings *process = &config->settings.process;
	finish_spool(config);
	finish_log(config);
	finish_workers(process);
	/* Written, it may be null on purpose. */
	if (json_member(config->tree, "control") == NULL && process->control == NULL)
		process->control = places_control_socket();
}
