/* SPDX-License-Identifier: Apache-2.0 */
/* See undo.h. */
#include "undo.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <liblog/utf8.h>

#define PICTURE_BYTES 3
#define PICTURE_OF_ESC 0x1B
#define PICTURE_OF_SPACE 0x20 /* U+2420: behind U+241B it says that this is ESC before a picture */
#define PICTURE_OF_DEL 0x21
#define ESC 0x1B
#define DEL 0x7F

/* ---- raw octets ------------------------------------------------------------------------------------------------- */

/* The octet that the character U+EF80..U+EFFF at bytes (EE BE 80 to EE BF BF) stands for, or -1. */
static int raw_octet_at(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;
	if (length < SLOG_RAW_OCTET_BYTES || at[0] != 0xEE || (at[1] != 0xBE && at[1] != 0xBF) || (at[2] & 0xC0) != 0x80)
		return -1;
	return 0x80 | (at[1] & 1) << 6 | (at[2] & 0x3F);
}

/*
 * A run of such characters at bytes, of which there is one at least. It means octets only if encoding these gives the
 * same run; otherwise the characters stand for themselves. *taken is its length; returns the octets written to out,
 * which may be where the run is.
 */
static size_t undo_run(char *out, const char *bytes, size_t length, size_t *taken)
{
	size_t count = 0;
	int octet;
	while ((octet = raw_octet_at(bytes + count * SLOG_RAW_OCTET_BYTES, length - count * SLOG_RAW_OCTET_BYTES)) >= 0) {
		count++;
	}
	*taken = count * SLOG_RAW_OCTET_BYTES;
	/* Looks at the octets through a window: writing them would overwrite the run if out is there. */
	for (size_t i = 0; i < count; i++) {
		char window[4];
		size_t n = 0;
		for (; n < sizeof window && i + n < count; n++)
			window[n] = (char)raw_octet_at(bytes + (i + n) * SLOG_RAW_OCTET_BYTES, SLOG_RAW_OCTET_BYTES);
		if (slog_utf8_plain_length(window, n) == 0)
			continue;
		memmove(out, bytes, *taken);
		return *taken;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = (char)raw_octet_at(bytes + i * SLOG_RAW_OCTET_BYTES, SLOG_RAW_OCTET_BYTES);
	return count;
}

/* Undoes all runs of a text where it stands; returns its new length. */
static size_t undo_runs(char *text, size_t length)
{
	char *first = memchr(text, 0xEE, length);
	if (first == NULL)
		return length;
	size_t written = (size_t)(first - text);
	for (size_t at = written; at < length;) {
		size_t taken = 1;
		if (raw_octet_at(text + at, length - at) >= 0)
			written += undo_run(text + written, text + at, length - at, &taken);
		else
			text[written++] = text[at];
		at += taken;
	}
	return written;
}

/* ---- PARAM-VALUE and MSG ---------------------------------------------------------------------------------------- */

/* The last six bits of a control picture U+2400..U+2421 at bytes, or -1: E2 90 80 to E2 90 A1. */
static int picture_at(const char *bytes, size_t length)
{
	if (length < PICTURE_BYTES || memcmp(bytes, "\xE2\x90", 2) != 0)
		return -1;
	int low = (unsigned char)bytes[2] - 0x80;
	return low >= 0 && low <= PICTURE_OF_DEL ? low : -1;
}

/* What the picture at bytes stands for; *taken is its length with what belongs to it. */
static size_t undo_picture(char *out, int picture, const char *bytes, size_t length, size_t *taken)
{
	int next = picture == PICTURE_OF_ESC ? picture_at(bytes + PICTURE_BYTES, length - PICTURE_BYTES) : -1;
	*taken = next >= 0 ? 2 * PICTURE_BYTES : PICTURE_BYTES;
	if (picture == PICTURE_OF_SPACE || (next >= 0 && next != PICTURE_OF_SPACE)) {
		memcpy(out, bytes + *taken - PICTURE_BYTES, PICTURE_BYTES);
		return PICTURE_BYTES;
	}
	out[0] = picture == PICTURE_OF_DEL ? DEL : (char)picture;
	return 1;
}

/* Octets from bytes[0] on that stand for themselves. */
static size_t plain_run(const char *bytes, size_t length, bool in_param)
{
	size_t i = 0;
	while (i < length && (unsigned char)bytes[i] != 0xE2 && (unsigned char)bytes[i] != 0xEE &&
	       !(in_param && bytes[i] == '\\'))
		i++;
	return i;
}

/* What stands at bytes[0], which ended a plain run. */
static size_t undo_one(char *out, const char *bytes, size_t length, size_t *taken)
{
	if (bytes[0] == '\\' && length > 1 && (bytes[1] == '"' || bytes[1] == '\\' || bytes[1] == ']')) {
		out[0] = bytes[1];
		*taken = 2;
		return 1;
	}
	int picture = picture_at(bytes, length);
	if (picture >= 0)
		return undo_picture(out, picture, bytes, length, taken);
	if (raw_octet_at(bytes, length) >= 0)
		return undo_run(out, bytes, length, taken);
	out[0] = bytes[0];
	*taken = 1;
	return 1;
}

static size_t undo_text(char *out, const char *bytes, size_t length, bool in_param)
{
	size_t written = 0;
	for (size_t at = 0; at < length;) {
		size_t taken = plain_run(bytes + at, length - at, in_param);
		if (taken > 0) {
			memcpy(out + written, bytes + at, taken);
			written += taken;
		} else {
			written += undo_one(out + written, bytes + at, length - at, &taken);
		}
		at += taken;
	}
	return written;
}

size_t slog_undo_value(char *out, const char *bytes, size_t length)
{
	return undo_text(out, bytes, length, true);
}

size_t slog_undo_msg(char *out, const char *bytes, size_t length)
{
	return undo_text(out, bytes, length, false);
}

size_t slog_undo_sd_escapes(char *out, const char *bytes, size_t length)
{
	size_t written = 0;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\\' && i + 1 < length && (bytes[i + 1] == '"' || bytes[i + 1] == '\\' || bytes[i + 1] == ']'))
			i++;
		out[written++] = bytes[i];
	}
	return written;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static int hex_digit(char octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	char upper = (char)(octet & ~0x20);
	return upper >= 'A' && upper <= 'F' ? upper - 'A' + 10 : -1;
}

size_t slog_undo_name(char *out, const char *bytes, size_t length)
{
	size_t written = 0;
	if (length == 2 && memcmp(bytes, "%-", 2) == 0)
		return 0;
	for (size_t i = 0; i < length; i++) {
		int high = bytes[i] == '%' && length - i > 2 ? hex_digit(bytes[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(bytes[i + 2]) : -1;
		out[written++] = low >= 0 ? (char)(high << 4 | low) : bytes[i];
		i += low >= 0 ? 2 : 0;
	}
	return written;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static uint32_t hex4(const char *digits)
{
	uint32_t number = 0;
	for (int i = 0; i < 4; i++)
		number = number << 4 | (uint32_t)hex_digit(digits[i]);
	return number;
}

/* A code point as UTF-8; a surrogate as the three octets that its number would have. */
static size_t put_code_point(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	out[0] = (char)((0xFF00u >> (more + 1) & 0xFF) | code >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3F));
	return more + 1;
}

/* The escape uXXXX at bytes, with a second one if the two are a pair of surrogates. */
static size_t undo_code(char *out, const char *bytes, size_t length, size_t *taken)
{
	uint32_t code = hex4(bytes + 2);
	*taken = 6;
	if (code >= 0xD800 && code <= 0xDBFF && length >= 12 && bytes[6] == '\\' && bytes[7] == 'u') {
		uint32_t low = hex4(bytes + 8);
		if (low >= 0xDC00 && low <= 0xDFFF) {
			code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
			*taken = 12;
		}
	}
	return put_code_point(out, code);
}

static size_t undo_escape(char *out, const char *bytes, size_t length, size_t *taken)
{
	static const char letters[] = "bfnrt";
	static const char controls[] = "\b\f\n\r\t";
	if (bytes[1] == 'u')
		return undo_code(out, bytes, length, taken);
	const char *letter = strchr(letters, bytes[1]);
	out[0] = letter != NULL ? controls[letter - letters] : bytes[1];
	*taken = 2;
	return 1;
}

size_t slog_undo_json(char *out, const char *bytes, size_t length)
{
	size_t written = 0;
	for (size_t at = 0; at < length;) {
		const char *escape = memchr(bytes + at, '\\', length - at);
		size_t taken = escape != NULL ? (size_t)(escape - (bytes + at)) : length - at;
		memcpy(out + written, bytes + at, taken);
		written += taken;
		at += taken;
		if (escape == NULL)
			break;
		written += undo_escape(out + written, bytes + at, length - at, &taken);
		at += taken;
	}
	return undo_runs(out, written);
}
