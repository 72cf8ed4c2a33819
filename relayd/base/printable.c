/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

/* U+0080 to U+009F: terminals may take them for the two-octet controls of ESC. */
static bool is_c1(const unsigned char *at)
{
	return at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
}

/*
 * U+2028 and U+2029 begin a line, U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows: a name could
 * make what stands beside it read as something else.
 */
static bool is_layout(const unsigned char *at)
{
	if (at[0] != 0xe2)
		return false;
	return (at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) || (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
}

static bool is_c0_or_del(unsigned char octet)
{
	return octet < 0x20 || octet == 0x7f;
}

void printable_make(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		if (is_c1(at))
			at[0] = at[1] = '?';
		else if (is_layout(at))
			at[0] = at[1] = at[2] = '?';
		else if (is_c0_or_del(*at))
			*at = '?';
	}
}

bool printable_is(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (is_c1(at) || is_layout(at) || is_c0_or_del(*at))
			return false;
	}
	return true;
}
