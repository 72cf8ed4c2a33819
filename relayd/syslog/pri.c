/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/pri.h"

#include "base/decimal.h"

enum { PRI_DIGITS_MAX = 3 };

enum pri_outcome pri_read(struct bytes text, uint8_t *pri, size_t *len)
{
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
