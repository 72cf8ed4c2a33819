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

#endif
