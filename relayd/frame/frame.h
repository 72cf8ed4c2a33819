/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a byte stream into messages (RFC 6587): the outcomes and the shape that all framers share. A framer looks at
 * the bytes that are there and takes nothing: it says how many to consume. Between calls it keeps only what the bytes
 * themselves cannot say, such as how much of an oversized frame is still to be skipped.
 */
#ifndef RELAYD_FRAME_FRAME_H
#define RELAYD_FRAME_FRAME_H

#include "base/bytes.h"

enum frame_result {
	FRAME_COMPLETE = 0,   /* one message; consume `consumed` octets and go on */
	FRAME_INCOMPLETE = 1, /* consume `consumed` (perhaps 0) octets, then wait for more */
	FRAME_INVALID = 2,    /* the stream cannot be followed any more: close it; `reason` says why */
};

struct frame {
	struct bytes message; /* view into the bytes given, without length, trailer and CR */
	size_t consumed;      /* octets to drop from the front before the next call */
	bool truncated;       /* longer than the limit (the rest is skipped), or cut off by the end of the stream */
	bool is_plain;        /* the framer has seen that all octets are ASCII, and no NUL: nobody need look again */
	const char *reason;   /* for FRAME_INVALID: a constant sentence, fit for a log line */
};

#endif
