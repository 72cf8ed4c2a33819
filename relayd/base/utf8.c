/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <liblog/utf8.h>

static bool is_continuation(uint8_t octet)
{
	return (octet & 0xc0) == 0x80;
}

size_t utf8_char_len(struct bytes text)
{
	return slog_utf8_length((const char *)text.at, text.len);
}

/* Length of the run of ASCII at the start, eight octets at a time. */
static size_t ascii_run(struct bytes text)
{
	size_t at = 0;
	for (; at + 8 <= text.len; at += 8) {
		uint64_t word;
		memcpy(&word, text.at + at, sizeof word);
		if ((word & 0x8080808080808080u) != 0)
			break;
	}
	while (at < text.len && text.at[at] < 0x80)
		at++;
	return at;
}

bool utf8_is_valid(struct bytes text)
{
	for (;;) {
		text = bytes_after(text, ascii_run(text));
		if (text.len == 0)
			return true;
		size_t len = utf8_char_len(text);
		if (len == 0)
			return false;
		text = bytes_after(text, len);
	}
}

size_t utf8_cut(struct bytes text, size_t limit)
{
	if (text.len <= limit)
		return text.len;
	size_t start = limit;
	while (start > 0 && limit - start < 3 && is_continuation(text.at[start]))
		start--;
	/* Only a valid character that crosses the border moves the cut. */
	size_t len = utf8_char_len(bytes_after(text, start));
	return start < limit && len > 0 && start + len > limit ? start : limit;
}
