/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/pri.h"

#include "base/decimal.h"

enum { PRI_DIGITS_MAX = 3 };

struct pri_name {
	const char *name;
	int number;
};

static const char *const facility_names[PRI_FACILITIES] = {
	"kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",     "news",
	"uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "console", "cron2",
	"local0", "local1", "local2",   "local3", "local4", "local5", "local6",  "local7",
};

static const char *const severity_names[PRI_SEVERITIES] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

static const struct pri_name facility_aliases[] = {
	{"security", 4}, {"log audit", 13}, {"log alert", 14}, {"clock", 15}, {"solaris-cron", 15},
};

static const struct pri_name severity_aliases[] = {
	{"panic", 0},
	{"error", 3},
	{"warn", 4},
};

enum pri_outcome pri_read(struct bytes text, uint8_t *pri, size_t *len)
{
	*pri = PRI_DEFAULT;
	*len = 0;
	if (text.len == 0 || text.at[0] != '<')
		return PRI_ABSENT;
	unsigned value = 0;
	size_t at = 1;
	while (at < text.len && at <= PRI_DIGITS_MAX && decimal_is_digit(text.at[at]))
		value = value * 10 + (unsigned)(text.at[at++] - '0');
	if (at == text.len || text.at[at] != '>')
		return PRI_UNCLOSED;
	*len = at + 1;
	if (at == 1 || value > PRI_MAX)
		return PRI_INVALID;
	*pri = (uint8_t)value;
	return text.at[1] == '0' && at > 2 ? PRI_TOLERATED : PRI_EXACT;
}

const char *pri_facility_name(unsigned facility)
{
	assert(facility < PRI_FACILITIES);
	return facility_names[facility];
}

const char *pri_severity_name(unsigned severity)
{
	assert(severity < PRI_SEVERITIES);
	return severity_names[severity];
}

static bool equal_in_any_case(struct bytes text, const char *name)
{
	if (text.len != strlen(name))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t octet = text.at[i];
		if (octet >= 'A' && octet <= 'Z')
			octet |= 0x20;
		if (octet != (uint8_t)name[i])
			return false;
	}
	return true;
}

static int number_of(struct bytes text, const char *const *names, int count, const struct pri_name *aliases,
					 size_t alias_count)
{
	for (int i = 0; i < count; i++) {
		if (equal_in_any_case(text, names[i]))
			return i;
	}
	for (size_t i = 0; i < alias_count; i++) {
		if (equal_in_any_case(text, aliases[i].name))
			return aliases[i].number;
	}
	return -1;
}

int pri_facility_of_name(struct bytes name)
{
	return number_of(name, facility_names, PRI_FACILITIES, facility_aliases,
					 sizeof facility_aliases / sizeof *facility_aliases);
}

int pri_severity_of_name(struct bytes name)
{
	return number_of(name, severity_names, PRI_SEVERITIES, severity_aliases,
					 sizeof severity_aliases / sizeof *severity_aliases);
}
