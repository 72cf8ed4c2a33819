/* SPDX-License-Identifier: Apache-2.0 */
/* The client's end of the control socket: one request, one answer. */
#ifndef RELAYD_RELAYCTL_CLIENT_H
#define RELAYD_RELAYCTL_CLIENT_H

#include "base/buffer.h"
#include "config/json_tree.h"
#include "relay/document.h"

enum {
	CLIENT_ANSWER_MAX_BYTES = JSON_TEXT_MAX_BYTES,
	CLIENT_TIMEOUT_SECONDS = 10,
	CLIENT_ERROR_MAX_BYTES = 512,
};

/*
 * Where relayd listens: at `control` or, if that is NULL, where it does if nobody says. Allocated; NULL after having said
 * on stderr, in the name of `relayctl COMMAND`, that this is not known.
 */
char *client_control(const char *control, const char *command);

/*
 * Asks the relay at `path` for {"command": `command`} and appends the whole answer to `answer` (its cap bounds it). False
 * and a sentence in `error` (CLIENT_ERROR_MAX_BYTES) if there is no relayd, or it does not answer in time.
 */
bool client_ask(const char *path, const char *command, struct buffer *answer, char *error);

/* The same; the answer as a tree that the caller frees. NULL and a sentence also if relayd answers {"error": …}. */
struct json_value *client_look(const char *path, const char *command, char *error);

/*
 * A request with arguments: the open object with its member "command", to which the caller adds the others (document.h).
 * NULL if memory is short; client_send() takes that, too.
 */
yajl_gen client_begin(const char *command);

/* Finishes and sends it, and frees it in any case. The answer as client_look() gives it. */
struct json_value *client_send(const char *path, yajl_gen request, char *error);

#endif
