/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of every event that liblog could read, whoever wrote it: all of it can be walked, and written again in
 * either form it is read back as the same.
 */
#ifndef TESTS_FUZZ_SLOG_CHECKS_H
#define TESTS_FUZZ_SLOG_CHECKS_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <liblog/read.h>

#include "support/guarded_bytes.h"

enum {
	SLOG_CHECK_INPUT_MAX = 8192,
	SLOG_CHECK_TEXT_BYTES = 1 << 20, /* eighteen octets for one, at the worst, and twice */
};

/* Walks everything and tries every accessor; returns the levels there are. */
static inline unsigned slog_check_walk(const struct slog_read_value *value)
{
	static char octets[SLOG_CHECK_TEXT_BYTES];
	struct slog_read_cursor cursor = slog_read_members(value);
	struct slog_read_member member;
	unsigned depth = 0;
	int64_t i64;
	uint64_t u64;
	double number;
	size_t length;
	assert(value->type == SLOG_READ_LIST || value->type == SLOG_READ_OBJECT || value->text[value->length] == '\0');
	assert((slog_as_i64(value, &i64) == SLOG_AS_NONE) == (value->type != SLOG_READ_NUMBER));
	assert((slog_as_u64(value, &u64) == SLOG_AS_NONE) == (value->type != SLOG_READ_NUMBER));
	assert((slog_as_double(value, &number) == SLOG_AS_NONE) == (value->type != SLOG_READ_NUMBER));
	assert(!slog_as_bytes(value, octets, value->length, &length) || length <= value->length);
	while (slog_read_next(&cursor, &member)) {
		unsigned inner = slog_check_walk(&member.value);
		depth = inner > depth ? inner : depth;
		assert(member.key[member.key_length] == '\0');
	}
	return value->type == SLOG_READ_LIST || value->type == SLOG_READ_OBJECT ? depth + 1 : 0;
}

static inline struct slog_line slog_check_encode(const struct slog_encoder *encoder, const struct slog_reading *reading,
                                                 char *text)
{
	void *memory = malloc(slog_read_fields_size(&reading->fields) + 1);
	struct slog_entry entry = {
		.severity = (enum slog_severity)(reading->severity < 0 ? 0 : reading->severity),
		.facility = (enum slog_facility)(reading->facility < 0 ? 0 : reading->facility),
		.logger = "", .hostname = "", .app_name = "",
		.time = reading->time,
		.name = reading->name.text, .name_length = reading->name.length,
		.message = reading->message.length > 0 ? reading->message.text : NULL,
		.message_length = reading->message.length,
		.is_cut = reading->is_cut, .cut = reading->cut,
	};
	struct slog_line line = slog_line_in(text, SLOG_CHECK_TEXT_BYTES);
	assert(memory != NULL);
	entry.field_count = entry.shown = slog_read_fields(&reading->fields, memory, &entry.fields);
	encoder->encode(encoder, &entry, &line);
	assert(!line.overflowed);
	free(memory);
	return line;
}

/* The reading in either form and back gives the same JSON. Deeper values are cut off when they are written. */
static inline void slog_check_reading(const struct slog_reading *reading)
{
	static char json_text[SLOG_CHECK_TEXT_BYTES];
	static char sd_text[SLOG_CHECK_TEXT_BYTES];
	static char other_text[SLOG_CHECK_TEXT_BYTES];
	static char room[SLOG_READ_ROOM(SLOG_CHECK_TEXT_BYTES)];
	struct slog_reading again;
	slog_check_walk(&reading->structured_data);
	slog_check_walk(&reading->relay);
	if (slog_check_walk(&reading->fields) > SLOG_DEPTH_MAX)
		return;
	struct slog_line json = slog_check_encode(&slog_encoder_json, reading, json_text);
	struct slog_line sd = slog_check_encode(&slog_encoder_rfc5424, reading, sd_text);
	assert(slog_read_rfc5424(&again, sd.text, sd.length, room, SLOG_READ_ROOM(sd.length)) == SLOG_READ_OK);
	struct slog_line other = slog_check_encode(&slog_encoder_json, &again, other_text);
	assert(other.length == json.length && memcmp(other.text, json.text, json.length) == 0);
	assert(slog_read_json(&again, json.text, json.length, room, SLOG_READ_ROOM(json.length)) == SLOG_READ_OK);
	other = slog_check_encode(&slog_encoder_json, &again, other_text);
	assert(other.length == json.length && memcmp(other.text, json.text, json.length) == 0);
}

typedef enum slog_read_result slog_check_reader_fn(struct slog_reading *reading, const char *text, size_t length,
                                                   char *room, size_t size);

/* The text ends at an unreadable page, and the room at the octet that is promised to be enough. */
static inline void slog_check_text(slog_check_reader_fn *reader, const uint8_t *data, size_t size)
{
	struct slog_reading reading;
	if (size > SLOG_CHECK_INPUT_MAX)
		return;
	struct guarded_bytes text = guarded_bytes_copy(bytes_of(data, size));
	struct guarded_bytes room = guarded_bytes_room(SLOG_READ_ROOM(size));
	enum slog_read_result result = reader(&reading, (const char *)text.at, size, (char *)room.at, room.len);
	assert(result != SLOG_READ_NO_ROOM);
	assert((result == SLOG_READ_INVALID) == (reading.reason != NULL));
	if (result == SLOG_READ_OK)
		slog_check_reading(&reading);
	/* With less room the result may be "no room", and nothing is written behind it. */
	struct guarded_bytes less = guarded_bytes_room(size / 2);
	reader(&reading, (const char *)text.at, size, (char *)less.at, less.len);
	guarded_bytes_free(&less);
	guarded_bytes_free(&room);
	guarded_bytes_free(&text);
}

#endif
