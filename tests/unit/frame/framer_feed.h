/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a framer over an input in every way (support/feed.h) and compares what came out with a transcript:
 *
 *     [text]     a message        [text]~    a truncated one        !reason    FRAME_INVALID
 *
 * In it LF, CR and NUL stand as \n, \r and \0. The octets not yet consumed lie in front of an unreadable page, never
 * more of them than an input buffer of limit + FRAME_OVERHEAD_MAX octets would hold. All this with frame_choice_next()
 * alone, and again with frame_choice_line() for lines.
 */
#ifndef TESTS_UNIT_FRAME_FRAMER_FEED_H
#define TESTS_UNIT_FRAME_FRAMER_FEED_H

#include "frame/frame_choice.h"
#include "support/feed.h"
#include "support/guarded_bytes.h"

#include <check.h>
#include <stdio.h>

enum { TRANSCRIPT_MAX = 8192, PENDING_MAX = 16384 };

struct framer_feed {
	enum frame_mode mode;
	size_t limit;
	int delimiter;
	const char *expected;
	bool by_lines;
	struct frame_choice choice;
	uint8_t pending[PENDING_MAX];
	size_t pending_len;
	size_t held_most; /* unconsumed octets at most, over all runs */
	char transcript[TRANSCRIPT_MAX];
	size_t transcript_len;
	bool broken;
};

static inline void framer_feed_put(struct framer_feed *feed, const char *text)
{
	size_t len = strlen(text);
	ck_assert_uint_lt(feed->transcript_len + len, sizeof feed->transcript);
	memcpy(feed->transcript + feed->transcript_len, text, len + 1);
	feed->transcript_len += len;
}

static inline void framer_feed_put_message(struct framer_feed *feed, const struct frame *frame)
{
	framer_feed_put(feed, "[");
	for (size_t i = 0; i < frame->message.len; i++) {
		char octet[2] = {(char)frame->message.at[i], '\0'};
		framer_feed_put(feed, octet[0] == '\n' ? "\\n" : octet[0] == '\r' ? "\\r" : octet[0] == '\0' ? "\\0" : octet);
	}
	framer_feed_put(feed, frame->truncated ? "]~" : "]");
}

static inline void framer_feed_begin(void *test)
{
	struct framer_feed *feed = test;
	frame_choice_init(&feed->choice, feed->mode, feed->limit, feed->delimiter);
	feed->pending_len = 0;
	feed->transcript_len = 0;
	feed->transcript[0] = '\0';
	feed->broken = false;
}

/* The line that `in` begins with, if it begins with one. What is not dropped is given again, so it is asked for twice. */
static inline bool framer_feed_line(struct framer_feed *feed, struct bytes in, struct frame *frame)
{
	*frame = (struct frame){0};
	if (!feed->by_lines || !frame_choice_reads_lines(&feed->choice))
		return false;
	size_t len = frame_choice_line(&feed->choice, in, &frame->message);
	frame->consumed = frame_choice_line(&feed->choice, in, &frame->message);
	ck_assert_uint_eq(frame->consumed, len);
	return len > 0;
}

/* One call of the framer over what is pending; false when it wants more, or is broken. */
static inline bool framer_feed_step(struct framer_feed *feed, bool at_end)
{
	struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(feed->pending, feed->pending_len));
	struct bytes in = guarded_bytes_view(&guarded);
	struct frame frame;
	enum frame_result result = FRAME_COMPLETE;
	if (at_end)
		result = frame_choice_end(&feed->choice, in, &frame);
	else if (!framer_feed_line(feed, in, &frame))
		result = frame_choice_next(&feed->choice, in, &frame);
	ck_assert_uint_le(frame.consumed, feed->pending_len);
	if (result == FRAME_COMPLETE)
		framer_feed_put_message(feed, &frame);
	if (result == FRAME_INVALID) {
		framer_feed_put(feed, "!");
		framer_feed_put(feed, frame.reason);
		feed->broken = true;
	}
	guarded_bytes_free(&guarded);
	feed->pending_len -= frame.consumed;
	memmove(feed->pending, feed->pending + frame.consumed, feed->pending_len);
	return result == FRAME_COMPLETE;
}

static inline void framer_feed_piece(void *test, struct bytes piece)
{
	struct framer_feed *feed = test;
	if (feed->broken)
		return;
	ck_assert_uint_le(feed->pending_len + piece.len, sizeof feed->pending);
	memcpy(feed->pending + feed->pending_len, piece.at, piece.len);
	feed->pending_len += piece.len;
	while (framer_feed_step(feed, false))
		;
	if (!feed->broken && feed->pending_len > feed->held_most)
		feed->held_most = feed->pending_len;
}

static inline void framer_feed_end(void *test)
{
	struct framer_feed *feed = test;
	if (!feed->broken)
		framer_feed_step(feed, true);
	ck_assert_msg(strcmp(feed->transcript, feed->expected) == 0, "%s:\n  got  %s\n  want %s", feed_way(),
	              feed->transcript, feed->expected);
}

/* Feeds `input` in every way; each must give `expected`. Returns the framing that was seen last. */
static inline enum framing framer_feed_check(enum frame_mode mode, size_t limit, int delimiter, struct bytes input,
                                             const char *expected)
{
	static struct framer_feed feed;
	enum framing seen[2];
	for (unsigned by_lines = 0; by_lines < 2; by_lines++) {
		feed = (struct framer_feed){.mode = mode, .limit = limit, .delimiter = delimiter, .expected = expected,
		                            .by_lines = by_lines != 0};
		static const struct feed_parser parser = {framer_feed_begin, framer_feed_piece, framer_feed_end};
		feed_every_way(input, &parser, &feed);
		ck_assert_uint_le(feed.held_most, limit + FRAME_OVERHEAD_MAX);
		seen[by_lines] = feed.choice.seen;
	}
	ck_assert_int_eq(seen[0], seen[1]);
	return seen[0];
}

#endif
