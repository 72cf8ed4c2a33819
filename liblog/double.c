/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating point as the shortest decimal digits that read back as the same number, without libc's locale.
 *
 * The method is Schubfach (Giulietti 2021): the number and the two half-way points to its neighbours, c * 2^q and
 * (c +- 1/2) * 2^q, are multiplied by a power of ten that leaves one or two digits more than can matter, each rounded
 * to odd. Of the decimals with one digit less, at most one lies between the half-way points, and it is the shortest;
 * else the nearest of those with all digits is taken. No loop, no division but by ten.
 */
#include "number.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "double_powers.h"

#define PLAIN_EXPONENT_MIN (-5) /* below 0.00001, and from 10^16 on, an exponent is used */
#define PLAIN_EXPONENT_MAX 16

/* digits * 10^exponent. */
struct decimal {
	uint64_t digits;
	int exponent;
};

/* What a format of IEEE 754 gives, taken apart: significand * 2^exponent, above zero. */
struct binary {
	uint64_t significand;
	int exponent;
	bool lower_is_closer; /* the number below is half as far away as the number above */
};

/* floor(x / 2^bits), also of negative numbers. */
static int shift_down(int x, int bits)
{
	return x >= 0 ? x >> bits : -((-x + (1 << bits) - 1) >> bits);
}

/* floor(log10(2^e)) and floor(log2(10^e)), for all e that a double has. */
static int log10_of_power_of_2(int e)
{
	return shift_down(e * 1262611, 22);
}

static int log10_of_three_quarters_of_power_of_2(int e)
{
	return shift_down(e * 1262611 - 524031, 22);
}

static int log2_of_power_of_10(int e)
{
	return shift_down(e * 1741647, 19);
}

/* a * b as 128 bits. */
static struct slog_power multiply(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;
	return (struct slog_power){(uint64_t)(product >> 64), (uint64_t)product};
#else
	uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
	uint64_t middle = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
	uint64_t other = (a & UINT32_MAX) * (b >> 32) + (middle & UINT32_MAX);
	return (struct slog_power){(a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32),
	                           other << 32 | (low & UINT32_MAX)};
#endif
}

/* floor(power * x / 2^128), with the lowest bit set if anything was cut off: enough to compare with. */
static uint64_t scale_double(const struct slog_power *power, uint64_t x)
{
	uint64_t carried = multiply(power->low, x).high;
	struct slog_power product = multiply(power->high, x);
	product.low += carried;
	product.high += product.low < carried ? 1 : 0;
	return product.high | (product.low > 1 ? 1 : 0);
}

/* The same for a float, whose power of ten needs only 64 bits, rounded up. */
static uint64_t scale_float(const struct slog_power *power, uint64_t x)
{
	struct slog_power product = multiply(power->high + (power->low != 0 ? 1 : 0), x);
	return (uint32_t)product.high | ((uint32_t)(product.low >> 32) > 1 ? 1 : 0);
}

/*
 * The shortest decimal of a number. x4 is the number in quarters of the last decimal digit, low and high the half-way
 * points, which belong to the number if its significand is even.
 */
static struct decimal shortest(uint64_t low, uint64_t x4, uint64_t high, bool is_even, int exponent)
{
	uint64_t digits = x4 / 4;
	low += is_even ? 0 : 1;
	high -= is_even ? 0 : 1;
	if (digits >= 10) {
		uint64_t tens = digits / 10;
		bool below_is_inside = low <= 40 * tens;
		bool above_is_inside = 40 * tens + 40 <= high;
		if (below_is_inside != above_is_inside)
			return (struct decimal){tens + (above_is_inside ? 1 : 0), exponent + 1};
	}
	bool below_is_inside = low <= 4 * digits;
	bool above_is_inside = 4 * digits + 4 <= high;
	if (below_is_inside != above_is_inside)
		return (struct decimal){digits + (above_is_inside ? 1 : 0), exponent};
	uint64_t middle = 4 * digits + 2;
	bool rounds_up = x4 > middle || (x4 == middle && digits % 2 == 1);
	return (struct decimal){digits + (rounds_up ? 1 : 0), exponent};
}

static struct decimal to_decimal(const struct binary *binary, bool is_float)
{
	uint64_t c = binary->significand;
	int q = binary->exponent;
	if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0)
		return (struct decimal){c >> -q, 0};
	uint64_t (*scale)(const struct slog_power *power, uint64_t x) = is_float ? scale_float : scale_double;
	int k = binary->lower_is_closer ? log10_of_three_quarters_of_power_of_2(q) : log10_of_power_of_2(q);
	int shift = q + log2_of_power_of_10(-k) + 1;
	assert(-k >= SLOG_POWER_MIN && -k <= SLOG_POWER_MAX);
	const struct slog_power *power = &slog_powers[-k - SLOG_POWER_MIN];
	uint64_t low = scale(power, (4 * c - 2 + (binary->lower_is_closer ? 1 : 0)) << shift);
	uint64_t x4 = scale(power, 4 * c << shift);
	uint64_t high = scale(power, (4 * c + 2) << shift);
	return shortest(low, x4, high, c % 2 == 0, k);
}

/* ---- as text ------------------------------------------------------------------------------------------------------ */

static size_t put_zeros(char *out, int count)
{
	for (int i = 0; i < count; i++)
		out[i] = '0';
	return count > 0 ? (size_t)count : 0;
}

/* 0.DIGITS * 10^point with a point and no exponent. */
static size_t put_plain(char *out, const char *digits, int count, int point)
{
	size_t at = 0;
	int before = count < point ? count : point > 0 ? point : 0;
	memcpy(out, digits, (size_t)before);
	at += (size_t)before;
	at += put_zeros(out + at, point > 0 ? point - before : 1);
	out[at++] = '.';
	at += put_zeros(out + at, before == count ? 1 : -point);
	memcpy(out + at, digits + before, (size_t)(count - before));
	return at + (size_t)(count - before);
}

static size_t put_exponent(char *out, const char *digits, int count, int point)
{
	size_t at = 0;
	int exponent = point - 1;
	out[at++] = digits[0];
	if (count > 1) {
		out[at++] = '.';
		memcpy(out + at, digits + 1, (size_t)count - 1);
		at += (size_t)count - 1;
	}
	out[at++] = 'e';
	out[at++] = exponent < 0 ? '-' : '+';
	return at + slog_number_u64(out + at, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

static size_t put_decimal(char *out, struct decimal decimal)
{
	char digits[SLOG_U64_MAX];
	int count = (int)slog_number_u64(digits, decimal.digits);
	int point = count + decimal.exponent;
	while (digits[count - 1] == '0')
		count--;
	if (point - 1 >= PLAIN_EXPONENT_MIN && point - 1 < PLAIN_EXPONENT_MAX)
		return put_plain(out, digits, count, point);
	return put_exponent(out, digits, count, point);
}

/*
 * A number of a format with so many bits of mantissa and of exponent; binary64 has 52 and 11, binary32 23 and 8
 * (IEEE 754, 3.4).
 */
static size_t put_number(char *out, uint64_t bits, int mantissa_bits, int exponent_bits)
{
	uint64_t mantissa = bits & ((UINT64_C(1) << mantissa_bits) - 1);
	int biased = (int)(bits >> mantissa_bits & ((UINT64_C(1) << exponent_bits) - 1));
	int bias = (1 << (exponent_bits - 1)) - 1 + mantissa_bits;
	assert(biased != (1 << exponent_bits) - 1);
	size_t at = 0;
	if (bits >> (mantissa_bits + exponent_bits) != 0)
		out[at++] = '-';
	if (biased == 0 && mantissa == 0) {
		memcpy(out + at, "0.0", 3);
		return at + 3;
	}
	struct binary binary = {mantissa, 1 - bias, false};
	if (biased > 0)
		binary = (struct binary){mantissa | UINT64_C(1) << mantissa_bits, biased - bias, mantissa == 0 && biased > 1};
	return at + put_decimal(out + at, to_decimal(&binary, mantissa_bits == 23));
}

size_t slog_number_double(char out[SLOG_DOUBLE_MAX], double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	return put_number(out, bits, 52, 11);
}

size_t slog_number_float(char out[SLOG_DOUBLE_MAX], float number)
{
	uint32_t bits;
	memcpy(&bits, &number, sizeof bits);
	return put_number(out, bits, 23, 8);
}
