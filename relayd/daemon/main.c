/* SPDX-License-Identifier: Apache-2.0 */
/* relayd: arguments, configuration, and then the relay's process or one of the actions that only tell something. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/standard_descriptors.h"
#include "config/check.h"
#include "config/config.h"
#include "config/explain.h"
#include "config/places.h"
#include "config/reference.h"
#include "daemon/arguments.h"
#include "daemon/exit_code.h"
#include "daemon/process.h"

/* Whether [::1] can be bound: the embedded default listens where it can. */
static bool has_ipv6_loopback(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool can = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return can;
}

static bool read_config(const struct arguments *arguments, struct config *config)
{
	bool good = arguments->file != NULL ? config_read_file(config, arguments->file)
										: config_read_default(config, has_ipv6_loopback());
	if (!good)
		config_print_errors(config, stderr);
	return good;
}

/* Default places of an ordinary user may lack their directories; root's belong to the system, and are made by who opens
 * them. */
static void make_user_directories(const struct config *config)
{
	if (geteuid() == 0)
		return;
	if (config->settings.process.control != NULL && json_member(config->tree, "control") == NULL)
		places_make_parents(config->settings.process.control);
}

static enum exit_code run(const struct arguments *arguments, const struct config *config)
{
	make_user_directories(config);
	if (arguments->file != NULL)
		return process_run(&config->settings, NULL);
	places_make_parents(config->settings.process.spool.is.path);
	char greeting[1024];
	snprintf(greeting, sizeof greeting,
			 "relayd: no configuration given (-c FILE): listening for syslog on UDP and TCP port 5514 of this machine "
			 "alone, "
			 "spool in %s, messages are printed as JSON; try: logger --server 127.0.0.1 --port 5514 --udp hello",
			 config->settings.process.spool.is.path);
	return process_run(&config->settings, greeting);
}

/* A reader that has gone or a full disk must not look like success. */
static enum exit_code said(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static enum exit_code with_config(const struct arguments *arguments, struct config *config)
{
	if (!read_config(arguments, config))
		return EXIT_CODE_USAGE;
	switch (arguments->action) {
	case ACTION_CHECK:
		return config_check(config, stdout, stderr) ? said() : EXIT_CODE_USAGE;
	case ACTION_EXPLAIN:
		explain_print(config, stdout);
		return said();
	default:
		return run(arguments, config);
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	if (!standard_descriptors_hold())
		return EXIT_CODE_FAILED;
	if (!arguments_read(argc, argv, &arguments))
		return EXIT_CODE_USAGE;
	if (arguments.action == ACTION_RUN)
		process_begin();
	switch (arguments.action) {
	case ACTION_HELP:
		arguments_print_help(stdout);
		break;
	case ACTION_VERSION:
		puts("relayd " RELAYD_VERSION);
		break;
	case ACTION_OPTIONS:
		reference_print(stdout, REFERENCE_TEXT);
		break;
	case ACTION_OPTIONS_MDOC:
		reference_print(stdout, REFERENCE_MDOC);
		break;
	case ACTION_RUN:
	case ACTION_CHECK:
	case ACTION_EXPLAIN: {
		struct config config = {0};
		enum exit_code code = with_config(&arguments, &config);
		config_free(&config);
		return code;
	}
	}
	return said();
}
