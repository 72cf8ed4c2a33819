/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up offsets. Reading the rules is timezone_tzif.c and timezone_posix.c. */
#include "syslog/timezone.h"

#include "syslog/civil_date.h"

/* Seconds since 1970 of a rule's date in `year`, in local time. */
static int64_t date_in_year(const struct timezone_date *date, int year)
{
	int64_t first = civil_to_days(year, 1, 1);
	int64_t days;
	if (date->kind == TIMEZONE_MONTH_WEEK_DAY) {
		int64_t month_first = civil_to_days(year, (unsigned)date->month, 1);
		int weekday = (int)((month_first + 4) % 7); /* 1970-01-01 was a Thursday */
		if (weekday < 0)
			weekday += 7;
		int day = (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
		/* Week 5 is the last one, whichever it is. */
		if (day >= (int)civil_month_days(year, (unsigned)date->month))
			day -= 7;
		days = month_first + day;
	} else if (date->kind == TIMEZONE_JULIAN) {
		/* Jn never counts February 29. */
		days = first + date->day - 1 + (date->day >= 60 && civil_is_leap(year) ? 1 : 0);
	} else {
		days = first + date->day;
	}
	return days * SECONDS_PER_DAY + date->seconds;
}

static int32_t offset_by_rule(const struct timezone_rule *rule, int64_t unix_seconds)
{
	if (!rule->has_daylight)
		return rule->standard_offset;
	int64_t local = unix_seconds + rule->standard_offset;
	int year = civil_of_days(civil_floor_div(local, SECONDS_PER_DAY)).year;
	int64_t start = date_in_year(&rule->start, year) - rule->standard_offset;
	int64_t end = date_in_year(&rule->end, year) - rule->daylight_offset;
	bool daylight =
		start < end ? unix_seconds >= start && unix_seconds < end : unix_seconds >= start || unix_seconds < end;
	return daylight ? rule->daylight_offset : rule->standard_offset;
}

int32_t timezone_offset_at(const struct timezone_rules *rules, int64_t unix_seconds)
{
	unsigned low = 0, high = rules->changes; /* the number of changes at or before the instant */
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (rules->change_at[middle] <= unix_seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == rules->changes && rules->has_rule)
		return offset_by_rule(&rules->rule, unix_seconds);
	return low == 0 ? rules->first_offset : rules->offset_from[low - 1];
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

struct timezone_instant timezone_of_local(const struct timezone_rules *rules, int64_t local_seconds, int64_t near)
{
	/* A change between the two moves the clock from `before` to `after`; no zone changes twice within two days. */
	int32_t before = timezone_offset_at(rules, local_seconds - SECONDS_PER_DAY);
	int32_t after = timezone_offset_at(rules, local_seconds + SECONDS_PER_DAY);
	if (before == after)
		return (struct timezone_instant){TIMEZONE_ONCE, before};
	bool by_before = timezone_offset_at(rules, local_seconds - before) == before;
	bool by_after = timezone_offset_at(rules, local_seconds - after) == after;
	if (by_before && by_after) {
		bool later = distance(local_seconds - after, near) < distance(local_seconds - before, near);
		return (struct timezone_instant){TIMEZONE_TWICE, later ? after : before};
	}
	if (!by_before && !by_after)
		return (struct timezone_instant){TIMEZONE_NEVER, before};
	return (struct timezone_instant){TIMEZONE_ONCE, by_before ? before : after};
}
