/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A logfmt line back to an event. There is no specification; what no dialect would write is read as text rather than
 * refused, so that every line but an empty one is an event.
 */
#include <string.h>

#include "json_token.h"
#include "packed.h"
#include "reading.h"
#include "reserved.h"
#include "undo.h"

static bool is_space(char octet)
{
	return (unsigned char)octet <= ' ';
}

static void skip_space(struct slog_json_text *text)
{
	while (text->at < text->end && is_space(*text->at))
		text->at++;
}

/* Ends the key that begins here: at '=', a space or the end. */
static size_t take_key(struct slog_json_text *text)
{
	const char *start = text->at;
	while (text->at < text->end && !is_space(*text->at) && *text->at != '=')
		text->at++;
	return (size_t)(text->at - start);
}

/* Strings of dialects with other escapes than JSON's: to the next quote, with a backslash away from what follows it. */
static void pack_quoted_text(struct slog_packer *packer, struct slog_json_text *text)
{
	const char *start = ++text->at;
	while (text->at < text->end && *text->at != '"')
		text->at += *text->at == '\\' && text->end - text->at > 1 ? 2 : 1;
	size_t length = (size_t)(text->at - start);
	struct slog_packed_octets octets = slog_pack_begin_octets(packer, SLOG_READ_STRING, length);
	if (text->at < text->end)
		text->at++;
	if (octets.octets == NULL)
		return;
	size_t written = 0;
	for (size_t i = 0; i < length; i++) {
		i += start[i] == '\\' && i + 1 < length && (start[i + 1] == '"' || start[i + 1] == '\\') ? 1 : 0;
		octets.octets[written++] = start[i];
	}
	slog_pack_end_octets(packer, octets, written);
}

static void pack_quoted(struct slog_packer *packer, struct slog_json_text *text)
{
	struct slog_json_text string = *text;
	if (!slog_json_take_string(&string)) {
		pack_quoted_text(packer, text);
		return;
	}
	size_t length = (size_t)(string.at - text->at) - 2;
	struct slog_packed_octets octets = slog_pack_begin_octets(packer, SLOG_READ_STRING, length);
	if (octets.octets != NULL)
		slog_pack_end_octets(packer, octets, slog_undo_json(octets.octets, text->at + 1, length));
	*text = string;
}

static void pack_word(struct slog_packer *packer, struct slog_json_text *text, bool is_header)
{
	const char *start = text->at;
	while (text->at < text->end && !is_space(*text->at))
		text->at++;
	if (is_header)
		slog_pack_octets(packer, SLOG_READ_STRING, start, (size_t)(text->at - start));
	else
		slog_pack_by_looks(packer, start, (size_t)(text->at - start));
}

/* Packs the pair that begins here. A procid of digits is a string nevertheless, as all of the header is. */
static void pack_pair(struct slog_packer *packer, struct slog_json_text *text)
{
	const char *start = text->at;
	size_t length = take_key(text);
	enum slog_reserved name = slog_reserved_name(start, length);
	struct slog_packed_octets key = slog_pack_begin_octets(packer, SLOG_READ_STRING, length);
	if (key.octets != NULL)
		slog_pack_end_octets(packer, key, slog_undo_name(key.octets, start, length));
	if (!slog_json_take_char(text, '='))
		slog_pack_literal(packer, 't');
	else if (text->at < text->end && *text->at == '"')
		pack_quoted(packer, text);
	else
		pack_word(packer, text, name != SLOG_RESERVED_NAMES && name != SLOG_RESERVED_CUT);
}

enum slog_read_result slog_read_logfmt(struct slog_reading *reading, const char *text, size_t length, char *room,
                                       size_t size)
{
	struct slog_packer packer = slog_packer_in(room, size);
	struct slog_json_text rest = {text, text + length};
	slog_reading_start(reading);
	skip_space(&rest);
	if (rest.at == rest.end)
		return slog_reading_invalid(reading, "the line is empty");
	char *fields = packer.at;
	slog_pack_begin(&packer, SLOG_READ_OBJECT);
	for (; rest.at < rest.end && !packer.overflowed; skip_space(&rest)) {
		char *key = packer.at;
		pack_pair(&packer, &rest);
		if (!packer.overflowed)
			slog_reading_take_pair(reading, key);
	}
	slog_pack_end(&packer);
	if (!packer.overflowed)
		reading->fields = slog_packed_value(fields);
	reading->is_typed = true;
	return slog_reading_end(&packer);
}
