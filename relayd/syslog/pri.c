/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/pri.h"

#include "base/decimal.h"

enum { PRI_DIGITS_MAX = 3 };

/* "<" and two or three digits without leading zero ">", nearly every PRI. Five octets must be there. */
static inline bool read_common(const uint8_t *at, uint8_t *pri, size_t *len)
{
	unsigned first = (unsigned)(at[1] - '0'), second = (unsigned)(at[2] - '0'), third = (unsigned)(at[3] - '0');
	unsigned value = first * 10 + second;
	bool two = at[3] == '>';
	if (at[0] != '<' || first - 1 > 8 || second > 9)
		return false;
	if (!two) {
		value = value * 10 + third;
		if (third > 9 || value > PRI_MAX || at[4] != '>')
			return false;
	}
	*pri = (uint8_t)value;
	*len = two ? 4 : 5;
	return true;
}

enum pri_outcome pri_read(struct bytes text, uint8_t *pri, size_t *len)
{
	if (text.len > PRI_DIGITS_MAX + 1 && read_common(text.at, pri, len))
		return PRI_EXACT;
	*pri = PRI_DEFAULT;
	*len = 0;
	if (text.len == 0 || text.at[0] != '<')
		return PRI_ABSENT;
	unsigned value = 0;
	size_t at = 1;
	while (at < text.len && at <= PRI_DIGITS_MAX && decimal_is_digit(text.at[at]))
		value = value * 10 + (unsigned)(text.at[at++] - '0');
	if (at == text.len || text.at[at] != '>')
		return PRI_UNCLOSED;
	*len = at + 1;
	if (at == 1 || value > PRI_MAX)
		return PRI_INVALID;
	*pri = (uint8_t)value;
	return text.at[1] == '0' && at > 2 ? PRI_TOLERATED : PRI_EXACT;
}
