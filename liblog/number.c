/* SPDX-License-Identifier: Apache-2.0 */
/* Integers as decimal text, two digits at a time. Floating point is in double.c. */
#include "number.h"

#include <string.h>

const char slog_two_digits[200] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
	"585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline char *put_two(char *out, uint32_t number)
{
	memcpy(out, &slog_two_digits[number * 2], 2);
	return out + 2;
}

/* Four digits of a number below 10,000. */
static inline char *put_four(char *out, uint32_t number)
{
	return put_two(put_two(out, number / 100), number % 100);
}

/* One or two digits of a number below 100. */
static inline char *put_one_or_two(char *out, uint32_t number)
{
	if (number >= 10)
		return put_two(out, number);
	*out = (char)('0' + number);
	return out + 1;
}

/* One to four digits of a number below 10,000. */
static inline char *put_small(char *out, uint32_t number)
{
	return number < 100 ? put_one_or_two(out, number) : put_two(put_one_or_two(out, number / 100), number % 100);
}

/* One to eight digits of a number below 10^8. */
static inline char *put_middle(char *out, uint32_t number)
{
	return number < 10000 ? put_small(out, number) : put_four(put_small(out, number / 10000), number % 10000);
}

/* Eight digits. */
static inline char *put_eight(char *out, uint32_t number)
{
	return put_four(put_four(out, number / 10000), number % 10000);
}

#define EIGHT_DIGITS 100000000

/* More than eight digits. */
static __attribute__((noinline)) char *put_large(char *out, uint64_t number)
{
	uint64_t high = number / EIGHT_DIGITS;
	if (high < EIGHT_DIGITS)
		out = put_middle(out, (uint32_t)high);
	else
		out = put_eight(put_small(out, (uint32_t)(high / EIGHT_DIGITS)), (uint32_t)(high % EIGHT_DIGITS));
	return put_eight(out, (uint32_t)(number % EIGHT_DIGITS));
}

size_t slog_number_u64(char *out, uint64_t number)
{
	char *end = number < EIGHT_DIGITS ? put_middle(out, (uint32_t)number) : put_large(out, number);
	return (size_t)(end - out);
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
