/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of the control socket: one request, one answer. */
#ifndef RELAYD_RELAYCTL_CLIENT_H
#define RELAYD_RELAYCTL_CLIENT_H

#include "base/buffer.h"

enum {
	CLIENT_ANSWER_MAX_BYTES = 1 << 20,
	CLIENT_TIMEOUT_SECONDS = 10,
	CLIENT_ERROR_MAX_BYTES = 512,
};

/*
 * Sends {"command": `command`} to the socket at `path` and appends the whole answer to `answer` (its cap bounds it).
 * False and a sentence in `error` (CLIENT_ERROR_MAX_BYTES) if there is no relayd, or it does not answer in time.
 */
bool client_ask(const char *path, const char *command, struct buffer *answer, char *error);

#endif
