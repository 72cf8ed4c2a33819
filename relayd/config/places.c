/* SPDX-License-Identifier: Apache-2.0 */
#include "config/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0700 }; /* as the XDG base directory specification asks */

/* The XDG base directories must be absolute; others are to be ignored. */
static const char *directory_of(const char *variable)
{
	const char *path = getenv(variable);
	return path != NULL && path[0] == '/' ? path : NULL;
}

static char *join(const char *directory, const char *rest)
{
	char *path;
	return asprintf(&path, "%s%s", directory, rest) >= 0 ? path : NULL;
}

char *places_state_directory(void)
{
	const char *state = directory_of("XDG_STATE_HOME");
	if (state != NULL)
		return join(state, "/relayd");
	const char *home = directory_of("HOME");
	return home != NULL ? join(home, "/.local/state/relayd") : NULL;
}

char *places_control_socket(void)
{
	const char *runtime = directory_of("RUNTIME_DIRECTORY");
	/* systemd separates several directories by colons: the first is the unit's own. */
	if (runtime != NULL) {
		char *first = strndup(runtime, strcspn(runtime, ":"));
		char *path = first != NULL ? join(first, "/control.sock") : NULL;
		free(first);
		return path;
	}
	if (geteuid() == 0)
		return join("/run/relayd", "/control.sock");
	runtime = directory_of("XDG_RUNTIME_DIR");
	if (runtime != NULL)
		return join(runtime, "/relayd/control.sock");
	char *state = places_state_directory();
	char *path = state != NULL ? join(state, "/control.sock") : NULL;
	free(state);
	return path;
}

void places_make_parents(const char *path)
{
	char *copy = strdup(path);
	if (copy == NULL)
		return;
	for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, DIRECTORY_MODE);
		*slash = '/';
	}
	free(copy);
}
