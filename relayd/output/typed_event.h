/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in liblog's typed encoding as the events that they are. */
#ifndef RELAYD_OUTPUT_TYPED_EVENT_H
#define RELAYD_OUTPUT_TYPED_EVENT_H

#include "syslog/message.h"

#include <liblog/read.h>

/* Private. */
struct typed_event_memory {
	char *at;
	size_t size;
};

/* Memory for one message at a time, grown as needed. Zero-initialise; belongs to one thread. */
struct typed_event {
	struct slog_reading event; /* of the message read last; until the next one is read */
	bool is_inexact;           /* its fields, written again, are not the octets of the message */

	/* Private. */
	struct typed_event_memory room;  /* the octets of `event` without their escapes */
	struct typed_event_memory again; /* its fields, and what they are when they are written again */
};

enum typed_event_result {
	TYPED_EVENT_NOT = 0, /* no element of liblog's is there */
	TYPED_EVENT_READ = 1,
	TYPED_EVENT_NO_MEMORY = 2,
};

/*
 * Reads a message's STRUCTURED-DATA with MSGID and MSG as an event. `typed->event` points into the message and into
 * `typed`: it lives until the next call, as long as the message does.
 */
enum typed_event_result typed_event_read(struct typed_event *typed, const struct message *message);
void typed_event_free(struct typed_event *typed);

#endif
