/* SPDX-License-Identifier: Apache-2.0 */
/* Which strings a reader of our SD-ELEMENT would take for a value of another type: they are listed in ~s. */
#ifndef LIBLOG_READS_AS_TYPED_H
#define LIBLOG_READS_AS_TYPED_H

#include "octets.h"

/* The same as below for a string that begins so: few do. */
bool slog_is_typed(const char *bytes, size_t length);

/* Whether a value of another type begins with this octet: a number, a literal, a list or an object. */
static inline SLOG_ALWAYS bool slog_begins_typed(char octet)
{
	const uint64_t digits = UINT64_C(0x3FF) << '0' | UINT64_C(1) << '-';
	const uint64_t letters = UINT64_C(1) << ('[' - 64) | UINT64_C(1) << ('{' - 64) | UINT64_C(1) << ('t' - 64) |
	                         UINT64_C(1) << ('f' - 64) | UINT64_C(1) << ('n' - 64);
	return octet > 0 && ((octet < 64 ? digits : letters) >> (octet & 63) & 1) != 0;
}

/* True if a reader would take this string for a value of another type. One look at the first octet in most cases. */
static inline SLOG_ALWAYS bool slog_reads_as_typed(const char *bytes, size_t length)
{
	return length > 0 && slog_begins_typed(bytes[0]) && slog_is_typed(bytes, length);
}

#endif
