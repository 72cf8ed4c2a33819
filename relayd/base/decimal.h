/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal digits to a number and back, with a limit on the digits: PRI, MSG-LEN, TXNR, DATALEN, years, options. */
#ifndef RELAYD_BASE_DECIMAL_H
#define RELAYD_BASE_DECIMAL_H

#include "base/bytes.h"

enum { DECIMAL_DIGITS_MAX = 20 };

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

/* Writes `value` without leading zeros to `out` (DECIMAL_DIGITS_MAX bytes are always enough); returns the length. No NUL. */
size_t decimal_write(uint64_t value, uint8_t *out);

/* Writes the last `width` digits of `value` with leading zeros to `out`, for times. */
void decimal_write_padded(uint64_t value, size_t width, uint8_t *out);

#endif
