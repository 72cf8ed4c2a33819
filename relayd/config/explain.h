/* SPDX-License-Identifier: Apache-2.0 */
/* `relayd --explain`: every effective setting with its origin, and for every path what it guarantees and may lose. */
#ifndef RELAYD_CONFIG_EXPLAIN_H
#define RELAYD_CONFIG_EXPLAIN_H

#include <stdio.h>

#include "config/config.h"

/* Prints a configuration that was read without errors. */
void explain_print(const struct config *config, FILE *out);

/* One sentence for the path from one input to one output. For explain_print(). */
void explain_path(const struct settings *settings, unsigned input, unsigned output, char *sentence, size_t size);

#endif
