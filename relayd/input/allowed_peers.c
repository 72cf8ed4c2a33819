/* SPDX-License-Identifier: Apache-2.0 */
#include "input/allowed_peers.h"

#include "input/input.h"

#include <stdio.h>
#include <stdlib.h>

bool allowed_peers_read(const struct option_list *list, struct allowed_peers *peers, char *error)
{
	*peers = (struct allowed_peers){0};
	if (list->count == 0)
		return true;
	peers->networks = calloc(list->count, sizeof *peers->networks);
	if (peers->networks == NULL) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "no memory for allowed_peers");
		return false;
	}
	peers->count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		char reason[ADDRESS_ERROR_MAX_BYTES];
		if (network_read(list->items[i], &peers->networks[i], reason))
			continue;
		snprintf(error, INPUT_ERROR_MAX_BYTES, "allowed_peers: %s", reason);
		allowed_peers_free(peers);
		return false;
	}
	return true;
}

void allowed_peers_free(struct allowed_peers *peers)
{
	free(peers->networks);
	*peers = (struct allowed_peers){0};
}

bool allowed_peers_contain(const struct allowed_peers *peers, const struct address *peer)
{
	if (peers->count == 0 || peer->len == 0 || peer->sa.any.sa_family == AF_UNIX)
		return true;
	uint8_t octets[16];
	uint16_t port;
	address_octets(peer, octets, &port);
	for (size_t i = 0; i < peers->count; i++) {
		if (network_contains(&peers->networks[i], octets))
			return true;
	}
	return false;
}
