/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings (RFC 8259, 7) from octets. Telling whether a text is JSON is in json_check.c. */
#include <liblog/json.h>

#include <string.h>

#include <liblog/utf8.h>

#define ESCAPE_MAX 6 /* "\u001b" */

/* Octets from bytes[0] on that stand in a JSON string as they are. */
static size_t plain_run(const char *bytes, size_t length)
{
	size_t i = 0;
	while (i < length && bytes[i] >= 0x20 && bytes[i] < 0x7F && bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

/* The letter of a two-character escape, or 0. */
static char short_escape(char octet)
{
	switch (octet) {
	case '"':
	case '\\':
		return octet;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static size_t put_escape(char out[ESCAPE_MAX], char octet)
{
	static const char digits[] = "0123456789abcdef";
	char letter = short_escape(octet);
	out[0] = '\\';
	if (letter != 0) {
		out[1] = letter;
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = digits[(unsigned char)octet >> 4];
	out[5] = digits[(unsigned char)octet & 15];
	return ESCAPE_MAX;
}

/* Writes what the character at bytes[0], which ended a plain run, becomes; *used is its length. */
static size_t put_character(char out[ESCAPE_MAX], const char *bytes, size_t length, size_t *used)
{
	*used = 1;
	if ((unsigned char)bytes[0] < 0x80)
		return put_escape(out, bytes[0]);
	size_t n = slog_utf8_plain_length(bytes, length);
	if (n == 0) {
		slog_raw_octet(out, (unsigned char)bytes[0]);
		return SLOG_RAW_OCTET_BYTES;
	}
	*used = n;
	memcpy(out, bytes, n);
	return n;
}

size_t slog_json_string(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	size_t written = 0;
	size_t at = 0;
	while (at < length) {
		size_t run = plain_run(bytes + at, length - at);
		bool is_full = run >= size - written;
		if (is_full)
			run = size - written;
		memcpy(out + written, bytes + at, run);
		written += run;
		at += run;
		if (is_full || at == length)
			break;
		char piece[ESCAPE_MAX];
		size_t used;
		size_t piece_length = put_character(piece, bytes + at, length - at, &used);
		if (piece_length > size - written)
			break;
		memcpy(out + written, piece, piece_length);
		written += piece_length;
		at += used;
	}
	*taken = at;
	return written;
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
