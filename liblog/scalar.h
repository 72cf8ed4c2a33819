/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value is on the wire: null, bool, number, string, list or object, whatever C type or helper it came from. The
 * one place that knows how times, addresses, error names and numbers are spelled.
 */
#ifndef LIBLOG_SCALAR_H
#define LIBLOG_SCALAR_H

#include <liblog/slog.h>

#define SLOG_SCALAR_ROOM 128    /* octets of the longest spelling made here: "unix:" and a socket's path */
#define SLOG_ERROR_MEMBERS 3

enum slog_kind {
	SLOG_KIND_LITERAL, /* null, true, false or a number, as JSON text */
	SLOG_KIND_STRING,  /* octets */
	SLOG_KIND_BASE64,  /* octets to be written as the string "data:;base64,..." */
	SLOG_KIND_JSON,    /* a valid JSON list or object as text */
	SLOG_KIND_LIST,
	SLOG_KIND_OBJECT,
	SLOG_KIND_ERROR /* an object, see slog_error_members() */
};

struct slog_scalar {
	enum slog_kind kind;
	const char *text; /* in the value or in room; NULL for lists, objects and errors */
	size_t length;
	char room[SLOG_SCALAR_ROOM];
};

/* The kind of a list, object or error without reading it; SLOG_KIND_STRING for all others. */
enum slog_kind slog_value_shape(const struct slog_value *value);

/* Fills *scalar, which must stay where it is while its text is used. */
void slog_scalar_read(struct slog_scalar *scalar, const struct slog_value *value);

/* Members code, name, text of a SLOG_TYPE_ERROR. */
void slog_error_members(struct slog_field members[SLOG_ERROR_MEMBERS], const struct slog_value *value);

/*
 * True if no later field has the same key: of equal keys of one object the last stands. Also if there are more than
 * SLOG_COMPARED_MAX: to compare these would take seconds.
 */
bool slog_field_stands(const struct slog_field *fields, size_t n, size_t i);

#endif
