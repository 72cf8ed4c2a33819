/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event in journald's native protocol: lines KEY=value, or KEY LF, eight octets of length, value LF where the value
 * has an LF. Each field is a journal field under its key in capitals, for people and their filters; the exact form, with
 * types and nesting, is SYSLOG_STRUCTURED_DATA, and readers of events look only there and at SYSLOG_MSGID and MESSAGE.
 */
#include <liblog/encoder.h>

#include <liblog/rfc5424.h>

#include "json_value.h"
#include "keys.h"
#include "scalar.h"
#include "sd_element.h"

#define KEY_MAX 64 /* octets of a journal field's name */
#define LENGTH_OCTETS 8

struct key {
	char text[KEY_MAX];
	size_t length;
};

/* Names, and beginnings of names, that mean something to journald or to us. */
static const char *const reserved[] = {
	"MESSAGE", "PRIORITY", "SYSLOG_*", "CODE_*", "ERRNO",  "INVOCATION_ID", "USER_INVOCATION_ID", "DOCUMENTATION",
	"TID",     "UNIT",     "USER_UNIT", "COREDUMP_*", "OBJECT_*", "MESSAGE_ID", "LEADER", "SESSION_ID", "F_*",
};

static char capital(char octet)
{
	if (octet >= 'a' && octet <= 'z')
		return (char)(octet - 'a' + 'A');
	return (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') ? octet : '_';
}

static bool is_reserved(const struct key *key)
{
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		size_t length = strlen(reserved[i]);
		bool is_prefix = reserved[i][length - 1] == '*';
		if (is_prefix ? key->length >= length - 1 && memcmp(key->text, reserved[i], length - 1) == 0
		              : key->length == length && memcmp(key->text, reserved[i], length) == 0)
			return true;
	}
	return key->length == 0 || key->text[0] < 'A' || key->text[0] > 'Z';
}

static struct key plain_key(const struct slog_field *field)
{
	struct key key;
	key.length = field->key_length < KEY_MAX ? field->key_length : KEY_MAX;
	for (size_t i = 0; i < key.length; i++)
		key.text[i] = capital(field->key[i]);
	return key;
}

/* From the end: keys of one origin are alike at their beginnings. */
static bool has_name(const struct slog_field *field, const struct key *key)
{
	if (field->key_length < key->length || (field->key_length > key->length && key->length < KEY_MAX))
		return false;
	size_t left = key->length;
	while (left > 0 && capital(field->key[left - 1]) == key->text[left - 1])
		left--;
	return left == 0;
}

/*
 * True if an earlier field of the entry with another key has the same journal name: `b c` and `B_C` have. An earlier one
 * with the same key is not written. Whether one with another key is, is not asked, which would take a walk for each: the
 * worst that follows is a prefix that was not needed.
 */
static bool collides(const struct slog_entry *entry, const struct slog_field *field, const struct key *key)
{
	for (size_t i = 0; i < entry->shown; i++) {
		const struct slog_field *earlier =
			i < entry->bound_count ? &entry->bound[i] : &entry->fields[i - entry->bound_count];
		if (earlier == field)
			return false;
		if (has_name(earlier, key) && !slog_keys_equal(earlier, field))
			return true;
	}
	return false;
}

static __attribute__((noinline)) void put_key(struct slog_line *line, const struct slog_entry *entry,
                                              const struct slog_field *field)
{
	struct key key = plain_key(field);
	if (is_reserved(&key) || collides(entry, field, &key)) {
		slog_line_put(line, "F_", 2);
		key.length = key.length < KEY_MAX - 2 ? key.length : KEY_MAX - 2;
	}
	slog_line_put(line, key.text, key.length);
}

/* "=value" LF, or the binary form. */
static void put_value(struct slog_line *line, const char *bytes, size_t length)
{
	if (length > 0 && memchr(bytes, '\n', length) != NULL) {
		char octets[LENGTH_OCTETS];
		for (size_t i = 0; i < sizeof octets; i++)
			octets[i] = (char)(((uint64_t)length >> (8 * i)) & 0xFF);
		slog_line_put_char(line, '\n');
		slog_line_put(line, octets, sizeof octets);
	} else {
		slog_line_put_char(line, '=');
	}
	slog_line_put(line, bytes, length);
	slog_line_put_char(line, '\n');
}

static __attribute__((noinline)) void put_scalar(struct slog_line *line, const struct slog_value *value)
{
	struct slog_scalar scalar;
	slog_scalar_read(&scalar, value);
	if (scalar.kind == SLOG_KIND_BASE64) {
		slog_line_put_char(line, '=');
		slog_line_put_base64(line, scalar.text, scalar.length);
		slog_line_put_char(line, '\n');
	} else {
		put_value(line, scalar.text, scalar.length);
	}
}

static void put_field(struct slog_line *line, const struct slog_entry *entry, const struct slog_field *field)
{
	put_key(line, entry, field);
	if (slog_value_shape(&field->value) == SLOG_KIND_STRING) {
		put_scalar(line, &field->value);
		return;
	}
	slog_line_put_char(line, '=');
	slog_line_put_json(line, &field->value);
	slog_line_put_char(line, '\n');
}

static void put_number(struct slog_line *line, const char *name, unsigned long long number)
{
	slog_line_put_string(line, name);
	slog_line_put_u64(line, number);
	slog_line_put_char(line, '\n');
}

static void put_header(struct slog_line *line, const struct slog_entry *entry)
{
	slog_line_put_string(line, "MESSAGE");
	if (entry->message != NULL)
		put_value(line, entry->message, entry->message_length);
	else
		put_value(line, entry->name, entry->name_length);
	put_number(line, "PRIORITY=", entry->severity == SLOG_TRACE ? SLOG_DEBUG : (unsigned)entry->severity);
	put_number(line, "SYSLOG_FACILITY=", (unsigned)entry->facility);
	put_number(line, "SYSLOG_PID=", (unsigned long long)entry->pid);
	slog_line_put_string(line, "SYSLOG_IDENTIFIER");
	put_value(line, entry->app_name, strlen(entry->app_name));
	slog_line_put_string(line, "SYSLOG_MSGID");
	put_value(line, entry->name, entry->name_length);
}

static void encode(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	put_header(line, entry);
	if (entry->is_cut || slog_entry_has_fields(entry)) {
		slog_line_put_string(line, "SYSLOG_STRUCTURED_DATA=");
		slog_sd_element_put(line, entry, SLOG_RFC5424_SD_ID, false, false);
		slog_line_put_char(line, '\n');
	}
	size_t position = 0;
	const struct slog_field *field;
	while ((field = slog_entry_next(entry, &position)) != NULL)
		put_field(line, entry, field);
}

const struct slog_encoder slog_encoder_journald = {"journald", encode};
