/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include "base/bytes.h"
#include "base/decimal.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
	PORT_DIGITS_MAX = 5,
	PORT_MAX = 65535,
	SCOPE_DIGITS_MAX = 9,  /* of an interface's number */
	IPV4_PREFIX_BITS = 96, /* where the IPv4 address begins in ::ffff:a.b.c.d */
};

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* --- endpoints --------------------------------------------------------------------------------------------------- */

static bool fail(char *error, const char *text, const char *reason)
{
	/* The reason says what would be right: an endless text must not push it out. */
	snprintf(error, ADDRESS_ERROR_MAX_BYTES, "\"%.80s\"%s %s", text, strlen(text) > 80 ? "..." : "", reason);
	return false;
}

static bool read_path(const char *text, const char *path, struct endpoint *endpoint, char *error)
{
	if (path[0] != '/')
		return fail(error, text, "needs an absolute path, as in \"unix:/run/relayd/log\"");
	if (strlen(path) >= sizeof(endpoint->path))
		return fail(error, text, "is longer than the 107 octets that the path of a Unix socket can have");
	endpoint->is_local = true;
	memcpy(endpoint->path, path, strlen(path) + 1);
	return true;
}

static bool read_port(const char *text, const char *port, struct endpoint *endpoint, char *error)
{
	struct bytes digits = bytes_of_text(port);
	uint64_t value;
	size_t used = decimal_read(digits, PORT_DIGITS_MAX, &value);
	if (used == 0 || used != digits.len || value == 0 || value > PORT_MAX)
		return fail(error, text, "has no port from 1 to 65535 behind the colon, as in \"192.0.2.1:514\"");
	endpoint->port = (uint16_t)value;
	return true;
}

static bool is_host_octet(char octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') ||
		   octet == '-' || octet == '_' || octet == '.';
}

static bool take_name(const char *text, size_t len, struct endpoint *endpoint, char *error)
{
	if (len > ADDRESS_HOST_MAX_BYTES)
		return fail(error, text, "has a host name of more than 254 octets");
	if (len == 1 && text[0] == '*')
		len = 0;
	for (size_t i = 0; i < len; i++)
		if (!is_host_octet(text[i]))
			return fail(error, text, "is not a host and port, as in \"log.example.net:514\" or \"[::]:514\"");
	memcpy(endpoint->host, text, len);
	endpoint->host[len] = '\0';
	return true;
}

static bool is_ipv6(const char *host)
{
	struct in6_addr octets;
	char number[INET6_ADDRSTRLEN];
	size_t len = strcspn(host, "%");
	if (len >= sizeof(number) || (host[len] == '%' && host[len + 1] == '\0'))
		return false;
	memcpy(number, host, len);
	number[len] = '\0';
	return inet_pton(AF_INET6, number, &octets) == 1;
}

/* "[2001:db8::1%eth0]" with or without ":514" behind it. */
static bool read_bracketed(const char *text, uint16_t default_port, struct endpoint *endpoint, char *error)
{
	const char *end = strchr(text, ']');
	size_t len = end != NULL ? (size_t)(end - text) - 1 : 0;
	if (end == NULL || len > ADDRESS_HOST_MAX_BYTES)
		return fail(error, text, "has \"[\" without \"]\"; write \"[2001:db8::1]:514\"");
	memcpy(endpoint->host, text + 1, len);
	endpoint->host[len] = '\0';
	if (!is_ipv6(endpoint->host))
		return fail(error, text, "has no IPv6 address between its brackets, as in \"[2001:db8::1]:514\"");
	endpoint->port = default_port;
	if (end[1] == ':')
		return read_port(text, end + 2, endpoint, error);
	if (end[1] != '\0')
		return fail(error, text, "has something else than \":port\" behind \"]\"; write \"[2001:db8::1]:514\"");
	return default_port != 0 || fail(error, text, "has no port; write \"[2001:db8::1]:514\"");
}

bool endpoint_read(const char *text, uint16_t default_port, struct endpoint *endpoint, char *error)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (text[0] == '\0')
		return fail(error, text, "is empty; write \"host:port\", \"[::]:514\" or \"unix:/path\"");
	if (strncmp(text, "unix:", 5) == 0)
		return read_path(text, text + 5, endpoint, error);
	if (text[0] == '/')
		return read_path(text, text, endpoint, error);
	if (text[0] == '[')
		return read_bracketed(text, default_port, endpoint, error);
	const char *colon = strchr(text, ':');
	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		return fail(error, text, "has several colons; an IPv6 address stands in brackets, as in \"[2001:db8::1]:514\"");
	if (!take_name(text, colon != NULL ? (size_t)(colon - text) : strlen(text), endpoint, error))
		return false;
	if (colon != NULL)
		return read_port(text, colon + 1, endpoint, error);
	endpoint->port = default_port;
	return default_port != 0 || fail(error, text, "has no port; write \"host:port\", as in \"log.example.net:514\"");
}

/* --- addresses --------------------------------------------------------------------------------------------------- */

static void set_local(const char *path, struct address *address)
{
	address->sa.local.sun_family = AF_UNIX;
	memcpy(address->sa.local.sun_path, path, strlen(path) + 1);
	address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static bool set_ipv6(const char *host, uint16_t port, struct address *address)
{
	char number[ADDRESS_HOST_MAX_BYTES + 1];
	size_t len = strcspn(host, "%");
	memcpy(number, host, len);
	number[len] = '\0';
	struct sockaddr_in6 *ipv6 = &address->sa.ipv6;
	if (inet_pton(AF_INET6, number, &ipv6->sin6_addr) != 1)
		return false;
	if (host[len] == '%') {
		const char *scope = host + len + 1;
		uint64_t index;
		size_t digits = decimal_read(bytes_of_text(scope), SCOPE_DIGITS_MAX, &index);
		ipv6->sin6_scope_id = digits > 0 && scope[digits] == '\0' ? (uint32_t)index : if_nametoindex(scope);
		if (ipv6->sin6_scope_id == 0)
			return false;
	}
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons(port);
	address->len = sizeof(*ipv6);
	return true;
}

bool address_of_endpoint(const struct endpoint *endpoint, struct address *address)
{
	memset(address, 0, sizeof(*address));
	if (endpoint->is_local) {
		set_local(endpoint->path, address);
		return true;
	}
	struct sockaddr_in *ipv4 = &address->sa.ipv4;
	if (inet_pton(AF_INET, endpoint->host, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(endpoint->port);
		address->len = sizeof(*ipv4);
		return true;
	}
	return set_ipv6(endpoint->host[0] != '\0' ? endpoint->host : "::", endpoint->port, address);
}

static void ipv6_text(const struct sockaddr_in6 *ipv6, char text[ADDRESS_TEXT_MAX_BYTES])
{
	char number[INET6_ADDRSTRLEN];
	unsigned port = ntohs(ipv6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr)) {
		inet_ntop(AF_INET, ipv6->sin6_addr.s6_addr + sizeof(mapped_prefix), number, sizeof(number));
		snprintf(text, ADDRESS_TEXT_MAX_BYTES, "%s:%u", number, port);
		return;
	}
	inet_ntop(AF_INET6, &ipv6->sin6_addr, number, sizeof(number));
	char scope[IF_NAMESIZE + 1] = "";
	if (ipv6->sin6_scope_id != 0) {
		scope[0] = '%';
		/* An interface that has gone since has no name any more. */
		if (if_indextoname(ipv6->sin6_scope_id, scope + 1) == NULL)
			snprintf(scope + 1, sizeof(scope) - 1, "%u", ipv6->sin6_scope_id);
	}
	snprintf(text, ADDRESS_TEXT_MAX_BYTES, "[%s%s]:%u", number, scope, port);
}

/* The kernel's length counts, not a NUL: an abstract name begins with one (written as "@"), a full path has none. */
static void local_text(const struct address *address, char text[ADDRESS_TEXT_MAX_BYTES])
{
	size_t offset = offsetof(struct sockaddr_un, sun_path);
	size_t len = address->len > offset ? address->len - offset : 0;
	const char *path = address->sa.local.sun_path;
	bool is_abstract = len > 0 && path[0] == '\0';
	if (!is_abstract)
		len = strnlen(path, len);
	int at = snprintf(text, ADDRESS_TEXT_MAX_BYTES, "unix:");
	for (size_t i = 0; i < len; i++) {
		/* Chosen by the peer where it is the peer's own name. */
		bool is_plain = path[i] > ' ' && path[i] < 0x7f;
		text[at++] = is_plain ? path[i] : is_abstract && path[i] == '\0' ? '@' : '?';
	}
	text[at] = '\0';
}

_Static_assert(sizeof("unix:") + sizeof(((struct sockaddr_un *)0)->sun_path) <= ADDRESS_TEXT_MAX_BYTES,
			   "the longest Unix address fits");

const char *address_text(const struct address *address, char text[ADDRESS_TEXT_MAX_BYTES])
{
	char number[INET_ADDRSTRLEN];
	int family = address->len > 0 ? address->sa.any.sa_family : AF_UNSPEC;
	switch (family) {
	case AF_INET:
		inet_ntop(AF_INET, &address->sa.ipv4.sin_addr, number, sizeof(number));
		snprintf(text, ADDRESS_TEXT_MAX_BYTES, "%s:%u", number, (unsigned)ntohs(address->sa.ipv4.sin_port));
		break;
	case AF_INET6:
		ipv6_text(&address->sa.ipv6, text);
		break;
	case AF_UNIX:
		local_text(address, text);
		break;
	default:
		snprintf(text, ADDRESS_TEXT_MAX_BYTES, "unknown");
		break;
	}
	return text;
}

void address_octets(const struct address *address, uint8_t octets[16], uint16_t *port)
{
	memset(octets, 0, 16);
	*port = 0;
	if (address->len == 0)
		return;
	if (address->sa.any.sa_family == AF_INET) {
		memcpy(octets, mapped_prefix, sizeof(mapped_prefix));
		memcpy(octets + sizeof(mapped_prefix), &address->sa.ipv4.sin_addr, sizeof(struct in_addr));
		*port = ntohs(address->sa.ipv4.sin_port);
	} else if (address->sa.any.sa_family == AF_INET6) {
		memcpy(octets, &address->sa.ipv6.sin6_addr, 16);
		*port = ntohs(address->sa.ipv6.sin6_port);
	}
}

/* --- networks ---------------------------------------------------------------------------------------------------- */

static void clear_host_bits(struct network *network)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned first_bit = i * 8;
		if (network->bits <= first_bit)
			network->octets[i] = 0;
		else if (network->bits < first_bit + 8)
			network->octets[i] &= (uint8_t)(0xff << (first_bit + 8 - network->bits));
	}
}

bool network_read(const char *text, struct network *network, char *error)
{
	char number[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "/");
	memset(network, 0, sizeof(*network));
	if (len == 0 || len >= sizeof(number))
		return fail(error, text, "is not a network; write \"10.0.0.0/8\", \"2001:db8::/32\" or one address");
	memcpy(number, text, len);
	number[len] = '\0';

	unsigned before = 0;
	unsigned bits_max = 128;
	if (inet_pton(AF_INET, number, network->octets + sizeof(mapped_prefix)) == 1) {
		memcpy(network->octets, mapped_prefix, sizeof(mapped_prefix));
		before = IPV4_PREFIX_BITS;
		bits_max = 32;
	} else if (inet_pton(AF_INET6, number, network->octets) != 1) {
		return fail(error, text, "is not a network; write \"10.0.0.0/8\", \"2001:db8::/32\" or one address");
	}
	uint64_t bits = bits_max;
	if (text[len] == '/') {
		struct bytes digits = bytes_of_text(text + len + 1);
		size_t used = decimal_read(digits, 3, &bits);
		if (used == 0 || used != digits.len || bits > bits_max)
			return fail(error, text,
						bits_max == 32 ? "needs a prefix length from 0 to 32, as in \"10.0.0.0/8\""
									   : "needs a prefix length from 0 to 128, as in \"2001:db8::/32\"");
	}
	network->bits = (uint8_t)(before + bits);
	clear_host_bits(network);
	return true;
}

bool network_contains(const struct network *network, const uint8_t octets[16])
{
	unsigned whole = network->bits / 8;
	unsigned rest = network->bits % 8;
	if (memcmp(network->octets, octets, whole) != 0)
		return false;
	return rest == 0 || ((network->octets[whole] ^ octets[whole]) >> (8 - rest)) == 0;
}
