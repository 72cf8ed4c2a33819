/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings (RFC 8259, 7) from octets. Telling whether a text is JSON is in json_check.c. */
#include <liblog/json.h>

#include <string.h>

#include "escape.h"

#define PLAIN(o) {{o}, 1}
#define PLAIN_4(o) PLAIN(o), PLAIN((o) + 1), PLAIN((o) + 2), PLAIN((o) + 3)
#define PLAIN_16(o) PLAIN_4(o), PLAIN_4((o) + 4), PLAIN_4((o) + 8), PLAIN_4((o) + 12)
#define LETTER(letter) {{'\\', letter}, 2}
#define CODE(high, low) {{'\\', 'u', '0', '0', high, low}, 6}

static const struct slog_escape escapes[256] = {
	/* clang-format off */
	CODE('0', '0'), CODE('0', '1'), CODE('0', '2'), CODE('0', '3'), CODE('0', '4'), CODE('0', '5'), CODE('0', '6'),
	CODE('0', '7'), LETTER('b'), LETTER('t'), LETTER('n'), CODE('0', 'b'), LETTER('f'), LETTER('r'), CODE('0', 'e'),
	CODE('0', 'f'), CODE('1', '0'), CODE('1', '1'), CODE('1', '2'), CODE('1', '3'), CODE('1', '4'), CODE('1', '5'),
	CODE('1', '6'), CODE('1', '7'), CODE('1', '8'), CODE('1', '9'), CODE('1', 'a'), CODE('1', 'b'), CODE('1', 'c'),
	CODE('1', 'd'), CODE('1', 'e'), CODE('1', 'f'),
	PLAIN(' '), PLAIN('!'), LETTER('"'), PLAIN('#'), PLAIN_4('$'), PLAIN_4('('), PLAIN_4(','),
	PLAIN_16('0'), PLAIN_16('@'),
	PLAIN_4('P'), PLAIN_4('T'), PLAIN_4('X'), LETTER('\\'), PLAIN(']'), PLAIN('^'), PLAIN('_'),
	PLAIN_16('`'),
	PLAIN_4('p'), PLAIN_4('t'), PLAIN_4('x'), PLAIN('|'), PLAIN('}'), PLAIN('~'), CODE('7', 'f'),
	SLOG_ESCAPE_RAW_OCTETS,
	/* clang-format on */
};

/* A character that is not ASCII: as it is, or one of its octets as a raw octet. */
static size_t put_character(char *out, const char *bytes, size_t length, size_t *used)
{
	size_t n = slog_utf8_plain_length(bytes, length);
	*used = n > 0 ? n : 1;
	if (n == 0) {
		slog_raw_octet(out, (unsigned char)bytes[0]);
		return SLOG_RAW_OCTET_BYTES;
	}
	memcpy(out, bytes, n);
	return n;
}

size_t slog_json_string(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	return slog_escape_text(out, size, bytes, length, taken, SLOG_OCTETS_JSON, escapes, put_character);
}

/* Octets from bytes[0] on that stand in a JSON string as they are. */
static size_t plain_run(const char *bytes, size_t length)
{
	size_t i = 0;
	while (i < length && (unsigned char)bytes[i] < 0x80 && escapes[(unsigned char)bytes[i]].length == 1)
		i++;
	return i;
}

bool slog_json_string_is_plain(const char *bytes, size_t length)
{
	size_t at = 0;
	while (at < length) {
		at += plain_run(bytes + at, length - at);
		if (at == length)
			break;
		size_t n = (unsigned char)bytes[at] < 0x80 ? 0 : slog_utf8_plain_length(bytes + at, length - at);
		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
