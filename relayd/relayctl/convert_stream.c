/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads large pieces, cuts messages out of them, and writes the lines of a piece at once. Lines are cut here
 * and not by frame/, because there an empty line is nothing, and here it must give a line of its own.
 */
#include "relayctl/convert_stream.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/utf8.h"
#include "syslog/json.h"
#include "syslog/parse.h"
#include "syslog/rfc5424_encode.h"

enum {
	READ_SIZE_BYTES = 256 * 1024,
	WRITE_SIZE_BYTES = 256 * 1024,
	/* One whole message, the start of the next one, and its frame's header. */
	INPUT_CAP_BYTES = CONVERT_MESSAGE_MAX_BYTES + 2 * READ_SIZE_BYTES,
	OUTPUT_CAP_BYTES = 2 * JSON_GROWTH_MAX * CONVERT_MESSAGE_MAX_BYTES,
};

void convert_stream_open(struct convert_stream *stream)
{
	buffer_init(&stream->input, INPUT_CAP_BYTES);
	buffer_init(&stream->output, OUTPUT_CAP_BYTES);
}

void convert_stream_close(struct convert_stream *stream)
{
	buffer_free(&stream->input);
	buffer_free(&stream->output);
	typed_event_free(&stream->typed);
}

/* ---- out ---- */

static enum convert_result write_out(struct convert_stream *stream)
{
	while (buffer_len(&stream->output) > 0) {
		struct bytes rest = buffer_peek(&stream->output);
		ssize_t written = write(stream->out, rest.at, rest.len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return CONVERT_UNWRITABLE;
		buffer_consume(&stream->output, (size_t)written);
	}
	return CONVERT_DONE;
}

static size_t encode_rfc5424(struct convert_stream *stream, const struct envelope *envelope, uint8_t *room, size_t size)
{
	const struct rfc5424_encoding encoding = {.replace_lf = ' ', .minute = &stream->minute};
	struct rfc5424_encoded encoded = rfc5424_encode(envelope, &encoding, room, size - 1);
	if (encoded.len > 0)
		room[encoded.len++] = '\n';
	return encoded.len;
}

static size_t encode_json(struct convert_stream *stream, const struct envelope *envelope, const char *error,
						  const struct typed_event *typed, uint8_t *room, size_t size)
{
	const struct json_options options = {
		.error = error,
		.typed = typed != NULL ? &typed->event : NULL,
		.typed_is_inexact = typed != NULL && typed->is_inexact,
		.zone_configured = stream->zone_configured,
		.from_file = true,
		.minute = &stream->minute,
	};
	return json_encode(envelope, &options, room, size);
}

/* One message to one line. `error`: why it is not one, or NULL. */
static enum convert_result put(struct convert_stream *stream, struct bytes raw, uint32_t flags, const char *error)
{
	struct envelope envelope = {.received_ns = stream->parse.received_ns, .raw = raw};
	parse_message(raw, &stream->parse, &envelope.message);
	envelope.message.flags |= flags;
	bool as_json = stream->form == CONVERT_TO_JSON;
	enum typed_event_result typed = TYPED_EVENT_NOT;
	if (as_json)
		typed = typed_event_read(&stream->typed, &envelope.message);
	size_t size =
		as_json ? json_encoded_max(raw.len, error != NULL ? strlen(error) : 0) : rfc5424_encoded_max(raw.len) + 1;
	uint8_t *room = buffer_reserve(&stream->output, size);
	if (room == NULL || typed == TYPED_EVENT_NO_MEMORY)
		return CONVERT_NO_MEMORY;
	const struct typed_event *event = typed == TYPED_EVENT_READ ? &stream->typed : NULL;
	size_t len = as_json ? encode_json(stream, &envelope, error, event, room, size)
	                     : encode_rfc5424(stream, &envelope, room, size);
	assert(len > 0 && len <= size);
	buffer_commit(&stream->output, len);
	return buffer_len(&stream->output) >= WRITE_SIZE_BYTES ? write_out(stream) : CONVERT_DONE;
}

/* ---- lines ---- */

static enum convert_result put_line(struct convert_stream *stream, struct bytes line)
{
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (line.len > CONVERT_MESSAGE_MAX_BYTES)
		return put(stream, bytes_first(line, utf8_cut(line, CONVERT_MESSAGE_MAX_BYTES)), MESSAGE_TRUNCATED, NULL);
	return put(stream, line, 0, line.len == 0 ? "the line is empty" : NULL);
}

/* Puts every line that `input` holds; `at_end`: what is left is one, too. */
static enum convert_result put_lines(struct convert_stream *stream, bool at_end)
{
	struct bytes rest = buffer_peek(&stream->input);
	size_t used = 0;
	enum convert_result result = CONVERT_DONE;
	while (result == CONVERT_DONE) {
		size_t len = stream->scanned + bytes_find(bytes_after(rest, stream->scanned), '\n');
		bool ends = len < rest.len;
		stream->scanned = 0;
		/* A line that is too long is put when it is known to be; what follows up to its LF is skipped. */
		if (!ends && !(at_end && rest.len > 0) && len <= CONVERT_MESSAGE_MAX_BYTES + 1) {
			stream->scanned = len;
			break;
		}
		if (!stream->skipping)
			result = put_line(stream, bytes_first(rest, len));
		stream->skipping = !ends && !at_end;
		rest = bytes_after(rest, len + ends);
		used = buffer_len(&stream->input) - rest.len;
		if (rest.len == 0)
			break;
	}
	buffer_consume(&stream->input, used);
	return result;
}

/* ---- octet counting ---- */

static enum convert_result put_frame(struct convert_stream *stream, const struct frame *frame, const char *error)
{
	return put(stream, frame->message, frame->truncated ? MESSAGE_TRUNCATED : 0, error);
}

static enum convert_result put_lost(struct convert_stream *stream, const char *reason)
{
	struct bytes rest = buffer_peek(&stream->input);
	enum convert_result result = put(stream, bytes_first(rest, utf8_cut(rest, CONVERT_MESSAGE_MAX_BYTES)), 0, reason);
	return result == CONVERT_DONE ? CONVERT_LOST : result;
}

static enum convert_result put_frames(struct convert_stream *stream, bool at_end)
{
	for (;;) {
		struct frame frame;
		struct bytes in = buffer_peek(&stream->input);
		enum frame_result found = octet_counting_next(&stream->counting, in, &frame);
		if (found == FRAME_INVALID)
			return put_lost(stream, frame.reason);
		enum convert_result result = found == FRAME_COMPLETE ? put_frame(stream, &frame, NULL) : CONVERT_DONE;
		buffer_consume(&stream->input, frame.consumed);
		if (result != CONVERT_DONE)
			return result;
		if (found == FRAME_INCOMPLETE)
			break;
	}
	struct frame last;
	if (at_end && octet_counting_end(&stream->counting, buffer_peek(&stream->input), &last) == FRAME_COMPLETE)
		return put_frame(stream, &last, "the frame is shorter than its MSG-LEN says");
	return CONVERT_DONE;
}

/* ---- in ---- */

/* Reads one piece. Its length, 0 at the end, -1 with errno. */
static ssize_t read_piece(struct convert_stream *stream, int in)
{
	uint8_t *room = buffer_reserve(&stream->input, READ_SIZE_BYTES);
	if (room == NULL) {
		errno = ENOMEM;
		return -1;
	}
	ssize_t got;
	do {
		got = read(in, room, READ_SIZE_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		buffer_commit(&stream->input, (size_t)got);
	return got;
}

enum convert_result convert_stream_run(struct convert_stream *stream, int in, int64_t received_ns)
{
	stream->parse = (struct parse_context){.received_ns = received_ns, .zone = stream->zone};
	stream->skipping = false;
	stream->scanned = 0;
	octet_counting_init(&stream->counting, CONVERT_MESSAGE_MAX_BYTES);
	buffer_consume(&stream->input, buffer_len(&stream->input));
	enum convert_result result = CONVERT_DONE;
	ssize_t got = 1;
	while (result == CONVERT_DONE && got > 0) {
		got = read_piece(stream, in);
		if (got < 0)
			return CONVERT_UNREADABLE;
		result = stream->framing == CONVERT_LINES ? put_lines(stream, got == 0) : put_frames(stream, got == 0);
		/* What came in one piece is out before the next one is waited for: a pipe's reader need not wait for its end.
		 */
		if (result == CONVERT_DONE || result == CONVERT_LOST) {
			enum convert_result written = write_out(stream);
			result = written == CONVERT_DONE ? result : written;
		}
	}
	return result;
}
