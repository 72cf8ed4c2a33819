/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that have a meaning in the JSON form of an event, at top level: what the header holds, what a relay adds,
 * and the mark of an event that was cut. A user's key that equals one of them, possibly behind underscores, gains one
 * underscore when it is written and loses it when it is read.
 */
#ifndef LIBLOG_RESERVED_H
#define LIBLOG_RESERVED_H

#include <stdbool.h>
#include <stddef.h>

/* The order is that of the names in the line. */
enum slog_reserved {
	SLOG_RESERVED_TIMESTAMP,
	SLOG_RESERVED_SEVERITY,
	SLOG_RESERVED_FACILITY,
	SLOG_RESERVED_HOSTNAME,
	SLOG_RESERVED_APP_NAME,
	SLOG_RESERVED_PROCID,
	SLOG_RESERVED_MSGID,
	SLOG_RESERVED_MESSAGE,
	SLOG_RESERVED_STRUCTURED_DATA,
	SLOG_RESERVED_RELAY,
	SLOG_RESERVED_CUT,
	SLOG_RESERVED_NAMES /* how many there are; also: none of them */
};

/* Which reserved name these octets are. */
enum slog_reserved slog_reserved_name(const char *key, size_t length);

/* Whether the key is a reserved name, possibly behind underscores. */
bool slog_reserved_needs_underscore(const char *key, size_t length);

#endif
