/* SPDX-License-Identifier: Apache-2.0 */
/* Integers as decimal text. Floating point is in double.c. */
#include "number.h"

#include <string.h>

size_t slog_number_u64(char out[SLOG_U64_MAX], uint64_t number)
{
	char digits[SLOG_U64_MAX];
	size_t start = SLOG_U64_MAX;
	do {
		digits[--start] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	memcpy(out, digits + start, SLOG_U64_MAX - start);
	return SLOG_U64_MAX - start;
}

size_t slog_number_i64(char out[SLOG_I64_MAX], int64_t number)
{
	if (number >= 0)
		return slog_number_u64(out, (uint64_t)number);
	char digits[SLOG_U64_MAX];
	size_t length = slog_number_u64(digits, -(uint64_t)number);
	out[0] = '-';
	memcpy(out + 1, digits, length);
	return length + 1;
}

void slog_number_fixed(char *out, size_t digits, uint32_t number)
{
	while (digits > 0) {
		out[--digits] = (char)('0' + number % 10);
		number /= 10;
	}
}
