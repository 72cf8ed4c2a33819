/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as RFC 3339 text in UTC, for TIMESTAMP (RFC 5424, 6.2.3) and for values. The date is reckoned here because
 * gmtime_r() may take libc's lock for time zones, which a fork can leave held in the child.
 */
#include <liblog/rfc5424.h>

#include <string.h>

#include "number.h"

#define SECONDS_PER_DAY 86400
#define NANOSECONDS 1000000000L
#define FIRST_SECOND (-62167219200LL) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND 253402300799LL    /* 9999-12-31T23:59:59Z */
#define DATE_BYTES 10                 /* "2026-10-11" */
#define DATE_TIME_BYTES 19            /* "2026-10-11T22:14:15" */
#define DAYS_PER_ERA 146097           /* 400 years */
#define DAYS_TO_1970 719468           /* from 0000-03-01 */

/*
 * The date of a count of days since 1970-01-01. Years are counted from March, so that the leap day is the last of its
 * year, and from March -0400, so that January 0000 is no negative number.
 */
static void put_date(char out[DATE_BYTES], int64_t days)
{
	uint32_t count = (uint32_t)(days + DAYS_TO_1970 + DAYS_PER_ERA);
	uint32_t era = count / DAYS_PER_ERA;
	uint32_t day_of_era = count % DAYS_PER_ERA;
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t month_from_march = (5 * day_of_year + 2) / 153;
	uint32_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	uint32_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0) - 400;
	slog_number_fixed(out, 4, year);
	out[4] = '-';
	slog_number_fixed(out + 5, 2, month);
	out[7] = '-';
	slog_number_fixed(out + 8, 2, day);
}

static bool can_be_written(struct timespec time)
{
	return time.tv_sec >= FIRST_SECOND && time.tv_sec <= LAST_SECOND && time.tv_nsec >= 0 &&
	       time.tv_nsec < NANOSECONDS;
}

static void put_date_time(char out[DATE_TIME_BYTES], int64_t seconds)
{
	int64_t days = seconds / SECONDS_PER_DAY;
	int32_t of_day = (int32_t)(seconds % SECONDS_PER_DAY);
	if (of_day < 0) {
		of_day += SECONDS_PER_DAY;
		days--;
	}
	put_date(out, days);
	out[10] = 'T';
	slog_number_fixed(out + 11, 2, (uint32_t)of_day / 3600);
	out[13] = ':';
	slog_number_fixed(out + 14, 2, (uint32_t)of_day / 60 % 60);
	out[16] = ':';
	slog_number_fixed(out + 17, 2, (uint32_t)of_day % 60);
}

size_t slog_rfc5424_timestamp(char *out, size_t size, struct timespec time)
{
	if (!can_be_written(time)) {
		if (size == 0)
			return 0;
		out[0] = '-';
		return 1;
	}
	if (size < SLOG_TIMESTAMP_MAX)
		return 0;
	put_date_time(out, time.tv_sec);
	out[19] = '.';
	slog_number_fixed(out + 20, 6, (uint32_t)time.tv_nsec / 1000);
	out[26] = 'Z';
	return SLOG_TIMESTAMP_MAX;
}

size_t slog_rfc3339(char *out, size_t size, struct timespec time)
{
	if (!can_be_written(time))
		return 0;
	uint32_t fraction = (uint32_t)time.tv_nsec;
	size_t digits = fraction == 0 ? 0 : 9;
	while (digits > 3 && fraction % 1000 == 0) {
		fraction /= 1000;
		digits -= 3;
	}
	size_t length = DATE_TIME_BYTES + (digits > 0 ? 1 + digits : 0) + 1;
	if (length > size)
		return 0;
	put_date_time(out, time.tv_sec);
	if (digits > 0) {
		out[DATE_TIME_BYTES] = '.';
		slog_number_fixed(out + DATE_TIME_BYTES + 1, digits, fraction);
	}
	out[length - 1] = 'Z';
	return length;
}
