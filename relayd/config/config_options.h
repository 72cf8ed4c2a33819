/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object to one settings struct, by its option rows. */
#ifndef RELAYD_CONFIG_CONFIG_OPTIONS_H
#define RELAYD_CONFIG_CONFIG_OPTIONS_H

#include "config/config.h"

enum { CONFIG_WHERE_MAX_BYTES = 128 };

/*
 * Sets what the members of `object` say in `settings`, which has its presets. Reports, for `where` ("inputs[1]
 * \"udp\"", or
 * "" at the top): members that have no row and are not in `others` (names that somebody else reads, ends with NULL),
 * values of a wrong kind or out of bounds, and required rows that are missing.
 */
void config_read_options(struct config *config, const struct json_value *object, const char *where,
						 const struct option *rows, const char *const *others, void *settings);

#endif
