/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of messages in, one line for each out, in order. Memory is bounded: a message longer than
 * CONVERT_MESSAGE_MAX_BYTES is cut and flagged.
 */
#ifndef RELAYD_RELAYCTL_CONVERT_STREAM_H
#define RELAYD_RELAYCTL_CONVERT_STREAM_H

#include "base/buffer.h"
#include "frame/octet_counting.h"
#include "output/typed_event.h"
#include "syslog/parse_context.h"
#include "syslog/timestamp.h"

enum { CONVERT_MESSAGE_MAX_BYTES = 1 << 20 };

enum convert_form {
	CONVERT_TO_JSON = 0,
	CONVERT_TO_RFC5424 = 1, /* LF inside a message becomes SP: a line is a message */
};

enum convert_framing {
	CONVERT_LINES = 0, /* a message ends at LF (and a CR before it); an empty line is a message, too: a bad one */
	CONVERT_OCTET_COUNTING = 1, /* RFC 6587, 3.4.1 */
};

enum convert_result {
	CONVERT_DONE = 0,
	CONVERT_UNREADABLE = 1, /* reading failed: errno says why */
	CONVERT_UNWRITABLE = 2, /* writing failed: errno says why */
	CONVERT_LOST = 3,       /* octet counting: where a MSG-LEN must stand there is none; what was there is printed */
	CONVERT_NO_MEMORY = 4,
};

/* Zero-initialise, fill the first part, then convert_stream_open(). */
struct convert_stream {
	enum convert_form form;
	enum convert_framing framing;
	const struct timezone_rules *zone; /* of stamps that name none */
	bool zone_configured;              /* the operator said so: then it is no guess */
	int out;                           /* descriptor */

	/* Private. */
	struct parse_context parse;
	struct octet_counting counting;
	struct typed_event typed;
	struct timestamp_minute minute;
	struct buffer input, output;
	bool skipping;  /* the rest of an overlong line */
	size_t scanned; /* octets of `input` that are known to hold no LF */
};

/* Makes its buffers ready; allocates nothing yet. */
void convert_stream_open(struct convert_stream *stream);
void convert_stream_close(struct convert_stream *stream);

/* Reads `in` to its end. `received_ns` is the wall time that missing years and times are taken from. */
enum convert_result convert_stream_run(struct convert_stream *stream, int in, int64_t received_ns);

#endif
