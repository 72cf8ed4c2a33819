/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/rfc5424_encode.h"

#include "base/decimal.h"
#include "base/octets16.h"
#include "base/utf8.h"
#include "syslog/parse.h"
#include "syslog/peer.h"
#include "syslog/rfc5424.h"
#include "syslog/structured_data.h"
#include "syslog/timestamp.h"

#include <liblog/line.h>
#include <liblog/utf8.h>

#define STAMP_SD_ID        BYTES("relayd@32473")
#define TIME_QUALITY_SD_ID BYTES("timeQuality")

/* Fields are written in whole blocks. */
enum { HEADER_ROOM_BYTES = RFC5424_HEADER_MAX_BYTES + OCTETS16_BLOCK };

static void put(struct slog_line *line, struct bytes text)
{
	slog_line_put(line, (const char *)text.at, text.len);
}

static bool is_rfc5424(const struct message *message)
{
	return message->format == MESSAGE_FORMAT_RFC5424 || message->format == MESSAGE_FORMAT_NEAR_RFC5424;
}

/* An RFC 5424 originator that does not know the time said so; a legacy one gets the time of reception (RFC 3164 4.3).
 */
static size_t write_timestamp(const struct message *message, struct timestamp_minute *minute, uint8_t *out)
{
	if (is_rfc5424(message) && (message->flags & MESSAGE_TIME_ABSENT) != 0) {
		out[0] = '-';
		return 1;
	}
	return timestamp_write_near(&message->time, TIMESTAMP_RFC5424_DIGITS_MAX, true, minute, out);
}

/* SP and a HEADER field. Whole blocks are read as long as they lie before `end`, and written. */
static inline size_t write_field(struct bytes field, size_t len_max, const uint8_t *end, uint8_t *out)
{
	size_t len = field.len < len_max ? field.len : len_max, at = 0;
	*out++ = ' ';
	if (len == 0) {
		*out = '-';
		return 2;
	}
	for (; at < len && end - field.at >= (ptrdiff_t)(at + OCTETS16_BLOCK); at += OCTETS16_BLOCK) {
		octets16 block = octets16_load(field.at + at), odd = octets16_no_graph(block);
		octets16_store((block & ~odd) | ('?' & odd), out + at);
	}
	for (; at < len; at++)
		out[at] = field.at[at] > 32 && field.at[at] < 127 ? field.at[at] : '?';
	return 1 + len;
}

/* HEADER and the SP behind it. Returns its length. */
static size_t write_header(const struct envelope *envelope, const struct rfc5424_encoding *encoding, uint8_t *header)
{
	const struct message *message = &envelope->message;
	const uint8_t *end = envelope->raw.at + envelope->raw.len;
	size_t len = 0;
	header[len++] = '<';
	len += decimal_write(message->pri, header + len);
	memcpy(header + len, ">1 ", 3);
	len += 3;
	len += write_timestamp(message, encoding->minute, header + len);
	if (message->hostname.len > 0) {
		len += write_field(message->hostname, RFC5424_HOSTNAME_MAX_BYTES, end, header + len);
	} else {
		struct bytes fallback = encoding->fallback_hostname;
		const uint8_t *fallback_end = fallback.len > 0 ? fallback.at + fallback.len : NULL;
		len += write_field(fallback, RFC5424_HOSTNAME_MAX_BYTES, fallback_end, header + len);
	}
	len += write_field(message->app_name, RFC5424_APP_NAME_MAX_BYTES, end, header + len);
	len += write_field(message->procid, RFC5424_PROCID_MAX_BYTES, end, header + len);
	len += write_field(message->msgid, RFC5424_MSGID_MAX_BYTES, end, header + len);
	header[len++] = ' ';
	assert(len <= RFC5424_HEADER_MAX_BYTES);
	return len;
}

/* Where there is room for any header it is written in its place. */
static void put_header(struct slog_line *line, const struct envelope *envelope, const struct rfc5424_encoding *encoding)
{
	uint8_t header[HEADER_ROOM_BYTES];
	if (line->size - line->length >= sizeof header)
		line->length += write_header(envelope, encoding, (uint8_t *)line->text + line->length);
	else
		put(line, bytes_of(header, write_header(envelope, encoding, header)));
}

/* Octets that are not UTF-8 take their reversible form: PARAM-VALUE must be UTF-8, and nothing may be lost. */
static void put_as_utf8(struct slog_line *line, struct bytes text)
{
	while (text.len > 0) {
		size_t len = utf8_char_len(text);
		if (len > 0) {
			put(line, bytes_first(text, len));
		} else {
			char raw[SLOG_RAW_OCTET_BYTES];
			slog_raw_octet(raw, text.at[0]);
			slog_line_put(line, raw, sizeof raw);
			len = 1;
		}
		text = bytes_after(text, len);
	}
}

/* A PARAM-VALUE that keeps its escapes, with a "\" before a "]" that has none. */
static void put_value(struct slog_line *line, struct bytes value)
{
	size_t begin = 0, at = 0;
	while (at < value.len) {
		if (value.at[at] == '\\' && at + 1 < value.len) {
			at += 2;
		} else if (value.at[at] == ']') {
			put_as_utf8(line, bytes_of(value.at + begin, at - begin));
			slog_line_put_char(line, '\\');
			begin = at++;
		} else {
			at++;
		}
	}
	put_as_utf8(line, bytes_of(value.at + begin, value.len - begin));
}

static void put_element(struct slog_line *line, const struct sd_element *element)
{
	struct bytes params = element->params;
	struct sd_param param;
	slog_line_put_char(line, '[');
	put(line, element->id);
	while (sd_next_param(&params, &param)) {
		slog_line_put_char(line, ' ');
		put(line, param.name);
		slog_line_put_string(line, "=\"");
		put_value(line, param.value);
		slog_line_put_char(line, '"');
	}
	slog_line_put_char(line, ']');
}

static bool has_element(struct bytes structured_data, struct bytes id)
{
	struct sd_element element;
	while (sd_next_element(&structured_data, &element)) {
		if (bytes_equal(element.id, id))
			return true;
	}
	return false;
}

static void put_stamp(struct slog_line *line, const struct envelope *envelope, struct timestamp_minute *minute)
{
	uint8_t peer[PEER_TEXT_MAX_BYTES], received[TIMESTAMP_TEXT_MAX_BYTES];
	struct message_time time = {.unix_ns = envelope->received_ns, .digits = TIMESTAMP_RFC5424_DIGITS_MAX};
	size_t peer_len = peer_write_endpoint(&envelope->peer, peer);
	slog_line_put_char(line, '[');
	put(line, STAMP_SD_ID);
	if (peer_len > 0) {
		slog_line_put_string(line, " peer=\"");
		/* "[::1]:514": the one octet in it that PARAM-VALUE escapes. */
		put_value(line, bytes_of(peer, peer_len));
		slog_line_put_char(line, '"');
	}
	slog_line_put_string(line, " transport=\"");
	slog_line_put_string(line, transport_name((enum transport)envelope->peer.transport));
	slog_line_put_string(line, "\" received=\"");
	put(line, bytes_of(received, timestamp_write_near(&time, TIMESTAMP_RFC5424_DIGITS_MAX, true, minute, received)));
	slog_line_put_string(line, "\"]");
}

static void put_structured_data(struct slog_line *line, const struct envelope *envelope,
                                const struct rfc5424_encoding *encoding)
{
	bool stamp = encoding->stamp;
	const struct message *message = &envelope->message;
	struct bytes rest = message->structured_data;
	if (rest.len == 0 && !stamp) {
		slog_line_put_char(line, '-');
		return;
	}
	struct sd_extent extent = rest.len > 0 ? sd_measure(rest) : (struct sd_extent){.outcome = SD_MALFORMED};
	struct sd_element element;
	size_t begin = line->length;
	if (extent.outcome == SD_EXACT && extent.len == rest.len && utf8_is_valid(rest)) {
		put(line, rest);
	} else {
		while (sd_next_element(&rest, &element))
			put_element(line, &element);
	}
	if (stamp && !has_element(message->structured_data, STAMP_SD_ID))
		put_stamp(line, envelope, encoding->minute);
	if (stamp && (message->flags & MESSAGE_ZONE_GUESSED) != 0 &&
		!has_element(message->structured_data, TIME_QUALITY_SD_ID))
		slog_line_put_string(line, "[timeQuality tzKnown=\"0\"]");
	if (line->length == begin)
		slog_line_put_char(line, '-');
}

/* Appends MSG as far as it fits; returns how many octets did not. */
static size_t put_msg(struct slog_line *line, struct bytes msg)
{
	size_t left = line->size - line->length;
	size_t fits = utf8_cut(msg, left);
	put(line, bytes_first(msg, fits));
	return msg.len - fits;
}

/* [SP MSG]. A received BOM is written again: it says that the text is UTF-8. Other text must not begin with one. */
static size_t put_space_and_msg(struct slog_line *line, const struct message *message)
{
	struct bytes msg = message->msg;
	bool known_utf8 = is_rfc5424(message) && (message->flags & MESSAGE_BOM) != 0 && utf8_is_valid(msg);
	while (!known_utf8 && bytes_start_with(msg, MSG_BOM))
		msg = bytes_after(msg, MSG_BOM.len);
	if (msg.len == 0)
		return 0;
	if (line->size - line->length < 1 + MSG_BOM.len)
		return msg.len;
	slog_line_put_char(line, ' ');
	if (known_utf8)
		put(line, MSG_BOM);
	return put_msg(line, msg);
}

static size_t replace_lf(struct slog_line *line, uint8_t replacement)
{
	size_t replaced = 0;
	char *at = line->text, *end = line->text + line->length;
	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		*at++ = (char)replacement;
		replaced++;
	}
	return replaced;
}

/* Writes HEADER and STRUCTURED-DATA as the message means them, then MSG. */
static size_t put_anew(struct slog_line *line, const struct envelope *envelope, const struct rfc5424_encoding *encoding)
{
	put_header(line, envelope, encoding);
	put_structured_data(line, envelope, encoding);
	return line->overflowed ? 0 : put_space_and_msg(line, &envelope->message);
}

/* Where MSG begins in the trimmed raw octets, or their end. (A damaged record may have MSG behind it.) */
static size_t msg_offset(const struct envelope *envelope, struct bytes trimmed)
{
	struct bytes msg = envelope->message.msg;
	size_t begin = msg.len > 0 ? (size_t)(msg.at - trimmed.at) : trimmed.len;
	return begin < trimmed.len ? begin : trimmed.len;
}

static size_t put_unchanged(struct slog_line *line, const struct envelope *envelope)
{
	struct bytes trimmed = parse_trim(envelope->raw);
	size_t begin = msg_offset(envelope, trimmed);
	put(line, bytes_first(trimmed, begin));
	return line->overflowed ? 0 : put_msg(line, bytes_after(trimmed, begin));
}

struct rfc5424_encoded rfc5424_encode(const struct envelope *envelope, const struct rfc5424_encoding *encoding,
									  uint8_t *out, size_t room)
{
	struct slog_line line = slog_line_in((char *)out, room);
	struct rfc5424_encoded encoded = {0};
	/* A damaged record may call anything RFC 5424; what is not even a PRI is not passed on as one. */
	bool to_the_letter =
		envelope->message.format == MESSAGE_FORMAT_RFC5424 && bytes_start_with(envelope->raw, BYTES("<"));
	if (to_the_letter && !encoding->stamp)
		encoded.cut = put_unchanged(&line, envelope);
	else
		encoded.cut = put_anew(&line, envelope, encoding);
	if (line.overflowed)
		return (struct rfc5424_encoded){0};
	if (encoding->replace_lf != 0)
		encoded.replaced = replace_lf(&line, encoding->replace_lf);
	encoded.len = line.length;
	return encoded;
}
