/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all inputs share: the option rows, who may send, the time zone of senders that give none, and the start of every
 * input's own struct.
 */
#ifndef RELAYD_INPUT_INPUT_COMMON_H
#define RELAYD_INPUT_INPUT_COMMON_H

#include "input/allowed_peers.h"
#include "input/input.h"

/* The largest `max_message_size` that can be configured; blocks of the spool are made for it. */
#define INPUT_MAX_MESSAGE_SIZE_BYTES ((uint64_t)1024 * 1024)

/* Rows of `struct input_common common` and `struct input_connections connections` in the settings struct `type`. */
#define INPUT_COMMON_OPTIONS(type)                                                                                     \
	{.name = "name", .kind = OPTION_TEXT, .offset = offsetof(type, common.name),                                   \
	 .doc = "The input's label in logs, counters and the spool; by default its type and endpoint."},              \
	{.name = "max_message_size", .kind = OPTION_SIZE, .offset = offsetof(type, common.max_message_size),           \
	 .preset = "64KiB", .min = 480, .max = INPUT_MAX_MESSAGE_SIZE_BYTES,                                           \
	 .doc = "Longer messages are cut to this size on a character border, flagged and counted."},                   \
	{.name = "time_zone", .kind = OPTION_TEXT, .offset = offsetof(type, common.time_zone),                         \
	 .doc = "The time zone (\"Europe/Berlin\") of senders whose TIMESTAMP names none; by default the relay's own."}, \
	{.name = "zone_names", .kind = OPTION_LIST, .offset = offsetof(type, common.zone_names),                       \
	 .doc = "What zone abbreviations in a TIMESTAMP mean, as \"CEST=+02:00\"; UTC and GMT are known."}

#define INPUT_PEER_OPTIONS(type)                                                                                       \
	{.name = "allowed_peers", .kind = OPTION_LIST, .offset = offsetof(type, common.allowed_peers),                 \
	 .doc = "Networks (\"10.0.0.0/8\", \"2001:db8::/32\") that may send; by default everybody. Others are counted."}

#define INPUT_CONNECTION_OPTIONS(type)                                                                                 \
	{.name = "max_connections", .kind = OPTION_COUNT, .offset = offsetof(type, connections.max_connections),       \
	 .preset = "10000", .min = 1, .max = 1000000,                                                                  \
	 .doc = "Connections open at one time; further ones are closed at once and counted."},                         \
	{.name = "idle_timeout", .kind = OPTION_DURATION, .offset = offsetof(type, connections.idle_timeout_ns),       \
	 .preset = "0s", .max = UINT64_C(31536000000000000),                                                           \
	 .doc = "A connection on which nothing came for so long is closed; 0: never (keep-alive finds dead peers)."}

enum input_state {
	INPUT_OPENED = 0,
	INPUT_RUNNING = 1,
	INPUT_STOPPING = 2,
	INPUT_STOPPED = 3,
};

/* The first member of every input's own struct. */
struct input {
	struct input_setup setup;
	const struct input_common *common;
	char listen[sizeof((struct input_status *)0)->listen]; /* the bound endpoint as text */
	struct allowed_peers allowed_peers;
	struct timezone_rules *own_zone;   /* of `time_zone`; NULL: the relay's */
	struct zone_name *zone_names;
	_Atomic unsigned state;            /* enum input_state */
	_Atomic unsigned parts;            /* workers that still have something of it */
	void (*stopped)(void *context);
	void *stopped_context;
};

/* Checks the rows above as far as that needs no file. For check(). */
bool input_common_check(const struct input_common *common, char *error);

/* Fills the struct from the setup; reads the file of `time_zone`. False and a sentence in `error`; then nothing is held. */
bool input_init(struct input *input, const struct input_setup *setup, char *error);

/* Frees what input_init() made. */
void input_free(struct input *input);

/* Makes a worker's source ready for intake_add_source(): limit, zone, index. The callbacks are left to the caller. */
void input_init_source(const struct input *input, struct intake_source *source, enum spool_block_use use,
                       bool is_local);

/* "tcp [::]:514" into `name` of SPOOL_NAME_MAX_BYTES + 1, cut if it is longer. For default_name(). */
void input_default_name(const char *type, const char *listen, char *name);

/* Notes the address of a bound socket for `listen`. */
void input_note_listen(struct input *input, int fd);

/* Clears the status and fills what is the same for all inputs. */
void input_status_begin(const struct input *input, struct input_status *status);

/* worker_call() on a worker that cannot be stopping: the relay stops its inputs before its workers. */
void input_call(const struct input_worker *on, worker_fn fn, void *context);

/* Notes the callback of stop(); then, by whoever ends the last of `parts`, input_part_stopped() calls it. */
void input_stopping(struct input *input, void (*stopped)(void *context), void *context);
void input_part_stopped(struct input *input);

#endif
