/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal digits to a number and back, with a limit on the digits: PRI, MSG-LEN, TXNR, DATALEN, years, options. */
#ifndef RELAYD_BASE_DECIMAL_H
#define RELAYD_BASE_DECIMAL_H

#include "base/bytes.h"
#include "base/little_endian.h"

enum {
	DECIMAL_DIGITS_MAX = 20,
	DECIMAL_WORD_DIGITS = 8, /* of decimal_read_word() */
};

static inline bool decimal_is_digit(uint8_t octet)
{
	return octet >= '0' && octet <= '9';
}

/*
 * Reads the digits at the start of `text`, at most `digits_max` (<= 19, so that nothing overflows) of them, into
 * `*value`. Returns how many digits it read: 0 if there is none, and then `*value` is 0. A digit beyond the limit is
 * left unread; the caller sees it.
 */
size_t decimal_read(struct bytes text, size_t digits_max, uint64_t *value);

/*
 * As decimal_read() for DECIMAL_WORD_DIGITS octets, all of which must be there, in a few instructions: eight octets make a
 * word, the first one lowest, and neighbours are added up as pairs, fours and all.
 */
static inline size_t decimal_read_word(const uint8_t *at, uint64_t *value)
{
	const uint64_t tops = UINT64_C(0x8080808080808080), lanes = UINT64_C(0x000000FF000000FF);
	uint64_t word = le64_load(at) ^ UINT64_C(0x3030303030303030);
	/* The first octet above 9 gets its top bit; what it carries into those behind it does not matter. */
	uint64_t others = (word | (word + UINT64_C(0x7676767676767676))) & tops;
	size_t len = others != 0 ? (size_t)__builtin_ctzll(others) / 8 : DECIMAL_WORD_DIGITS;
	uint64_t digits = len > 0 ? word << 8 * (DECIMAL_WORD_DIGITS - len) : 0;
	uint64_t pairs = digits * 10 + (digits >> 8);
	*value = ((pairs & lanes) * (100 + (UINT64_C(1000000) << 32)) +
	          (pairs >> 16 & lanes) * (1 + (UINT64_C(10000) << 32))) >> 32;
	return len;
}

/* The number of two digits; 100 or more if they are none. */
static inline unsigned decimal_read_pair(const uint8_t *at)
{
	unsigned tens = (uint8_t)(at[0] - '0'), ones = (uint8_t)(at[1] - '0');
	return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

/* Writes `value` without leading zeros to `out` (DECIMAL_DIGITS_MAX bytes are always enough); returns the length. No NUL. */
size_t decimal_write(uint64_t value, uint8_t *out);

extern const char decimal_pairs[200]; /* 00 to 99 */

/* Writes a number below 100 as two digits to `out`. */
static inline void decimal_write_pair(unsigned value, uint8_t *out)
{
	memcpy(out, decimal_pairs + 2 * value, 2);
}

/* Writes the last `width` digits of `value` with leading zeros to `out`, for times. */
void decimal_write_padded(uint64_t value, size_t width, uint8_t *out);

#endif
