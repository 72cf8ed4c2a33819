/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers share. */
#ifndef LIBLOG_READING_H
#define LIBLOG_READING_H

#include <liblog/read.h>

#include "packed.h"

/* A reading in which nothing is said. */
void slog_reading_start(struct slog_reading *reading);

/* The end of every reader: no room, if the packer had not enough, else OK. */
enum slog_read_result slog_reading_end(const struct slog_packer *packer);

/* Invalid for this reason, a constant. */
enum slog_read_result slog_reading_invalid(struct slog_reading *reading, const char *reason);

/*
 * TIMESTAMP of RFC 3339 with 'T' and at most nine digits of second. False if it is none, or the date does not exist.
 * Without a zone, which only lenient allows, *has_zone is false and *time is as if it were UTC.
 */
bool slog_timestamp_read(const char *text, size_t length, bool lenient, struct timespec *time, bool *has_zone);

/*
 * Looks at a pair of the fields that has just been packed. If its key is reserved and the value has the type that goes
 * with it, it is taken into the reading and out of the fields; a key that was escaped with an underscore loses it.
 */
void slog_reading_take_pair(struct slog_reading *reading, char *key);

#endif
