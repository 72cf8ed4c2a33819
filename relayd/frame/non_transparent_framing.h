/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-transparent framing (RFC 6587 3.4.2), both directions: a message ends at its TRAILER, which is LF, and with some
 * senders NUL or another octet. It cannot carry the trailer inside a message, so the writer replaces LF.
 *
 * A message longer than the limit is given once, its first octets; the rest up to the trailer is skipped as it comes.
 */
#ifndef RELAYD_FRAME_NON_TRANSPARENT_FRAMING_H
#define RELAYD_FRAME_NON_TRANSPARENT_FRAMING_H

#include "frame/frame.h"

enum non_transparent_rule {
	/* Network senders: LF ends a message, and so does a NUL that "<" follows. Other NULs are data. */
	NON_TRANSPARENT_NETWORK = 0,
	/*
	 * A local stream socket (/dev/log): LF and NUL both end a message, until one has ended in NUL; from then on
	 * only NUL does, and LF is data (the C library ends each record with NUL).
	 */
	NON_TRANSPARENT_LOCAL = 1,
};

/* "No additional delimiter" for non_transparent_init(). */
enum { NON_TRANSPARENT_NO_DELIMITER = -1 };

/* One connection's reader. Set up with non_transparent_init(); the fields are private. */
struct non_transparent {
	size_t limit; /* octets of a message that are kept */
	enum non_transparent_rule rule;
	int delimiter;  /* an octet that ends a message as LF does, or NON_TRANSPARENT_NO_DELIMITER */
	bool nul_shown; /* NON_TRANSPARENT_LOCAL: only NUL ends a message now */
	bool skipping;  /* the rest of an oversized message is being dropped */
	size_t scanned; /* octets at the front of the next `in` that are known to hold no trailer */
};

/* Whether `octet` may be an additional delimiter: all but those that begin a message or a count: "<", SP, digits. */
bool non_transparent_is_delimiter(uint8_t octet);

/*
 * Makes a reader that keeps at most `limit` (> 0) octets of a message. `delimiter` is an octet that ends a message as
 * LF does, or NON_TRANSPARENT_NO_DELIMITER. It must be non_transparent_is_delimiter().
 */
void non_transparent_init(struct non_transparent *reader, size_t limit, enum non_transparent_rule rule, int delimiter);

/*
 * Drops what `in` holds of an oversized message's rest and its trailer: returns how many octets to consume. For
 * frame_choice.c; non_transparent_next() does it by itself.
 */
size_t non_transparent_skip(struct non_transparent *reader, struct bytes in);

/* How many octets at the start of `in` stand between messages (empty lines, stray trailers) and are to be dropped. */
size_t non_transparent_separators(const struct non_transparent *reader, struct bytes in);

/*
 * The message that `rest` begins with: neither something to skip nor separators stand before it. FRAME_COMPLETE adds its
 * octets to out->consumed; `*out` was empty but for this. For frame_choice.c; non_transparent_next() does it by itself.
 */
enum frame_result non_transparent_message(struct non_transparent *reader, struct bytes rest, struct frame *out);

/*
 * The short way for lines: ASCII without control characters, at most `limit` octets of it, then LF. Where nothing else ends
 * a message and none is unfinished (reads_lines), it gives the line that `rest`, which begins with "<", begins with, and
 * how many octets it takes with its trailer; the reader is as before. Or it returns 0, and non_transparent_message() goes
 * on from where this has stopped. For frame_choice.c.
 */
bool non_transparent_reads_lines(const struct non_transparent *reader);
size_t non_transparent_line(struct non_transparent *reader, struct bytes rest, struct bytes *message);

/*
 * The next message in `in`, which begins with the first octet that was not consumed; after FRAME_INCOMPLETE the next
 * call must bring the same octets again (less those consumed) and more: they are not searched twice. One CR before the
 * trailer is dropped, empty messages are skipped. Never FRAME_INVALID.
 */
enum frame_result non_transparent_next(struct non_transparent *reader, struct bytes in, struct frame *out);

/*
 * The stream has ended behind `in`, for which non_transparent_next() had said FRAME_INCOMPLETE. FRAME_COMPLETE: the
 * last message lacked its trailer and is given. FRAME_INCOMPLETE: nothing is left.
 */
enum frame_result non_transparent_end(struct non_transparent *reader, struct bytes in, struct frame *out);

/*
 * Writes `message` and its trailer LF to `out`, which has message.len + 1 octets of room, and returns that length. Each
 * LF inside becomes `replacement` (SP by custom; not LF), and `*replaced` grows by their number.
 */
size_t non_transparent_write(struct bytes message, uint8_t replacement, uint8_t *out, uint64_t *replaced);

#endif
