/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of the control socket: one request, one answer. */
#ifndef RELAYD_RELAYCTL_CLIENT_H
#define RELAYD_RELAYCTL_CLIENT_H

#include "base/buffer.h"
#include "config/json_tree.h"

enum {
	CLIENT_ANSWER_MAX_BYTES = 4 << 20, /* 4,096 streams */
	CLIENT_TIMEOUT_SECONDS = 10,
	CLIENT_ERROR_MAX_BYTES = 512,
};

/*
 * Sends the request, one line of JSON without its LF, to the socket at `path` and appends the whole answer to `answer` (its
 * cap bounds it). False and a sentence in `error` (CLIENT_ERROR_MAX_BYTES) if there is no relayd, or it does not answer in
 * time.
 */
bool client_request(const char *path, struct bytes request, struct buffer *answer, char *error);

/* The same with the request {"command": `command`}. */
bool client_ask(const char *path, const char *command, struct buffer *answer, char *error);

/* The first; the answer as a tree that the caller frees. NULL and a sentence also if relayd answers {"error": …}. */
struct json_value *client_document(const char *path, struct bytes request, char *error);

#endif
