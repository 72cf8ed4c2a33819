/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/rfc5424.h"

#include "base/decimal.h"
#include "base/octets16.h"
#include "base/utf8.h"
#include "syslog/legacy_timestamp.h"
#include "syslog/stamp_minute.h"
#include "syslog/structured_data.h"
#include "syslog/timestamp_resolve.h"

enum {
	VERSION_LEN = 2, /* "1 " */
	HEADER_FIELDS = 4,
};

/* Reading goes forward from `at` to `end`; whatever breaks the grammar makes the message a near one. */
struct reader {
	const uint8_t *at, *end;
	bool exact;
};

static struct bytes rest_of(const struct reader *reader)
{
	return bytes_of(reader->at, (size_t)(reader->end - reader->at));
}

static bool is_nil(struct bytes word)
{
	return word.len == 1 && word.at[0] == '-';
}

static bool next_is(const struct reader *reader, uint8_t wanted)
{
	return reader->at < reader->end && *reader->at == wanted;
}

/* Skips the SP between two fields; there is none at the end of a message that is cut short. */
static void skip_space(struct reader *reader)
{
	if (next_is(reader, ' '))
		reader->at++;
}

/* Any word. One that is too long or has other octets than PRINTUSASCII is kept and flagged, and so is an empty one. */
static __attribute__((noinline, cold)) struct bytes read_any_field(struct reader *reader, size_t len_max,
																   struct message *message)
{
	struct bytes rest = rest_of(reader);
	struct bytes word = bytes_first(rest, bytes_find(rest, ' '));
	bool valid = word.len > 0 && word.len <= len_max;
	for (size_t i = 0; i < word.len; i++)
		valid = valid && word.at[i] > 32 && word.at[i] < 127;
	if (!valid)
		message->flags |= MESSAGE_FIELD_INVALID;
	if (!valid || word.len == rest.len)
		reader->exact = false;
	reader->at += word.len;
	skip_space(reader);
	return bytes_first(word, is_nil(word) ? 0 : word.len);
}

/* PRINTUSASCII = %d33-126 */
static unsigned not_printusascii(octets16 block)
{
	return octets16_mask(octets16_no_graph(block));
}

/*
 * HOSTNAME, APP-NAME, PROCID, MSGID: NILVALUE / 1*PRINTUSASCII, and the SP behind it. Returns what follows; NULL near the
 * message's end, and if there is no such word.
 */
__attribute__((always_inline)) static inline const uint8_t *read_field(const uint8_t *at, const uint8_t *end,
																	   size_t len_max, struct bytes *field)
{
	const uint8_t *stop = at != NULL ? octets16_find_in_blocks(at, end, not_printusascii) : NULL;
	if (stop == NULL || *stop != ' ' || (size_t)(stop - at) - 1 >= len_max)
		return NULL;
	struct bytes word = bytes_of(at, (size_t)(stop - at));
	*field = bytes_of(at, is_nil(word) ? 0 : word.len);
	return stop + 1;
}

static __attribute__((noinline, cold)) void read_any_fields(struct reader *reader, struct message *message)
{
	message->hostname = read_any_field(reader, RFC5424_HOSTNAME_MAX_BYTES, message);
	message->app_name = read_any_field(reader, RFC5424_APP_NAME_MAX_BYTES, message);
	message->procid = read_any_field(reader, RFC5424_PROCID_MAX_BYTES, message);
	message->msgid = read_any_field(reader, RFC5424_MSGID_MAX_BYTES, message);
}

static void read_fields(struct reader *reader, struct message *message)
{
	const uint8_t *at = reader->at, *end = reader->end;
	at = read_field(at, end, RFC5424_HOSTNAME_MAX_BYTES, &message->hostname);
	at = read_field(at, end, RFC5424_APP_NAME_MAX_BYTES, &message->app_name);
	at = read_field(at, end, RFC5424_PROCID_MAX_BYTES, &message->procid);
	at = read_field(at, end, RFC5424_MSGID_MAX_BYTES, &message->msgid);
	if (at != NULL)
		reader->at = at;
	else
		read_any_fields(reader, message);
}

static void read_structured_data(struct reader *reader, struct message *message)
{
	struct bytes rest = rest_of(reader);
	if (rest.len > 0 && rest.at[0] == '-' && (rest.len == 1 || rest.at[1] == ' ')) {
		reader->at++;
		return;
	}
	struct sd_extent extent = {.outcome = SD_MALFORMED};
	if (rest.len > 0 && rest.at[0] == '[')
		extent = sd_measure(rest);
	if (extent.outcome == SD_MALFORMED) {
		reader->exact = false;
		message->flags |= MESSAGE_SD_INVALID;
		return;
	}
	message->structured_data = bytes_first(rest, extent.len);
	reader->at += extent.len;
	if (extent.repeated)
		message->flags |= MESSAGE_SD_REPEATED;
	if (extent.outcome == SD_TOLERATED || (reader->at < reader->end && *reader->at != ' ')) {
		reader->exact = false;
		message->flags |= MESSAGE_FIELD_INVALID;
	}
	if ((message->flags & MESSAGE_NOT_UTF8) != 0 && !utf8_is_valid(message->structured_data))
		reader->exact = false;
}

/* MSG = MSG-ANY / BOM MSG-UTF8 */
static void read_msg(struct reader *reader, struct message *message)
{
	struct bytes msg = rest_of(reader);
	if (bytes_start_with(msg, MSG_BOM)) {
		message->flags |= MESSAGE_BOM;
		msg = bytes_after(msg, MSG_BOM.len);
		if ((message->flags & MESSAGE_NOT_UTF8) != 0 && !utf8_is_valid(msg))
			reader->exact = false;
	}
	message->msg = msg;
}

/* What step 3 of the reader's decisions asks for: "1", SP, then "-" SP or four digits and "-". */
static bool looks_like_iso(struct bytes rest)
{
	return rest.len >= 5 && rest.at[4] == '-' && decimal_is_digit(rest.at[0]) && decimal_is_digit(rest.at[1]) &&
		   decimal_is_digit(rest.at[2]) && decimal_is_digit(rest.at[3]);
}

/* Whether four words and then "-" or "[" follow: only then an RFC 3164 stamp behind "1 " is believed. */
static bool fields_follow(struct bytes rest)
{
	size_t at = 0;
	for (int i = 0; i < HEADER_FIELDS; i++) {
		size_t len = bytes_find(bytes_after(rest, at), ' ');
		if (len == 0 || at + len == rest.len)
			return false;
		at += len + 1;
	}
	return at < rest.len &&
		   (rest.at[at] == '[' || (rest.at[at] == '-' && (at + 1 == rest.len || rest.at[at + 1] == ' ')));
}

/* A legacy stamp where TIMESTAMP should be. */
static bool read_bsd_timestamp(struct reader *reader, const struct parse_context *context, struct timestamp *stamp)
{
	struct bytes rest = rest_of(reader);
	if (rest.len == 0 || decimal_is_digit(rest.at[0]))
		return false;
	size_t len = legacy_timestamp_read(rest, context, false, stamp);
	if (len == 0 || len == rest.len || !fields_follow(bytes_after(rest, len + 1)))
		return false;
	reader->at += len;
	reader->exact = false;
	return true;
}

static enum rfc5424_outcome read_timestamp(struct reader *reader, const struct parse_context *context,
										   struct timestamp *stamp)
{
	struct bytes rest = rest_of(reader);
	if (rest.len >= 2 && rest.at[0] == '-' && rest.at[1] == ' ') {
		*stamp = (struct timestamp){0};
		reader->at += 1;
		return RFC5424_READ;
	}
	bool exact;
	size_t len = timestamp_read_iso(rest, stamp, &exact);
	if (len == 0 && !looks_like_iso(rest))
		return read_bsd_timestamp(reader, context, stamp) ? RFC5424_READ : RFC5424_NOT;
	if (len == 0 || (len < rest.len && rest.at[len] != ' '))
		return RFC5424_NO_TIMESTAMP;
	reader->at += len;
	reader->exact = reader->exact && exact && stamp->second < 60;
	return RFC5424_READ;
}

/* Any TIMESTAMP, and what stands in its place. */
static __attribute__((noinline)) enum rfc5424_outcome read_any_time(struct reader *reader, struct parse_context *context,
																	struct message *message)
{
	struct timestamp stamp;
	if (next_is(reader, ' ')) {
		reader->at++;
		reader->exact = false;
	}
	struct bytes rest = rest_of(reader);
	enum rfc5424_outcome outcome = read_timestamp(reader, context, &stamp);
	if (outcome != RFC5424_READ)
		return outcome;
	timestamp_resolve(context, &stamp, message);
	if (reader->exact)
		stamp_minute_note_iso(rest, &stamp, context);
	if (!reader->exact || (message->flags & MESSAGE_TIME_INVALID) != 0)
		message->flags |= MESSAGE_FIELD_INVALID;
	return RFC5424_READ;
}

enum rfc5424_outcome rfc5424_decode(struct bytes text, struct parse_context *context, struct message *message)
{
	if (text.len < VERSION_LEN || text.at[0] != '1' || text.at[1] != ' ')
		return RFC5424_NOT;
	struct reader reader = {.at = text.at + VERSION_LEN, .end = text.at + text.len, .exact = true};
	size_t stamp_len = stamp_minute_read_iso(rest_of(&reader), context, message);
	reader.at += stamp_len;
	if (stamp_len == 0) {
		enum rfc5424_outcome outcome = read_any_time(&reader, context, message);
		if (outcome != RFC5424_READ)
			return outcome;
	}
	skip_space(&reader);
	read_fields(&reader, message);
	read_structured_data(&reader, message);
	skip_space(&reader);
	read_msg(&reader, message);
	message->format = reader.exact && (message->flags & MESSAGE_TIME_INVALID) == 0 ? MESSAGE_FORMAT_RFC5424
																				   : MESSAGE_FORMAT_NEAR_RFC5424;
	return RFC5424_READ;
}
