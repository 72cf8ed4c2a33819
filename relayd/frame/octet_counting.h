/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octet counting (RFC 6587 3.4.1, and the only framing of RFC 5425), both directions:
 *
 *     SYSLOG-FRAME = MSG-LEN SP SYSLOG-MSG
 *     MSG-LEN      = NONZERO-DIGIT *DIGIT        ; octets of SYSLOG-MSG
 *
 * A frame longer than the limit gives one message, its first octets; the rest is skipped as it comes, with no memory.
 */
#ifndef RELAYD_FRAME_OCTET_COUNTING_H
#define RELAYD_FRAME_OCTET_COUNTING_H

#include "frame/frame.h"

enum {
	OCTET_COUNTING_DIGITS_MAX = 10,
	OCTET_COUNTING_HEADER_MAX = OCTET_COUNTING_DIGITS_MAX + 1, /* digits and SP */
};

/* The largest MSG-LEN that is followed at all; a larger one ends the connection. */
#define OCTET_COUNTING_MSG_LEN_MAX ((uint64_t)1 << 31)

/* One connection's reader. Set up with octet_counting_init(); the fields are private. */
struct octet_counting {
	size_t limit;  /* octets of a message that are kept */
	uint64_t skip; /* octets of the current frame, behind what was given, that are still to be dropped */
};

/* Makes a reader that keeps at most `limit` (> 0) octets of a message. */
void octet_counting_init(struct octet_counting *reader, size_t limit);

/*
 * Reads MSG-LEN SP at the start of `in`. FRAME_COMPLETE sets `*msg_len` (not checked against any limit) and
 * `*header_len`; FRAME_INCOMPLETE means that these octets may still become a header; FRAME_INVALID that they cannot
 * (no digit 1-9 first, no SP after at most OCTET_COUNTING_DIGITS_MAX digits).
 */
enum frame_result octet_counting_header_read(struct bytes in, uint64_t *msg_len, size_t *header_len);

/*
 * Drops what `in` holds of an oversized frame's rest: returns how many octets to consume. For frame_choice.c;
 * octet_counting_next() does it by itself.
 */
size_t octet_counting_skip(struct octet_counting *reader, struct bytes in);

/*
 * What stands behind a header that octet_counting_header_read() has read. FRAME_COMPLETE adds its octets to
 * out->consumed; `*out` was empty but for this. For frame_choice.c; octet_counting_next() does it by itself.
 */
enum frame_result octet_counting_body(struct octet_counting *reader, struct bytes body, uint64_t msg_len,
                                      struct frame *out);

/*
 * The next message in `in`, which begins with the first octet that was not consumed. LF, CR and NUL between frames are
 * dropped, and one SP before a digit. One LF (or CR LF) at the end of the counted octets is a trailer and not part of
 * the message. FRAME_INVALID: no MSG-LEN where one must be, or one above OCTET_COUNTING_MSG_LEN_MAX.
 */
enum frame_result octet_counting_next(struct octet_counting *reader, struct bytes in, struct frame *out);

/*
 * The stream has ended behind `in`, for which octet_counting_next() had said FRAME_INCOMPLETE. FRAME_COMPLETE: what is
 * there of an unfinished frame, flagged truncated. FRAME_INCOMPLETE: nothing is left to keep.
 */
enum frame_result octet_counting_end(struct octet_counting *reader, struct bytes in, struct frame *out);

/*
 * Writes the MSG-LEN SP that goes before a message of `msg_len` (> 0) octets to `out`, which has
 * OCTET_COUNTING_HEADER_MAX octets of room; returns its length.
 */
size_t octet_counting_header_write(size_t msg_len, uint8_t *out);

#endif
