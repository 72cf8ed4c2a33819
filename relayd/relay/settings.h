/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the operator can say, as plain structs: filled by config/, used by the relay. */
#ifndef RELAYD_RELAY_SETTINGS_H
#define RELAYD_RELAY_SETTINGS_H

#include "base/option.h"
#include "input/input.h"
#include "output/output.h"

enum { SETTINGS_INPUTS_MAX = 128, SETTINGS_OUTPUTS_MAX = 32 };

/* "spool" */
struct spool_settings {
	char *path;
	uint64_t max_size;
	uint64_t segment_size;
	uint64_t reserve;
	unsigned sync;        /* enum spool_sync */
	unsigned compression; /* enum spool_compression */
	uint64_t memory;      /* of all pool blocks together */
};

/* How the relay's own messages are written. */
enum log_format {
	LOG_FORMAT_AUTO = 0, /* for people on a terminal, JSON elsewhere */
	LOG_FORMAT_CONSOLE = 1,
	LOG_FORMAT_JSON = 2,
	LOG_FORMAT_RFC5424 = 3,
};

/* "log": the relay's own messages */
struct log_settings {
	char *level;
	unsigned format;      /* enum log_format */
	char *file;           /* NULL: stderr */
};

/* The top level besides inputs and outputs. */
struct process_settings {
	struct { bool present; struct spool_settings is; } spool;
	struct { bool present; struct log_settings is; } log;
	uint64_t workers;     /* input threads; 0: one per two cores, at least 1 */
	char *user;           /* drop privileges to this user after binding */
	char *control;        /* path of the control socket; NULL: none */
	char *time_zone;      /* the relay's own; NULL: the system's */
};

struct input_settings {
	const struct input_driver *driver;
	char name[SPOOL_NAME_MAX_BYTES + 1];
	unsigned line;        /* in the configuration file */
	void *options;        /* driver->settings_size octets, begins with struct input_common */
};

struct output_settings {
	const struct output_driver *driver;
	char name[SPOOL_NAME_MAX_BYTES + 1];
	unsigned line;
	void *options;        /* begins with struct output_common */
};

struct settings {
	struct process_settings process;
	struct input_settings inputs[SETTINGS_INPUTS_MAX];
	unsigned inputs_count;
	struct output_settings outputs[SETTINGS_OUTPUTS_MAX];
	unsigned outputs_count;
};

/* The rows of the top level (spool, log, workers ...); inputs and outputs have their drivers' rows. */
extern const struct option process_options[];

/* Frees everything in it; the struct is empty afterwards. */
void settings_free(struct settings *settings);

#endif
