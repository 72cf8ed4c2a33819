/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as JSON text, the same in every encoder, whatever the locale. Each function writes to out, without a NUL, and
 * returns the octets written.
 */
#ifndef LIBLOG_NUMBER_H
#define LIBLOG_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define SLOG_U64_MAX 20    /* octets of an unsigned 64-bit number */
#define SLOG_I64_MAX 20    /* octets of a signed one */
#define SLOG_DOUBLE_MAX 25 /* octets of a double: "-1.2345678901234567e-308" */

/* No more is written than the digits. */
size_t slog_number_u64(char *out, uint64_t number);
size_t slog_number_i64(char out[SLOG_I64_MAX], int64_t number);

/*
 * The shortest digits that read back as the same double (or float), always with '.' or an exponent, so that floating
 * point and integers stay apart: "1.0", "48.85", "1e+22". The number is finite.
 */
size_t slog_number_double(char out[SLOG_DOUBLE_MAX], double number);
size_t slog_number_float(char out[SLOG_DOUBLE_MAX], float number);

/* "00", "01", ... "99". */
extern const char slog_two_digits[200];

/* digits decimal digits of number, with leading zeros; number has no more than that. */
void slog_number_fixed(char *out, size_t digits, uint32_t number);

#endif
