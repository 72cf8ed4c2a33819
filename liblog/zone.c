/* SPDX-License-Identifier: Apache-2.0 */
/* See zone.h. */
#include "zone.h"

#include <string.h>

#include "civil_days.h"

#define DAY_SECONDS 86400
#define HOUR_SECONDS 3600
#define OFFSET_MAX (DAY_SECONDS - 1)

/* ---- days -------------------------------------------------------------------------------------------------------- */

static int64_t year_of_day(int64_t day)
{
	int64_t year = 1970 + slog_floor_div(day * 400, 146097);
	while (slog_days_since_1970(year, 1, 1) > day)
		year--;
	while (slog_days_since_1970(year + 1, 1, 1) <= day)
		year++;
	return year;
}

/* ---- POSIX TZ text: std offset [ dst [ offset ] [ "," start [ "/" time ] "," end [ "/" time ] ] ] ------------------- */

static bool take(const char **at, char wanted)
{
	bool is_there = **at == wanted;
	*at += is_there;
	return is_there;
}

static bool take_number(const char **at, long low, long high, long *number)
{
	const char *first = *at;
	*number = 0;
	while (**at >= '0' && **at <= '9' && *at - first < 3)
		*number = *number * 10 + *(*at)++ - '0';
	return *at > first && *number >= low && *number <= high;
}

/* std or dst: letters, or anything between "<" and ">". */
static bool skip_name(const char **at)
{
	const char *first = *at;
	if (take(at, '<')) {
		while (**at != '\0' && **at != '>')
			++*at;
		return take(at, '>');
	}
	while ((**at | 0x20) >= 'a' && (**at | 0x20) <= 'z')
		++*at;
	return *at - first >= 3;
}

/* [+-] hh [":" mm [":" ss]] */
static bool take_time(const char **at, long *seconds)
{
	bool is_negative = take(at, '-');
	long number;
	if (!is_negative)
		take(at, '+');
	if (!take_number(at, 0, 167, &number))
		return false;
	*seconds = number * HOUR_SECONDS;
	for (long unit = 60; unit > 0 && take(at, ':'); unit /= 60) {
		if (!take_number(at, 0, 59, &number))
			return false;
		*seconds += number * unit;
	}
	if (is_negative)
		*seconds = -*seconds;
	return true;
}

/* POSIX counts west of UTC. */
static bool take_offset(const char **at, long *offset)
{
	if (!take_time(at, offset))
		return false;
	*offset = -*offset;
	return *offset >= -OFFSET_MAX && *offset <= OFFSET_MAX;
}

/* "," ( "M" month "." week "." day | "J" day | day ): the day, since 1970, in this year. Week 5 is the last one. */
static bool take_day(const char **at, int64_t year, int64_t *day)
{
	long month, week, number;
	if (!take(at, ','))
		return false;
	if (take(at, 'M')) {
		if (!take_number(at, 1, 12, &month) || !take(at, '.') || !take_number(at, 1, 5, &week) || !take(at, '.') ||
		    !take_number(at, 0, 6, &number))
			return false;
		int64_t first = slog_days_since_1970(year, month, 1);
		int64_t weekday = first + 4 - 7 * slog_floor_div(first + 4, 7); /* 1970 began on a Thursday */
		*day = first + (number - weekday + 7) % 7 + (week - 1) * 7;
		if (*day >= slog_days_since_1970(year, month + 1, 1))
			*day -= 7;
		return true;
	}
	bool skips_leap_day = take(at, 'J');
	if (!take_number(at, skips_leap_day, 365, &number))
		return false;
	bool is_leap = slog_days_since_1970(year, 3, 1) - slog_days_since_1970(year, 2, 1) == 29;
	*day = slog_days_since_1970(year, 1, 1) + number - (skips_leap_day && !(is_leap && number >= 60) ? 1 : 0);
	return true;
}

/* A day and the time of it, in seconds since 1970 of local time. */
static bool take_date(const char **at, int64_t year, int64_t *seconds)
{
	long of_day = 2 * HOUR_SECONDS;
	int64_t day;
	if (!take_day(at, year, &day) || (take(at, '/') && !take_time(at, &of_day)))
		return false;
	*seconds = day * DAY_SECONDS + of_day;
	return true;
}

static bool is_end(const char *at)
{
	return *at == '\0' || *at == '\n';
}

static bool offset_by_text(const char *at, int64_t time, long *offset)
{
	long standard, daylight;
	int64_t start, end;
	if (!skip_name(&at) || !take_offset(&at, &standard))
		return false;
	if (is_end(at)) {
		*offset = standard;
		return true;
	}
	daylight = standard + HOUR_SECONDS;
	if (!skip_name(&at) || (!is_end(at) && *at != ',' && !take_offset(&at, &daylight)))
		return false;
	if (is_end(at)) /* POSIX leaves the dates to us; the C libraries take those of the United States */
		at = ",M3.2.0,M11.1.0";
	int64_t year = year_of_day(slog_floor_div(time + standard, DAY_SECONDS));
	if (!take_date(&at, year, &start) || !take_date(&at, year, &end) || !is_end(at))
		return false;
	start -= standard;
	end -= daylight;
	bool is_daylight = start < end ? time >= start && time < end : time >= start || time < end;
	*offset = is_daylight ? daylight : standard;
	return true;
}

/* ---- TZif: a header with six counts and a block of 32-bit times, from version 2 on another of 64-bit times and a text - */

#define HEADER_BYTES 44
#define COUNTS_AT 20
#define COUNT_MAX (1 << 20)
#define TYPE_BYTES 6

enum { ISUT, ISSTD, LEAPS, TIMES, TYPES, NAMES, COUNTS };

static int64_t number_at(const char *at, size_t width)
{
	uint64_t number = (at[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < width; i++)
		number = number << 8 | (unsigned char)at[i];
	return (int64_t)number;
}

/* The octets of the block behind a header with times this wide; 0 if that is not there whole. */
static size_t take_header(const char *header, size_t left, size_t width, size_t counts[COUNTS])
{
	if (left < HEADER_BYTES || memcmp(header, "TZif", 4) != 0)
		return 0;
	for (size_t i = 0; i < COUNTS; i++) {
		int64_t count = number_at(header + COUNTS_AT + 4 * i, 4);
		if (count < 0 || count > COUNT_MAX)
			return 0;
		counts[i] = (size_t)count;
	}
	size_t length = counts[TIMES] * (width + 1) + counts[TYPES] * TYPE_BYTES + counts[NAMES] +
	                counts[LEAPS] * (width + 4) + counts[ISSTD] + counts[ISUT];
	return length <= left - HEADER_BYTES ? length : 0;
}

static bool offset_by_file(const char *file, size_t length, int64_t time, long *offset)
{
	size_t counts[COUNTS];
	size_t width = 4;
	const char *end = file + length;
	size_t block = take_header(file, length, width, counts);
	bool is_wide = block > 0 && file[4] >= '2';
	if (is_wide) {
		width = 8;
		file += HEADER_BYTES + block;
		block = take_header(file, (size_t)(end - file), width, counts);
	}
	if (block == 0)
		return false;
	const char *times = file + HEADER_BYTES;
	size_t passed = 0; /* the changes at or before the time */
	while (passed < counts[TIMES] && number_at(times + passed * width, width) <= time)
		passed++;
	const char *text = times + block;
	if (passed == counts[TIMES] && is_wide && end - text > 1 && text[0] == '\n' && text[1] != '\n')
		return offset_by_text(text + 1, time, offset);
	const char *type_of = times + counts[TIMES] * width;
	size_t type = passed > 0 ? (unsigned char)type_of[passed - 1] : 0;
	if (type >= counts[TYPES])
		return false;
	int64_t found = number_at(type_of + counts[TIMES] + type * TYPE_BYTES, 4);
	if (found < -OFFSET_MAX || found > OFFSET_MAX)
		return false;
	*offset = (long)found;
	return true;
}

bool slog_zone_offset(const char *octets, size_t length, int64_t time, long *offset)
{
	bool is_file = length >= 4 && memcmp(octets, "TZif", 4) == 0;
	return is_file ? offset_by_file(octets, length, time, offset) : offset_by_text(octets, time, offset);
}
