/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time stamps of legacy messages as they are really seen: RFC 3164's, ISO dates, the years, weekdays, fractions,
 * zones and uptimes that vendors add.
 */
#ifndef RELAYD_SYSLOG_LEGACY_TIMESTAMP_H
#define RELAYD_SYSLOG_LEGACY_TIMESTAMP_H

#include "syslog/parse_context.h"
#include "syslog/timestamp.h"

/*
 * Reads a stamp at the start of `text`:
 *   stamp  = ( bsd / iso / utm / uptime ":" ) [SP zone] [":"]              ; SP or the end follows
 *   bsd    = [weekday SP] [year SP] mon 1*2SP day SP [year SP] hh ":" mm ":" ss [frac] [SP year SP]
 *   utm    = 4DIGIT ":" 2DIGIT ":" 2DIGIT "-" 2DIGIT ":" 2DIGIT ":" 2DIGIT ; Sophos UTM
 *   uptime = 1*DIGIT "w" 1*DIGIT "d" / 1*DIGIT "d" 1*2DIGIT "h" / 1*DIGIT "y" 1*2DIGIT "w" / hh ":" mm ":" ss
 *   zone   = offset / "UTC" / "GMT" / a name of the context's list / 2*5UPALPHA ":" / ("AM" / "PM") ":"
 * A zone's name that nobody vouches for is taken as one only where a Cisco device is likely: `cisco` says that its
 * prefix was seen; a fraction or a year do as well. Otherwise "CRON:" would be a zone.
 *
 * Returns the stamp's length, 0 if there is none. An uptime has has_time false.
 */
size_t legacy_timestamp_read(struct bytes text, const struct parse_context *context, bool cisco,
							 struct timestamp *stamp);

enum { LEGACY_TIMESTAMP_COMMON_BYTES = TIMESTAMP_BSD_BYTES + 5 }; /* with what shows that no year follows */

/* Whether a stamp of TIMESTAMP_BSD_BYTES at `at` has neither year nor zone: SP and a letter or a number follow. */
static inline bool legacy_timestamp_ends(const uint8_t *at)
{
	const uint8_t *next = at + TIMESTAMP_BSD_BYTES + 1;
	return next[-1] == ' ' && ((uint8_t)(next[0] - 'a') < 26 || ((uint8_t)(next[0] - '0') < 10 && next[4] != ' '));
}

/*
 * RFC 3164's own form, "Oct 11 22:14:15", then SP and a small letter or a digit that begins neither a year nor a zone:
 * nearly every message, so it has a short way. False if it is any other; its length is TIMESTAMP_BSD_BYTES.
 */
bool legacy_timestamp_read_common(struct bytes text, struct timestamp *stamp);

#endif
