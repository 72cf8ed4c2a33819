/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inverse of the escapes of rfc5424.h, utf8.h and json.h. Every function writes to out, which has room for length
 * octets (the result is never longer), and returns the octets written. Whatever the input is, they write something:
 * what is no escape stands for itself.
 */
#ifndef LIBLOG_UNDO_H
#define LIBLOG_UNDO_H

#include <stddef.h>

/* A PARAM-VALUE, as it stands between its quotes. */
size_t slog_undo_value(char *out, const char *bytes, size_t length);

/* The same, but only the three escapes of RFC 5424, 6.3.3: what others write has no more. */
size_t slog_undo_sd_escapes(char *out, const char *bytes, size_t length);

/* MSG. */
size_t slog_undo_msg(char *out, const char *bytes, size_t length);

/* A key from the encoded form that a PARAM-NAME has; '/' has no meaning here. */
size_t slog_undo_name(char *out, const char *bytes, size_t length);

/* The inside of a JSON string that is known to be valid. */
size_t slog_undo_json(char *out, const char *bytes, size_t length);

#endif
