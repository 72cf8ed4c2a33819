/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variable-length unsigned numbers: seven bits an octet, least significant first, the top bit says that more follow
 * (LEB128). Signed numbers go through zigzag, so that small negative ones stay short. Records use it to stay compact.
 */
#ifndef RELAYD_BASE_VARINT_H
#define RELAYD_BASE_VARINT_H

#include "base/bytes.h"

enum { VARINT_LEN_MAX = 10 };

/* Writes `value` to `out`, which has VARINT_LEN_MAX octets of room; returns the length, 1..10. */
static inline size_t varint_write(uint64_t value, uint8_t *out)
{
	size_t len = 0;
	while (value >= 0x80) {
		out[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[len++] = (uint8_t)value;
	return len;
}

/* Reads one number from the start of `text`. Returns its length, or 0 if it is cut off or longer than 64 bits. */
static inline size_t varint_read(struct bytes text, uint64_t *value)
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

static inline uint64_t zigzag_of(int64_t value)
{
	return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t zigzag_back(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
