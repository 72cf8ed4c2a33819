/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: from the operator's text, to text for people, and networks in CIDR form for `allowed_peers`. */
#ifndef RELAYD_NET_ADDRESS_H
#define RELAYD_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	ADDRESS_TEXT_MAX_BYTES = 120, /* "[IPv6%scope]:65535" or "unix:/path", with NUL */
	ADDRESS_ERROR_MAX_BYTES = 256,
	ADDRESS_HOST_MAX_BYTES = 254,
};

/* A numeric address of a socket. */
struct address {
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
		struct sockaddr_un local;
	} sa;
};

/* What the operator wrote, cut in two: "host:port", "[v6%scope]:port", "*:port", ":port", "/path" or "unix:/path". */
struct endpoint {
	bool is_local;                         /* a Unix socket: `host` is empty, the path is in `path` */
	char host[ADDRESS_HOST_MAX_BYTES + 1]; /* name or number without brackets; empty means all addresses */
	uint16_t port;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/*
 * Reads an endpoint; `default_port` 0 means that a port must be there. False with a sentence in `error`
 * (ADDRESS_ERROR_MAX_BYTES).
 */
bool endpoint_read(const char *text, uint16_t default_port, struct endpoint *endpoint, char *error);

/*
 * Makes a numeric address of an endpoint whose host is a number, empty ("::") or local. False if it is a name, or names
 * an interface behind "%" that is not there.
 */
bool address_of_endpoint(const struct endpoint *endpoint, struct address *address);

/*
 * "192.0.2.1:514", "[2001:db8::1]:514", "[fe80::1%eth0]:514", "unix:/run/x", "unix:@abstract", "unknown" for an unset
 * one; IPv4-mapped IPv6 is written as IPv4. Returns `text`.
 */
const char *address_text(const struct address *address, char text[ADDRESS_TEXT_MAX_BYTES]);

/* The 16 octets of an IPv6 address, IPv4 as ::ffff:a.b.c.d, all zero for local sockets; and the port. */
void address_octets(const struct address *address, uint8_t octets[16], uint16_t *port);

/* A network: the first `bits` of `octets` (IPv4 as mapped IPv6, so a /8 there is 104 bits). */
struct network {
	uint8_t octets[16];
	uint8_t bits;
};

/* Reads "10.0.0.0/8", "2001:db8::/32", or an address alone. False with a sentence in `error`. */
bool network_read(const char *text, struct network *network, char *error);

bool network_contains(const struct network *network, const uint8_t octets[16]);

#endif
