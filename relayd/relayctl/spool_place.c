/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own, because the option rows and getopt both have a struct option. */
#include "relayctl/spool_place.h"

#include <string.h>

#include "config/config.h"

char *spool_place_find(const char *file)
{
	struct config config = {0};
	bool good = file != NULL ? config_read_file(&config, file) : config_read_default(&config, false);
	char *path = good ? strdup(config.settings.process.spool.is.path) : NULL;
	if (!good)
		config_print_errors(&config, stderr);
	config_free(&config);
	return path;
}

char *spool_place_control(const char *file)
{
	struct config config = {0};
	bool good = config_read_file(&config, file);
	const char *control = config.settings.process.control;
	char *path = good && control != NULL ? strdup(control) : NULL;
	if (!good)
		config_print_errors(&config, stderr);
	config_free(&config);
	return path;
}
