/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of JSON, and whether a text is JSON (RFC 8259). Reads without recursion and without memory: one bit per
 * open level says whether it is a list or an object.
 */
#include <liblog/json.h>

#include <stdint.h>
#include <string.h>

#include <liblog/utf8.h>

#include "json_token.h"

_Static_assert(SLOG_JSON_DEPTH_MAX <= 32, "one bit per level");

struct reader {
	struct slog_json_text text;
	unsigned depth;
	uint32_t objects; /* bit n: level n + 1 is an object */
};

bool slog_json_take_char(struct slog_json_text *text, char wanted)
{
	if (text->at == text->end || *text->at != wanted)
		return false;
	text->at++;
	return true;
}

void slog_json_skip_space(struct slog_json_text *text)
{
	while (text->at < text->end && strchr(" \t\r\n", *text->at) != NULL && *text->at != '\0')
		text->at++;
}

static bool take_digits(struct slog_json_text *text)
{
	const char *start = text->at;
	while (text->at < text->end && *text->at >= '0' && *text->at <= '9')
		text->at++;
	return text->at > start;
}

/* number = [ minus ] int [ frac ] [ exp ] (RFC 8259, 6) */
bool slog_json_take_number(struct slog_json_text *text)
{
	slog_json_take_char(text, '-');
	if (!slog_json_take_char(text, '0') && !take_digits(text))
		return false;
	if (slog_json_take_char(text, '.') && !take_digits(text))
		return false;
	if (slog_json_take_char(text, 'e') || slog_json_take_char(text, 'E')) {
		if (!slog_json_take_char(text, '+'))
			slog_json_take_char(text, '-');
		return take_digits(text);
	}
	return true;
}

static bool take_hex4(struct slog_json_text *text)
{
	for (int i = 0; i < 4; i++, text->at++)
		if (text->at == text->end || *text->at == '\0' || strchr("0123456789abcdefABCDEF", *text->at) == NULL)
			return false;
	return true;
}

/* What follows a backslash. */
static bool take_escape(struct slog_json_text *text)
{
	if (text->at == text->end || *text->at == '\0')
		return false;
	char letter = *text->at++;
	return letter == 'u' ? take_hex4(text) : strchr("\"\\/bfnrt", letter) != NULL;
}

bool slog_json_take_string(struct slog_json_text *text)
{
	if (!slog_json_take_char(text, '"'))
		return false;
	while (text->at < text->end && *text->at != '"') {
		size_t length = slog_utf8_length(text->at, (size_t)(text->end - text->at));
		if (length == 0 || (unsigned char)*text->at < 0x20)
			return false;
		bool is_escape = *text->at == '\\';
		text->at += length;
		if (is_escape && !take_escape(text))
			return false;
	}
	return slog_json_take_char(text, '"');
}

bool slog_json_take_word(struct slog_json_text *text, const char *word)
{
	size_t length = strlen(word);
	if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
		return false;
	text->at += length;
	return true;
}

static bool is_in_object(const struct reader *reader)
{
	return reader->depth > 0 && (reader->objects >> (reader->depth - 1) & 1) != 0;
}

static bool take_scalar(struct reader *reader)
{
	if (reader->text.at == reader->text.end)
		return false;
	switch (*reader->text.at) {
	case '"':
		return slog_json_take_string(&reader->text);
	case 't':
		return slog_json_take_word(&reader->text, "true");
	case 'f':
		return slog_json_take_word(&reader->text, "false");
	case 'n':
		return slog_json_take_word(&reader->text, "null");
	default:
		return slog_json_take_number(&reader->text);
	}
}

/* name : in an object, nothing in a list */
static bool take_name(struct reader *reader)
{
	if (!is_in_object(reader))
		return true;
	slog_json_skip_space(&reader->text);
	if (!slog_json_take_string(&reader->text))
		return false;
	slog_json_skip_space(&reader->text);
	return slog_json_take_char(&reader->text, ':');
}

/* Opens the levels that start here. *is_empty: the innermost was closed at once, which is a value by itself. */
static bool take_openings(struct reader *reader, bool *is_empty)
{
	*is_empty = false;
	for (;;) {
		slog_json_skip_space(&reader->text);
		bool is_object = slog_json_take_char(&reader->text, '{');
		if (!is_object && !slog_json_take_char(&reader->text, '['))
			return true;
		if (reader->depth == SLOG_JSON_DEPTH_MAX)
			return false;
		slog_json_skip_space(&reader->text);
		if (slog_json_take_char(&reader->text, is_object ? '}' : ']')) {
			*is_empty = true;
			return true;
		}
		reader->objects &= ~(UINT32_C(1) << reader->depth);
		reader->objects |= (uint32_t)is_object << reader->depth;
		reader->depth++;
		if (!take_name(reader))
			return false;
	}
}

/* Closes the levels that end here. */
static void take_closings(struct reader *reader)
{
	for (;;) {
		slog_json_skip_space(&reader->text);
		if (reader->depth == 0 || !slog_json_take_char(&reader->text, is_in_object(reader) ? '}' : ']'))
			return;
		reader->depth--;
	}
}

bool slog_json_is_valid(const char *text, size_t length)
{
	struct reader reader = {{text, text + length}, 0, 0};
	for (;;) {
		bool is_empty;
		if (!take_openings(&reader, &is_empty) || (!is_empty && !take_scalar(&reader)))
			return false;
		take_closings(&reader);
		if (reader.depth == 0)
			return reader.text.at == reader.text.end;
		if (!slog_json_take_char(&reader.text, ',') || !take_name(&reader))
			return false;
	}
}

bool slog_json_is_number(const char *text, size_t length)
{
	struct slog_json_text number = {text, text + length};
	return slog_json_take_number(&number) && number.at == number.end;
}
