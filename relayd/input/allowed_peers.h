/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that may send to an input (`allowed_peers`). */
#ifndef RELAYD_INPUT_ALLOWED_PEERS_H
#define RELAYD_INPUT_ALLOWED_PEERS_H

#include <stddef.h>

#include "base/option.h"
#include "net/address.h"

/* All-zero allows everybody. */
struct allowed_peers {
	struct network *networks;
	size_t count;
};

/* Reads the operator's list. False and a sentence in `error` (INPUT_ERROR_MAX_BYTES); then nothing is held. */
bool allowed_peers_read(const struct option_list *list, struct allowed_peers *peers, char *error);

void allowed_peers_free(struct allowed_peers *peers);

/* Whether a peer may send. Local sockets always may: their permissions decide. */
bool allowed_peers_contain(const struct allowed_peers *peers, const struct address *peer);

#endif
