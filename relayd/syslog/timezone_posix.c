/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX TZ text (POSIX.1-2017, 8.3; RFC 9636, 3.3.1 for hours beyond a day):
 *   std offset [ dst [ offset ] [ "," start [ "/" time ] "," end [ "/" time ] ] ]
 */
#include "syslog/timezone.h"

#include "base/decimal.h"
#include "syslog/civil_date.h"

enum {
	NAME_LEN_MIN = 3,
	HOURS_MAX = 167,
	DIGITS_MAX = 3,
};

static bool take(struct bytes *text, uint8_t wanted)
{
	if (text->len == 0 || text->at[0] != wanted)
		return false;
	*text = bytes_after(*text, 1);
	return true;
}

static bool take_number(struct bytes *text, int low, int high, int *number)
{
	uint64_t value;
	size_t len = decimal_read(*text, DIGITS_MAX, &value);
	*text = bytes_after(*text, len);
	*number = (int)value;
	return len > 0 && *number >= low && *number <= high;
}

/* std or dst: letters, or anything between "<" and ">". */
static bool skip_name(struct bytes *text)
{
	size_t len = 0;
	if (take(text, '<')) {
		len = bytes_find(*text, '>');
		if (len == text->len)
			return false;
		*text = bytes_after(*text, len + 1);
		return len >= NAME_LEN_MIN;
	}
	while (len < text->len && (uint8_t)((text->at[len] | 0x20) - 'a') < 26)
		len++;
	*text = bytes_after(*text, len);
	return len >= NAME_LEN_MIN;
}

/* [+-] hh [":" mm [":" ss]] */
static bool take_time(struct bytes *text, int32_t *seconds)
{
	bool negative = take(text, '-');
	if (!negative)
		take(text, '+');
	int hours, minutes = 0, rest = 0;
	if (!take_number(text, 0, HOURS_MAX, &hours))
		return false;
	if (take(text, ':') && !take_number(text, 0, 59, &minutes))
		return false;
	if (take(text, ':') && !take_number(text, 0, 59, &rest))
		return false;
	*seconds = hours * SECONDS_PER_HOUR + minutes * SECONDS_PER_MINUTE + rest;
	if (negative)
		*seconds = -*seconds;
	return true;
}

/* POSIX counts west of UTC; we count east. */
static bool take_offset(struct bytes *text, int32_t *offset)
{
	if (!take_time(text, offset))
		return false;
	*offset = -*offset;
	return *offset >= -TIMEZONE_OFFSET_MAX_SECONDS && *offset <= TIMEZONE_OFFSET_MAX_SECONDS;
}

static bool take_date(struct bytes *text, struct timezone_date *date)
{
	date->seconds = 2 * SECONDS_PER_HOUR;
	bool good;
	if (take(text, 'M')) {
		date->kind = TIMEZONE_MONTH_WEEK_DAY;
		good = take_number(text, 1, 12, &date->month) && take(text, '.') && take_number(text, 1, 5, &date->week) &&
			   take(text, '.') && take_number(text, 0, 6, &date->day);
	} else if (take(text, 'J')) {
		date->kind = TIMEZONE_JULIAN;
		good = take_number(text, 1, 365, &date->day);
	} else {
		date->kind = TIMEZONE_ZERO_BASED;
		good = take_number(text, 0, 365, &date->day);
	}
	return good && (!take(text, '/') || take_time(text, &date->seconds));
}

static bool take_rule(struct bytes *text, struct timezone_rule *rule)
{
	if (!skip_name(text) || !take_offset(text, &rule->standard_offset))
		return false;
	rule->daylight_offset = rule->standard_offset;
	if (text->len == 0)
		return true;
	rule->has_daylight = true;
	rule->daylight_offset = rule->standard_offset + SECONDS_PER_HOUR;
	if (!skip_name(text))
		return false;
	if (text->len > 0 && text->at[0] != ',' && !take_offset(text, &rule->daylight_offset))
		return false;
	/* Without dates POSIX leaves them to us; the C libraries take those of the United States. */
	struct bytes dates = text->len > 0 ? *text : BYTES(",M3.2.0,M11.1.0");
	*text = bytes_first(*text, 0);
	return take(&dates, ',') && take_date(&dates, &rule->start) && take(&dates, ',') && take_date(&dates, &rule->end) &&
		   dates.len == 0;
}

bool timezone_from_posix(struct bytes text, struct timezone_rules *rules)
{
	*rules = (struct timezone_rules){.has_rule = true};
	if (!take_rule(&text, &rules->rule)) {
		*rules = (struct timezone_rules){0};
		return false;
	}
	rules->first_offset = rules->rule.standard_offset;
	return true;
}
