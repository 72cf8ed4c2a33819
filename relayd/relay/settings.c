/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the configuration's top level, and freeing of settings. */
#include "relay/settings.h"

#include <stdlib.h>
#include <string.h>

/* Offsets in a section count from its `present`. */
#define SPOOL_OFFSET(member)                                                                                           \
	(offsetof(struct process_settings, spool.is.member) - offsetof(struct process_settings, spool))
#define LOG_OFFSET(member) (offsetof(struct process_settings, log.is.member) - offsetof(struct process_settings, log))

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
};

static const char *const sync_choices[] = {
	[SPOOL_SYNC_GROUP] = "group",
	[SPOOL_SYNC_OFF] = "off",
	NULL,
};

static const char *const compression_choices[] = {
	[SPOOL_COMPRESSION_NONE] = "none",
	[SPOOL_COMPRESSION_ZSTD] = "zstd",
	NULL,
};

static const char *const log_format_choices[] = {
	[LOG_FORMAT_AUTO] = "auto",
	[LOG_FORMAT_CONSOLE] = "console",
	[LOG_FORMAT_JSON] = "json",
	[LOG_FORMAT_RFC5424] = "rfc5424",
	NULL,
};

static const struct option spool_options[] = {
	{
		.name = "path",
		.kind = OPTION_TEXT,
		.offset = SPOOL_OFFSET(path),
		.preset = "/var/spool/relayd",
		.doc = "The spool's directory, made with mode 0700 if it does not exist; no other program may use it, and one that "
			   "group or others may write into is refused.",
	},
	{
		.name = "max_size",
		.kind = OPTION_SIZE,
		.offset = SPOOL_OFFSET(max_size),
		.preset = "20GiB",
		.min = 64ULL * MIB,
		.max = 1ULL << 50,
		.doc =
			"The most that all files of the spool take on disk; when it is used up, inputs that can wait are made to "
			"wait and the others drop messages and count them. It must have room for memory, the reserve, and about four "
			"segments beside them: with less the relay does not start, and says the least that would do.",
	},
	{
		.name = "segment_size",
		.kind = OPTION_SIZE,
		.offset = SPOOL_OFFSET(segment_size),
		.preset = "64MiB",
		.min = 4ULL * MIB,
		.max = 1024ULL * MIB,
		.doc =
			"The size of one file of the spool, and the step in which space is given back; if it is not set, it is at "
			"most an eighth of max_size.",
	},
	{
		.name = "reserve",
		.kind = OPTION_SIZE,
		.offset = SPOOL_OFFSET(reserve),
		.preset = "256MiB",
		.max = 1ULL << 50,
		.doc = "The part of max_size that only messages of severity emerg to err may use when they come over UDP or "
			   "another "
			   "input that cannot wait; if it is not set, it is at most an eighth of max_size.",
	},
	{
		.name = "sync",
		.kind = OPTION_CHOICE,
		.offset = SPOOL_OFFSET(sync),
		.preset = "group",
		.choices = sync_choices,
		.doc = "With group, a message is stored, and acknowledged, when it is synced to the disk; with off, when it is "
			   "written, so that a power failure or a crash of the kernel can lose acknowledged messages.",
	},
	{
		.name = "compression",
		.kind = OPTION_CHOICE,
		.offset = SPOOL_OFFSET(compression),
		.preset = "none",
		.choices = compression_choices,
		.doc = "How blocks are compressed on disk and on their way to another relayd.",
	},
	{
		.name = "memory",
		.kind = OPTION_SIZE,
		.offset = SPOOL_OFFSET(memory),
		.preset = "32MiB",
		.min = 4ULL * MIB,
		.max = 16384ULL * MIB,
		.doc = "The memory for messages that were received and are not stored yet, of all input threads together, and half "
			   "as much again at a high load for those stored last, which outputs read; if it is not set, it is at most an "
			   "eighth of max_size.",
	},
	{.name = NULL},
};

static const struct option log_options[] = {
	{
		.name = "level",
		.kind = OPTION_TEXT,
		.offset = LOG_OFFSET(level),
		.preset = "info",
		.doc =
			"The least severity of the relay's own messages that is logged: emerg, alert, crit, err, warning, notice, "
			"info, debug, trace, or off.",
	},
	{
		.name = "format",
		.kind = OPTION_CHOICE,
		.offset = LOG_OFFSET(format),
		.preset = "auto",
		.choices = log_format_choices,
		.doc = "How they are written; auto is console on a terminal and json elsewhere.",
	},
	{
		.name = "file",
		.kind = OPTION_TEXT,
		.offset = LOG_OFFSET(file),
		.doc = "The file they are appended to, opened again on SIGHUP; the default is standard error.",
	},
	{.name = NULL},
};

const struct option process_options[] = {
	{
		.name = "spool",
		.kind = OPTION_SECTION,
		.offset = offsetof(struct process_settings, spool),
		.section = spool_options,
		.doc = "The queue on disk that every message crosses.",
	},
	{
		.name = "log",
		.kind = OPTION_SECTION,
		.offset = offsetof(struct process_settings, log),
		.section = log_options,
		.doc = "The relay's own messages.",
	},
	{
		.name = "workers",
		.kind = OPTION_COUNT,
		.offset = offsetof(struct process_settings, workers),
		.preset = "0",
		.max = SPOOL_WORKERS_MAX,
		.doc = "The number of input threads; 0 means one for every two processors.",
	},
	{
		.name = "user",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct process_settings, user),
		.doc = "The user to become, for good, once ports are bound and keys are read; relayd must then be started by "
			   "root.",
	},
	{
		.name = "control",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct process_settings, control),
		.doc = "The path of the socket that relayctl(1) talks to, or null for none; the default is control.sock in the "
			   "directory that systemd made, for root in /run/relayd, else in the user's runtime directory.",
	},
	{
		.name = "time_zone",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct process_settings, time_zone),
		.doc = "The time zone of messages that do not say theirs, a name such as \"Europe/Berlin\" or a POSIX TZ text; "
			   "the default is the system's.",
	},
	{.name = NULL},
};

void settings_free(struct settings *settings)
{
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		option_free(settings->inputs[i].driver->options, settings->inputs[i].options);
		free(settings->inputs[i].options);
	}
	for (unsigned i = 0; i < settings->outputs_count; i++) {
		option_free(settings->outputs[i].driver->options, settings->outputs[i].options);
		free(settings->outputs[i].options);
	}
	option_free(process_options, &settings->process);
	memset(settings, 0, sizeof *settings);
}
