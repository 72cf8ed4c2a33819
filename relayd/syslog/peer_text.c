/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/peer_text.h"

#include "base/decimal.h"

#include <arpa/inet.h>

enum { IPV4_AT = 12 }; /* in ::ffff:a.b.c.d */

static const uint8_t mapped_prefix[IPV4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_ipv4(const struct peer *peer)
{
	return memcmp(peer->address, mapped_prefix, IPV4_AT) == 0;
}

static bool is_local(const struct peer *peer)
{
	static const uint8_t none[sizeof peer->address];
	return memcmp(peer->address, none, sizeof none) == 0 && peer->port == 0;
}

size_t peer_text_address(const struct peer *peer, uint8_t *out)
{
	char text[INET6_ADDRSTRLEN];
	if (is_local(peer))
		return 0;
	bool ipv4 = is_ipv4(peer);
	const char *good = inet_ntop(ipv4 ? AF_INET : AF_INET6, peer->address + (ipv4 ? IPV4_AT : 0), text, sizeof text);
	assert(good != NULL);
	size_t len = strlen(text);
	memcpy(out, text, len);
	return len;
}

size_t peer_text_endpoint(const struct peer *peer, uint8_t *out)
{
	if (is_local(peer))
		return 0;
	bool brackets = !is_ipv4(peer);
	size_t len = 0;
	if (brackets)
		out[len++] = '[';
	len += peer_text_address(peer, out + len);
	if (brackets)
		out[len++] = ']';
	out[len++] = ':';
	return len + decimal_write(peer->port, out + len);
}
