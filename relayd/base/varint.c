/* SPDX-License-Identifier: Apache-2.0 */
#include "base/varint.h"

uint8_t *varint_put_any(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

size_t varint_read_any(struct bytes text, uint64_t *value)
{
	uint64_t number = 0;
	for (size_t i = 0; i < text.len && i < VARINT_LEN_MAX; i++) {
		uint64_t bits = text.at[i] & 0x7f;
		if (i == VARINT_LEN_MAX - 1 && bits > 1)
			return 0;
		number |= bits << (7 * i);
		if ((text.at[i] & 0x80) == 0) {
			*value = number;
			return i + 1;
		}
	}
	return 0;
}
