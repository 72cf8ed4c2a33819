/* SPDX-License-Identifier: Apache-2.0 */
/* `relayd --check`: looks at what a configuration names, without starting anything. */
#ifndef RELAYD_CONFIG_CHECK_H
#define RELAYD_CONFIG_CHECK_H

#include "config/config.h"

/*
 * Checks a configuration that was read without errors: time zones, the user, the files that "tls" sections name, the
 * directory above the spool, and cursors in the spool whose outputs have left the configuration. Prints errors to
 * `errors`; to `out` what could not be checked, and a last line that says all is well. False if it is not. Changes
 * nothing: the spool of a running relayd may be looked at, too.
 */
bool config_check(struct config *config, FILE *out, FILE *errors);

#endif
