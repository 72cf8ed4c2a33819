/* SPDX-License-Identifier: Apache-2.0 */
#include "output/typed_event.h"

#include <stdlib.h>
#include <string.h>

#include <liblog/rfc5424.h>

enum {
	EMPTY_HEADER_MAX_BYTES = 128, /* what the encoder writes before MSGID for an event of nobody at no time */
	REWRITTEN_MAX_BYTES = 65536,  /* STRUCTURED-DATA of a larger message is not written again: it would take too long */
	KEPT_MAX_BYTES = 1024 * 1024, /* one giant message must not keep its memory for good */
};

static struct slog_read_text text_of(struct bytes bytes)
{
	return (struct slog_read_text){(const char *)bytes.at, bytes.len};
}

static void release(struct typed_event_memory *memory)
{
	free(memory->at);
	*memory = (struct typed_event_memory){0};
}

/* At least `size` octets, which hold nothing. NULL: there is no memory. */
static void *room_of(struct typed_event_memory *memory, size_t size)
{
	if (size > memory->size || memory->size > KEPT_MAX_BYTES) {
		release(memory);
		memory->at = malloc(size);
		memory->size = memory->at != NULL ? size : 0;
	}
	return memory->at;
}

/* Whether an element of ours can be there: what need not be read is not. */
static bool may_be_typed(struct bytes structured_data)
{
	static const char prefix[] = "slog@", version[] = "~v=\"1\"";
	return structured_data.len > 0 &&
	       (memmem(structured_data.at, structured_data.len, prefix, sizeof prefix - 1) != NULL ||
	        memmem(structured_data.at, structured_data.len, version, sizeof version - 1) != NULL);
}

/* The line from its MSGID on: behind the fifth SP. */
static struct bytes after_header(const struct slog_line *line)
{
	struct bytes rest = bytes_of((const uint8_t *)line->text, line->length);
	for (int spaces = 0; spaces < 5; spaces++)
		rest = bytes_after(rest, bytes_find(rest, ' ') + 1);
	return rest;
}

static bool take(struct bytes *rest, struct bytes part)
{
	bool begins = bytes_start_with(*rest, part);
	if (begins)
		*rest = bytes_after(*rest, part.len);
	return begins;
}

/* Whether the line's MSGID, element and MSG are those of the message, whose element of ours must be its last. */
static bool is_same(const struct slog_line *line, const struct slog_reading *event, const struct message *message)
{
	struct bytes rest = after_header(line);
	struct bytes all = message->structured_data;
	struct bytes element = bytes_after(all, (size_t)((const uint8_t *)event->sd_id.text - 1 - all.at));
	if (!take(&rest, message->msgid.len > 0 ? message->msgid : BYTES("-")) || !take(&rest, BYTES(" ")) ||
		!take(&rest, element))
		return false;
	return message->msg.len == 0 ? rest.len == 0 : take(&rest, BYTES(" ")) && bytes_equal(rest, message->msg);
}

/* Writes the event again, into `text`. */
static bool is_exact(const struct typed_event *typed, const struct message *message, char *text, size_t size,
					 void *memory)
{
	const struct slog_reading *event = &typed->event;
	char sd_id[SLOG_SD_NAME_MAX + 1];
	struct slog_rfc5424_encoder encoder = SLOG_RFC5424_ENCODER_INIT;
	struct slog_line line = slog_line_in(text, size);
	struct slog_entry entry = {
		.logger = "",
		.hostname = "",
		.app_name = "",
		.name = event->name.text,
		.name_length = event->name.length,
		.message = event->message.text,
		.message_length = event->message.length,
		.is_cut = event->is_cut,
		.cut = event->cut,
	};
	if (event->sd_id.length >= sizeof sd_id || message->structured_data.len > REWRITTEN_MAX_BYTES)
		return false;
	memcpy(sd_id, event->sd_id.text, event->sd_id.length);
	sd_id[event->sd_id.length] = '\0';
	encoder.sd_id = sd_id;
	entry.field_count = entry.shown = slog_read_fields(&event->fields, memory, &entry.fields);
	slog_encode_rfc5424(&encoder.encoder, &entry, &line);
	return !line.overflowed && is_same(&line, event, message);
}

enum typed_event_result typed_event_read(struct typed_event *typed, const struct message *message)
{
	if (!may_be_typed(message->structured_data))
		return TYPED_EVENT_NOT;
	size_t length = message->structured_data.len + message->msgid.len + message->msg.len;
	char *room = room_of(&typed->room, SLOG_READ_ROOM(length));
	if (room == NULL)
		return TYPED_EVENT_NO_MEMORY;
	if (slog_read_structured_data(&typed->event, text_of(message->structured_data), text_of(message->msgid),
								  text_of(message->msg), room, SLOG_READ_ROOM(length)) != SLOG_READ_OK ||
		!typed->event.is_typed)
		return TYPED_EVENT_NOT;
	size_t fields_size = slog_read_fields_size(&typed->event.fields), text_size = EMPTY_HEADER_MAX_BYTES + length;
	char *fields = room_of(&typed->again, fields_size + text_size);
	if (fields == NULL)
		return TYPED_EVENT_NO_MEMORY;
	typed->is_inexact = !is_exact(typed, message, fields + fields_size, text_size, fields);
	return TYPED_EVENT_READ;
}

void typed_event_free(struct typed_event *typed)
{
	release(&typed->room);
	release(&typed->again);
}
