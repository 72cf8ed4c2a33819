/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TIMESTAMP's parts as they are written, before they become an instant: the forms of RFC 5424 and its relatives here,
 * those of legacy messages in legacy_timestamp.h, the instant in timestamp_resolve.h. And a time back to text.
 */
#ifndef RELAYD_SYSLOG_TIMESTAMP_H
#define RELAYD_SYSLOG_TIMESTAMP_H

#include "syslog/message.h"

enum {
	TIMESTAMP_DIGITS_MAX = 9,         /* fraction digits that are kept */
	TIMESTAMP_RFC5424_DIGITS_MAX = 6, /* fraction digits that RFC 5424 allows */
	TIMESTAMP_TEXT_MAX_BYTES = 36,    /* "2026-10-11T22:14:15.123456789+02:00" */
	TIMESTAMP_BSD_BYTES = 15,         /* "Oct 11 22:14:15" */
	TIMESTAMP_MINUTE_BYTES = 17,      /* "2026-10-11T22:14:" */
	TIMESTAMP_OFFSET_MAX_MINUTES = 23 * 60 + 59,
};

/* Numbers as written: a form that fits may still say a date or hour that does not exist. */
struct timestamp {
	uint16_t year; /* 0: none was written */
	uint8_t month, day, hour, minute, second;
	uint8_t digits; /* fraction digits as written, but at most nine */
	uint32_t nanoseconds;
	int16_t offset_minutes;
	bool has_offset;    /* the zone was written */
	bool has_time;      /* false for "-" and for a Cisco uptime: recognised, but without a wall clock's time */
	bool excess_digits; /* there were more than nine fraction digits */
};

/* Nanoseconds of one unit of the last of `digits` (0..9) fraction digits: 1 for nine of them, a whole second for none.
 */
uint32_t timestamp_unit_ns(unsigned digits);

/*
 * Reads a date and time at the start of `text`, as RFC 5424 6.2.3 and more tolerantly:
 *   4DIGIT "-" 2DIGIT "-" 2DIGIT ("T" / "t" / SP) 2DIGIT ":" 2DIGIT ":" 2DIGIT [("." / ",") 1*DIGIT] [offset]
 *   offset = "Z" / "z" / ("+" / "-") 2DIGIT [":"] 2DIGIT
 * Returns its length, 0 if the form does not fit. `*exact` says whether the form is RFC 5424's to the letter; whether
 * the date exists is timestamp_exists().
 */
size_t timestamp_read_iso(struct bytes text, struct timestamp *stamp, bool *exact);

/* Two digits each. */
struct timestamp_pairs {
	bool valid; /* or the others are of no meaning */
	uint8_t first, second, third;
};

/* Reads 2DIGIT mark 2DIGIT mark 2DIGIT, eight octets that must be there: "22:14:15", "26-10-11". */
struct timestamp_pairs timestamp_read_pairs(const uint8_t *at, uint8_t mark);

/* Reads ("." / ",") 1*DIGIT at the start of `text` into the stamp's fraction. Returns its length, 0 if there is none.
 */
size_t timestamp_read_fraction(struct bytes text, struct timestamp *stamp);

/* Reads "Z", "+02:00" and the like. Returns its length, 0 if there is none. */
size_t timestamp_read_offset(struct bytes text, struct timestamp *stamp);

/*
 * Whether hour, minute, second and the date exist. Second 60 does (leap second); February 29 does if no year was
 * written.
 */
bool timestamp_exists(const struct timestamp *stamp);

/*
 * Writes RFC 3339 text in the time's own zone, with its own fraction digits but at most `digits_max`, to `out`, which
 * has TIMESTAMP_TEXT_MAX_BYTES of room; without the zone if not `with_offset`. Returns the length.
 */
size_t timestamp_write(const struct message_time *time, unsigned digits_max, bool with_offset, uint8_t *out);

/* The minute that was written last; most times are of the same one. All-zero: none was. Private. */
struct timestamp_minute {
	int64_t begin; /* in seconds since 1970, of its own zone's wall clock */
	uint8_t text[TIMESTAMP_MINUTE_BYTES];
};

/* As timestamp_write(), for a thread that writes many: with the text of the minute before at hand (NULL: none). */
size_t timestamp_write_near(const struct message_time *time, unsigned digits_max, bool with_offset,
                            struct timestamp_minute *minute, uint8_t *out);

/* Writes "Mmm dd hh:mm:ss" in the time's own zone (RFC 3164 4.1.2), TIMESTAMP_BSD_BYTES, to `out`. */
void timestamp_write_bsd(const struct message_time *time, uint8_t *out);

#endif
