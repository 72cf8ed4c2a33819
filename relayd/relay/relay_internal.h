/* SPDX-License-Identifier: Apache-2.0 */
/* The struct behind relay.h, for the files of this folder. */
#ifndef RELAYD_RELAY_RELAY_INTERNAL_H
#define RELAYD_RELAY_RELAY_INTERNAL_H

#include <stdatomic.h>

#include "relay/relay.h"
#include "spool/spool_drops.h"

/* The relay's life: states only go forward. */
enum relay_state {
	RELAY_STATE_OPENED = 0,
	RELAY_STATE_RUNNING = 1,
	RELAY_STATE_STOPPING_INPUTS = 2,
	RELAY_STATE_STOPPING_OUTPUTS = 3,
	RELAY_STATE_STOPPED = 4,
};

/* One input worker and what connects it with the spool. */
struct relay_worker {
	struct relay *relay;
	struct input_worker *input;  /* its element of relay->input_workers */
	struct waker *stored;        /* the spool stored blocks of this worker */
	struct waker *room;          /* inputs that paused may go on */
	_Atomic bool awaits_stored;  /* it is to be woken by `stored`: else a group that is stored is no news to it */
	uv_timer_t hand_over;        /* a part-filled block must not wait longer than this */
	bool has_timer;
};

struct relay_input {
	const struct input_settings *settings;
	struct input *input;
	unsigned spool_index;
	uint64_t received_before;    /* by earlier processes, since the spool was created: what they stored and dropped */
};

struct relay_output {
	const struct output_settings *settings;
	struct output *output;
	struct spool_cursor *cursor;
	struct worker *worker;
	uint64_t cut_until_ns;       /* monotonic; of the last cut (cut.h) */
};

struct control;
struct losses;
struct budget;
struct probe_watches;

struct relay {
	uv_loop_t *loop;
	const struct settings *settings;
	struct relay_events events;
	enum relay_state state;
	uint64_t started_ns;         /* monotonic */
	struct timezone_rules local_zone;
	struct spool *spool;
	struct spool_recovery recovery;
	uint64_t pool_bytes;         /* of all blocks in memory: what an unclean stop may cost unconfirmed senders */
	struct input_worker input_workers[SPOOL_WORKERS_MAX];
	struct relay_worker workers[SPOOL_WORKERS_MAX];
	unsigned workers_count;
	uv_mutex_t awake_lock;       /* held while others wake workers, so that no wake-up outlives its worker */
	unsigned awake;
	struct losses *losses_awake; /* under awake_lock; NULL: nobody is to be told of losses */
	struct relay_input inputs[SETTINGS_INPUTS_MAX];
	unsigned inputs_count;
	struct relay_output outputs[SETTINGS_OUTPUTS_MAX];
	unsigned outputs_count;
	struct control *control;
	struct losses *losses;
	struct budget *budget;
	struct probe_watches *probe_watches;
	uv_async_t notice;           /* other threads want the main thread's attention: the fields below say why */
	_Atomic unsigned stopping;   /* inputs, then outputs, that have not stopped yet */
	_Atomic bool spool_failed;
	_Atomic bool awaits_move;    /* the budget's samples rest until the spool's number line moves */
	char spool_error[SPOOL_ERROR_MAX_BYTES];
};

/* relay.c */

/* What an input received before this process: counters run since the spool was created, drivers count since they opened. */
uint64_t relay_received_before(const struct relay *relay, unsigned spool_index);

/* relay_workers.c */

/* Starts the input workers with their intakes and wake-ups. False if the system refuses. */
bool relay_workers_open(struct relay *relay);

/* Closes intakes and wake-ups, ends the threads. Every input has stopped. */
void relay_workers_close(struct relay *relay);

/* For struct spool_events: called by the spool's threads. */
void relay_on_worker_stored(void *context, unsigned worker);
void relay_on_room(void *context);

/* relay_cursors.c */

/*
 * Opens the cursor of every output, and makes those that are not there. RELAY_ORPHANED_CURSOR with a sentence in `error`,
 * and without having made any, if the spool has one that no settings name (spool-rules.md, rule 12).
 */
enum relay_result relay_open_cursors(struct relay *relay, char *error);

/* relay_drop.c */

/* RELAY_SPOOL_UNUSABLE with a sentence in `error` if the spool has a rule of `relayctl spool drop` that we cannot apply. */
enum relay_result relay_check_drops(struct relay *relay, char *error);

enum { RELAY_DROP_ERROR_MAX_BYTES = OUTPUT_ERROR_MAX_BYTES };

/* A rule that somebody asks for. Texts are NULL if he does not say them. */
struct relay_drop {
	const char *spool;   /* the id of the spool that he has looked at, in hexadecimal digits */
	const char *output;  /* NULL: all outputs */
	const char *filter;
	uint64_t to;         /* 0: all that is stored now */
	uint64_t messages;   /* that he was told it costs: for the audit */
	uint32_t uid;        /* his */
};

/* Makes the rule, with its line in the audit. False and a sentence in `error` (RELAY_DROP_ERROR_MAX_BYTES). */
bool relay_drop_add(struct relay *relay, const struct relay_drop *wanted, struct spool_drop_rule *rule, char *error);

/* relay_status.c */

/* The status document of `relayctl status` as one line of JSON, allocated; NULL if memory is short. */
char *relay_status_json(struct relay *relay);

/* relay_ledger.c */

/* The document of `relayctl ledger`, likewise. */
char *relay_ledger_json(struct relay *relay);

#endif
