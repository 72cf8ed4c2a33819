/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

/* U+0080 to U+009F: terminals may take them for the two-octet controls of ESC. */
static bool is_c1(const unsigned char *at)
{
	return at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
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
		else if (is_c0_or_del(*at))
			*at = '?';
	}
}

bool printable_is(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (is_c1(at) || is_c0_or_del(*at))
			return false;
	}
	return true;
}
