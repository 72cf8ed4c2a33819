/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a time zone's local time is ahead of UTC, from the octets that say it: those of a TZif file (RFC 9636), or a
 * POSIX TZ text such as "CET-1CEST,M3.5.0,M10.5.0/3". libc is not asked: it takes a lock, which a fork can leave held in
 * the child. Leap seconds are not counted.
 *
 * relayd/syslog/timezone.h is its twin on purpose: a relay asks many zones many times and makes their rules once, and
 * liblog takes nothing from relayd.
 */
#ifndef LIBLOG_ZONE_H
#define LIBLOG_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Seconds that local time is ahead of UTC at this time, seconds since 1970, into *offset. False, and *offset untouched,
 * if the octets are neither. octets[length] is NUL. Any thread, and in a signal handler.
 */
bool slog_zone_offset(const char *octets, size_t length, int64_t time, long *offset);

#endif
