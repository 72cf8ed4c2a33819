/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which framing a peer speaks, decided anew at the start of each frame (RFC 6587 3.4 lets it change), or fixed by the
 * operator. The rule of the automatic mode:
 *
 *     skip LF, CR, NUL; SP too if "<" or a count follows it
 *     digit 1..9:  up to 9 more digits, SP, then "<" or a BOM -> octet counting, if the count can be believed
 *                  anything else                              -> the digits belong to a message that LF ends
 *     other octet: a message that LF ends
 *
 * Looking behind the SP saves text such as "2025 Oct 11 ..." or "5 apples" from being taken for a count. For text such as
 * "1700000000 <job 7> started" a count above the message limit is text if LF ended this peer's last message, and one
 * above FRAME_CHOICE_MSG_LEN_MAX always.
 *
 *     for (;;) {
 *             enum frame_result result = frame_choice_next(&choice, buffer_peek(&input), &frame);
 *             (use frame.message if FRAME_COMPLETE)
 *             buffer_consume(&input, frame.consumed);
 *             if (result != FRAME_COMPLETE)
 *                     break;
 *     }
 */
#ifndef RELAYD_FRAME_FRAME_CHOICE_H
#define RELAYD_FRAME_FRAME_CHOICE_H

#include "frame/frame.h"
#include "frame/non_transparent_framing.h"
#include "frame/octet_counting.h"

/*
 * What an unfinished frame may need beyond the message limit: header, lookahead, trailer. An input buffer with a cap of
 * limit + FRAME_OVERHEAD_MAX octets never blocks a reader, whatever the peer sends.
 */
enum { FRAME_OVERHEAD_MAX = 20 };

/* The largest MSG-LEN above the message limit that is taken for one in the automatic mode. */
enum { FRAME_CHOICE_MSG_LEN_MAX = 16 << 20 };

enum framing {
	FRAMING_UNKNOWN = 0, /* nothing has come yet */
	FRAMING_OCTET_COUNTING = 1,
	FRAMING_NON_TRANSPARENT = 2,
};

enum frame_mode {
	FRAME_MODE_AUTO = 0,
	FRAME_MODE_OCTET_COUNTING = 1,  /* anything else is FRAME_INVALID */
	FRAME_MODE_NON_TRANSPARENT = 2, /* digits are text */
	FRAME_MODE_LOCAL = 3,           /* stream /dev/log: NON_TRANSPARENT_LOCAL */
};

/* One connection's reader. Set up with frame_choice_init(). Only `seen` is for reading; the rest is private. */
struct frame_choice {
	enum frame_mode mode;
	enum framing seen; /* what the peer's last frame looked like, also where the mode forbids it: for the log */
	bool decided;      /* the unfinished frame at the front of the next `in` is one that LF ends */
	struct octet_counting counting;
	struct non_transparent terminated;
};

/*
 * Makes a reader that keeps at most `limit` (> 0) octets of a message. `delimiter`: see non_transparent_init(); it
 * plays no part in FRAME_MODE_OCTET_COUNTING.
 */
void frame_choice_init(struct frame_choice *choice, enum frame_mode mode, size_t limit, int delimiter);

/*
 * The next message in `in`. The caller drops out->consumed octets from the front after every call (perhaps 0), whatever
 * the result, and brings what is left, and more, to the next call. out->message is a view into `in`. A message over the
 * limit is given once, cut at a UTF-8 border, as soon as the limit is passed; what follows of it is consumed silently.
 */
enum frame_result frame_choice_next(struct frame_choice *choice, struct bytes in, struct frame *out);

/*
 * The short way for lines, as nearly all frames are: "<", then ASCII without control characters, then LF, in all within the
 * limit. While frame_choice_reads_lines() is true, frame_choice_line() may be called in place of frame_choice_next(), and
 * leaves that true as long as it returns how many octets to drop. A line that is not dropped is given again. It returns 0
 * if there is no such line: frame_choice_next() is to look at the same octets.
 */
bool frame_choice_reads_lines(const struct frame_choice *choice);
size_t frame_choice_line(struct frame_choice *choice, struct bytes in, struct bytes *message);

/*
 * The stream has ended behind `in`, for which frame_choice_next() had said FRAME_INCOMPLETE. FRAME_COMPLETE: the last
 * message: one that lacks only its LF, or what is there of a counted one, flagged truncated. FRAME_INCOMPLETE: nothing
 * is left. There is at most one such message. It is also for our own stop, with a frame unfinished (mark it as cut).
 */
enum frame_result frame_choice_end(struct frame_choice *choice, struct bytes in, struct frame *out);

#endif
