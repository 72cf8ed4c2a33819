/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/json.h"

#include "syslog/json_structured_data.h"
#include "syslog/peer.h"
#include "syslog/reproduce.h"

#include <liblog/json.h>
#include <liblog/line.h>
#include <liblog/slog.h>

/* An object under construction. */
struct object {
	struct slog_line *line;
	bool has_members;
};

/* A member's key as it is written behind another member; nothing in our keys needs an escape. A text's opens its quotes. */
#define KEY(name) BYTES(",\"" name "\":")
#define TEXT_KEY(name) BYTES(",\"" name "\":\"")

static struct object begin_object(struct slog_line *line)
{
	slog_line_put_char(line, '{');
	return (struct object){.line = line};
}

static void end_object(struct object *object)
{
	slog_line_put_char(object->line, '}');
}

static inline void put_key(struct object *object, struct bytes key)
{
	if (!object->has_members)
		key = bytes_after(key, 1); /* without the comma */
	object->has_members = true;
	slog_line_put(object->line, (const char *)key.at, key.len);
}

/* `word` is one of ours: nothing in it needs an escape. */
static void put_word(struct object *object, struct bytes key, struct bytes word)
{
	put_key(object, key);
	slog_line_put(object->line, (const char *)word.at, word.len);
	slog_line_put_char(object->line, '"');
}

static void put_string(struct object *object, struct bytes key, struct bytes value)
{
	put_key(object, key);
	slog_line_put_escaped(object->line, slog_json_string, (const char *)value.at, value.len);
	slog_line_put_char(object->line, '"');
}

static void put_field(struct object *object, struct bytes key, struct bytes field)
{
	if (field.len > 0)
		put_string(object, key, field);
}

static void put_number(struct object *object, struct bytes key, uint32_t number)
{
	put_key(object, key);
	slog_line_put_u64(object->line, number);
}

static void put_timestamp(struct object *object, const struct message *message, const struct json_options *options)
{
	uint8_t text[TIMESTAMP_TEXT_MAX_BYTES];
	if ((message->flags & (MESSAGE_TIME_ABSENT | MESSAGE_TIME_INVALID)) != 0)
		return;
	bool with_offset = options->zone_configured || (message->flags & MESSAGE_ZONE_GUESSED) == 0;
	size_t len = timestamp_write_near(&message->time, TIMESTAMP_DIGITS_MAX, with_offset, options->minute, text);
	put_word(object, TEXT_KEY("timestamp"), bytes_of(text, len));
}

static void put_received(struct object *object, int64_t received_ns, struct timestamp_minute *minute)
{
	uint8_t text[TIMESTAMP_TEXT_MAX_BYTES];
	struct message_time time = {.unix_ns = received_ns, .digits = TIMESTAMP_RFC5424_DIGITS_MAX};
	size_t len = timestamp_write_near(&time, TIMESTAMP_RFC5424_DIGITS_MAX, true, minute, text);
	put_word(object, TEXT_KEY("received"), bytes_of(text, len));
}

static void put_peer(struct object *object, const struct peer *peer)
{
	uint8_t address[PEER_TEXT_MAX_BYTES];
	put_key(object, KEY("peer"));
	struct object inner = begin_object(object->line);
	size_t address_len = peer_write_endpoint(peer, address);
	if (address_len > 0)
		put_word(&inner, TEXT_KEY("address"), bytes_of(address, address_len));
	put_word(&inner, TEXT_KEY("transport"), bytes_of_text(transport_name((enum transport)peer->transport)));
	if (peer->has_credentials) {
		put_number(&inner, KEY("pid"), peer->pid);
		put_number(&inner, KEY("uid"), peer->uid);
		put_number(&inner, KEY("gid"), peer->gid);
	}
	end_object(&inner);
}

static void put_flags(struct object *object, uint32_t flags)
{
	if (flags == 0)
		return;
	put_key(object, KEY("flags"));
	const char *opening = "[\"";
	for (uint32_t rest = flags; rest != 0; rest &= rest - 1) {
		slog_line_put_string(object->line, opening);
		slog_line_put_string(object->line, message_flag_name((enum message_flag)(rest & -rest)));
		opening = "\",\"";
	}
	slog_line_put_string(object->line, "\"]");
}

static void put_relay(struct object *object, const struct envelope *envelope, const struct json_options *options)
{
	bool reproduced = message_is_reproduced(envelope) && !options->typed_is_inexact;
	if (options->from_file && envelope->message.flags == 0 && reproduced && options->error == NULL)
		return;
	put_key(object, KEY("relay"));
	struct object inner = begin_object(object->line);
	if (!options->from_file) {
		put_received(&inner, envelope->received_ns, options->minute);
		put_peer(&inner, &envelope->peer);
		put_field(&inner, TEXT_KEY("input"), options->input_name);
	}
	put_flags(&inner, envelope->message.flags);
	if (!reproduced)
		put_string(&inner, TEXT_KEY("raw"), envelope->raw);
	if (options->error != NULL)
		put_string(&inner, TEXT_KEY("error"), bytes_of_text(options->error));
	end_object(&inner);
}

/* MSGID, MSG and STRUCTURED-DATA as they stand. */
static void put_contents(struct object *object, const struct message *message)
{
	put_field(object, TEXT_KEY("msgid"), message->msgid);
	put_field(object, TEXT_KEY("message"), message->msg);
	if (message->structured_data.len > 0) {
		put_key(object, KEY("structured_data"));
		json_put_structured_data(object->line, message->structured_data, (message->flags & MESSAGE_SD_REPEATED) != 0);
	}
}

/* The same as the event that it is. */
static void put_event(struct object *object, const struct slog_reading *event)
{
	put_field(object, TEXT_KEY("msgid"), bytes_of((const uint8_t *)event->name.text, event->name.length));
	put_field(object, TEXT_KEY("message"), bytes_of((const uint8_t *)event->message.text, event->message.length));
	slog_read_put_json_fields(&event->fields, object->line);
	if (event->is_cut) {
		put_key(object, KEY("~cut"));
		slog_line_put_u64(object->line, event->cut);
	}
	if (event->structured_data.type == SLOG_READ_OBJECT) {
		put_key(object, KEY("structured_data"));
		slog_read_put_json(&event->structured_data, object->line);
	}
}

size_t json_encode(const struct envelope *envelope, const struct json_options *options, uint8_t *out, size_t room)
{
	const struct message *message = &envelope->message;
	struct slog_line line = slog_line_in((char *)out, room);
	struct object object = begin_object(&line);
	put_timestamp(&object, message, options);
	put_word(&object, TEXT_KEY("severity"), bytes_of_text(slog_severity_name((int)message_severity(message))));
	put_word(&object, TEXT_KEY("facility"), bytes_of_text(slog_facility_name((int)message_facility(message))));
	put_field(&object, TEXT_KEY("hostname"), message->hostname);
	put_field(&object, TEXT_KEY("app_name"), message->app_name);
	put_field(&object, TEXT_KEY("procid"), message->procid);
	if (options->typed != NULL)
		put_event(&object, options->typed);
	else
		put_contents(&object, message);
	put_relay(&object, envelope, options);
	end_object(&object);
	slog_line_put_char(&line, '\n');
	return line.overflowed ? 0 : line.length;
}
