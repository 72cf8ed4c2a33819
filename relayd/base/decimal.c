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

size_t decimal_write(uint64_t value, uint8_t *out)
{
	uint8_t digits[DECIMAL_DIGITS_MAX];
	size_t len = 0;
	do {
		digits[len++] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (size_t i = 0; i < len; i++)
		out[i] = digits[len - 1 - i];
	return len;
}

void decimal_write_padded(uint64_t value, size_t width, uint8_t *out)
{
	while (width > 0) {
		out[--width] = (uint8_t)('0' + value % 10);
		value /= 10;
	}
}
