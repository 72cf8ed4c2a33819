/* SPDX-License-Identifier: Apache-2.0 */
/* The option `zone_names`: what abbreviations of time zones in a TIMESTAMP mean. */
#ifndef RELAYD_INPUT_ZONE_NAMES_H
#define RELAYD_INPUT_ZONE_NAMES_H

#include "base/option.h"
#include "syslog/parse_context.h"

/*
 * Reads a list of "CEST=+02:00" into `*names`, an array of list->count that the caller frees (NULL for an empty list). Its
 * names are views into the list. False and a sentence in `error` (INPUT_ERROR_MAX_BYTES); then nothing is held.
 */
bool zone_names_read(const struct option_list *list, struct zone_name **names, char *error);

#endif
