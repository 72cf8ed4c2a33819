/* SPDX-License-Identifier: Apache-2.0 */
/* Read values as C types. Numbers are compared as decimal digits, so that "exact" does not depend on the spelling. */
#include <liblog/read.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define EXPONENT_MAX 1000000 /* of a number that is not simply infinite or 0 to us */
#define U64_DIGITS 20

/* 0.d1d2d3... * 10^point; without leading and trailing zeros. Zero has no digits. */
struct decimal {
	bool is_negative;
	const char *first; /* the first digit that counts; a '.' may be among those that follow */
	size_t count;
	long point;
};

static bool is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

static long read_exponent(const char *text, const char *end)
{
	bool is_negative = text < end && *text == '-';
	long number = 0;
	for (text += text < end && !is_digit(*text) ? 1 : 0; text < end; text++)
		if (number < EXPONENT_MAX)
			number = number * 10 + (*text - '0');
	return is_negative ? -number : number;
}

/* Counts the digits up to the last one that is not 0, and finds the first one. */
static void find_digits(struct decimal *decimal, const char *text, const char *end)
{
	size_t seen = 0;
	bool behind_point = false;
	for (; text < end; text++) {
		if (*text == '.') {
			behind_point = true;
			continue;
		}
		if (decimal->first == NULL && *text == '0') {
			decimal->point -= behind_point ? 1 : 0;
			continue;
		}
		if (decimal->first == NULL)
			decimal->first = text;
		seen++;
		decimal->point += behind_point ? 0 : 1;
		if (*text != '0')
			decimal->count = seen;
	}
}

/* The number is of JSON's grammar. */
static struct decimal decimal_of(const char *text, size_t length)
{
	const char *end = text + length;
	struct decimal decimal = {.is_negative = length > 0 && text[0] == '-'};
	const char *exponent = text;
	while (exponent < end && *exponent != 'e' && *exponent != 'E')
		exponent++;
	find_digits(&decimal, text + (decimal.is_negative ? 1 : 0), exponent);
	if (exponent < end)
		decimal.point += read_exponent(exponent + 1, end);
	return decimal;
}

/* The digit at i, counted from the first that counts. */
static char next_digit(const char **at)
{
	if (**at == '.')
		++*at;
	return *(*at)++;
}

static bool decimals_are_equal(const struct decimal *a, const struct decimal *b)
{
	if (a->count != b->count)
		return false;
	if (a->count == 0)
		return true;
	const char *at = a->first;
	const char *other = b->first;
	for (size_t i = 0; i < a->count; i++)
		if (next_digit(&at) != next_digit(&other))
			return false;
	return a->is_negative == b->is_negative && a->point == b->point;
}

/* The integer part of the magnitude, at most max; says if that is all of it. */
static enum slog_as magnitude(const struct decimal *decimal, uint64_t max, uint64_t *number)
{
	const char *at = decimal->first;
	*number = 0;
	if (decimal->point > U64_DIGITS && decimal->count > 0) {
		*number = max;
		return SLOG_AS_INEXACT;
	}
	for (long i = 0; i < decimal->point; i++) {
		unsigned digit = (size_t)i < decimal->count ? (unsigned)(next_digit(&at) - '0') : 0;
		if (*number > (max - digit) / 10) {
			*number = max;
			return SLOG_AS_INEXACT;
		}
		*number = *number * 10 + digit;
	}
	bool has_fraction = decimal->count > 0 && (decimal->point < 0 || decimal->count > (size_t)decimal->point);
	return has_fraction ? SLOG_AS_INEXACT : SLOG_AS_EXACT;
}

enum slog_as slog_as_u64(const struct slog_read_value *value, uint64_t *number)
{
	*number = 0;
	if (value->type != SLOG_READ_NUMBER)
		return SLOG_AS_NONE;
	struct decimal decimal = decimal_of(value->text, value->length);
	if (decimal.is_negative && decimal.count > 0)
		return SLOG_AS_INEXACT;
	return magnitude(&decimal, UINT64_MAX, number);
}

enum slog_as slog_as_i64(const struct slog_read_value *value, int64_t *number)
{
	*number = 0;
	if (value->type != SLOG_READ_NUMBER)
		return SLOG_AS_NONE;
	struct decimal decimal = decimal_of(value->text, value->length);
	uint64_t size;
	enum slog_as as = magnitude(&decimal, (uint64_t)INT64_MAX + (decimal.is_negative ? 1 : 0), &size);
	/* -size does not exist for the least number; -(size - 1) - 1 does. */
	*number = decimal.is_negative && size > 0 ? -(int64_t)(size - 1) - 1 : (int64_t)size;
	return as;
}

/* strtod() reads the locale's decimal point. */
static double to_double(const char *text)
{
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double number = c_locale != (locale_t)0 ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
	if (c_locale != (locale_t)0)
		freelocale(c_locale);
	return number;
}

enum slog_as slog_as_double(const struct slog_read_value *value, double *number)
{
	char text[SLOG_DOUBLE_MAX];
	*number = 0;
	if (value->type != SLOG_READ_NUMBER)
		return SLOG_AS_NONE;
	int saved = errno;
	*number = to_double(value->text);
	errno = saved;
	if (*number - *number != 0)
		return SLOG_AS_INEXACT;
	struct decimal read = decimal_of(text, slog_number_double(text, *number));
	struct decimal wanted = decimal_of(value->text, value->length);
	return decimals_are_equal(&read, &wanted) ? SLOG_AS_EXACT : SLOG_AS_INEXACT;
}

/* ---- octets ----------------------------------------------------------------------------------------------------- */

static int base64_digit(char octet)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = octet != '\0' ? strchr(digits, octet) : NULL;
	return found != NULL ? (int)(found - digits) : -1;
}

/* Four digits to *count octets, of which '=' at the end makes fewer. */
static bool read_group(const char text[4], unsigned char octets[3], size_t *count)
{
	uint32_t bits = 0;
	*count = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
	for (size_t i = 0; i < 4; i++) {
		int digit = i <= *count ? base64_digit(text[i]) : 0;
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
	}
	for (size_t i = 0; i < 3; i++)
		octets[i] = (unsigned char)(bits >> (8 * (2 - i)));
	return true;
}

bool slog_as_bytes(const struct slog_read_value *value, char *out, size_t size, size_t *length)
{
	static const char prefix[] = "data:;base64,";
	size_t start = sizeof prefix - 1;
	*length = 0;
	if (value->type != SLOG_READ_STRING || value->length < start || memcmp(value->text, prefix, start) != 0 ||
	    (value->length - start) % 4 != 0)
		return false;
	for (size_t at = start; at < value->length; at += 4) {
		unsigned char octets[3];
		size_t count;
		if (!read_group(value->text + at, octets, &count) || (count < 3 && at + 4 < value->length) ||
		    count > size - *length)
			return false;
		memcpy(out + *length, octets, count);
		*length += count;
	}
	return true;
}
