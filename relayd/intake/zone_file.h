/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a time zone by the operator's name and reads its rules, once, so that no parser ever asks the C library's
 * process-wide zone.
 */
#ifndef RELAYD_INTAKE_ZONE_FILE_H
#define RELAYD_INTAKE_ZONE_FILE_H

#include <stdbool.h>

#include "syslog/timezone.h"

enum { ZONE_FILE_ERROR_MAX_BYTES = 256, ZONE_FILE_MAX_BYTES = 256 * 1024 };

/*
 * `name`: a name of the system's database ("Europe/Berlin"), a POSIX TZ text ("CET-1CEST,M3.5.0,M10.5.0/3"), or NULL for
 * the system's own zone: the environment's TZ, else /etc/localtime, else UTC. False and a sentence in `error` if the name
 * is none of these; then `*rules` is UTC.
 */
bool zone_file_load(const char *name, struct timezone_rules *rules, char *error);

#endif
