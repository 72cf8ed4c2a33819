/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a text is JSON (RFC 8259). Reads without recursion and without memory: one bit per open level says whether it
 * is a list or an object.
 */
#include <liblog/json.h>

#include <stdint.h>
#include <string.h>

#include <liblog/utf8.h>

_Static_assert(SLOG_JSON_DEPTH_MAX <= 32, "one bit per level");

struct reader {
	const char *at;
	const char *end;
	unsigned depth;
	uint32_t objects; /* bit n: level n + 1 is an object */
};

static bool take_char(struct reader *reader, char wanted)
{
	if (reader->at == reader->end || *reader->at != wanted)
		return false;
	reader->at++;
	return true;
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL && *reader->at != '\0')
		reader->at++;
}

static bool take_digits(struct reader *reader)
{
	const char *start = reader->at;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return reader->at > start;
}

/* number = [ minus ] int [ frac ] [ exp ] (RFC 8259, 6) */
static bool take_number(struct reader *reader)
{
	take_char(reader, '-');
	if (!take_char(reader, '0') && !take_digits(reader))
		return false;
	if (take_char(reader, '.') && !take_digits(reader))
		return false;
	if (take_char(reader, 'e') || take_char(reader, 'E')) {
		if (!take_char(reader, '+'))
			take_char(reader, '-');
		return take_digits(reader);
	}
	return true;
}

static bool take_hex4(struct reader *reader)
{
	for (int i = 0; i < 4; i++, reader->at++)
		if (reader->at == reader->end || *reader->at == '\0' || strchr("0123456789abcdefABCDEF", *reader->at) == NULL)
			return false;
	return true;
}

/* What follows a backslash. */
static bool take_escape(struct reader *reader)
{
	if (reader->at == reader->end || *reader->at == '\0')
		return false;
	char letter = *reader->at++;
	return letter == 'u' ? take_hex4(reader) : strchr("\"\\/bfnrt", letter) != NULL;
}

static bool take_string(struct reader *reader)
{
	if (!take_char(reader, '"'))
		return false;
	while (reader->at < reader->end && *reader->at != '"') {
		size_t length = slog_utf8_length(reader->at, (size_t)(reader->end - reader->at));
		if (length == 0 || (unsigned char)*reader->at < 0x20)
			return false;
		bool is_escape = *reader->at == '\\';
		reader->at += length;
		if (is_escape && !take_escape(reader))
			return false;
	}
	return take_char(reader, '"');
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);
	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	return true;
}

static bool is_in_object(const struct reader *reader)
{
	return reader->depth > 0 && (reader->objects >> (reader->depth - 1) & 1) != 0;
}

static bool take_scalar(struct reader *reader)
{
	if (reader->at == reader->end)
		return false;
	switch (*reader->at) {
	case '"':
		return take_string(reader);
	case 't':
		return take_word(reader, "true");
	case 'f':
		return take_word(reader, "false");
	case 'n':
		return take_word(reader, "null");
	default:
		return take_number(reader);
	}
}

/* name : in an object, nothing in a list */
static bool take_name(struct reader *reader)
{
	if (!is_in_object(reader))
		return true;
	skip_space(reader);
	if (!take_string(reader))
		return false;
	skip_space(reader);
	return take_char(reader, ':');
}

/* Opens the levels that start here. *is_empty: the innermost was closed at once, which is a value by itself. */
static bool take_openings(struct reader *reader, bool *is_empty)
{
	*is_empty = false;
	for (;;) {
		skip_space(reader);
		bool is_object = take_char(reader, '{');
		if (!is_object && !take_char(reader, '['))
			return true;
		if (reader->depth == SLOG_JSON_DEPTH_MAX)
			return false;
		skip_space(reader);
		if (take_char(reader, is_object ? '}' : ']')) {
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
		skip_space(reader);
		if (reader->depth == 0 || !take_char(reader, is_in_object(reader) ? '}' : ']'))
			return;
		reader->depth--;
	}
}

bool slog_json_is_valid(const char *text, size_t length)
{
	struct reader reader = {text, text + length, 0, 0};
	for (;;) {
		bool is_empty;
		if (!take_openings(&reader, &is_empty) || (!is_empty && !take_scalar(&reader)))
			return false;
		take_closings(&reader);
		if (reader.depth == 0)
			return reader.at == reader.end;
		if (!take_char(&reader, ',') || !take_name(&reader))
			return false;
	}
}

bool slog_json_is_number(const char *text, size_t length)
{
	struct reader reader = {text, text + length, 0, 0};
	return take_number(&reader) && reader.at == reader.end;
}
