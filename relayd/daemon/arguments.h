/* SPDX-License-Identifier: Apache-2.0 */
/* relayd's command line. */
#ifndef RELAYD_DAEMON_ARGUMENTS_H
#define RELAYD_DAEMON_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>

/* What relayd was asked to do. */
enum action {
	ACTION_RUN = 0,
	ACTION_CHECK = 1,
	ACTION_EXPLAIN = 2,
	ACTION_OPTIONS = 3,
	ACTION_OPTIONS_MDOC = 4,
	ACTION_HELP = 5,
	ACTION_VERSION = 6,
};

struct arguments {
	enum action action;
	const char *file; /* of -c; NULL: the embedded default. Lives as long as argv */
};

/* Reads them. False after saying on standard error what is wrong. */
bool arguments_read(int argc, char **argv, struct arguments *arguments);

void arguments_print_help(FILE *out);

#endif
