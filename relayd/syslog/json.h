/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as one JSON line, in the vocabulary that liblog and relayd share: timestamp, severity, facility, hostname,
 * app_name, procid, msgid, message (each absent where the message has none), structured_data, and relay with what the
 * relay knows.
 */
#ifndef RELAYD_SYSLOG_JSON_H
#define RELAYD_SYSLOG_JSON_H

#include "syslog/envelope.h"
#include "syslog/timestamp.h"

#include <liblog/read.h>

enum {
	JSON_FIXED_MAX_BYTES = 2048, /* everything but the message's own octets, the input's name and the error */
	JSON_GROWTH_MAX = 18,        /* octets for one octet: six in raw, six each in at most two parts that share it */
};

/* Room that is always enough for a message of `raw_len` octets with an input's name and an error of `text_len`
 * together. */
static inline size_t json_encoded_max(size_t raw_len, size_t text_len)
{
	return JSON_FIXED_MAX_BYTES + JSON_GROWTH_MAX * (raw_len + text_len);
}

/* How to write. All-zero suits a relay. */
struct json_options {
	struct bytes input_name; /* relay.input; left out if empty */
	const char *error;       /* relay.error: why the line is not a message; NULL: none */
	bool zone_configured;    /* a zone that the message did not say is no guess but the operator's word: write it */
	/* What liblog reads from MSGID, STRUCTURED-DATA and MSG, if an element of its own is there; NULL: as they stand. */
	const struct slog_reading *typed;
	bool typed_is_inexact;   /* the fields, written again, are not the octets that they were read from: add raw */
	bool from_file;          /* read from a file: when and from whom the relay got it means nothing, and is left out */
	struct timestamp_minute *minute; /* for a thread that writes many: kept from one to the next. NULL: none */
};

/*
 * Writes one line with its LF to `out`; returns the length, 0 if `room` is too short. The line is valid JSON in valid
 * UTF-8 whatever the message is: octets that are not UTF-8 take liblog's reversible form (liblog/utf8.h).
 *
 * timestamp: RFC 3339 with the digits that the message had; without a zone where that was a guess; absent where the
 * message had none. structured_data: an object of SD-ID to an object of PARAM-NAME to string; a list of [name, value]
 * where a name repeats in an element; a list of these where an SD-ID repeats. With `typed` the event's fields stand
 * before it, with their types, and it has the other elements. relay.raw: the octets as received, where the parts do not
 * reproduce them.
 */
size_t json_encode(const struct envelope *envelope, const struct json_options *options, uint8_t *out, size_t room);

#endif
