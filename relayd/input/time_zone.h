/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options `time_zone` and `zone_names`: the zone of senders whose TIMESTAMP names none, and what abbreviations mean.
 */
#ifndef RELAYD_INPUT_TIME_ZONE_H
#define RELAYD_INPUT_TIME_ZONE_H

#include "base/option.h"
#include "syslog/parse_context.h"

/* The longest TZif file that is read; the longest of the tz database is under 4 KiB. */
enum { TIME_ZONE_FILE_MAX_BYTES = 64 * 1024 };

/* Whether `name` can be the name of a zone ("Europe/Berlin"), without looking for it. */
bool time_zone_name_check(const char *name, char *error);

/* Reads the zone's file below /usr/share/zoneinfo. The caller frees it. NULL and a sentence in `error` if that fails. */
struct timezone_rules *time_zone_load(const char *name, char *error);

/*
 * Reads a list of "CEST=+02:00" into `*names`, an array of list->count that the caller frees (NULL for an empty list). Its
 * names are views into the list. False and a sentence in `error` (INPUT_ERROR_MAX_BYTES); then nothing is held.
 */
bool zone_names_read(const struct option_list *list, struct zone_name **names, char *error);

#endif
