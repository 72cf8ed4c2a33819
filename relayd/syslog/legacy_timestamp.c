/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/legacy_timestamp.h"

#include "base/decimal.h"

enum {
	YEAR_MIN = 1970,
	YEAR_MAX = 2099,
	ZONE_NAME_MIN = 2,
	ZONE_NAME_MAX = 5,
	UPTIME_DIGITS_MAX = 9,
	BSD_LEN_MIN = 13, /* "Oct 1 2:14:15" */
};

static bool octet_is(struct bytes text, size_t at, uint8_t wanted)
{
	return at < text.len && text.at[at] == wanted;
}

static bool digits_at(struct bytes text, size_t at, size_t count)
{
	if (text.len < at + count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!decimal_is_digit(text.at[at + i]))
			return false;
	}
	return true;
}

/* One or two digits; returns how many. */
static size_t read_small(struct bytes text, size_t at, uint8_t *value)
{
	if (at >= text.len || !decimal_is_digit(text.at[at]))
		return 0;
	*value = (uint8_t)(text.at[at] - '0');
	if (at + 1 >= text.len || !decimal_is_digit(text.at[at + 1]))
		return 1;
	*value = (uint8_t)(*value * 10 + text.at[at + 1] - '0');
	return 2;
}

/* 4DIGIT SP with a plausible year; returns 5 or 0. */
static size_t read_year(struct bytes text, size_t at, struct timestamp *stamp)
{
	uint64_t year;
	if (at >= text.len || !digits_at(text, at, 4) || !octet_is(text, at + 4, ' '))
		return 0;
	decimal_read(bytes_after(text, at), 4, &year);
	if (year < YEAR_MIN || year > YEAR_MAX)
		return 0;
	stamp->year = (uint16_t)year;
	return 5;
}

/* SP 4DIGIT, if SP follows: that one belongs to what comes behind the stamp. Returns 5 or 0. */
static size_t read_year_behind(struct bytes text, size_t at, struct timestamp *stamp)
{
	if (!octet_is(text, at, ' ') || at + 1 == text.len || !decimal_is_digit(text.at[at + 1]))
		return 0;
	return read_year(text, at + 1, stamp);
}

#define LETTERS(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

/* Three letters in any case as one number. */
static uint32_t three_letters(const uint8_t *at)
{
	return LETTERS(at[0], at[1], at[2]) | 0x202020;
}

/* 1..12, or 0 if the text does not begin with a month's three letters. */
static inline uint8_t month_at(struct bytes text, size_t at)
{
	if (text.len < at + 3)
		return 0;
	switch (three_letters(text.at + at)) {
	case LETTERS('j', 'a', 'n'):
		return 1;
	case LETTERS('f', 'e', 'b'):
		return 2;
	case LETTERS('m', 'a', 'r'):
		return 3;
	case LETTERS('a', 'p', 'r'):
		return 4;
	case LETTERS('m', 'a', 'y'):
		return 5;
	case LETTERS('j', 'u', 'n'):
		return 6;
	case LETTERS('j', 'u', 'l'):
		return 7;
	case LETTERS('a', 'u', 'g'):
		return 8;
	case LETTERS('s', 'e', 'p'):
		return 9;
	case LETTERS('o', 'c', 't'):
		return 10;
	case LETTERS('n', 'o', 'v'):
		return 11;
	case LETTERS('d', 'e', 'c'):
		return 12;
	default:
		return 0;
	}
}

static bool is_weekday(struct bytes text)
{
	if (text.len < 4 || text.at[3] != ' ')
		return false;
	switch (three_letters(text.at)) {
	case LETTERS('m', 'o', 'n'):
	case LETTERS('t', 'u', 'e'):
	case LETTERS('w', 'e', 'd'):
	case LETTERS('t', 'h', 'u'):
	case LETTERS('f', 'r', 'i'):
	case LETTERS('s', 'a', 't'):
	case LETTERS('s', 'u', 'n'):
		return true;
	default:
		return false;
	}
}

/* 1*2DIGIT ":" 2DIGIT ":" 2DIGIT */
static size_t read_clock(struct bytes text, size_t at, struct timestamp *stamp)
{
	size_t len = read_small(text, at, &stamp->hour);
	if (len == 0 || text.len < at + len + 6 || text.at[at + len] != ':' || text.at[at + len + 3] != ':')
		return 0;
	if (read_small(text, at + len + 1, &stamp->minute) != 2 || read_small(text, at + len + 4, &stamp->second) != 2)
		return 0;
	return len + 6;
}

/* dd: a day below 10 is SP and one digit. */
static unsigned day_at(const uint8_t *at)
{
	uint8_t zero_and_digit[2] = {'0', at[1]};
	return decimal_read_pair(at[0] == ' ' ? zero_and_digit : at);
}

bool legacy_timestamp_read_common(struct bytes text, struct timestamp *stamp)
{
	const uint8_t *at = text.at;
	if (text.len <= LEGACY_TIMESTAMP_COMMON_BYTES || at[3] != ' ' || at[6] != ' ' || !legacy_timestamp_ends(at))
		return false;
	struct timestamp_pairs clock = timestamp_read_pairs(at + 7, ':');
	unsigned month = month_at(text, 0), day = day_at(at + 4);
	if (!clock.valid || month == 0 || day >= 100)
		return false;
	*stamp = (struct timestamp){
		.month = (uint8_t)month,
		.day = (uint8_t)day,
		.hour = clock.first,
		.minute = clock.second,
		.second = clock.third,
		.has_time = true,
	};
	return true;
}

static size_t read_bsd(struct bytes text, struct timestamp *stamp)
{
	if (text.len < BSD_LEN_MIN)
		return 0;
	*stamp = (struct timestamp){.has_time = true};
	size_t at = is_weekday(text) ? 4 : 0;
	at += read_year(text, at, stamp);
	stamp->month = month_at(text, at);
	if (stamp->month == 0 || !octet_is(text, at + 3, ' '))
		return 0;
	at += octet_is(text, at + 4, ' ') ? 5 : 4;
	size_t day_len = read_small(text, at, &stamp->day);
	if (day_len == 0 || !octet_is(text, at + day_len, ' '))
		return 0;
	at += day_len + 1;
	if (stamp->year == 0)
		at += read_year(text, at, stamp);
	size_t clock_len = read_clock(text, at, stamp);
	if (clock_len == 0)
		return 0;
	at += clock_len;
	at += timestamp_read_fraction(bytes_after(text, at), stamp);
	return stamp->year == 0 ? at + read_year_behind(text, at, stamp) : at;
}

/* Sophos UTM: "2025:10:11-22:14:15". */
static size_t read_utm(struct bytes text, struct timestamp *stamp)
{
	uint64_t year;
	*stamp = (struct timestamp){.has_time = true};
	if (!digits_at(text, 0, 4) || !octet_is(text, 4, ':') || !octet_is(text, 7, ':') || !octet_is(text, 10, '-'))
		return 0;
	decimal_read(text, 4, &year);
	stamp->year = (uint16_t)year;
	if (year < YEAR_MIN || read_small(text, 5, &stamp->month) != 2 || read_small(text, 8, &stamp->day) != 2)
		return 0;
	size_t clock_len = read_clock(text, 11, stamp);
	return clock_len == 8 ? 11 + clock_len : 0;
}

/* A Cisco uptime, before ":". */
static size_t read_uptime(struct bytes text, struct timestamp *stamp)
{
	static const uint8_t units[][2] = {{'w', 'd'}, {'d', 'h'}, {'y', 'w'}};
	uint64_t number;
	size_t first = decimal_read(text, UPTIME_DIGITS_MAX, &number);
	*stamp = (struct timestamp){0};
	if (first == 0 || first >= text.len)
		return 0;
	size_t len = read_clock(text, 0, stamp);
	for (size_t i = 0; len == 0 && i < sizeof units / sizeof *units; i++) {
		size_t second = decimal_read(bytes_after(text, first + 1), UPTIME_DIGITS_MAX, &number);
		if (text.at[first] == units[i][0] && second > 0 && octet_is(text, first + 1 + second, units[i][1]))
			len = first + 1 + second + 1;
	}
	return octet_is(text, len, ':') ? len : 0;
}

static bool zone_of_name(struct bytes name, const struct parse_context *context, struct timestamp *stamp)
{
	if (bytes_equal(name, BYTES("UTC")) || bytes_equal(name, BYTES("GMT"))) {
		stamp->offset_minutes = 0;
		stamp->has_offset = true;
		return true;
	}
	for (size_t i = 0; i < context->zone_name_count; i++) {
		if (bytes_equal(name, context->zone_names[i].name)) {
			stamp->offset_minutes = context->zone_names[i].offset_minutes;
			stamp->has_offset = true;
			return true;
		}
	}
	return false;
}

/* "AM:" or "PM:" behind a 12-hour clock. */
static bool apply_half_day(struct bytes word, struct timestamp *stamp)
{
	if (word.len != 2 || (word.at[0] != 'A' && word.at[0] != 'P') || word.at[1] != 'M' || stamp->hour < 1 ||
		stamp->hour > 12)
		return false;
	stamp->hour = (uint8_t)(stamp->hour % 12 + (word.at[0] == 'P' ? 12 : 0));
	return true;
}

/* The zone behind SP; returns its length without the SP, 0 if the word is none. */
static size_t read_zone(struct bytes text, const struct parse_context *context, bool cisco, struct timestamp *stamp)
{
	if (text.len == 0)
		return 0;
	if (text.at[0] == '+' || text.at[0] == '-') {
		struct timestamp with_offset = *stamp;
		size_t len = timestamp_read_offset(text, &with_offset);
		if (len == 0 || (len < text.len && text.at[len] != ' ' && text.at[len] != ':'))
			return 0;
		*stamp = with_offset;
		return len;
	}
	size_t len = 0;
	while (len < text.len && len <= ZONE_NAME_MAX && text.at[len] >= 'A' && text.at[len] <= 'Z')
		len++;
	bool colon = octet_is(text, len, ':');
	if (len < ZONE_NAME_MIN || len > ZONE_NAME_MAX || (len < text.len && !colon && text.at[len] != ' '))
		return 0;
	struct bytes word = bytes_first(text, len);
	if (zone_of_name(word, context, stamp) || (colon && apply_half_day(word, stamp)))
		return len;
	return colon && (cisco || stamp->digits > 0 || stamp->year > 0) ? len : 0;
}

static __attribute__((noinline)) size_t read_any(struct bytes text, const struct parse_context *context, bool cisco,
												 struct timestamp *stamp)
{
	bool exact;
	size_t at = 0;
	if (text.len == 0)
		return 0;
	if (decimal_is_digit(text.at[0])) {
		at = timestamp_read_iso(text, stamp, &exact);
		if (at == 0)
			at = read_utm(text, stamp);
		if (at == 0)
			at = read_uptime(text, stamp);
	}
	if (at == 0)
		at = read_bsd(text, stamp);
	if (at == 0)
		return 0;
	if (stamp->has_time && !stamp->has_offset && octet_is(text, at, ' ')) {
		size_t zone_len = read_zone(bytes_after(text, at + 1), context, cisco, stamp);
		if (zone_len > 0)
			at += 1 + zone_len;
	}
	if (octet_is(text, at, ':'))
		at++;
	return at == text.len || text.at[at] == ' ' ? at : 0;
}

size_t legacy_timestamp_read(struct bytes text, const struct parse_context *context, bool cisco,
							 struct timestamp *stamp)
{
	return legacy_timestamp_read_common(text, stamp) ? TIMESTAMP_BSD_BYTES : read_any(text, context, cisco, stamp);
}
