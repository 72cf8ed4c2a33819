/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON on plain octets: writing strings, and telling whether a text is JSON.
 *
 * The output is always valid UTF-8 on one line: C0 and DEL are escaped ("\n", "\u001b"), octets that are not UTF-8
 * have the reversible form of utf8.h, everything else is untouched.
 *
 * Pure functions; no state, safe in any thread and in signal handlers.
 */
#ifndef LIBLOG_JSON_H
#define LIBLOG_JSON_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLOG_JSON_DEPTH_MAX 32 /* levels of lists and objects in a text that counts as JSON */

/*
 * Writes the inside of a JSON string (without its quotes) to out, at most size octets and whole characters or escapes
 * only; returns the octets written. *taken is the octets of input used; less than length means that out is full, and
 * the caller goes on at bytes + *taken. One octet of input is at most SLOG_GROWTH_MAX (6) octets of output.
 */
size_t slog_json_string(char *out, size_t size, const char *bytes, size_t length, size_t *taken);

/*
 * True if slog_json_string() would write these bytes exactly as they are.
 */
bool slog_json_string_is_plain(const char *bytes, size_t length);

/* True if the text is exactly one JSON number (RFC 8259, 6), with nothing around it. */
bool slog_json_is_number(const char *text, size_t length);

/*
 * True if the text is one JSON value (RFC 8259) with optional white space around it, in valid UTF-8, nested at most
 * SLOG_JSON_DEPTH_MAX deep.
 */
bool slog_json_is_valid(const char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
