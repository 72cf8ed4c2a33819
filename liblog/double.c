/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating point as the shortest decimal digits that read back as the same number, without libc's locale.
 *
 * Most numbers in logs were written by people: 48.85 is 4885 / 10^2, and one exact division tells that. All others go
 * through exact integers (Steele and White 1990; the variables are named as in their "Dragon4"): value = r / s, and
 * digits are produced until what is left lies within half a unit in the last place, m below and high * m above.
 */
#include "number.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define DIGITS_MAX 17        /* of a double */
#define EXACT_POWER_MAX 15   /* 10^15 and every integer below 10^15 are exact doubles */
#define EXACT_INTEGER 1e15
#define PLAIN_EXPONENT_MIN (-5) /* below 0.00001, and from 10^16 on, an exponent is used */
#define PLAIN_EXPONENT_MAX 16
#define LIMBS_MAX 36         /* of 32 bits: 2^1023 * 10 and 2^1075 * 10 fit */

/* An integer, least significant limb first; count has no leading zero limb. */
struct big {
	uint32_t limb[LIMBS_MAX];
	int count;
};

static void big_set(struct big *big, uint64_t number)
{
	big->limb[0] = (uint32_t)number;
	big->limb[1] = (uint32_t)(number >> 32);
	big->count = big->limb[1] != 0 ? 2 : big->limb[0] != 0 ? 1 : 0;
}

static void big_multiply(struct big *big, uint32_t factor)
{
	uint64_t carry = 0;
	for (int i = 0; i < big->count; i++) {
		carry += (uint64_t)big->limb[i] * factor;
		big->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry != 0) {
		assert(big->count < LIMBS_MAX);
		big->limb[big->count++] = (uint32_t)carry;
	}
}

static void big_shift(struct big *big, int bits)
{
	for (; bits >= 31; bits -= 31)
		big_multiply(big, UINT32_C(1) << 31);
	big_multiply(big, UINT32_C(1) << bits);
}

static void big_multiply_power_of_10(struct big *big, int power)
{
	for (; power >= 9; power -= 9)
		big_multiply(big, 1000000000);
	for (; power > 0; power--)
		big_multiply(big, 10);
}

static int big_compare(const struct big *a, const struct big *b)
{
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	for (int i = a->count - 1; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

/* a - b, where a >= b. */
static void big_subtract(struct big *a, const struct big *b)
{
	uint64_t borrow = 0;
	for (int i = 0; i < a->count; i++) {
		uint64_t from = a->limb[i];
		uint64_t take = borrow + (i < b->count ? b->limb[i] : 0);
		a->limb[i] = (uint32_t)(from - take);
		borrow = from < take ? 1 : 0;
	}
	while (a->count > 0 && a->limb[a->count - 1] == 0)
		a->count--;
}

static uint32_t limb_of(const struct big *big, int i)
{
	return i < big->count ? big->limb[i] : 0;
}

/* Compares a + factor * b with c, from the lowest limb on: the highest that differs decides. */
static int big_compare_sum(const struct big *a, const struct big *b, uint32_t factor, const struct big *c)
{
	uint64_t carry = 0;
	int order = 0;
	for (int i = 0; carry != 0 || i < a->count || i < b->count || i < c->count; i++) {
		carry += limb_of(a, i) + (uint64_t)limb_of(b, i) * factor;
		if ((uint32_t)carry != limb_of(c, i))
			order = (uint32_t)carry < limb_of(c, i) ? -1 : 1;
		carry >>= 32;
	}
	return order;
}

struct decimal {
	char digits[DIGITS_MAX]; /* '1'..'9' first, no zero last */
	int count;
	int exponent; /* the number is 0.DIGITS * 10^exponent */
};

/*
 * What the digits are made from: the number is r / s; m / s below it and high * m / s above it are half way to its
 * neighbours.
 */
struct fraction {
	struct big r, s, m;
	uint32_t high; /* 2 where the number below is half as far away as the number above, else 1 */
	bool even;     /* an even significand: the half-way points read back as this number too */
};

/* mantissa * 2^exponent; lowest: it is the lowest with its exponent. */
static void fraction_set(struct fraction *f, uint64_t mantissa, int exponent, bool lowest)
{
	int extra = lowest ? 2 : 1;
	big_set(&f->r, mantissa);
	big_set(&f->s, 1);
	big_set(&f->m, 1);
	big_shift(&f->r, extra + (exponent > 0 ? exponent : 0));
	big_shift(&f->s, extra + (exponent < 0 ? -exponent : 0));
	big_shift(&f->m, exponent > 0 ? exponent : 0);
	f->high = lowest ? 2 : 1;
	f->even = mantissa % 2 == 0;
}

/* True if the number with its upper half unit reaches s: then one more digit stands before the point. */
static bool fraction_reaches_one(const struct fraction *f)
{
	int order = big_compare_sum(&f->r, &f->m, f->high, &f->s);
	return order > 0 || (order == 0 && f->even);
}

/*
 * Scales so that the number is below 1 and its first digit comes next; returns the power of ten taken out. The number
 * is at least 2^order, so 10^floor(order * log10(2)) is no more than it, and the power is one or two above that.
 */
static int fraction_scale(struct fraction *f, int order)
{
	const int64_t log10_of_2 = INT64_C(1292913986); /* times 2^32; right shifts of negative numbers round down */
	int power = (int)((order * log10_of_2) >> 32) + 1;
	if (power >= 0) {
		big_multiply_power_of_10(&f->s, power);
	} else {
		big_multiply_power_of_10(&f->r, -power);
		big_multiply_power_of_10(&f->m, -power);
	}
	if (fraction_reaches_one(f)) {
		big_multiply(&f->s, 10);
		power++;
	}
	return power;
}

/* The next digit; what is left stays in r. */
static int fraction_digit(struct fraction *f)
{
	big_multiply(&f->r, 10);
	big_multiply(&f->m, 10);
	int digit = 0;
	while (big_compare(&f->r, &f->s) >= 0) {
		big_subtract(&f->r, &f->s);
		digit++;
	}
	return digit;
}

/* True if the remainder is more than half a unit of the last digit. */
static bool fraction_rounds_up(const struct fraction *f)
{
	return big_compare_sum(&f->r, &f->r, 1, &f->s) >= 0;
}

/* Digits until what is left no longer matters. */
static void fraction_digits(struct fraction *f, struct decimal *decimal)
{
	for (;;) {
		int digit = fraction_digit(f);
		int low = big_compare(&f->r, &f->m);
		bool can_stop = low < 0 || (low == 0 && f->even);
		bool can_raise = fraction_reaches_one(f);
		if (can_raise && (!can_stop || fraction_rounds_up(f)))
			digit++;
		assert(digit <= 9 && decimal->count < DIGITS_MAX);
		decimal->digits[decimal->count++] = (char)('0' + digit);
		if (can_stop || can_raise)
			return;
	}
}

/* The digits of mantissa * 2^exponent, which is above zero. */
static void decimal_exact(struct decimal *decimal, uint64_t mantissa, int exponent, bool lowest)
{
	struct fraction f;
	fraction_set(&f, mantissa, exponent, lowest);
	int order = exponent + 63 - __builtin_clzll(mantissa);
	decimal->exponent = fraction_scale(&f, order);
	fraction_digits(&f, decimal);
}

static void decimal_set_integer(struct decimal *decimal, uint64_t number, int power)
{
	char text[SLOG_U64_MAX];
	int count = (int)slog_number_u64(text, number);
	decimal->exponent = count - power;
	while (text[count - 1] == '0')
		count--;
	memcpy(decimal->digits, text, (size_t)count);
	decimal->count = count;
}

/*
 * True if the number is an integer below 10^15 over a power of ten up to 10^15. Both are exact and the division is
 * correctly rounded; of all decimals with 15 digits or fewer at most one reads back as a given double, so it is the
 * shortest.
 */
static bool decimal_short(struct decimal *decimal, double number)
{
	double scale = 1;
	for (int power = 0; power <= EXACT_POWER_MAX && number * scale < EXACT_INTEGER - 1; power++, scale *= 10) {
		uint64_t integer = (uint64_t)(number * scale + 0.5);
		if ((double)integer / scale == number) {
			decimal_set_integer(decimal, integer, power);
			return true;
		}
	}
	return false;
}

/* Appends count characters of digits, then zeros up to width. */
static size_t put_digits(char *out, const char *digits, int count, int width)
{
	for (int i = 0; i < width; i++)
		out[i] = i < count ? digits[i] : '0';
	return width > 0 ? (size_t)width : 0;
}

static size_t put_plain(char *out, const struct decimal *d)
{
	size_t at = 0;
	int before = d->exponent > 0 ? d->exponent : 0;
	int have = d->count < before ? d->count : before;
	if (before == 0)
		out[at++] = '0';
	at += put_digits(out + at, d->digits, have, before);
	out[at++] = '.';
	at += put_digits(out + at, "", 0, -d->exponent);
	if (have == d->count)
		out[at++] = '0';
	at += put_digits(out + at, d->digits + have, d->count - have, d->count - have);
	return at;
}

static size_t put_exponent(char *out, const struct decimal *d)
{
	size_t at = 0;
	int exponent = d->exponent - 1;
	out[at++] = d->digits[0];
	if (d->count > 1) {
		out[at++] = '.';
		at += put_digits(out + at, d->digits + 1, d->count - 1, d->count - 1);
	}
	out[at++] = 'e';
	out[at++] = exponent < 0 ? '-' : '+';
	return at + slog_number_u64(out + at, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

static size_t put_decimal(char *out, const struct decimal *decimal)
{
	int exponent = decimal->exponent - 1;
	if (exponent >= PLAIN_EXPONENT_MIN && exponent < PLAIN_EXPONENT_MAX)
		return put_plain(out, decimal);
	return put_exponent(out, decimal);
}

static size_t put_zero(char *out)
{
	memcpy(out, "0.0", 3);
	return 3;
}

/* IEEE 754 binary64: 1 sign, 11 exponent, 52 mantissa bits. */
size_t slog_number_double(char out[SLOG_DOUBLE_MAX], double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
	int biased = (int)(bits >> 52 & 0x7FF);
	assert(biased != 0x7FF);
	size_t at = 0;
	if (bits >> 63 != 0)
		out[at++] = '-';
	if (biased == 0 && mantissa == 0)
		return at + put_zero(out + at);
	struct decimal decimal = {.count = 0};
	if (!decimal_short(&decimal, number < 0 ? -number : number)) {
		bool lowest = mantissa == 0 && biased > 1;
		if (biased > 0)
			mantissa |= UINT64_C(1) << 52;
		decimal_exact(&decimal, mantissa, (biased > 0 ? biased : 1) - 1075, lowest);
	}
	return at + put_decimal(out + at, &decimal);
}

/* IEEE 754 binary32: 1 sign, 8 exponent, 23 mantissa bits. */
size_t slog_number_float(char out[SLOG_DOUBLE_MAX], float number)
{
	uint32_t bits;
	memcpy(&bits, &number, sizeof bits);
	uint32_t mantissa = bits & ((UINT32_C(1) << 23) - 1);
	int biased = (int)(bits >> 23 & 0xFF);
	assert(biased != 0xFF);
	size_t at = 0;
	if (bits >> 31 != 0)
		out[at++] = '-';
	if (biased == 0 && mantissa == 0)
		return at + put_zero(out + at);
	struct decimal decimal = {.count = 0};
	bool lowest = mantissa == 0 && biased > 1;
	if (biased > 0)
		mantissa |= UINT32_C(1) << 23;
	decimal_exact(&decimal, mantissa, (biased > 0 ? biased : 1) - 150, lowest);
	return at + put_decimal(out + at, &decimal);
}
