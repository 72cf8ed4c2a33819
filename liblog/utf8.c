/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the table of RFC 3629, section 4: the first two octets decide, the rest are continuations. */
#include <liblog/utf8.h>

#include <stdbool.h>

static bool is_continuation(unsigned char octet)
{
	return (octet & 0xC0) == 0x80;
}

/* The range of the second octet depends on the first: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool second_is_valid(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xE0:
		return second >= 0xA0 && second <= 0xBF;
	case 0xED:
		return second >= 0x80 && second <= 0x9F;
	case 0xF0:
		return second >= 0x90 && second <= 0xBF;
	case 0xF4:
		return second >= 0x80 && second <= 0x8F;
	default:
		return is_continuation(second);
	}
}

size_t slog_utf8_length(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;
	if (length == 0)
		return 0;
	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xC2 || at[0] > 0xF4)
		return 0;
	size_t need = at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;
	if (length < need || !second_is_valid(at[0], at[1]))
		return 0;
	for (size_t i = 2; i < need; i++)
		if (!is_continuation(at[i]))
			return 0;
	return need;
}

size_t slog_utf8_plain_length(const char *bytes, size_t length)
{
	size_t n = slog_utf8_length(bytes, length);
	/* U+EF80..U+EFFF is EE BE 80 to EE BF BF. */
	if (n == 3 && (unsigned char)bytes[0] == 0xEE && (unsigned char)bytes[1] >= 0xBE)
		return 0;
	return n;
}

void slog_raw_octet(char out[SLOG_RAW_OCTET_BYTES], unsigned char octet)
{
	out[0] = (char)0xEE;
	out[1] = (char)(0xBE + ((octet >> 6) & 1));
	out[2] = (char)(0x80 + (octet & 0x3F));
}
