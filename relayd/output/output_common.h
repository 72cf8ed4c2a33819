/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all outputs have: the rows of the shared options, the state that the status shows, the log lines, and the way to
 * start and stop on a worker. A driver's own struct begins with a struct output.
 */
#ifndef RELAYD_OUTPUT_OUTPUT_COMMON_H
#define RELAYD_OUTPUT_OUTPUT_COMMON_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "base/rate_limit.h"
#include "net/tls_context.h"
#include "output/output.h"

extern const char *const output_from_names[];        /* enum spool_from */
extern const char *const output_when_behind_names[]; /* enum spool_when_behind */
extern const struct option output_filter_rows[];

/* The first rows of every driver's table; its settings begin with a struct output_common. */
#define OUTPUT_COMMON_ROWS                                                                                             \
	{.name = "name", .kind = OPTION_TEXT, .offset = offsetof(struct output_common, name), .required = true,        \
	 .doc = "The output's name; its place in the spool is kept under it."},                                        \
	{.name = "from", .kind = OPTION_CHOICE, .offset = offsetof(struct output_common, from), .preset = "new",       \
	 .choices = output_from_names,                                                                                 \
	 .doc = "Where a new output begins: behind what is stored now, or with the oldest message kept."},             \
	{.name = "when_behind", .kind = OPTION_CHOICE, .offset = offsetof(struct output_common, when_behind),          \
	 .preset = "hold", .choices = output_when_behind_names,                                                        \
	 .doc = "What happens when the spool is full because of this output: senders wait, or its oldest " \
	         "messages are passed over and counted."}, \
	{.name = "max_lag_size", .kind = OPTION_SIZE, .offset = offsetof(struct output_common, max_lag_size),          \
	 .doc = "With drop_oldest: messages are passed over already when so much is pending; 0: only a full " \
	         "spool does it."}, \
	{.name = "max_lag_time", .kind = OPTION_DURATION, .offset = offsetof(struct output_common, max_lag_time_ns),   \
	 .doc = "With drop_oldest: messages are passed over when they have been pending for so long; 0: never."},      \
	{.name = "stamp", .kind = OPTION_BOOL, .offset = offsetof(struct output_common, stamp), .preset = "false",     \
	 .doc = "Add an SD-ELEMENT that says when, over what and from which peer the relay received the message."},    \
	{.name = "filter", .kind = OPTION_SECTION, .offset = offsetof(struct output_common, filter),                   \
	 .section = output_filter_rows,                                                                                \
	 .doc = "Which messages this output gets; all that is given must match."}

/* "tls" of the outputs that connect. */
struct output_tls_options {
	bool present;
	char *certificate, *key, *ca;
	struct option_list peers;
	char *ciphers;
	unsigned min_version;
};
extern const struct option output_tls_rows[];

/* Checks the shared options: the name (as a file's, too), the filter, the lag limits. False and a sentence. */
bool output_common_check(const struct output_common *common, char *error);

struct output;

/* Reads the files that "tls" names, for a client. NULL and a sentence. */
struct tls_context *output_tls_open(const struct output_tls_options *options, char *error);

/*
 * Main thread: reads the files again; if that works the worker's thread uses the result for new connections. Else false, a
 * sentence, and `*slot` stays as it was.
 */
bool output_tls_reload(struct output *output, const struct output_tls_options *options, struct tls_context **slot,
                       char *error);

/* The drivers, for outputs.c. */
extern const struct output_driver output_relp, output_tls, output_tcp, output_udp, output_file, output_stdout;

enum { OUTPUT_STATE_MAX_BYTES = sizeof(((struct output_status *)0)->state) };

/* The base of each driver's struct. Private to this folder. */
struct output {
	const struct output_driver *driver;
	const struct output_common *common;
	struct output_setup setup;
	bool started;                    /* main thread only */
	bool stopping;                   /* worker's thread only */
	void (*stopped)(void *context);
	void *stopped_context;
	struct rate_limit log_limit;
	uint64_t cut_ns;                 /* main thread's word to the worker's, in output_base_cut() */

	/* Written by the worker's thread, read by any. */
	_Atomic bool unreadable;         /* the spool, here: the state says so, whatever the connection's is */
	_Atomic uint64_t sent, resent, connects, replaced_octets, truncated, refused;
	pthread_mutex_t lock;            /* of what follows */
	char state[OUTPUT_STATE_MAX_BYTES];
	char detail[512];
	char peer[160];
	int64_t since_ns;
};

/* Fills the base. output_base_free() ends it; it does not free the driver's struct. */
void output_base_init(struct output *output, const struct output_driver *driver, const struct output_setup *setup);
void output_base_free(struct output *output);

/*
 * Main thread: has `fn(output)` called on the worker's thread. A stop is told to `stopped` by output_stopped(), or at once
 * if the output was never started or its worker is gone.
 */
void output_base_start(struct output *output, worker_fn fn);
void output_base_stop(struct output *output, worker_fn fn, void (*stopped)(void *context), void *context);

/* Main thread, for the driver's `cut`: has `fn(output)` called on the worker's thread, which finds the time in cut_ns. */
bool output_base_cut(struct output *output, worker_fn fn, uint64_t for_ns);

/* Worker's thread: the stop is complete, all handles are closed. The output may be gone when this returns. */
void output_stopped(struct output *output);

/* For the driver's `status`: all that the base and the cursor know. */
void output_base_status(const struct output *output, struct output_status *status);

/* The state that the status shows, from printf's format. Logged (debug) when it changes. Worker's thread. */
void output_state(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whom the output talks to now; "" for nobody. Worker's thread. */
void output_peer(struct output *output, const char *peer);

/*
 * Something is wrong: the sentence becomes the status' detail and one warning `event` in the log, at most
 * OUTPUT_LOG_BURST a minute. `event` is a literal. Worker's thread.
 */
void output_trouble(struct output *output, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The trouble has passed: no detail any more, and one line in the log if there was any. Worker's thread. */
void output_well(struct output *output);

enum { OUTPUT_LOG_BURST = 10 };

/* The logger of all outputs. */
struct slog_logger *output_logger(void);

#endif
