/* SPDX-License-Identifier: Apache-2.0 */
/* Integers as decimal text, two digits at a time. Floating point is in double.c. */
#include "number.h"

#include <string.h>

const char slog_two_digits[200] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
	"585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* Digits of a number, without a division: its bits give them, or one too many. */
static size_t count_digits(uint64_t number)
{
	static const uint64_t powers[SLOG_U64_MAX] = {
		0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
		1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
		1000000000000000000, UINT64_C(10000000000000000000),
	};
	unsigned guess = (unsigned)(64 - __builtin_clzll(number | 1)) * 1233 >> 12;
	return guess + (number >= powers[guess] ? 1 : 0);
}

size_t slog_number_u64(char *out, uint64_t number)
{
	size_t length = number < 10 ? 1 : count_digits(number);
	size_t at = length;
	while (number >= 100) {
		at -= 2;
		memcpy(out + at, &slog_two_digits[number % 100 * 2], 2);
		number /= 100;
	}
	if (number >= 10)
		memcpy(out, &slog_two_digits[number * 2], 2);
	else
		out[0] = (char)('0' + number);
	return length;
}

size_t slog_number_i64(char out[SLOG_I64_MAX], int64_t number)
{
	if (number >= 0)
		return slog_number_u64(out, (uint64_t)number);
	out[0] = '-';
	/* 19 digits at most follow, which is what is left of out. */
	return 1 + slog_number_u64(out + 1, -(uint64_t)number);
}

void slog_number_fixed(char *out, size_t digits, uint32_t number)
{
	while (digits > 1) {
		digits -= 2;
		memcpy(out + digits, &slog_two_digits[number % 100 * 2], 2);
		number /= 100;
	}
	if (digits == 1)
		out[0] = (char)('0' + number % 10);
}
