/* SPDX-License-Identifier: Apache-2.0 */
/* Days of the Gregorian calendar, before its beginning too, without the C library's zone and its locks. */
#ifndef LIBLOG_CIVIL_DAYS_H
#define LIBLOG_CIVIL_DAYS_H

#include <stdint.h>

/* The quotient rounded down; b is positive. */
static inline int64_t slog_floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/*
 * Days from 1970-01-01 to this one. Month 13 is the January after. Years are counted from March: the leap day is their
 * last.
 */
static inline int64_t slog_days_since_1970(int64_t year, long month, long day)
{
	int64_t from_march = month > 2 ? month - 3 : month + 9;
	int64_t y = month > 2 ? year : year - 1;
	int64_t leap_days = slog_floor_div(y, 4) - slog_floor_div(y, 100) + slog_floor_div(y, 400);
	return 365 * y + leap_days + (153 * from_march + 2) / 5 + day - 719469;
}

#endif
