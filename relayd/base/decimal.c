/* SPDX-License-Identifier: Apache-2.0 */
#include "base/decimal.h"

size_t decimal_read(struct bytes text, size_t digits_max, uint64_t *value)
{
	assert(digits_max < DECIMAL_DIGITS_MAX);
	size_t limit = text.len < digits_max ? text.len : digits_max;
	size_t len = 0;
	uint64_t number = 0;
	while (len < limit && decimal_is_digit(text.at[len]))
		number = number * 10 + (uint64_t)(text.at[len++] - '0');
	*value = number;
	return len;
}

const char decimal_pairs[200] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
								"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
								"8081828384858687888990919293949596979899";

static size_t digits_of(uint64_t value)
{
	for (size_t digits = 1;; digits += 4, value /= 10000) {
		if (value < 10)
			return digits;
		if (value < 100)
			return digits + 1;
		if (value < 1000)
			return digits + 2;
		if (value < 10000)
			return digits + 3;
	}
}

static size_t write_below_100(unsigned value, uint8_t *out)
{
	if (value >= 10) {
		decimal_write_pair(value, out);
		return 2;
	}
	out[0] = (uint8_t)('0' + value);
	return 1;
}

static size_t write_below_10000(unsigned value, uint8_t *out)
{
	if (value < 100)
		return write_below_100(value, out);
	size_t len = write_below_100(value / 100, out);
	decimal_write_pair(value % 100, out + len);
	return len + 2;
}

size_t decimal_write(uint64_t value, uint8_t *out)
{
	if (value < 10000)
		return write_below_10000((unsigned)value, out);
	if (value < 100000000) {
		unsigned high = (unsigned)value / 10000, low = (unsigned)value % 10000;
		size_t len = write_below_10000(high, out);
		decimal_write_pair(low / 100, out + len);
		decimal_write_pair(low % 100, out + len + 2);
		return len + 4;
	}
	size_t len = digits_of(value);
	decimal_write_padded(value, len, out);
	return len;
}

void decimal_write_padded(uint64_t value, size_t width, uint8_t *out)
{
	for (; width >= 2; width -= 2, value /= 100)
		memcpy(out + width - 2, decimal_pairs + value % 100 * 2, 2);
	if (width == 1)
		out[0] = (uint8_t)('0' + value % 10);
}
