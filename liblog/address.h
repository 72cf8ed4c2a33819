/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses as text. */
#ifndef LIBLOG_ADDRESS_H
#define LIBLOG_ADDRESS_H

#include <stddef.h>

struct sockaddr;

#define SLOG_ADDRESS_MAX 120 /* "unix:" and 108 octets of sun_path */

/*
 * "192.0.2.1:22", "[fe80::1%2]:22" (with the number of the interface where there is one), "unix:/path", "unix:@name"
 * (abstract), "unix:" (unnamed), "family:N" for others. Returns the octets written to out, without a NUL.
 */
size_t slog_address_text(char out[SLOG_ADDRESS_MAX], const struct sockaddr *address);

#endif
