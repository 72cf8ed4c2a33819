/* SPDX-License-Identifier: Apache-2.0 */
/* Days since 1970-01-01 to a date of the (proleptic) Gregorian calendar and back, without the C library's time zone. */
#ifndef RELAYD_SYSLOG_CIVIL_DATE_H
#define RELAYD_SYSLOG_CIVIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SECONDS_PER_MINUTE = 60,
	SECONDS_PER_HOUR = 3600,
	SECONDS_PER_DAY = 86400,
};

struct civil_date {
	int year;
	unsigned month; /* 1..12 */
	unsigned day;   /* 1..31 */
};

static inline bool civil_is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of a month 1..12. */
static inline unsigned civil_month_days(int year, unsigned month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && civil_is_leap(year) ? 1 : 0);
}

static inline bool civil_exists(int year, unsigned month, unsigned day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= civil_month_days(year, month);
}

/*
 * Years are counted from March, so that the leap day is the last of its year; 400 years (an era) have 146,097 days. The
 * date must be of a year >= 0.
 */
static inline int64_t civil_to_days(int year, unsigned month, unsigned day)
{
	unsigned y = (unsigned)year - (month <= 2 ? 1 : 0) + 400; /* one era ahead keeps January of year 0 positive */
	unsigned era = y / 400;
	unsigned year_of_era = y % 400;
	unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return ((int64_t)era - 1) * 146097 + day_of_era - 719468;
}

/* The other way; `days` must be of a year from 0 on. */
static inline struct civil_date civil_of_days(int64_t days)
{
	int64_t shifted = days + 719468 + 146097;
	int64_t era = shifted / 146097;
	unsigned day_of_era = (unsigned)(shifted % 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month_from_march = (5 * day_of_year + 2) / 153;
	unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	return (struct civil_date){
		.year = (int)(year_of_era + (era - 1) * 400) + (month <= 2 ? 1 : 0),
		.month = month,
		.day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
	};
}

/* Division that rounds down, for times before 1970. */
static inline int64_t civil_floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0 ? 1 : 0);
}

struct civil_seconds {
	int64_t seconds;
	uint32_t nanoseconds; /* always forwards from `seconds` */
};

/* Nanoseconds to whole seconds, rounded down, and the rest. Division is cheaper without a sign, and few times have one. */
static inline struct civil_seconds civil_split_ns(int64_t ns)
{
	const uint32_t per_second = 1000000000;
	int64_t seconds = ns >= 0 ? (int64_t)((uint64_t)ns / per_second) : civil_floor_div(ns, per_second);
	/* Unsigned, as the first second of all begins before the first nanosecond that can be told. */
	return (struct civil_seconds){seconds, (uint32_t)((uint64_t)ns - (uint64_t)seconds * per_second)};
}

#endif
