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

static void put_inet(struct slog_line *line, const struct sockaddr *address)
{
	struct sockaddr_in in;
	memcpy(&in, address, sizeof in);
	char text[INET_ADDRSTRLEN] = "";
	inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
	slog_line_put_string(line, text);
	slog_line_put_char(line, ':');
	slog_line_put_u64(line, ntohs(in.sin_port));
}

static void put_inet6(struct slog_line *line, const struct sockaddr *address)
{
	struct sockaddr_in6 in6;
	memcpy(&in6, address, sizeof in6);
	char text[INET6_ADDRSTRLEN] = "";
	inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
	slog_line_put_char(line, '[');
	slog_line_put_string(line, text);
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
