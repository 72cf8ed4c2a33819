/* SPDX-License-Identifier: Apache-2.0 */
#include "output/encoder.h"

#include <stdio.h>

#include "base/decimal.h"
#include "syslog/json.h"
#include "syslog/parse.h"
#include "syslog/peer.h"
#include "syslog/rfc5424_encode.h"

enum {
	SCRATCH_MAX_BYTES = 20 * ENCODER_MESSAGE_MAX_BYTES, /* encoders ask for room for the worst case */
	SCRATCH_KEPT_BYTES = 1024 * 1024,
	RUN_BYTES = 64 * 1024,
};

const char *const encoder_format_names[] = {"rfc5424", "raw", "json", NULL};

bool encoder_check(enum encoder_format format, const struct output_common *common, char *error)
{
	if (format != ENCODER_RAW || !common->stamp)
		return true;
	snprintf(error, OUTPUT_ERROR_MAX_BYTES,
	         "stamp: nothing can be added with \"format\": \"raw\"; write \"rfc5424\" or \"json\", or leave "
	         "the stamp out");
	return false;
}

static unsigned formats_as_received(enum encoder_format format, bool stamp)
{
	if (format == ENCODER_RAW)
		return MESSAGE_FORMATS_ALL;
	return format == ENCODER_RFC5424 && !stamp ? 1u << MESSAGE_FORMAT_RFC5424 : 0;
}

void encoder_init(struct encoder *encoder, enum encoder_format format, bool stamp, const struct spool *spool)
{
	*encoder = (struct encoder){
		.format = format, .stamp = stamp, .as_received = formats_as_received(format, stamp), .spool = spool};
	buffer_init(&encoder->scratch, SCRATCH_MAX_BYTES);
}

void encoder_free(struct encoder *encoder)
{
	typed_event_free(&encoder->typed);
	buffer_free(&encoder->scratch);
}

/* Room for one message in the scratch buffer, which is emptied. NULL: `*result` says why. */
static uint8_t *room_for(struct encoder *encoder, size_t len, enum encoder_result *result)
{
	buffer_consume(&encoder->scratch, buffer_len(&encoder->scratch));
	/* One giant message must not keep its memory for good. */
	if (encoder->room > SCRATCH_KEPT_BYTES)
		buffer_free(&encoder->scratch);
	encoder->room = len;
	*result = len > SCRATCH_MAX_BYTES ? ENCODER_TOO_LONG : ENCODER_NO_MEMORY;
	return buffer_reserve(&encoder->scratch, len);
}

static enum encoder_result encoded(const uint8_t *out, size_t len, struct bytes *message)
{
	*message = bytes_of(out, len);
	return len <= ENCODER_MESSAGE_MAX_BYTES ? ENCODER_DONE : ENCODER_TOO_LONG;
}

struct bytes encoder_pass_on(const struct encoder *encoder, struct bytes raw)
{
	/* RFC 5424 is trimmed: that is what the encoder would write, without a copy. */
	return encoder->format == ENCODER_RAW ? raw : parse_trim(raw);
}

static bool passes_on(const struct encoder *encoder, const struct envelope *envelope)
{
	return (encoder->as_received >> envelope->message.format & 1) != 0 && envelope->raw.len > 0 &&
		   message_has_pri(envelope->message.flags);
}

static struct bytes write_rfc5424(struct encoder *encoder, const struct envelope *envelope, uint8_t *out, size_t room)
{
	uint8_t peer[PEER_TEXT_MAX_BYTES];
	struct rfc5424_encoding encoding = {.stamp = encoder->stamp, .minute = &encoder->minute};
	if (envelope->message.hostname.len == 0)
		encoding.fallback_hostname = bytes_of(peer, peer_write_address(&envelope->peer, peer));
	struct rfc5424_encoded written = rfc5424_encode(envelope, &encoding, out, room);
	assert(written.len > 0 && written.cut == 0);
	return bytes_of(out, written.len);
}

static enum encoder_result encode_rfc5424(struct encoder *encoder, const struct envelope *envelope, struct bytes *message)
{
	enum encoder_result result;
	size_t room = rfc5424_encoded_max(envelope->raw.len);
	uint8_t *out = room_for(encoder, room, &result);
	if (out == NULL)
		return result;
	struct bytes written = write_rfc5424(encoder, envelope, out, room);
	return encoded(written.at, written.len, message);
}

static enum encoder_result encode_raw(struct encoder *encoder, const struct envelope *envelope, struct bytes *message)
{
	enum encoder_result result;
	uint8_t *out = room_for(encoder, DECIMAL_DIGITS_MAX + 2 + envelope->raw.len, &result);
	if (out == NULL)
		return result;
	size_t len = 0;
	out[len++] = '<';
	len += decimal_write(envelope->message.pri, out + len);
	out[len++] = '>';
	if (envelope->raw.len > 0)
		memcpy(out + len, envelope->raw.at, envelope->raw.len);
	return encoded(out, len + envelope->raw.len, message);
}

static enum encoder_result encode_json(struct encoder *encoder, const struct envelope *envelope, struct bytes *message)
{
	struct bytes input_name = bytes_of_text(spool_input_name(encoder->spool, envelope->input));
	enum typed_event_result typed = typed_event_read(&encoder->typed, &envelope->message);
	if (typed == TYPED_EVENT_NO_MEMORY)
		return ENCODER_NO_MEMORY;
	const struct json_options options = {
		.input_name = input_name,
		.minute = &encoder->minute,
		.typed = typed == TYPED_EVENT_READ ? &encoder->typed.event : NULL,
		.typed_is_inexact = typed == TYPED_EVENT_READ && encoder->typed.is_inexact,
	};
	enum encoder_result result;
	size_t room = json_encoded_max(envelope->raw.len, input_name.len);
	uint8_t *out = room_for(encoder, room, &result);
	if (out == NULL)
		return result;
	size_t len = json_encode(envelope, &options, out, room);
	assert(len > 0 && out[len - 1] == '\n');
	return encoded(out, len - 1, message); /* the end of a line is the framing's */
}

enum encoder_result encoder_encode(struct encoder *encoder, const struct envelope *envelope, struct bytes *message)
{
	if (passes_on(encoder, envelope)) {
		struct bytes whole = encoder_pass_on(encoder, envelope->raw);
		return encoded(whole.at, whole.len, message);
	}
	switch (encoder->format) {
	case ENCODER_RFC5424:
		return encode_rfc5424(encoder, envelope, message);
	case ENCODER_RAW:
		return encode_raw(encoder, envelope, message);
	case ENCODER_JSON:
		break;
	}
	return encode_json(encoder, envelope, message);
}

/* ---- runs ---- */

void encoder_start_run(struct encoder *encoder)
{
	enum encoder_result result;
	if (encoder->format == ENCODER_RFC5424)
		(void)room_for(encoder, RUN_BYTES, &result); /* without memory it takes nothing */
}

bool encoder_run_takes(const struct encoder *encoder, size_t record_len)
{
	return encoder->format == ENCODER_RFC5424 && buffer_allocated(&encoder->scratch) > rfc5424_encoded_max(record_len);
}

void encoder_run_add(struct encoder *encoder, const struct envelope *envelope, struct bytes *message)
{
	size_t room = rfc5424_encoded_max(envelope->raw.len);
	assert(encoder_run_takes(encoder, envelope->raw.len));
	*message = write_rfc5424(encoder, envelope, buffer_reserve(&encoder->scratch, room), room);
	buffer_commit(&encoder->scratch, message->len);
}
