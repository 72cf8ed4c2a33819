/* SPDX-License-Identifier: Apache-2.0 */
/* The names of severities and facilities (RFC 5427), and reading a level. */
#include <liblog/slog.h>

#include "ascii.h"

static const char *const severities[SLOG_SEVERITIES] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "trace",
};

static const char *const facilities[SLOG_FACILITIES] = {
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "console", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
};

static const struct {
	const char *name;
	int level;
} other_names[] = {
	{"panic", SLOG_EMERG}, {"error", SLOG_ERR}, {"warn", SLOG_WARNING}, {"off", SLOG_OFF},
};

const char *slog_severity_name(int severity)
{
	return severity >= 0 && severity < SLOG_SEVERITIES ? severities[severity] : NULL;
}

const char *slog_facility_name(int facility)
{
	return facility >= 0 && facility < SLOG_FACILITIES ? facilities[facility] : NULL;
}

static bool is_name(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && slog_ascii_equal(name, text, length);
}

bool slog_level_read(const char *text, size_t length, int *level)
{
	for (int i = 0; i < SLOG_SEVERITIES; i++)
		if (is_name(severities[i], text, length)) {
			*level = i;
			return true;
		}
	for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
		if (is_name(other_names[i].name, text, length)) {
			*level = other_names[i].level;
			return true;
		}
	return false;
}
