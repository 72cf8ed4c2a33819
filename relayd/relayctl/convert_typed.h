/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in liblog's typed encoding as the events that they are. */
#ifndef RELAYD_RELAYCTL_CONVERT_TYPED_H
#define RELAYD_RELAYCTL_CONVERT_TYPED_H

#include "syslog/message.h"

#include <liblog/read.h>

/* Memory for one message at a time, grown as needed. Zero-initialise. */
struct convert_typed {
	struct slog_reading event; /* of the message read last; until the next one is read */
	bool is_inexact;           /* its fields, written again, are not the octets of the message */

	/* Private. */
	char *room;
	size_t size;
};

enum convert_typed_result {
	CONVERT_TYPED_NOT = 0, /* no element of liblog's is there */
	CONVERT_TYPED_READ = 1,
	CONVERT_TYPED_NO_MEMORY = 2,
};

enum convert_typed_result convert_typed_read(struct convert_typed *typed, const struct message *message);
void convert_typed_free(struct convert_typed *typed);

#endif
