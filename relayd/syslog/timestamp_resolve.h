/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stamp's parts to an instant: which year and which zone, when the message does not say. The year is the latest
 * one that is not more than a week after reception; a zone is taken with the rules in force at the date of the stamp.
 */
#ifndef RELAYD_SYSLOG_TIMESTAMP_RESOLVE_H
#define RELAYD_SYSLOG_TIMESTAMP_RESOLVE_H

#include "syslog/parse_context.h"
#include "syslog/timestamp.h"

enum {
	STAMP_FUTURE_MAX_SECONDS = 7 * 86400, /* a stamp without a year may be this far ahead of reception */
	STAMP_LOCAL_SKEW_MAX_SECONDS = 5,     /* a local program's stamp is this near to reception in the right zone */
};

/*
 * Sets the message's time and the flags about it: MESSAGE_TIME_INVALID, MESSAGE_YEAR_GUESSED, MESSAGE_ZONE_GUESSED,
 * MESSAGE_TIME_PRECISION. Where the stamp has no time or the date does not exist, time is the reception time. Second 60
 * is ordered as :59.999999.
 */
void timestamp_resolve(struct parse_context *context, const struct timestamp *stamp, struct message *message);

/*
 * Sets all of `*minute` but its text to the minute of a stamp that was just resolved, or makes it empty if the next stamp
 * of that minute needs more than an addition: its hour is not remembered, or it was read in more than one zone.
 */
void timestamp_minute_of(struct parse_context *context, const struct timestamp *stamp, struct stamp_minute *minute);

/* Makes the reception time the message's time and sets `flag`, which says why. */
void timestamp_use_reception(const struct parse_context *context, enum message_flag flag, struct message *message);

#endif
