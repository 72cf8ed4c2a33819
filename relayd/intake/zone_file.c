/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/zone_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define ZONE_DATABASE "/usr/share/zoneinfo"
#define SYSTEM_ZONE "/etc/localtime"

static bool read_rules(const char *path, struct timezone_rules *rules)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	uint8_t *octets = malloc(ZONE_FILE_MAX_BYTES);
	size_t len = octets != NULL ? fread(octets, 1, ZONE_FILE_MAX_BYTES, file) : 0;
	bool read = len > 0 && timezone_from_tzif(bytes_of(octets, len), rules);
	free(octets);
	fclose(file);
	return read;
}

/* A name stays inside the database: relative, and never upwards. */
static bool is_database_name(const char *name)
{
	return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL;
}

static bool load_named(const char *name, struct timezone_rules *rules)
{
	char path[PATH_MAX];
	if (is_database_name(name) && snprintf(path, sizeof path, ZONE_DATABASE "/%s", name) < (int)sizeof path &&
	    read_rules(path, rules))
		return true;
	return timezone_from_posix(bytes_of_text(name), rules);
}

bool zone_file_load(const char *name, struct timezone_rules *rules, char *error)
{
	*rules = (struct timezone_rules){0};
	if (name != NULL) {
		if (load_named(name, rules))
			return true;
		*rules = (struct timezone_rules){0};
		snprintf(error, ZONE_FILE_ERROR_MAX_BYTES,
		         "the time zone \"%.80s\" is neither in " ZONE_DATABASE " nor a POSIX TZ text; right would be "
		         "\"Europe/Berlin\" or \"CET-1CEST,M3.5.0,M10.5.0/3\"", name);
		return false;
	}
	const char *tz = getenv("TZ");
	if (tz != NULL && tz[0] == ':')
		tz++;
	bool loaded = tz != NULL && (tz[0] == '/' ? read_rules(tz, rules) : load_named(tz, rules));
	if (!loaded && tz == NULL)
		loaded = read_rules(SYSTEM_ZONE, rules);
	/* A system without a zone runs in UTC, as the C library would. */
	if (!loaded)
		*rules = (struct timezone_rules){0};
	return true;
}
