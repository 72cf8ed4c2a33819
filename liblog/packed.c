/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and walking the packed form of packed.h. JSON is packed in packed_json.c. */
#include "packed.h"

#include <assert.h>
#include <string.h>

#include <liblog/json.h>

/* The upper three bits of a head. */
enum tag {
	TAG_LITERAL = 0 << 5, /* its length says which */
	TAG_NUMBER = 1 << 5,
	TAG_STRING = 2 << 5,
	TAG_LIST = 3 << 5,
	TAG_OBJECT = 4 << 5,
	TAG_END = 5 << 5,
	TAG_GAP = 6 << 5,
	TAG_PAD = 7 << 5,
	TAGS = 7 << 5
};

/* The lower five bits: a length, or how many octets of length follow, least significant first. */
enum {
	LENGTH_DIRECT_MAX = 28,
	LENGTH_IN_1 = 29,
	LENGTH_IN_2 = 30,
	LENGTH_IN_4 = 31,
	LENGTHS = 31,
	HEAD_MAX = 5
};

enum { LITERAL_NULL, LITERAL_FALSE, LITERAL_TRUE };

struct head {
	enum tag tag;
	size_t length;
	const char *octets; /* behind the head */
};

static unsigned length_class(size_t length)
{
	return length <= LENGTH_DIRECT_MAX ? (unsigned)length
	       : length <= UINT8_MAX       ? LENGTH_IN_1
	       : length <= UINT16_MAX      ? LENGTH_IN_2
	                                   : LENGTH_IN_4;
}

static unsigned octets_of_length(unsigned class)
{
	return class <= LENGTH_DIRECT_MAX ? 0 : class == LENGTH_IN_1 ? 1 : class == LENGTH_IN_2 ? 2 : 4;
}

static struct head read_head(const char *at)
{
	const unsigned char *head = (const unsigned char *)at;
	if ((head[0] & TAGS) == TAG_PAD)
		head++;
	unsigned count = octets_of_length(head[0] & LENGTHS);
	struct head read = {(enum tag)(head[0] & TAGS), count == 0 ? head[0] & LENGTHS : 0, (const char *)head + 1 + count};
	for (unsigned i = 0; i < count; i++)
		read.length |= (size_t)head[1 + i] << (8 * i);
	return read;
}

/* Writes the length into a head that has its tag and class. */
static void write_length(char *head, size_t length)
{
	unsigned count = octets_of_length((unsigned char)head[0] & LENGTHS);
	if (count == 0)
		head[0] = (char)(((unsigned char)head[0] & TAGS) | length);
	for (unsigned i = 0; i < count; i++)
		head[1 + i] = (char)(length >> (8 * i));
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static char *take_room(struct slog_packer *packer, size_t need)
{
	if (packer->overflowed || need > (size_t)(packer->end - packer->at)) {
		packer->overflowed = true;
		return NULL;
	}
	char *room = packer->at;
	packer->at += need;
	return room;
}

struct slog_packed_octets slog_pack_begin_octets(struct slog_packer *packer, enum slog_read_type type, size_t most)
{
	assert(type == SLOG_READ_NUMBER || type == SLOG_READ_STRING);
	struct slog_packed_octets none = {NULL, NULL};
	unsigned class = length_class(most);
	size_t head = 1 + octets_of_length(class);
	if (most > UINT32_MAX - HEAD_MAX - 1) {
		packer->overflowed = true;
		return none;
	}
	char *room = take_room(packer, head + most + 1);
	if (room == NULL)
		return none;
	room[0] = (char)((type == SLOG_READ_NUMBER ? TAG_NUMBER : TAG_STRING) | class);
	struct slog_packed_octets octets = {room, room + head};
	return octets;
}

void slog_pack_end_octets(struct slog_packer *packer, struct slog_packed_octets octets, size_t length)
{
	assert(length < (size_t)(packer->at - octets.octets));
	write_length(octets.head, length);
	octets.octets[length] = '\0';
	packer->at = octets.octets + length + 1;
}

void slog_pack_octets(struct slog_packer *packer, enum slog_read_type type, const char *octets, size_t length)
{
	struct slog_packed_octets packed = slog_pack_begin_octets(packer, type, length);
	if (packed.octets == NULL)
		return;
	if (length > 0)
		memcpy(packed.octets, octets, length);
	slog_pack_end_octets(packer, packed, length);
}

static void put_head(struct slog_packer *packer, unsigned head)
{
	char *room = take_room(packer, 1);
	if (room != NULL)
		*room = (char)head;
}

void slog_pack_literal(struct slog_packer *packer, char letter)
{
	put_head(packer, TAG_LITERAL | (unsigned)(letter == 't' ? LITERAL_TRUE : letter == 'f' ? LITERAL_FALSE : LITERAL_NULL));
}

void slog_pack_begin(struct slog_packer *packer, enum slog_read_type type)
{
	assert(type == SLOG_READ_LIST || type == SLOG_READ_OBJECT);
	put_head(packer, type == SLOG_READ_LIST ? TAG_LIST : TAG_OBJECT);
}

void slog_pack_end(struct slog_packer *packer)
{
	put_head(packer, TAG_END);
}

void slog_pack_remove(char *key)
{
	if (((unsigned char)*key & TAGS) == TAG_PAD)
		key++;
	*key = (char)(((unsigned char)*key & LENGTHS) | TAG_GAP);
}

void slog_pack_shorten(char *key)
{
	struct head head = read_head(key);
	size_t octets = (size_t)(head.octets - key);
	assert(head.tag == TAG_STRING && head.length > 0);
	memmove(key + 1, key, octets);
	key[0] = (char)TAG_PAD;
	write_length(key + 1, head.length - 1);
}

char *slog_pack_scratch(struct slog_packer *packer, size_t most)
{
	if (packer->overflowed || most > (size_t)(packer->end - packer->at)) {
		packer->overflowed = true;
		return NULL;
	}
	packer->end -= most;
	return packer->end;
}

void slog_pack_free(struct slog_packer *packer, size_t most)
{
	packer->end += most;
}

void slog_pack_by_looks(struct slog_packer *packer, const char *text, size_t length)
{
	char *before = packer->at;
	if (length > 0 && (text[0] == '[' || text[0] == '{')) {
		if (slog_pack_json(packer, text, length, SLOG_DEPTH_MAX))
			return;
		packer->at = before;
	}
	if ((length == 4 && (memcmp(text, "true", 4) == 0 || memcmp(text, "null", 4) == 0)) ||
	    (length == 5 && memcmp(text, "false", 5) == 0))
		slog_pack_literal(packer, text[0]);
	else
		slog_pack_octets(packer, slog_json_is_number(text, length) ? SLOG_READ_NUMBER : SLOG_READ_STRING, text, length);
}

/* ---- walking ---------------------------------------------------------------------------------------------------- */

static const char *after_head(const struct head *head)
{
	bool has_octets = head->tag == TAG_NUMBER || head->tag == TAG_STRING || head->tag == TAG_GAP;
	return has_octets ? head->octets + head->length + 1 : head->octets;
}

/* Behind the value, with all that is in it. */
static const char *after_value(const char *at)
{
	size_t depth = 0;
	do {
		struct head head = read_head(at);
		if (head.tag == TAG_LIST || head.tag == TAG_OBJECT)
			depth++;
		else if (head.tag == TAG_END)
			depth--;
		at = after_head(&head);
	} while (depth > 0);
	return at;
}

static struct slog_read_value literal(size_t which)
{
	static const struct slog_read_value literals[] = {
		[LITERAL_NULL] = {SLOG_READ_NULL, "null", 4},
		[LITERAL_FALSE] = {SLOG_READ_BOOL, "false", 5},
		[LITERAL_TRUE] = {SLOG_READ_BOOL, "true", 4},
	};
	assert(which < sizeof literals / sizeof *literals);
	return literals[which];
}

struct slog_read_value slog_packed_value(const char *packed)
{
	struct head head = read_head(packed);
	struct slog_read_value value = {SLOG_READ_STRING, head.octets, 0};
	switch (head.tag) {
	case TAG_LITERAL:
		return literal(head.length);
	case TAG_LIST:
		value.type = SLOG_READ_LIST;
		return value;
	case TAG_OBJECT:
		value.type = SLOG_READ_OBJECT;
		return value;
	default:
		assert(head.tag == TAG_NUMBER || head.tag == TAG_STRING);
		value.type = head.tag == TAG_NUMBER ? SLOG_READ_NUMBER : SLOG_READ_STRING;
		value.length = head.length;
		return value;
	}
}

void slog_packed_member(const char *key, struct slog_read_member *member)
{
	struct head head = read_head(key);
	member->key = head.octets;
	member->key_length = head.length;
	member->value = slog_packed_value(after_head(&head));
}

struct slog_read_value slog_packed_nothing(enum slog_read_type type)
{
	static const char nothing[] = {TAG_LITERAL | LITERAL_NULL};
	static const unsigned char empty_object[] = {TAG_OBJECT, TAG_END};
	return slog_packed_value(type == SLOG_READ_NULL ? nothing : (const char *)empty_object);
}

struct slog_read_cursor slog_read_members(const struct slog_read_value *value)
{
	bool has_members = value->type == SLOG_READ_LIST || value->type == SLOG_READ_OBJECT;
	struct slog_read_cursor cursor = {has_members ? value->text : NULL, value->type == SLOG_READ_OBJECT};
	return cursor;
}

bool slog_read_next(struct slog_read_cursor *cursor, struct slog_read_member *member)
{
	if (cursor->at == NULL)
		return false;
	struct head head = read_head(cursor->at);
	for (; head.tag == TAG_GAP; head = read_head(cursor->at))
		cursor->at = after_value(after_head(&head));
	if (head.tag == TAG_END)
		return false;
	member->key = cursor->has_keys ? head.octets : "";
	member->key_length = cursor->has_keys ? head.length : 0;
	if (cursor->has_keys)
		cursor->at = after_head(&head);
	member->value = slog_packed_value(cursor->at);
	cursor->at = after_value(cursor->at);
	return true;
}

bool slog_read_find(const struct slog_read_value *object, const char *key, struct slog_read_value *value)
{
	struct slog_read_cursor cursor = slog_read_members(object);
	struct slog_read_member member;
	size_t length = strlen(key);
	bool found = false;
	while (cursor.has_keys && slog_read_next(&cursor, &member)) {
		if (member.key_length != length || memcmp(member.key, key, length) != 0)
			continue;
		*value = member.value;
		found = true;
	}
	return found;
}

bool slog_read_is(const struct slog_read_value *value, const char *string)
{
	return value->type == SLOG_READ_STRING && value->length == strlen(string) &&
	       memcmp(value->text, string, value->length) == 0;
}
