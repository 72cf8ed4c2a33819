/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: JSON text to settings, by walking the option rows of the top level and of the drivers. Every error
 * is collected in one run, with file, line, what is wrong, and what would be right. Reads no other file than the
 * configuration itself; check.h looks at what it names.
 */
#ifndef RELAYD_CONFIG_CONFIG_H
#define RELAYD_CONFIG_CONFIG_H

#include <stdio.h>

#include "config/json_tree.h"
#include "relay/settings.h"

enum {
	CONFIG_ERRORS_MAX = 20, /* kept; more are counted */
	CONFIG_ERROR_MAX_BYTES = 2048,
};

struct config_error {
	unsigned line;
	char *text; /* `relayd.conf:12: inputs[1] "udp": unknown option "liste"; did you mean "listen"?` */
};

/* All-zero before the first use. After a successful read `settings` is whole and checked. */
struct config {
	struct settings settings;
	char *file;                                    /* as errors name it */
	struct json_value *tree;                       /* what was written, for origins */
	unsigned errors_count;                         /* all there were */
	struct config_error errors[CONFIG_ERRORS_MAX]; /* the first of them, by line */
};

/* Reads a file. False if there are errors. Free it with config_free() either way. */
bool config_read_file(struct config *config, const char *path);

/* Reads text that came from `file`, a name for messages. Otherwise as above. */
bool config_read_text(struct config *config, const char *file, struct bytes text);

/*
 * The embedded default, to try relayd without a configuration: UDP and TCP on port 5514 of loopback, a spool in the
 * user's state directory, every message as a JSON line on standard output. `ipv6`: on [::1], too.
 */
bool config_read_default(struct config *config, bool ipv6);

/* Adds an error: for what finds one later. As by printf; file and line are put in front, no line if it is 0. */
void config_report(struct config *config, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* One line for each error, and one for those that were not kept. */
void config_print_errors(const struct config *config, FILE *out);

/* What was written for the input or output at `index`, or NULL for the default's and none. For origins. */
const struct json_value *config_input(const struct config *config, unsigned index);
const struct json_value *config_output(const struct config *config, unsigned index);

/* Frees everything; it is all zero afterwards. */
void config_free(struct config *config);

#endif
