/* SPDX-License-Identifier: Apache-2.0 */
/* See address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <liblog/line.h>

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof "unix:" <= SLOG_ADDRESS_MAX, "room for any path");

static void put_dotted(struct slog_line *line, const unsigned char octets[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			slog_line_put_char(line, '.');
		slog_line_put_u64(line, octets[i]);
	}
}

static void put_inet(struct slog_line *line, const struct sockaddr *address)
{
	struct sockaddr_in in;
	unsigned char octets[4];
	memcpy(&in, address, sizeof in);
	memcpy(octets, &in.sin_addr, sizeof octets);
	put_dotted(line, octets);
	slog_line_put_char(line, ':');
	slog_line_put_u64(line, ntohs(in.sin_port));
}

static unsigned word_at(const unsigned char octets[16], size_t i)
{
	return (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
}

/* The first of the longest runs of two zero words or more: where it begins, and its length, 0 if there is none. */
static size_t find_zeros(const unsigned char octets[16], size_t *length)
{
	size_t start = 0;
	*length = 0;
	for (size_t i = 0; i < 8; i++) {
		size_t end = i;
		while (end < 8 && word_at(octets, end) == 0)
			end++;
		if (end - i > 1 && end - i > *length) {
			start = i;
			*length = end - i;
		}
	}
	return start;
}

static void put_hex(struct slog_line *line, unsigned word)
{
	for (int shift = 12; shift >= 0; shift -= 4)
		if (shift == 0 || word >> shift != 0)
			slog_line_put_char(line, "0123456789abcdef"[word >> shift & 15]);
}

/* RFC 5952. As inet_ntop(3) writes it, which takes two KiB of stack for that, and is not for signal handlers. */
static void put_words(struct slog_line *line, const unsigned char octets[16])
{
	size_t length;
	size_t start = find_zeros(octets, &length);
	bool ends_dotted = length > 0 && start == 0 && (length == 6 || (length == 5 && word_at(octets, 5) == 0xFFFF));
	size_t words = ends_dotted ? 6 : 8;
	for (size_t i = 0; i < words; i++) {
		if (length > 0 && i == start) {
			slog_line_put_string(line, "::");
			i += length - 1;
			continue;
		}
		if (i > 0 && (length == 0 || i != start + length))
			slog_line_put_char(line, ':');
		put_hex(line, word_at(octets, i));
	}
	if (ends_dotted && length == 5)
		slog_line_put_char(line, ':');
	if (ends_dotted)
		put_dotted(line, octets + 12);
}

static void put_inet6(struct slog_line *line, const struct sockaddr *address)
{
	struct sockaddr_in6 in6;
	unsigned char octets[16];
	memcpy(&in6, address, sizeof in6);
	memcpy(octets, &in6.sin6_addr, sizeof octets);
	slog_line_put_char(line, '[');
	put_words(line, octets);
	if (in6.sin6_scope_id != 0) {
		slog_line_put_char(line, '%');
		slog_line_put_u64(line, in6.sin6_scope_id);
	}
	slog_line_put_string(line, "]:");
	slog_line_put_u64(line, ntohs(in6.sin6_port));
}

/* The length of the address is not known here, so an abstract name ends at its first NUL. */
static void put_unix(struct slog_line *line, const struct sockaddr *address)
{
	const char *path = (const char *)address + offsetof(struct sockaddr_un, sun_path);
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path);
	slog_line_put_string(line, "unix:");
	if (path[0] == '\0' && path[1] != '\0') {
		slog_line_put_char(line, '@');
		path++;
		max--;
	}
	slog_line_put(line, path, strnlen(path, max));
}

size_t slog_address_text(char out[SLOG_ADDRESS_MAX], const struct sockaddr *address)
{
	struct slog_line line = slog_line_in(out, SLOG_ADDRESS_MAX);
	sa_family_t family;
	memcpy(&family, (const char *)address + offsetof(struct sockaddr, sa_family), sizeof family);
	switch (family) {
	case AF_INET:
		put_inet(&line, address);
		break;
	case AF_INET6:
		put_inet6(&line, address);
		break;
	case AF_UNIX:
		put_unix(&line, address);
		break;
	default:
		slog_line_put_string(&line, "family:");
		slog_line_put_u64(&line, family);
	}
	return line.length;
}
