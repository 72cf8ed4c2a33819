/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A time zone's rules: the changes of its offset from UTC, and the rule for all years after the last known change. They
 * are made once from the bytes of a TZif file (RFC 9636) or from a POSIX TZ text; whoever needs them reads the file.
 * After that they never change, so threads share them. The C library's process-wide zone is never asked: it takes a
 * lock, and TZ may change under us.
 */
#ifndef RELAYD_SYSLOG_TIMEZONE_H
#define RELAYD_SYSLOG_TIMEZONE_H

#include "base/bytes.h"

enum {
	TIMEZONE_CHANGES_MAX = 512, /* of a TZif file; the oldest are left out if there are more */
	TIMEZONE_OFFSET_MAX_SECONDS = 86400 - 60,
};

/* When the clocks change, in local time before the change: POSIX TZ, "Mm.w.d/time", "Jn/time" or "n/time". */
struct timezone_date {
	enum timezone_date_kind { TIMEZONE_MONTH_WEEK_DAY, TIMEZONE_JULIAN, TIMEZONE_ZERO_BASED } kind;
	int month, week, day; /* month and week of the first kind only; day of the week (0 is Sunday), or of the year */
	int32_t seconds;      /* of the day; may be negative or beyond a day */
};

/* The rule that a POSIX TZ text says. */
struct timezone_rule {
	int32_t standard_offset, daylight_offset; /* seconds east of UTC */
	bool has_daylight;
	struct timezone_date start, end; /* of daylight time */
};

/* All-zero is UTC. */
struct timezone_rules {
	unsigned changes;
	int64_t change_at[TIMEZONE_CHANGES_MAX];   /* seconds since 1970, ascending */
	int32_t offset_from[TIMEZONE_CHANGES_MAX]; /* seconds east of UTC, from that change on */
	int32_t first_offset;                      /* before the first change */
	bool has_rule;                             /* `rule` holds from the last change on */
	struct timezone_rule rule;
};

/* Reads the bytes of a TZif file, version 1 to 4. False if it is malformed; then `*rules` is UTC. */
bool timezone_from_tzif(struct bytes file, struct timezone_rules *rules);

/* Reads a POSIX TZ text such as "CET-1CEST,M3.5.0,M10.5.0/3". False if it is malformed; then `*rules` is UTC. */
bool timezone_from_posix(struct bytes text, struct timezone_rules *rules);

/* Seconds east of UTC in force at an instant. */
int32_t timezone_offset_at(const struct timezone_rules *rules, int64_t unix_seconds);

/* How a wall clock's time falls on the time line. */
enum timezone_occurrence { TIMEZONE_ONCE, TIMEZONE_TWICE, TIMEZONE_NEVER };

struct timezone_instant {
	enum timezone_occurrence occurrence;
	int32_t offset; /* seconds east of UTC */
};

/*
 * The offset of a local time (seconds since 1970-01-01 as the wall clock shows them). Of a time that occurs twice, the
 * occurrence nearest to the instant `near`; for a time that does not exist, the offset before the change.
 */
struct timezone_instant timezone_of_local(const struct timezone_rules *rules, int64_t local_seconds, int64_t near);

#endif
