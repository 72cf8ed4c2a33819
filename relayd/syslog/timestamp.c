/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/timestamp.h"

#include "base/decimal.h"
#include "base/little_endian.h"
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

/* One to seven digits of a fraction. Returns how many; 0 if there are none, or more, or no eight octets to look at. */
static unsigned read_common_fraction(struct bytes text, struct timestamp *stamp)
{
	uint64_t value;
	unsigned digits = text.len >= DECIMAL_WORD_DIGITS ? (unsigned)decimal_read_word(text.at, &value) : 0;
	if (digits == 0 || digits == DECIMAL_WORD_DIGITS)
		return 0;
	stamp->digits = (uint8_t)digits;
	stamp->nanoseconds = (uint32_t)value * timestamp_unit_ns(digits);
	return digits;
}

size_t timestamp_read_fraction(struct bytes text, struct timestamp *stamp)
{
	if (text.len < 2 || (text.at[0] != '.' && text.at[0] != ',') || !decimal_is_digit(text.at[1]))
		return 0;
	uint32_t value = 0;
	unsigned digits = read_common_fraction(bytes_after(text, 1), stamp);
	size_t at = 1;
	if (digits > 0)
		return at + digits;
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
	unsigned century = two_digits(at, &bad);
	struct timestamp_pairs date = timestamp_read_pairs(at + 2, '-'), clock = timestamp_read_pairs(at + 11, ':');
	*stamp = (struct timestamp){
		.year = (uint16_t)(century * 100 + date.first),
		.month = date.second,
		.day = date.third,
		.hour = clock.first,
		.minute = clock.second,
		.second = clock.third,
		.has_time = true,
	};
	return !bad && date.valid && clock.valid && ((at[10] | 0x20) == 't' || at[10] == ' ') && stamp->year > 0;
}

struct timestamp_pairs timestamp_read_pairs(const uint8_t *at, uint8_t mark)
{
	/* A digit becomes 0..9 and the mark 0; `too_much` brings up the top bit of what is more. */
	const uint64_t tops = 0x8080808080808080, too_much = 0x76767f76767f7676;
	uint64_t form = 0x3030003030003030 | (uint64_t)mark << 16 | (uint64_t)mark << 40;
	uint64_t digits = le64_load(at) ^ form;
	uint64_t numbers = digits * 10 + (digits >> 8);
	return (struct timestamp_pairs){
		.valid = (((digits + too_much) | digits) & tops) == 0,
		.first = (uint8_t)numbers,
		.second = (uint8_t)(numbers >> 24),
		.third = (uint8_t)(numbers >> 48),
	};
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

static size_t write_offset(int offset_minutes, uint8_t *out)
{
	if (offset_minutes == 0) {
		out[0] = 'Z';
		return 1;
	}
	unsigned minutes = (unsigned)(offset_minutes < 0 ? -offset_minutes : offset_minutes);
	out[0] = offset_minutes < 0 ? '-' : '+';
	decimal_write_pair(minutes / 60 % 100, out + 1);
	out[3] = ':';
	decimal_write_pair(minutes % 60, out + 4);
	return 6;
}

/* Kept out of the way of those that find the minute known. */
__attribute__((noinline, cold)) static void set_minute(int64_t local, struct timestamp_minute *minute)
{
	int64_t days = civil_floor_div(local, SECONDS_PER_DAY);
	struct civil_date date = civil_of_days(days);
	uint32_t minute_of_day = (uint32_t)(local - days * SECONDS_PER_DAY) / SECONDS_PER_MINUTE;
	minute->begin = days * SECONDS_PER_DAY + minute_of_day * SECONDS_PER_MINUTE;
	decimal_write_pair((unsigned)date.year / 100, minute->text);
	decimal_write_pair((unsigned)date.year % 100, minute->text + 2);
	minute->text[4] = '-';
	decimal_write_pair(date.month, minute->text + 5);
	minute->text[7] = '-';
	decimal_write_pair(date.day, minute->text + 8);
	minute->text[10] = 'T';
	decimal_write_pair(minute_of_day / 60, minute->text + 11);
	minute->text[13] = ':';
	decimal_write_pair(minute_of_day % 60, minute->text + 14);
	minute->text[16] = ':';
}

size_t timestamp_write_near(const struct message_time *time, unsigned digits_max, bool with_offset,
                            struct timestamp_minute *minute, uint8_t *out)
{
	struct timestamp_minute none;
	struct civil_seconds at = civil_split_ns(time->unix_ns);
	int64_t local = at.seconds + (int64_t)time->offset_minutes * SECONDS_PER_MINUTE;
	if (minute == NULL) {
		none = (struct timestamp_minute){0};
		minute = &none;
	}
	if (minute->text[0] == 0 || local < minute->begin || local - minute->begin >= SECONDS_PER_MINUTE)
		set_minute(local, minute);
	memcpy(out, minute->text, TIMESTAMP_MINUTE_BYTES);
	decimal_write_pair((unsigned)(local - minute->begin), out + TIMESTAMP_MINUTE_BYTES);
	size_t len = DATE_TIME_LEN;
	unsigned digits = time->digits < digits_max ? time->digits : digits_max;
	if (digits > 0) {
		out[len++] = '.';
		decimal_write_padded(at.nanoseconds / timestamp_unit_ns(digits), digits, out + len);
		len += digits;
	}
	return with_offset ? len + write_offset(time->offset_minutes, out + len) : len;
}

size_t timestamp_write(const struct message_time *time, unsigned digits_max, bool with_offset, uint8_t *out)
{
	return timestamp_write_near(time, digits_max, with_offset, NULL, out);
}

void timestamp_write_bsd(const struct message_time *time, uint8_t *out)
{
	uint8_t iso[TIMESTAMP_TEXT_MAX_BYTES];
	(void)timestamp_write(time, 0, false, iso);
	unsigned month = decimal_read_pair(iso + 5), day = decimal_read_pair(iso + 8);
	assert(month >= 1 && month <= 12);
	memcpy(out, month_names[month - 1], 3);
	out[3] = ' ';
	decimal_write_pair(day, out + 4);
	if (day < 10)
		out[4] = ' ';
	out[6] = ' ';
	memcpy(out + 7, iso + 11, 8);
}
