/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 allows it, and the reversible form of octets that are not UTF-8.
 *
 * Strings in C are octets; STRUCTURED-DATA and JSON must be UTF-8. An octet that is part of no valid character is
 * written as the private-use character U+EF80 + (octet - 0x80), three octets long, so ASCII around it stays readable
 * and any UTF-8 reader accepts the text. A genuine character of U+EF80..U+EFFF is treated as three such octets, which
 * keeps the mapping one-to-one.
 *
 * Pure functions; no state, safe in any thread and in signal handlers.
 */
#ifndef LIBLOG_UTF8_H
#define LIBLOG_UTF8_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Octets of a raw octet's character (U+EF80..U+EFFF) in UTF-8. */
#define SLOG_RAW_OCTET_BYTES 3

/*
 * Length of the valid UTF-8 character at bytes[0] (1 to 4), looking at no more than length octets; 0 if there is none:
 * a lone or missing continuation, an overlong form, a surrogate, a value above U+10FFFF, or length 0.
 */
size_t slog_utf8_length(const char *bytes, size_t length);

/*
 * As slog_utf8_length(), but 0 also for U+EF80..U+EFFF: what may be copied as it stands. Where it says 0, exactly one
 * octet is written as a raw octet.
 */
size_t slog_utf8_plain_length(const char *bytes, size_t length);

/* Writes the character that stands for a raw octet (0x80..0xFF) to out[0..2]. */
void slog_raw_octet(char out[SLOG_RAW_OCTET_BYTES], unsigned char octet);

#ifdef __cplusplus
}
#endif

#endif
