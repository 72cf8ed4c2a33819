/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/rfc3164.h"

#include "base/decimal.h"
#include "syslog/legacy_timestamp.h"
#include "syslog/legacy_words.h"
#include "syslog/stamp_minute.h"
#include "syslog/timestamp_resolve.h"

/* Reading goes forward from `at` to `end`. */
struct reader {
	const uint8_t *at, *end;
	bool has_stamp; /* or what stands in its place: "-", or an uptime */
	bool has_host;  /* a HOSTNAME, or "-" in its place: only then a bare word may be a TAG */
};

static struct bytes rest_of(const struct reader *reader)
{
	return bytes_of(reader->at, (size_t)(reader->end - reader->at));
}

static bool next_is(const struct reader *reader, uint8_t wanted)
{
	return reader->at < reader->end && *reader->at == wanted;
}

static void skip_spaces(struct reader *reader)
{
	while (next_is(reader, ' '))
		reader->at++;
}

/* The rest is MSG, without the one SP before it. */
static void read_msg(struct reader *reader, struct message *message)
{
	if (next_is(reader, ' '))
		reader->at++;
	message->msg = rest_of(reader);
	if (bytes_start_with(message->msg, MSG_BOM)) {
		message->flags |= MESSAGE_BOM;
		message->msg = bytes_after(message->msg, MSG_BOM.len);
	}
}

/* A mark and a stamp, or Cisco's mnemonic: what must follow its counter and its origin-id. */
static bool is_cisco_body(struct bytes text, const struct parse_context *context)
{
	struct timestamp stamp;
	if (text.len == 0)
		return false;
	if (text.at[0] == '%')
		return legacy_mnemonic_len(text) > 0;
	bool mark = text.at[0] == '*' || text.at[0] == '.';
	return legacy_timestamp_read(bytes_after(text, mark ? 1 : 0), context, true, &stamp) > 0;
}

/* hostname ":" SP before a stamp or a mnemonic; its length without the ":", or 0. */
static size_t origin_len(struct bytes text, const struct parse_context *context)
{
	size_t len = legacy_hostname_len(text);
	if (len == 0 || text.len < len + 2 || text.at[len] != ':' || text.at[len + 1] != ' ')
		return 0;
	return is_cisco_body(bytes_after(text, len + 2), context) ? len : 0;
}

/* [seq] [origin] */
static bool read_cisco_prefix(struct reader *reader, const struct parse_context *context, struct message *message)
{
	struct bytes rest = rest_of(reader);
	uint64_t number;
	size_t len = decimal_read(rest, RFC3164_SEQUENCE_DIGITS_MAX, &number);
	bool has_sequence = rest.len >= len + 2 && rest.at[len] == ':' && rest.at[len + 1] == ' ';
	struct bytes behind = has_sequence ? bytes_after(rest, len + 2) : rest;
	/* An uptime reads like an origin-id: what is a stamp already is none. */
	if (!has_sequence || !is_cisco_body(behind, context)) {
		size_t origin = origin_len(behind, context);
		if (origin == 0)
			return false;
		message->hostname = bytes_first(behind, origin);
		reader->has_host = true;
		behind = bytes_after(behind, origin + 2);
	}
	reader->at += rest.len - behind.len;
	return true;
}

/* [mark] stamp. True if there is one. */
static bool read_stamp(struct reader *reader, struct parse_context *context, bool cisco, struct message *message)
{
	struct timestamp stamp;
	struct bytes rest = rest_of(reader);
	bool mark = rest.len > 0 && (rest.at[0] == '*' || rest.at[0] == '.');
	size_t len = legacy_timestamp_read(bytes_after(rest, mark ? 1 : 0), context, cisco || mark, &stamp);
	if (len == 0)
		return false;
	reader->at += len + (mark ? 1 : 0);
	reader->has_stamp = true;
	if (mark)
		message->flags |= MESSAGE_CLOCK_UNSYNCED;
	timestamp_resolve(context, &stamp, message);
	return true;
}

/* "-" in place of the stamp (ESPHome), believed only before a hostname and a TAG that ends in ":". */
static bool read_nil_stamp(struct reader *reader)
{
	struct bytes rest = rest_of(reader);
	if (!bytes_start_with(rest, BYTES("- ")))
		return false;
	struct bytes host = bytes_after(rest, 2);
	size_t host_len = legacy_hostname_len(host);
	if (host_len == 0 || host_len == host.len || host.at[host_len] != ' ')
		return false;
	struct bytes tag = bytes_after(host, host_len + 1);
	size_t tag_len = bytes_find(tag, ' ');
	if (tag_len < 2 || tag.at[tag_len - 1] != ':')
		return false;
	reader->at += 1;
	reader->has_stamp = true;
	return true;
}

/* [seq] [origin] [mark] [stamp] */
static void read_time(struct reader *reader, struct parse_context *context, struct message *message)
{
	if (read_stamp(reader, context, false, message))
		return;
	/* The C library writes none of these, and a local program's text must not become a HOSTNAME. */
	if (!context->local_socket) {
		bool cisco = read_cisco_prefix(reader, context, message);
		if (cisco && read_stamp(reader, context, true, message))
			return;
		if (!cisco)
			read_nil_stamp(reader);
	}
	timestamp_use_reception(context, MESSAGE_TIME_ABSENT, message);
}

/* AIX: "Message forwarded from H: " and "From H: ". Leaves the reader behind the ":". */
static bool read_forwarded_host(struct reader *reader, struct message *message)
{
	if (!next_is(reader, 'M') && !next_is(reader, 'F'))
		return false;
	struct bytes rest = rest_of(reader);
	size_t begin = bytes_start_with(rest, BYTES("Message forwarded from ")) ? sizeof "Message forwarded from " - 1
				   : bytes_start_with(rest, BYTES("From "))                 ? sizeof "From " - 1
																			: 0;
	if (begin == 0)
		return false;
	size_t len = legacy_host_and_colon(bytes_after(rest, begin), &message->hostname);
	if (len == 0)
		return false;
	reader->at += begin + len;
	reader->has_host = true;
	return true;
}

/* HOSTNAME, which only a stamp makes possible. Leaves the reader before the TAG's word, or where it was. */
static void read_host(struct reader *reader, struct message *message)
{
	const uint8_t *begin = reader->at;
	skip_spaces(reader);
	if (read_forwarded_host(reader, message)) {
		skip_spaces(reader);
		return;
	}
	struct bytes word = rest_of(reader);
	size_t len = legacy_host_word(word, &message->hostname);
	if (len == 0) {
		reader->at = begin;
		return;
	}
	reader->at += len;
	reader->has_host = true;
}

/* TAG, and what vendors put around it. True if there is one; the reader then stands before MSG. */
static bool read_tag(struct reader *reader, bool local, struct message *message)
{
	const uint8_t *begin = reader->at;
	skip_spaces(reader);
	if (reader->has_stamp && next_is(reader, ':') && (reader->at + 1 == reader->end || reader->at[1] == ' ')) {
		/* Alone: of a Cisco ASA behind its host, or musl's empty ident, behind which there is no TAG. */
		reader->at++;
		begin = reader->at;
		if (local)
			return false;
		skip_spaces(reader);
	}
	size_t len = legacy_tag_read(rest_of(reader), reader->has_host, message);
	if (len == 0) {
		reader->at = begin;
		return false;
	}
	reader->at += len;
	return true;
}

/* Solaris: MSG begins with "[ID 800047 auth.info] ". MSG keeps it. */
static void note_solaris_msgid(struct message *message)
{
	uint64_t number;
	if (!bytes_start_with(message->msg, BYTES("[ID ")))
		return;
	struct bytes rest = bytes_after(message->msg, 4);
	size_t len = decimal_read(rest, RFC3164_SEQUENCE_DIGITS_MAX, &number);
	if (len > 0 && len < rest.len && rest.at[len] == ' ')
		message->msgid = bytes_first(rest, len);
}

void rfc3164_decode_bare(struct bytes text, const struct parse_context *context, struct message *message)
{
	struct reader reader = {.at = text.at, .end = text.at + text.len};
	timestamp_use_reception(context, MESSAGE_TIME_ABSENT, message);
	message->format = MESSAGE_FORMAT_UNSTRUCTURED;
	message->flags |= MESSAGE_HOST_ABSENT | MESSAGE_TAG_ABSENT;
	read_msg(&reader, message);
}

/*
 * What most programs write, "Oct 11 22:14:15 host su[123]: text". False if any of it is otherwise; what was set until then
 * the long way sets again.
 */
static bool read_common(struct bytes text, struct parse_context *context, struct message *message)
{
	if (context->local_socket || !stamp_minute_read_bsd(text, context, message))
		return false;
	const uint8_t *end = text.at + text.len, *msg = legacy_common_words(text.at + TIMESTAMP_BSD_BYTES + 1, end, message);
	/* No ID of Solaris, no BOM. */
	if (msg == NULL || *msg == '[' || *msg == MSG_BOM.at[0])
		return false;
	message->msg = bytes_of(msg, (size_t)(end - msg));
	message->format = MESSAGE_FORMAT_RFC3164;
	return true;
}

/* All that is in use. */
static __attribute__((noinline)) void read_any(struct bytes text, struct parse_context *context, struct message *message)
{
	struct reader reader = {.at = text.at, .end = text.at + text.len};
	skip_spaces(&reader);
	if (legacy_is_payload(rest_of(&reader))) {
		rfc3164_decode_bare(text, context, message);
		return;
	}
	const uint8_t *begin = reader.at;
	read_time(&reader, context, message);
	if (reader.at == begin)
		reader.at = text.at; /* MSG keeps its further SP if no TAG comes either */
	if (reader.has_stamp && !reader.has_host && !context->local_socket)
		read_host(&reader, message);
	bool has_tag = read_tag(&reader, context->local_socket, message);
	read_msg(&reader, message);
	if (has_tag)
		note_solaris_msgid(message);
	message->format =
		reader.has_stamp || reader.has_host || has_tag ? MESSAGE_FORMAT_RFC3164 : MESSAGE_FORMAT_UNSTRUCTURED;
	message->flags |= (message->hostname.len == 0 ? MESSAGE_HOST_ABSENT : 0u) | (has_tag ? 0u : MESSAGE_TAG_ABSENT);
}

void rfc3164_decode(struct bytes text, struct parse_context *context, struct message *message)
{
	if (!read_common(text, context, message))
		read_any(text, context, message);
}
