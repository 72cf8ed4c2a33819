/* SPDX-License-Identifier: Apache-2.0 */
/* TIMESTAMPs back to times. The date is reckoned here, as in timestamp.c, because libc's functions know locks. */
#include "civil_days.h"
#include "reading.h"

#define NANOSECOND_DIGITS 9

struct stamp {
	const char *at;
	const char *end;
};

/* So many digits as a number, or -1. */
static int take_digits(struct stamp *stamp, int count)
{
	int number = 0;
	for (int i = 0; i < count; i++, stamp->at++) {
		if (stamp->at == stamp->end || *stamp->at < '0' || *stamp->at > '9')
			return -1;
		number = number * 10 + (*stamp->at - '0');
	}
	return number;
}

static bool take_char(struct stamp *stamp, char wanted)
{
	if (stamp->at == stamp->end || *stamp->at != wanted)
		return false;
	stamp->at++;
	return true;
}

static int days_in_month(int year, int month)
{
	static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/* FULL-DATE = 4DIGIT "-" 2DIGIT "-" 2DIGIT */
static bool take_date(struct stamp *stamp, int64_t *days)
{
	int year = take_digits(stamp, 4);
	bool dashes = take_char(stamp, '-');
	int month = take_digits(stamp, 2);
	dashes = take_char(stamp, '-') && dashes;
	int day = take_digits(stamp, 2);
	if (!dashes || year < 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	*days = slog_days_since_1970(year, month, day);
	return true;
}

static bool take_fraction(struct stamp *stamp, long *nanoseconds)
{
	int digits = 0;
	*nanoseconds = 0;
	if (!take_char(stamp, '.'))
		return true;
	for (; digits < NANOSECOND_DIGITS; digits++) {
		int digit = take_digits(stamp, 1);
		if (digit < 0)
			break;
		*nanoseconds = *nanoseconds * 10 + digit;
	}
	for (int i = digits; i < NANOSECOND_DIGITS; i++)
		*nanoseconds *= 10;
	return digits > 0;
}

/* 2DIGIT ":" 2DIGIT, in minutes; -1 if it is none. */
static int take_hour_minute(struct stamp *stamp)
{
	int hour = take_digits(stamp, 2);
	bool has_colon = take_char(stamp, ':');
	int minute = take_digits(stamp, 2);
	return has_colon && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 ? hour * 60 + minute : -1;
}

/* TIME-OFFSET = "Z" / ("+" / "-") 2DIGIT ":" 2DIGIT */
static bool take_offset(struct stamp *stamp, int *minutes)
{
	*minutes = 0;
	if (take_char(stamp, 'Z'))
		return true;
	bool is_east = take_char(stamp, '+');
	if (!is_east && !take_char(stamp, '-'))
		return false;
	int offset = take_hour_minute(stamp);
	*minutes = is_east ? offset : -offset;
	return offset >= 0;
}

bool slog_timestamp_read(const char *text, size_t length, bool lenient, struct timespec *time, bool *has_zone)
{
	struct stamp stamp = {text, text + length};
	int64_t days;
	if (!take_date(&stamp, &days) || !take_char(&stamp, 'T'))
		return false;
	int minutes = take_hour_minute(&stamp);
	bool has_colon = take_char(&stamp, ':');
	int second = take_digits(&stamp, 2);
	int offset = 0;
	if (minutes < 0 || !has_colon || second < 0 || second > 59 || !take_fraction(&stamp, &time->tv_nsec))
		return false;
	*has_zone = stamp.at < stamp.end;
	if (*has_zone ? !take_offset(&stamp, &offset) : !lenient)
		return false;
	time->tv_sec = (time_t)(days * 86400 + (int64_t)(minutes - offset) * 60 + second);
	return stamp.at == stamp.end;
}
