/* SPDX-License-Identifier: Apache-2.0 */
/* The header's fields, PARAM-NAME, PARAM-VALUE and MSG of rfc5424.h. TIMESTAMP is in timestamp.c. */
#include <liblog/rfc5424.h>

#include <assert.h>
#include <string.h>

#include "escape.h"
#include "number.h"

#define PICTURE_BYTES 3
#define PICTURE_OF_ESC 0x1B
#define PICTURE_OF_SPACE 0x20 /* U+2420: what follows U+241B when that stands for ESC before a picture */
#define PICTURE_OF_DEL 0x21

size_t slog_rfc5424_pri(char *out, size_t size, unsigned facility, unsigned severity)
{
	assert(facility <= 23 && severity <= 7);
	unsigned pri = facility * 8 + severity;
	size_t digits = pri < 10 ? 1 : pri < 100 ? 2 : 3;
	if (digits + 2 > size)
		return 0;
	out[0] = '<';
	slog_number_u64(out + 1, pri);
	out[digits + 1] = '>';
	return digits + 2;
}

static bool is_printusascii(char octet)
{
	return octet >= 33 && octet <= 126;
}

bool slog_rfc5424_is_field(const char *bytes, size_t length, size_t max)
{
	if (length == 0 || length > max || (length == 1 && bytes[0] == '-'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_printusascii(bytes[i]))
			return false;
	return true;
}

size_t slog_rfc5424_field(char *out, size_t size, const char *bytes, size_t length, size_t max)
{
	bool is_nil = length == 0;
	if (length > max)
		length = max;
	if (size < (is_nil ? 1 : length))
		return 0;
	if (is_nil || (length == 1 && bytes[0] == '-')) {
		out[0] = is_nil ? '-' : '_';
		return 1;
	}
	for (size_t i = 0; i < length; i++)
		out[i] = bytes[i];
	for (size_t i = 0; i < length; i++)
		if (!is_printusascii(out[i]))
			out[i] = '_';
	return length;
}

/* Whether the octet at i of a key stands as it is in a PARAM-NAME. */
static bool name_octet_is_raw(const char *bytes, size_t length, size_t i, bool dots_too)
{
	switch (bytes[i]) {
	case '"':
	case '%':
	case '/':
	case '=':
	case '[':
	case '\\':
	case ']':
		return false;
	case '~':
		return i > 0;
	case '.':
		return !dots_too && i + 1 < length;
	default:
		return is_printusascii(bytes[i]);
	}
}

size_t slog_rfc5424_name(char *out, size_t size, const char *bytes, size_t length, bool dots_too, size_t *taken)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t written = 0;
	*taken = 0;
	if (length == 0 && size >= 2) {
		memcpy(out, "%-", 2);
		return 2;
	}
	for (size_t i = 0; i < length; i++) {
		bool is_raw = name_octet_is_raw(bytes, length, i, dots_too);
		if (size - written < (is_raw ? 1u : 3u))
			break;
		if (is_raw) {
			out[written++] = bytes[i];
		} else {
			out[written++] = '%';
			out[written++] = digits[(unsigned char)bytes[i] >> 4];
			out[written++] = digits[(unsigned char)bytes[i] & 15];
		}
		*taken = i + 1;
	}
	return written;
}

size_t slog_rfc5424_name_length(const char *bytes, size_t length, bool dots_too)
{
	if (length == 0)
		return 2;
	size_t total = 0;
	for (size_t i = 0; i < length; i++)
		total += name_octet_is_raw(bytes, length, i, dots_too) ? 1 : 3;
	return total;
}

static bool is_control(char octet)
{
	return (unsigned char)octet < 0x20 || octet == 0x7F;
}

#define PLAIN(o) {{o}, 1}
#define PLAIN_4(o) PLAIN(o), PLAIN((o) + 1), PLAIN((o) + 2), PLAIN((o) + 3)
#define PLAIN_16(o) PLAIN_4(o), PLAIN_4((o) + 4), PLAIN_4((o) + 8), PLAIN_4((o) + 12)
#define PICTURE(low) {{'\xE2', '\x90', (char)(0x80 + (low))}, PICTURE_BYTES}
#define PICTURE_4(o) PICTURE(o), PICTURE((o) + 1), PICTURE((o) + 2), PICTURE((o) + 3)
#define BACKSLASH(o) {{'\\', o}, 2}
#define DEPENDS {{0}, 0} /* ESC: it is marked before a picture */

/* Rows that PARAM-VALUE and MSG have in common, and those where they differ. */
#define CONTROLS \
	PICTURE_4(0x00), PICTURE_4(0x04), PICTURE_4(0x08), PICTURE_4(0x0C), PICTURE_4(0x10), PICTURE_4(0x14), \
	PICTURE(0x18), PICTURE(0x19), PICTURE(0x1A), DEPENDS, PICTURE_4(0x1C)
#define FROM_SPACE(quote) PLAIN(' '), PLAIN('!'), quote, PLAIN('#'), PLAIN_4('$'), PLAIN_4('('), PLAIN_4(',')
#define FROM_P(backslash, bracket) \
	PLAIN_4('P'), PLAIN_4('T'), PLAIN_4('X'), backslash, bracket, PLAIN('^'), PLAIN('_')
#define TO_DEL PLAIN_4('p'), PLAIN_4('t'), PLAIN_4('x'), PLAIN('|'), PLAIN('}'), PLAIN('~'), PICTURE(PICTURE_OF_DEL)

static const struct slog_escape msg_escapes[256] = {
	CONTROLS, FROM_SPACE(PLAIN('"')), PLAIN_16('0'), PLAIN_16('@'), FROM_P(PLAIN('\\'), PLAIN(']')), PLAIN_16('`'), TO_DEL,
	SLOG_ESCAPE_RAW_OCTETS,
};
static const struct slog_escape param_escapes[256] = {
	CONTROLS, FROM_SPACE(BACKSLASH('"')), PLAIN_16('0'), PLAIN_16('@'), FROM_P(BACKSLASH('\\'), BACKSLASH(']')),
	PLAIN_16('`'), TO_DEL,
	SLOG_ESCAPE_RAW_OCTETS,
};

/* The last six bits of a control picture U+2400..U+2421 at bytes, or -1: E2 90 80 to E2 90 A1. */
static int picture_at(const char *bytes, size_t length)
{
	if (length < PICTURE_BYTES || memcmp(bytes, "\xE2\x90", 2) != 0)
		return -1;
	int low = (unsigned char)bytes[2] - 0x80;
	return low >= 0 && low <= PICTURE_OF_DEL ? low : -1;
}

static size_t put_picture(char *out, int low)
{
	memcpy(out, "\xE2\x90", 2);
	out[2] = (char)(0x80 + low);
	return PICTURE_BYTES;
}

/* ESC is marked if the next thing written is a picture: it would be its prefix. */
static size_t put_esc(char *out, const char *bytes, size_t length)
{
	size_t written = put_picture(out, PICTURE_OF_ESC);
	if (length > 1 && (is_control(bytes[1]) || picture_at(bytes + 1, length - 1) >= 0))
		written += put_picture(out + written, PICTURE_OF_SPACE);
	return written;
}

/* What the tables do not hold: ESC, and characters that are not ASCII. */
static size_t put_character(char *out, const char *bytes, size_t length, size_t *used)
{
	*used = 1;
	if (bytes[0] == PICTURE_OF_ESC)
		return put_esc(out, bytes, length);
	size_t n = slog_utf8_plain_length(bytes, length);
	if (n == 0) {
		slog_raw_octet(out, (unsigned char)bytes[0]);
		return SLOG_RAW_OCTET_BYTES;
	}
	*used = n;
	size_t written = 0;
	int picture = picture_at(bytes, length);
	if (picture >= 0 && picture != PICTURE_OF_SPACE)
		written = put_picture(out, PICTURE_OF_ESC);
	memcpy(out + written, bytes, n);
	return written + n;
}

size_t slog_rfc5424_value(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	return slog_escape_text(out, size, bytes, length, taken, SLOG_OCTETS_PARAM, param_escapes, put_character);
}

size_t slog_rfc5424_msg(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	return slog_escape_text(out, size, bytes, length, taken, SLOG_OCTETS_MSG, msg_escapes, put_character);
}

bool slog_rfc5424_msg_is_plain(const char *bytes, size_t length)
{
	size_t at = 0;
	while (at < length) {
		while (at < length && bytes[at] >= 0x20 && bytes[at] < 0x7F)
			at++;
		if (at == length)
			break;
		size_t n = slog_utf8_plain_length(bytes + at, length - at);
		int picture = picture_at(bytes + at, length - at);
		if (is_control(bytes[at]) || n == 0 || (picture >= 0 && picture != PICTURE_OF_SPACE))
			return false;
		at += n;
	}
	return true;
}
