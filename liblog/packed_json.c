/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs JSON, checking it on the way. Reads without recursion: one bit per open level says whether it is a list or an
 * object.
 */
#include "packed.h"

#include <assert.h>

#include "json_token.h"
#include "undo.h"

struct reader {
	struct slog_json_text text;
	struct slog_packer *packer;
	unsigned depth;
	unsigned depth_max;
	uint64_t objects;  /* bit n: level n + 1 is an object */
	bool only_members; /* the outermost level is not packed itself */
	char *key;         /* of the outermost level's last pair */
};

_Static_assert(SLOG_PACKED_DEPTH_MAX <= 64, "one bit per level");

static bool is_in_object(const struct reader *reader)
{
	return reader->depth > 0 && (reader->objects >> (reader->depth - 1) & 1) != 0;
}

static bool is_packed(const struct reader *reader)
{
	return reader->depth > 0 || !reader->only_members;
}

static bool take_string(struct reader *reader)
{
	const char *start = reader->text.at + 1;
	if (!slog_json_take_string(&reader->text))
		return false;
	size_t length = (size_t)(reader->text.at - 1 - start);
	struct slog_packed_octets octets = slog_pack_begin_octets(reader->packer, SLOG_READ_STRING, length);
	if (octets.octets != NULL)
		slog_pack_end_octets(reader->packer, octets, slog_undo_json(octets.octets, start, length));
	return true;
}

static bool take_literal(struct reader *reader, const char *word)
{
	slog_pack_literal(reader->packer, word[0]);
	return slog_json_take_word(&reader->text, word);
}

static bool take_number(struct reader *reader)
{
	const char *start = reader->text.at;
	if (!slog_json_take_number(&reader->text))
		return false;
	slog_pack_octets(reader->packer, SLOG_READ_NUMBER, start, (size_t)(reader->text.at - start));
	return true;
}

static bool take_scalar(struct reader *reader)
{
	if (reader->text.at == reader->text.end)
		return false;
	switch (*reader->text.at) {
	case '"':
		return take_string(reader);
	case 't':
		return take_literal(reader, "true");
	case 'f':
		return take_literal(reader, "false");
	case 'n':
		return take_literal(reader, "null");
	default:
		return take_number(reader);
	}
}

/* name : in an object, nothing in a list */
static bool take_name(struct reader *reader)
{
	if (!is_in_object(reader))
		return true;
	if (reader->depth == 1)
		reader->key = reader->packer->at;
	slog_json_skip_space(&reader->text);
	if (!take_string(reader))
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
		if (reader->depth == reader->depth_max)
			return false;
		if (is_packed(reader))
			slog_pack_begin(reader->packer, is_object ? SLOG_READ_OBJECT : SLOG_READ_LIST);
		slog_json_skip_space(&reader->text);
		if (slog_json_take_char(&reader->text, is_object ? '}' : ']')) {
			if (is_packed(reader))
				slog_pack_end(reader->packer);
			*is_empty = true;
			return true;
		}
		reader->objects &= ~(UINT64_C(1) << reader->depth);
		reader->objects |= (uint64_t)is_object << reader->depth;
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
		if (is_packed(reader))
			slog_pack_end(reader->packer);
	}
}

static bool take_all(struct reader *reader, slog_pack_told_fn *told, void *context)
{
	for (;;) {
		bool is_empty;
		if (!take_openings(reader, &is_empty) || (!is_empty && !take_scalar(reader)))
			return false;
		take_closings(reader);
		if (told != NULL && reader->depth <= 1 && reader->key != NULL && !reader->packer->overflowed)
			told(context, reader->key);
		if (reader->depth == 0)
			return reader->text.at == reader->text.end;
		if (!slog_json_take_char(&reader->text, ',') || !take_name(reader))
			return false;
	}
}

static bool pack(struct reader *reader, slog_pack_told_fn *told, void *context)
{
	char *before = reader->packer->at;
	assert(reader->depth_max <= SLOG_PACKED_DEPTH_MAX);
	bool is_valid = take_all(reader, told, context);
	if (!is_valid)
		reader->packer->at = before;
	return is_valid;
}

bool slog_pack_json(struct slog_packer *packer, const char *text, size_t length, unsigned depth)
{
	struct reader reader = {.text = {text, text + length}, .packer = packer, .depth_max = depth};
	return pack(&reader, NULL, NULL);
}

bool slog_pack_json_members(struct slog_packer *packer, const char *text, size_t length, unsigned depth,
                            slog_pack_told_fn *told, void *context)
{
	struct reader reader = {
		.text = {text, text + length}, .packer = packer, .depth_max = depth, .only_members = true};
	slog_json_skip_space(&reader.text);
	return reader.text.at < reader.text.end && *reader.text.at == '{' && pack(&reader, told, context);
}
