/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/peer.h"

#include "base/decimal.h"
#include "base/little_endian.h"
#include "base/varint.h"

#include <arpa/inet.h>

enum {
	TRANSPORT_MASK = 15,
	ADDRESS_SHIFT = 4,
	ADDRESS_MASK = 3,
	HAS_CREDENTIALS = 64,
	UNUSED = 128,
	IPV4_AT = 12, /* in ::ffff:a.b.c.d */
	PORT_LEN = 2,
};

enum address_kind { ADDRESS_NONE = 0, ADDRESS_IPV4 = 1, ADDRESS_IPV6 = 2, ADDRESS_KINDS = 3 };

static const uint8_t mapped_prefix[IPV4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Whether the address is ::ffff:a.b.c.d. */
static bool is_ipv4(const struct peer *peer)
{
	return memcmp(peer->address, mapped_prefix, IPV4_AT) == 0;
}

/* Whether there is neither address nor port: a local socket, or the relay itself. */
static bool is_local(const struct peer *peer)
{
	static const uint8_t none[sizeof peer->address];
	return memcmp(peer->address, none, sizeof none) == 0 && peer->port == 0;
}

static size_t write_ipv4(const uint8_t *address, uint8_t *out)
{
	size_t len = 0;
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			out[len++] = '.';
		len += decimal_write(address[i], out + len);
	}
	return len;
}

size_t peer_write_address(const struct peer *peer, uint8_t *out)
{
	char text[INET6_ADDRSTRLEN];
	if (is_local(peer))
		return 0;
	if (is_ipv4(peer))
		return write_ipv4(peer->address + IPV4_AT, out);
	const char *good = inet_ntop(AF_INET6, peer->address, text, sizeof text);
	assert(good != NULL);
	size_t len = strlen(text);
	memcpy(out, text, len);
	return len;
}

size_t peer_write_endpoint(const struct peer *peer, uint8_t *out)
{
	if (is_local(peer))
		return 0;
	bool brackets = !is_ipv4(peer);
	size_t len = 0;
	if (brackets)
		out[len++] = '[';
	len += peer_write_address(peer, out + len);
	if (brackets)
		out[len++] = ']';
	out[len++] = ':';
	return len + decimal_write(peer->port, out + len);
}

static enum address_kind kind_of(const struct peer *peer)
{
	if (is_local(peer))
		return ADDRESS_NONE;
	return is_ipv4(peer) ? ADDRESS_IPV4 : ADDRESS_IPV6;
}

size_t peer_pack(const struct peer *peer, uint8_t *out)
{
	enum address_kind kind = kind_of(peer);
	size_t len = 1;
	out[0] =
		(uint8_t)(peer->transport | (unsigned)kind << ADDRESS_SHIFT | (peer->has_credentials ? HAS_CREDENTIALS : 0u));
	if (kind != ADDRESS_NONE) {
		size_t skip = kind == ADDRESS_IPV4 ? IPV4_AT : 0;
		memcpy(out + len, peer->address + skip, sizeof peer->address - skip);
		len += sizeof peer->address - skip;
		le16_store(out + len, peer->port);
		len += PORT_LEN;
	}
	if (peer->has_credentials) {
		len += varint_write(peer->pid, out + len);
		len += varint_write(peer->uid, out + len);
		len += varint_write(peer->gid, out + len);
	}
	return len;
}

/* Reads one of the credentials at `*at`. */
static bool read_id(struct bytes text, size_t *at, uint32_t *id)
{
	uint64_t value;
	size_t len = varint_read(bytes_after(text, *at), &value);
	if (len == 0 || value > UINT32_MAX)
		return false;
	*id = (uint32_t)value;
	*at += len;
	return true;
}

size_t peer_unpack(struct bytes text, struct peer *peer)
{
	*peer = (struct peer){0};
	if (text.len == 0)
		return 0;
	uint8_t head = text.at[0];
	unsigned kind = head >> ADDRESS_SHIFT & ADDRESS_MASK;
	size_t at = 1;
	peer->transport = head & TRANSPORT_MASK;
	peer->has_credentials = (head & HAS_CREDENTIALS) != 0;
	if (peer->transport >= TRANSPORTS || kind >= ADDRESS_KINDS || (head & UNUSED) != 0)
		return 0;
	if (kind != ADDRESS_NONE) {
		size_t skip = kind == ADDRESS_IPV4 ? IPV4_AT : 0, len = sizeof peer->address - skip;
		if (text.len < at + len + PORT_LEN)
			return 0;
		memcpy(peer->address, mapped_prefix, skip);
		memcpy(peer->address + skip, text.at + at, len);
		peer->port = le16_load(text.at + at + len);
		at += len + PORT_LEN;
	}
	if (peer->has_credentials &&
		!(read_id(text, &at, &peer->pid) && read_id(text, &at, &peer->uid) && read_id(text, &at, &peer->gid)))
		return 0;
	return at;
}
