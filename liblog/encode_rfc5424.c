/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as SYSLOG-MSG (RFC 5424, 6): HEADER SP STRUCTURED-DATA [SP MSG]. The fields are one SD-ELEMENT, which
 * sd_element.c writes.
 */
#include <liblog/encoder.h>

#include <assert.h>
#include <stddef.h>

#include <liblog/rfc5424.h>

#include "entry.h"
#include "headers.h"
#include "octets.h"
#include "sd_element.h"
#include "standard_elements.h"

static const char bom[] = "\xEF\xBB\xBF";

static void put_field(struct slog_line *line, const char *text, size_t length, size_t max)
{
	char field[SLOG_HOSTNAME_MAX];
	slog_line_put_char(line, ' ');
	slog_line_put(line, field, slog_rfc5424_field(field, sizeof field, text, length, max));
}

/* HEADER = PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID */
static __attribute__((noinline)) void put_header(struct slog_line *line, const struct slog_entry *entry)
{
	char text[SLOG_TIMESTAMP_MAX];
	unsigned severity = entry->severity == SLOG_TRACE ? SLOG_DEBUG : (unsigned)entry->severity;
	slog_line_put(line, text, slog_rfc5424_pri(text, sizeof text, (unsigned)entry->facility, severity));
	slog_line_put(line, "1 ", 2);
	slog_line_put(line, text, slog_rfc5424_timestamp(text, sizeof text, entry->time));
	put_field(line, entry->hostname, strlen(entry->hostname), SLOG_HOSTNAME_MAX);
	put_field(line, entry->app_name, strlen(entry->app_name), SLOG_APP_NAME_MAX);
	slog_line_put_char(line, ' ');
	slog_line_put_u64(line, (unsigned long long)entry->pid);
	put_field(line, entry->name, entry->name_length, SLOG_MSGID_MAX);
	slog_line_put_char(line, ' ');
}

#define KNOWN_ROOM (SLOG_HEADER_TEXT_MAX + SLOG_OCTETS_FOUR + SLOG_MSGID_MAX + 1)

/* What precedes MSGID. */
bool slog_rfc5424_make_header(struct slog_headers *headers, const struct slog_header_key *key)
{
	struct slog_line line;
	char start[SLOG_PRI_MAX + sizeof "1 "];
	unsigned severity = key->severity == SLOG_TRACE ? SLOG_DEBUG : (unsigned)key->severity;
	size_t length = slog_rfc5424_pri(start, SLOG_PRI_MAX, (unsigned)key->facility, severity);
	memcpy(start + length, "1 ", sizeof "1 ");
	if (headers->rfc5424_names.length == 0 || !slog_header_begin(headers, &headers->rfc5424, &line, key, start, ""))
		return false;
	slog_line_put(&line, headers->rfc5424_names.text, headers->rfc5424_names.length);
	return slog_header_end(&headers->rfc5424, &line, key);
}

/* The same from texts that the thread has kept. False, and nothing is written, if there are none or they may not fit. */
static inline bool put_known_header(struct slog_line *line, const struct slog_entry *entry, bool name_is_msgid)
{
	const struct slog_prepared *prepared = slog_entry_prepared(entry);
	if (prepared == NULL || !name_is_msgid || entry->name_length == 0 || line->size - line->length < KNOWN_ROOM)
		return false;
	struct slog_headers *headers = prepared->headers;
	const struct slog_header_key key = {entry->severity, entry->facility, entry->time.tv_sec};
	const struct slog_header *header = slog_rfc5424_header(headers, &key);
	if (header == NULL)
		return false;
	char *at = slog_header_put(header, line->text + line->length, entry->time.tv_nsec);
	slog_octets_move(at, entry->name, entry->name_length);
	at += entry->name_length;
	*at++ = ' ';
	line->length = (size_t)(at - line->text);
	return true;
}

/* True if MSG, or an event name that MSGID cannot hold, can only be undone by a reader that sees our element. */
static bool needs_element(const struct slog_entry *entry, bool name_is_msgid)
{
	return entry->is_cut || !name_is_msgid || slog_entry_has_fields(entry) ||
	       (entry->message != NULL && !slog_rfc5424_msg_is_plain(entry->message, entry->message_length));
}

/* What the caller's encoder is in. A program with a newer header has members of which this library knows nothing. */
static const struct slog_rfc5424_encoder *own_encoder(const struct slog_encoder *encoder)
{
	const char *start = (const char *)encoder - offsetof(struct slog_rfc5424_encoder, encoder);
	const struct slog_rfc5424_encoder *own = (const struct slog_rfc5424_encoder *)(const void *)start;
	assert(own->size == sizeof *own);
	return own;
}

void slog_encode_rfc5424(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	const struct slog_rfc5424_encoder *own = own_encoder(encoder);
	const struct slog_prepared *prepared = slog_entry_prepared(entry);
	bool name_is_msgid = prepared != NULL && prepared->memo != NULL
	                             ? prepared->memo->name_is_msgid
	                             : slog_name_is_msgid(entry->name, entry->name_length);
	if (!put_known_header(line, entry, name_is_msgid))
		put_header(line, entry);
	size_t params = slog_standard_elements_put(line, own, entry);
	if (needs_element(entry, name_is_msgid))
		slog_sd_element_put_for(line, entry, own, params, !name_is_msgid);
	else if (params == 0)
		slog_line_put_char(line, '-');
	if (entry->message != NULL) {
		bool begins_with_bom = entry->message_length >= sizeof bom - 1 && memcmp(entry->message, bom, sizeof bom - 1) == 0;
		slog_line_put_char(line, ' ');
		/* A reader takes one BOM away, as it must (RFC 5424, 6.4): the message's own is then left. */
		if (begins_with_bom)
			slog_line_put_string(line, bom);
		slog_line_put_escaped(line, slog_rfc5424_msg, entry->message, entry->message_length);
	}
}

static const struct slog_rfc5424_encoder standard = SLOG_RFC5424_ENCODER_INIT;

static void encode_standard(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	slog_encode_rfc5424(&standard.encoder, entry, line);
}

const struct slog_encoder slog_encoder_rfc5424 = {"rfc5424", encode_standard};
