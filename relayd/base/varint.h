/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variable-length unsigned numbers: seven bits an octet, least significant first, the top bit says that more follow
 * (LEB128). Signed numbers go through zigzag, so that small negative ones stay short. Records use it to stay compact.
 */
#ifndef RELAYD_BASE_VARINT_H
#define RELAYD_BASE_VARINT_H

#include "base/bytes.h"

enum { VARINT_LEN_MAX = 10 };

/* The general way; nearly all numbers take few octets, which the functions below write and read in place. */
__attribute__((noinline)) uint8_t *varint_put_any(uint8_t *at, uint64_t value);
__attribute__((cold)) size_t varint_read_any(struct bytes text, uint64_t *value);

/* Octets that `value` takes, 1..10. */
static inline size_t varint_len(uint64_t value)
{
	unsigned highest_bit = 63 ^ (unsigned)__builtin_clzll(value | 1);
	return (highest_bit * 9 + 73) / 64; /* highest_bit / 7 + 1 for all of 0..63, without a division */
}

/* Writes `value` to `at`, where VARINT_LEN_MAX octets have room; returns where it ends. */
static inline uint8_t *varint_put(uint8_t *at, uint64_t value)
{
	if (value < 1u << 7) {
		at[0] = (uint8_t)value;
		return at + 1;
	}
	if (value < 1u << 14) {
		at[0] = (uint8_t)(value | 0x80);
		at[1] = (uint8_t)(value >> 7);
		return at + 2;
	}
	if (value < 1u << 21) {
		at[0] = (uint8_t)(value | 0x80);
		at[1] = (uint8_t)(value >> 7 | 0x80);
		at[2] = (uint8_t)(value >> 14);
		return at + 3;
	}
	return varint_put_any(at, value);
}

/* The same; returns the length, 1..10. */
static inline size_t varint_write(uint64_t value, uint8_t *out)
{
	return (size_t)(varint_put(out, value) - out);
}

/* Reads one number from the start of `text`. Returns its length, or 0 if it is cut off or longer than 64 bits. */
static inline size_t varint_read(struct bytes text, uint64_t *value)
{
	if (text.len >= 1 && text.at[0] < 0x80) {
		*value = text.at[0];
		return 1;
	}
	if (text.len >= 2 && text.at[1] < 0x80) {
		*value = (text.at[0] & 0x7fu) | (unsigned)text.at[1] << 7;
		return 2;
	}
	return varint_read_any(text, value);
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
