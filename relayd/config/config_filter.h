/* SPDX-License-Identifier: Apache-2.0 */
/* A filter by itself, as text: what an output's "filter" says in the configuration. */
#ifndef RELAYD_CONFIG_CONFIG_FILTER_H
#define RELAYD_CONFIG_CONFIG_FILTER_H

#include "output/output.h"

/*
 * Reads a JSON object by the rows of "filter", and says of what is wrong the same as of a configuration. As
 * output_read_filter_fn in output/output.h.
 */
bool config_read_filter(const char *json, struct output_filter_options *options, char *error);

#endif
