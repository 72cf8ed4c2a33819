/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/timestamp.h"

#include "base/decimal.h"
#include "syslog/civil_date.h"

enum { DATE_TIME_LEN = 19 }; /* "2026-10-11T22:14:15" */

static const char month_names[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

uint32_t timestamp_unit_ns(unsigned digits)
{
	static const uint32_t units[TIMESTAMP_DIGITS_MAX + 1] = {
		1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1,
	};
	assert(digits <= TIMESTAMP_DIGITS_MAX);
	return units[digits];
}

/* The number of two digits. Sets `*bad` if they are none: one look at the end instead of one after each. */
static unsigned two_digits(const uint8_t *at, bool *bad)
{
	unsigned tens = (uint8_t)(at[0] - '0'), ones = (uint8_t)(at[1] - '0');
	*bad |= (tens > 9) | (ones > 9);
	return tens * 10 + ones;
}

size_t timestamp_read_fraction(struct bytes text, struct timestamp *stamp)
{
	if (text.len < 2 || (text.at[0] != '.' && text.at[0] != ',') || !decimal_is_digit(text.at[1]))
		return 0;
	uint32_t value = 0;
	unsigned digits = 0;
	size_t at = 1;
	for (; at < text.len && decimal_is_digit(text.at[at]); at++) {
		if (digits < TIMESTAMP_DIGITS_MAX) {
			value = value * 10 + (uint32_t)(text.at[at] - '0');
			digits++;
		} else {
			stamp->excess_digits = true;
		}
	}
	stamp->digits = (uint8_t)digits;
	stamp->nanoseconds = value * timestamp_unit_ns(digits);
	return at;
}

size_t timestamp_read_offset(struct bytes text, struct timestamp *stamp)
{
	if (text.len >= 1 && (text.at[0] | 0x20) == 'z') {
		stamp->offset_minutes = 0;
		stamp->has_offset = true;
		return 1;
	}
	if (text.len < 5 || (text.at[0] != '+' && text.at[0] != '-'))
		return 0;
	size_t minutes_at = text.at[3] == ':' ? 4 : 3;
	if (text.len < minutes_at + 2)
		return 0;
	bool bad = false;
	unsigned hours = two_digits(text.at + 1, &bad), minutes = two_digits(text.at + minutes_at, &bad);
	if (bad || hours > 23 || minutes > 59)
		return 0;
	int offset = (int)(hours * 60 + minutes);
	stamp->offset_minutes = (int16_t)(text.at[0] == '-' ? -offset : offset);
	stamp->has_offset = true;
	return minutes_at + 2;
}

/* The fixed part, "2026-10-11T22:14:15". */
static bool read_date_time(const uint8_t *at, struct timestamp *stamp)
{
	bool bad = false;
	unsigned century = two_digits(at, &bad), year = two_digits(at + 2, &bad);
	unsigned month = two_digits(at + 5, &bad), day = two_digits(at + 8, &bad);
	unsigned hour = two_digits(at + 11, &bad), minute = two_digits(at + 14, &bad), second = two_digits(at + 17, &bad);
	bool marks =
		at[4] == '-' && at[7] == '-' && at[13] == ':' && at[16] == ':' && ((at[10] | 0x20) == 't' || at[10] == ' ');
	*stamp = (struct timestamp){
		.year = (uint16_t)(century * 100 + year),
		.month = (uint8_t)month,
		.day = (uint8_t)day,
		.hour = (uint8_t)hour,
		.minute = (uint8_t)minute,
		.second = (uint8_t)second,
		.has_time = true,
	};
	return !bad && marks && stamp->year > 0;
}

size_t timestamp_read_iso(struct bytes text, struct timestamp *stamp, bool *exact)
{
	if (text.len < DATE_TIME_LEN || !read_date_time(text.at, stamp))
		return 0;
	size_t fraction_len = timestamp_read_fraction(bytes_after(text, DATE_TIME_LEN), stamp);
	size_t offset_at = DATE_TIME_LEN + fraction_len;
	size_t offset_len = timestamp_read_offset(bytes_after(text, offset_at), stamp);
	const uint8_t *fraction = text.at + DATE_TIME_LEN, *offset = text.at + offset_at;
	*exact = text.at[10] == 'T' &&
			 (fraction_len == 0 || (fraction[0] == '.' && fraction_len <= 1 + TIMESTAMP_RFC5424_DIGITS_MAX)) &&
			 ((offset_len == 1 && offset[0] == 'Z') || offset_len == 6);
	return offset_at + offset_len;
}

bool timestamp_exists(const struct timestamp *stamp)
{
	int year = stamp->year != 0 ? stamp->year : 2000; /* a leap year */
	return civil_exists(year, stamp->month, stamp->day) && stamp->hour < 24 && stamp->minute < 60 &&
		   stamp->second <= 60;
}

/* The wall clock in the time's own zone. */
struct wall {
	struct civil_date date;
	uint32_t second_of_day;
	uint32_t nanoseconds;
};

static struct wall wall_of(const struct message_time *time)
{
	struct civil_seconds at = civil_split_ns(time->unix_ns);
	int64_t local = at.seconds + (int64_t)time->offset_minutes * SECONDS_PER_MINUTE;
	int64_t days = civil_floor_div(local, SECONDS_PER_DAY);
	return (struct wall){civil_of_days(days), (uint32_t)(local - days * SECONDS_PER_DAY), at.nanoseconds};
}

static void write_clock(uint32_t second_of_day, uint8_t *out)
{
	decimal_write_padded(second_of_day / SECONDS_PER_HOUR, 2, out);
	out[2] = ':';
	decimal_write_padded(second_of_day / SECONDS_PER_MINUTE % 60, 2, out + 3);
	out[5] = ':';
	decimal_write_padded(second_of_day % 60, 2, out + 6);
}

static size_t write_offset(int offset_minutes, uint8_t *out)
{
	if (offset_minutes == 0) {
		out[0] = 'Z';
		return 1;
	}
	unsigned minutes = (unsigned)(offset_minutes < 0 ? -offset_minutes : offset_minutes);
	out[0] = offset_minutes < 0 ? '-' : '+';
	decimal_write_padded(minutes / 60, 2, out + 1);
	out[3] = ':';
	decimal_write_padded(minutes % 60, 2, out + 4);
	return 6;
}

size_t timestamp_write(const struct message_time *time, unsigned digits_max, bool with_offset, uint8_t *out)
{
	struct wall wall = wall_of(time);
	decimal_write_padded((uint64_t)wall.date.year, 4, out);
	out[4] = '-';
	decimal_write_padded(wall.date.month, 2, out + 5);
	out[7] = '-';
	decimal_write_padded(wall.date.day, 2, out + 8);
	out[10] = 'T';
	write_clock(wall.second_of_day, out + 11);
	size_t len = DATE_TIME_LEN;
	unsigned digits = time->digits < digits_max ? time->digits : digits_max;
	if (digits > 0) {
		out[len++] = '.';
		decimal_write_padded(wall.nanoseconds / timestamp_unit_ns(digits), digits, out + len);
		len += digits;
	}
	return with_offset ? len + write_offset(time->offset_minutes, out + len) : len;
}

void timestamp_write_bsd(const struct message_time *time, uint8_t *out)
{
	struct wall wall = wall_of(time);
	assert(wall.date.month >= 1 && wall.date.month <= 12);
	memcpy(out, month_names[wall.date.month - 1], 3);
	out[3] = ' ';
	decimal_write_padded(wall.date.day, 2, out + 4);
	if (wall.date.day < 10)
		out[4] = ' ';
	out[6] = ' ';
	write_clock(wall.second_of_day, out + 7);
}
