/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing without regard to ASCII case, whatever the locale. */
#ifndef LIBLOG_ASCII_H
#define LIBLOG_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline char slog_ascii_lower(char octet)
{
	return octet >= 'A' && octet <= 'Z' ? (char)(octet + ('a' - 'A')) : octet;
}

/* True if length octets of a and b are equal but for ASCII case. */
static inline bool slog_ascii_equal(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (slog_ascii_lower(a[i]) != slog_ascii_lower(b[i]))
			return false;
	return true;
}

#endif
