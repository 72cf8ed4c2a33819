/* SPDX-License-Identifier: Apache-2.0 */
/* See reserved.h. */
#include "reserved.h"

#include <string.h>

static const char *const names[SLOG_RESERVED_NAMES] = {
	[SLOG_RESERVED_TIMESTAMP] = "timestamp",
	[SLOG_RESERVED_SEVERITY] = "severity",
	[SLOG_RESERVED_FACILITY] = "facility",
	[SLOG_RESERVED_HOSTNAME] = "hostname",
	[SLOG_RESERVED_APP_NAME] = "app_name",
	[SLOG_RESERVED_PROCID] = "procid",
	[SLOG_RESERVED_MSGID] = "msgid",
	[SLOG_RESERVED_MESSAGE] = "message",
	[SLOG_RESERVED_STRUCTURED_DATA] = "structured_data",
	[SLOG_RESERVED_RELAY] = "relay",
	[SLOG_RESERVED_CUT] = "~cut",
};

enum slog_reserved slog_reserved_name(const char *key, size_t length)
{
	int name = 0;
	while (name < SLOG_RESERVED_NAMES && (strlen(names[name]) != length || memcmp(names[name], key, length) != 0))
		name++;
	return (enum slog_reserved)name;
}

bool slog_reserved_needs_underscore(const char *key, size_t length)
{
	while (length > 0 && key[0] == '_') {
		key++;
		length--;
	}
	return slog_reserved_name(key, length) != SLOG_RESERVED_NAMES;
}
