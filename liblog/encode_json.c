/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as one JSON object: what the header of a SYSLOG-MSG holds, then the event's fields. A field whose key is a
 * name of the header, possibly behind underscores, gets one underscore more, which a reader takes away again.
 */
#include <liblog/encoder.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "bound_texts.h"
#include "entry.h"
#include "headers.h"
#include "json_value.h"
#include "octets.h"
#include "reserved.h"

/* Starts a member; the name needs no escaping. */
static void put_name(struct slog_line *line, const char *name)
{
	bool is_first = line->length > 0 && line->text[line->length - 1] == '{';
	slog_line_put_string(line, is_first ? "\"" : ",\"");
	slog_line_put_string(line, name);
	slog_line_put(line, "\":", 2);
}

/* A member of the header; nil ones are absent. */
static void put_member(struct slog_line *line, const char *name, const char *text, size_t length)
{
	struct slog_json_out out = {line, false};
	if (length == 0)
		return;
	put_name(line, name);
	slog_json_put_string(&out, text, length);
}

static void put_name_of_event(struct slog_line *line, const struct slog_entry *entry)
{
	put_member(line, "msgid", entry->name, entry->name_length);
}

static __attribute__((noinline)) void put_headers(struct slog_line *line, const struct slog_entry *entry)
{
	slog_line_put_char(line, '{');
	char text[SLOG_TIMESTAMP_MAX];
	size_t length = slog_rfc5424_timestamp(text, sizeof text, entry->time);
	if (length == sizeof text)
		put_member(line, "timestamp", text, length);
	const char *severity = slog_severity_name(entry->severity == SLOG_TRACE ? SLOG_DEBUG : (int)entry->severity);
	put_member(line, "severity", severity, strlen(severity));
	const char *facility = slog_facility_name((int)entry->facility);
	put_member(line, "facility", facility, strlen(facility));
	put_member(line, "hostname", entry->hostname, strlen(entry->hostname));
	put_member(line, "app_name", entry->app_name, strlen(entry->app_name));
	put_name(line, "procid");
	slog_line_put_char(line, '"');
	slog_line_put_u64(line, (unsigned long long)entry->pid);
	slog_line_put_char(line, '"');
}

bool slog_json_make_header_behind(struct slog_headers *headers, struct slog_header *header,
                                  const struct slog_header_key *key, const char *prefix)
{
	static const char start[] = "{\"timestamp\":\"";
	struct slog_line line;
	if (headers->json_names.length == 0 || !slog_header_begin(headers, header, &line, key, prefix, start))
		return false;
	slog_line_put_string(&line, "\",\"severity\":\"");
	slog_line_put_string(&line, slog_severity_name(key->severity == SLOG_TRACE ? SLOG_DEBUG : (int)key->severity));
	slog_line_put_string(&line, "\",\"facility\":\"");
	slog_line_put_string(&line, slog_facility_name((int)key->facility));
	slog_line_put_char(&line, '"');
	slog_line_put(&line, headers->json_names.text, headers->json_names.length);
	return slog_header_end(header, &line, key);
}

bool slog_json_make_header(struct slog_headers *headers, const struct slog_header_key *key)
{
	return slog_json_make_header_behind(headers, &headers->json, key, "");
}

#define KNOWN_ROOM (SLOG_HEADER_TEXT_MAX + SLOG_SITE_TEXTS_MAX + SLOG_OCTETS_FOUR)

/*
 * The headers and the event's name from texts that the thread has kept. False, and nothing is written, if there are none
 * or they may not fit.
 */
static inline bool put_known_headers(struct slog_line *line, const struct slog_entry *entry)
{
	const struct slog_prepared *prepared = slog_entry_prepared(entry);
	if (prepared == NULL || line->size - line->length < KNOWN_ROOM)
		return false;
	struct slog_headers *headers = prepared->headers;
	const struct slog_header_key key = {entry->severity, entry->facility, entry->time.tv_sec};
	const struct slog_header *header = slog_json_header(headers, &key);
	if (header == NULL)
		return false;
	char *at = slog_header_put(header, line->text + line->length, entry->time.tv_nsec);
	line->length = (size_t)(at - line->text);
	if (prepared->memo == NULL || !prepared->memo->has_json) {
		put_name_of_event(line, entry);
		return true;
	}
	slog_octets_copy_blocks(at, prepared->memo->json, prepared->memo->json_start);
	line->length += prepared->memo->json_start;
	return true;
}

/*
 * By the low five bits of its first letter, a bit for each length that a reserved name has: most keys are none, and need
 * not be looked for among them.
 */
static inline bool may_be_reserved(const char *key, size_t length)
{
	static const uint32_t lengths[32] = {
		['a' & 31] = 1u << 8, ['f' & 31] = 1u << 8, ['h' & 31] = 1u << 8, ['m' & 31] = 1u << 5 | 1u << 7,
		['p' & 31] = 1u << 6, ['r' & 31] = 1u << 5, ['s' & 31] = 1u << 8 | 1u << 15, ['t' & 31] = 1u << 9,
		['_' & 31] = UINT32_MAX, ['~' & 31] = UINT32_MAX,
	};
	return length > 0 && (lengths[key[0] & 31] >> (length < 31 ? length : 31) & 1) != 0;
}

static __attribute__((noinline)) void put_any_field(const struct slog_json_out *out, const struct slog_field *field)
{
	slog_line_put_string(out->line, slog_reserved_needs_underscore(field->key, field->key_length) ? ",\"_" : ",\"");
	slog_line_put_escaped(out->line, slog_json_string, field->key, field->key_length);
	slog_line_put(out->line, "\":", 2);
	slog_json_put_value(out, &field->value);
}

/* `,"":"",` and a number: what a field needs beside its key and text. */
#define FIELD_ROOM (8 + SLOG_DOUBLE_MAX)

/* A value that needs no escaping; NULL if it is another. There is FIELD_ROOM and room for the text. */
static inline SLOG_ALWAYS char *put_plain_value(char *at, const struct slog_value *value)
{
	if (value->type == SLOG_TYPE_STRING) {
		*at++ = '"';
		if (!slog_octets_copy(at, value->as.text, value->length, SLOG_OCTETS_JSON))
			return NULL;
		at += value->length;
		*at++ = '"';
		return at;
	}
	if (value->type == SLOG_TYPE_INT)
		return at + slog_number_i64(at, value->as.i64);
	if (value->type == SLOG_TYPE_UINT)
		return at + slog_number_u64(at, value->as.u64);
	if (value->type == SLOG_TYPE_DOUBLE && value->as.number - value->as.number == 0)
		return at + slog_number_double(at, value->as.number);
	if (value->type != SLOG_TYPE_BOOL)
		return NULL;
	memcpy(at, value->as.u64 != 0 ? "true" : "false", 5);
	return at + (value->as.u64 != 0 ? 4 : 5);
}

/*
 * A field that needs no escaping, at `at`: where it ends, or NULL if it is another; what was written is of no use then.
 * There is room for its key, its text and FIELD_ROOM.
 */
static inline SLOG_ALWAYS char *put_plain_field(char *at, const struct slog_field *field)
{
	memcpy(at, ",\"", 2);
	if (!slog_octets_copy(at + 2, field->key, field->key_length, SLOG_OCTETS_JSON) ||
	    may_be_reserved(field->key, field->key_length))
		return NULL;
	at += 2 + field->key_length;
	memcpy(at, "\":", 2);
	return put_plain_value(at + 2, &field->value);
}

/*
 * Fields of the call, with the keys as they are remembered from `text` on, until there may be no room for all that are
 * left. One look at the room for all of them, and another after each value that is escaped. Returns how many of the n
 * fields are dealt with.
 */
static size_t put_known_fields(const struct slog_json_out *out, const struct slog_entry *entry, size_t n)
{
	struct slog_line *line = out->line;
	const struct slog_prepared *prepared = entry->prepared;
	const char *text = prepared->memo->json + prepared->memo->json_start;
	const struct slog_field *message =
		prepared->keys.message != SLOG_KEYS_NO_MESSAGE ? &entry->fields[prepared->keys.message] : NULL;
	const struct slog_field *field = entry->fields;
	const struct slog_field *end = field + n;
	size_t need = prepared->keys.octets + n * (FIELD_ROOM + SLOG_OCTETS_BLOCK);
	char *at = line->text + line->length;
	if (line->overflowed || line->size - line->length < need)
		return 0;
	for (; field < end; field++) {
		size_t length = field->key_length + SLOG_JSON_KEY_MORE;
		if (field != message) {
			slog_octets_copy_blocks(at, text, length);
			at += length;
			char *after = put_plain_value(at, &field->value);
			if (after == NULL) {
				line->length = (size_t)(at - line->text);
				slog_json_put_value(out, &field->value);
				if (line->overflowed || line->size - line->length < need)
					return (size_t)(field + 1 - entry->fields);
				after = line->text + line->length;
			}
			at = after;
		}
		text += length;
	}
	line->length = (size_t)(at - line->text);
	return n;
}

/*
 * Fields that need no escaping, from *position on, as long as there is room for the texts of all that are left, however
 * they come out. One look at the room for each, and the rest is copying.
 */
static void put_plain_fields(struct slog_line *line, const struct slog_entry *entry, size_t *position)
{
	char *at = line->text + line->length;
	const char *end = line->text + (line->overflowed ? line->length : line->size);
	size_t next = *position;
	const struct slog_field *field;
	while ((field = slog_entry_next_plain(entry, &next)) != NULL) {
		size_t text = field->value.type == SLOG_TYPE_STRING ? field->value.length : 0;
		size_t room = (size_t)(end - at);
		if (room < FIELD_ROOM || room - FIELD_ROOM < text || room - FIELD_ROOM - text < field->key_length)
			break;
		char *after = put_plain_field(at, field);
		if (after == NULL)
			break;
		at = after;
		*position = next;
	}
	line->length = (size_t)(at - line->text);
}

/* A "message" that is no text is a field like others, but with another key. */
static bool has_known_keys(const struct slog_prepared *prepared)
{
	return prepared->memo != NULL && prepared->memo->has_json && prepared->memo->message == prepared->keys.message;
}

static void put_fields(const struct slog_json_out *out, const struct slog_entry *entry)
{
	size_t position = 0;
	bool has_plain_keys = slog_entry_has_plain_keys(entry);
	const struct slog_bound_set *set = slog_entry_bound_texts(entry);
	if (set != NULL && set->json.text != NULL) {
		slog_line_put(out->line, set->json.text, set->json.length);
		position = entry->bound_count;
	}
	if (has_plain_keys && position == entry->bound_count && entry->shown > position && has_known_keys(entry->prepared))
		position += put_known_fields(out, entry, entry->shown - position);
	while (position < entry->shown && !out->line->overflowed) {
		if (has_plain_keys)
			put_plain_fields(out->line, entry, &position);
		const struct slog_field *field = slog_entry_next(entry, &position);
		if (field == NULL)
			return;
		put_any_field(out, field);
	}
}

void slog_json_put_bound(struct slog_line *line, const struct slog_bound_set *set)
{
	struct slog_json_out out = {line, false};
	for (size_t i = 0; i < set->count; i++)
		if (i != set->keys.message)
			put_any_field(&out, &set->fields[i]);
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	struct slog_json_out out = {line, false};
	if (!put_known_headers(line, entry)) {
		put_headers(line, entry);
		put_name_of_event(line, entry);
	}
	if (entry->message != NULL)
		put_member(line, "message", entry->message, entry->message_length);
	put_fields(&out, entry);
	if (entry->is_cut) {
		put_name(line, "~cut");
		slog_line_put_u64(line, entry->cut);
	}
	slog_line_put_char(line, '}');
}

const struct slog_encoder slog_encoder_json = {"json", encode};
