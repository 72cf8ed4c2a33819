/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an input is. A driver is a const struct: a type name, a table of options, and functions; inputs.c lists the drivers
 * by hand, so that adding one is one file and one line. An input has a part on each worker it uses; the relay calls the
 * functions below from its main thread and the driver posts to the workers.
 */
#ifndef RELAYD_INPUT_INPUT_H
#define RELAYD_INPUT_INPUT_H

#include "base/option.h"
#include "intake/intake.h"
#include "net/worker.h"

enum { INPUT_ERROR_MAX_BYTES = 1536, INPUT_WORKERS_MAX = SPOOL_WORKERS_MAX };

struct input;

/* Options that every input has; the first member of each driver's settings. Rows: INPUT_COMMON_OPTIONS in input_common.h. */
struct input_common {
	char *name;                     /* the operator's label; default: the type and its endpoint */
	uint64_t max_message_size;
	struct option_list allowed_peers; /* CIDR; empty: everybody */
	char *time_zone;                /* of senders that give none; NULL: the relay's */
	struct option_list zone_names;  /* "CEST=+02:00" */
};

/* Options that every input with connections has; follows input_common in their settings. */
struct input_connections {
	uint64_t max_connections;
	uint64_t idle_timeout_ns;       /* 0: never */
};

/* A worker and what belongs to it. */
struct input_worker {
	struct worker *worker;
	struct intake *intake;
	_Atomic unsigned connections;   /* of all inputs on this worker: new ones go to the fewest (rule 37) */
};

struct input_setup {
	const void *settings;           /* as the driver's rows describe; lives as long as the input */
	const char *name;
	unsigned spool_index;           /* from spool_register_input() */
	struct input_worker *workers;
	unsigned workers_count;
	const struct timezone_rules *local_zone; /* the relay's own */
};

/* What the status shows; counters since the process started unless said otherwise. */
struct input_status {
	char listen[160];               /* the bound endpoint(s) as text */
	const char *state;              /* "running", "paused: spool full", "stopping" */
	uint64_t connections;           /* open now */
	uint64_t connections_total;
	uint64_t connections_refused;   /* by limit or allowed_peers */
	uint64_t received;              /* messages offered to the intake */
	uint64_t truncated;
	uint64_t kernel_drops;
	uint64_t protocol_errors;       /* connections ended because of one */
	uint64_t tls_refused;           /* handshakes that failed */
	uint64_t accepts_failed;        /* times that no descriptor or memory was free for a new connection */
};

struct input_driver {
	const char *type;
	const char *doc;                /* one sentence for the manual */
	const struct option *options;
	size_t settings_size;
	bool loses;                     /* what is not read in time is gone: whoever can wait gives way */
	/* Checks what single rows cannot; false and a sentence. Reads no file, opens nothing. Optional. */
	bool (*check)(const void *settings, char *error);
	/* The default name, for settings without one ("udp [::]:514"), into `name` of SPOOL_NAME_MAX_BYTES + 1. */
	void (*default_name)(const void *settings, char *name);
	/* Binds its sockets and reads certificates, with privileges; nothing is received yet. NULL and a sentence in `error`. */
	struct input *(*open)(const struct input_setup *setup, char *error);
	/* Begins to receive. */
	void (*start)(struct input *input);
	/* Reads certificates again; new connections use them. On failure the old ones stay and `error` says why. Optional. */
	bool (*reload)(struct input *input, char *error);
	/*
	 * Stops in order (spool rules 35, 36): no more accepts, what was received is handed over, RELP sessions answer what is
	 * stored. Then calls `stopped(context)`, from any thread. Bounded by a few seconds.
	 */
	void (*stop)(struct input *input, void (*stopped)(void *context), void *context);
	void (*status)(const struct input *input, struct input_status *status);
	/* After it has stopped, or was never started. Clears the pointer. */
	void (*close)(struct input **input);
};

/* All drivers, ends with NULL; and the one of a type, or NULL. */
extern const struct input_driver *const input_drivers[];
const struct input_driver *input_driver_find(const char *type);

#endif
