/* SPDX-License-Identifier: Apache-2.0 */
/* See reads_as_typed.h. */
#include "reads_as_typed.h"

#include <string.h>

#include <liblog/json.h>

static bool equals(const char *bytes, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(bytes, word, length) == 0;
}

static inline bool is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

/* False for all that do not begin like a number and go on like one: most words, and addresses like 192.0.2.1. */
static inline bool may_be_number(const char *bytes, size_t length)
{
	size_t i = bytes[0] == '-' ? 1 : 0;
	if (i == length || !is_digit(bytes[i]) || !is_digit(bytes[length - 1]))
		return false;
	while (i < length && is_digit(bytes[i]))
		i++;
	if (i < length && bytes[i] == '.')
		for (i++; i < length && is_digit(bytes[i]); i++)
			;
	return i == length || bytes[i] == 'e' || bytes[i] == 'E';
}

bool slog_is_typed(const char *bytes, size_t length)
{
	switch (bytes[0]) {
	case '[':
	case '{':
		return true;
	case 't':
		return equals(bytes, length, "true");
	case 'f':
		return equals(bytes, length, "false");
	case 'n':
		return equals(bytes, length, "null");
	default:
		return may_be_number(bytes, length) && slog_json_is_number(bytes, length);
	}
}
