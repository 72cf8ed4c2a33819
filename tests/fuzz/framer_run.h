/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a framer over a stream in two ways of splitting it, and once with the short way for lines; the same messages must
 * come out.
 */
#ifndef TESTS_FUZZ_FRAMER_RUN_H
#define TESTS_FUZZ_FRAMER_RUN_H

#include "frame/frame_choice.h"
#include "stream_pieces.h"

struct framer_run {
	enum frame_mode mode;
	size_t limit;
	int delimiter;
};

static inline enum frame_result framer_run_next(struct frame_choice *choice, bool by_lines, struct bytes in,
                                                struct frame *frame)
{
	*frame = (struct frame){.is_plain = true};
	if (by_lines && frame_choice_reads_lines(choice))
		frame->consumed = frame_choice_line(choice, in, &frame->message);
	return frame->consumed > 0 ? FRAME_COMPLETE : frame_choice_next(choice, in, frame);
}

static inline uint64_t framer_run_once(const struct framer_run *run, struct bytes stream, uint32_t seed, bool by_lines)
{
	struct stream_pieces pieces = {.stream = stream, .seed = seed};
	struct frame_choice choice;
	frame_choice_init(&choice, run->mode, run->limit, run->delimiter);
	enum frame_result result = FRAME_INCOMPLETE;
	struct frame frame;
	while (result != FRAME_INVALID && stream_pieces_more(&pieces)) {
		do {
			struct bytes in = stream_pieces_look(&pieces);
			result = framer_run_next(&choice, by_lines, in, &frame);
			stream_pieces_consume(&pieces, frame.consumed);
			FUZZ_CHECK(frame.message.len <= run->limit);
			FUZZ_CHECK(result != FRAME_COMPLETE || frame.consumed > 0);
			FUZZ_CHECK((result == FRAME_INVALID) == (frame.reason != NULL));
			for (size_t i = 0; frame.is_plain && i < frame.message.len; i++)
				FUZZ_CHECK(frame.message.at[i] > 0 && frame.message.at[i] < 0x80);
			if (result != FRAME_INCOMPLETE)
				stream_pieces_note(&pieces, (uint64_t)result << 1 | frame.truncated, frame.message);
		} while (result == FRAME_COMPLETE);
		FUZZ_CHECK(result == FRAME_INVALID || pieces.end - pieces.start <= run->limit + FRAME_OVERHEAD_MAX);
	}
	if (result != FRAME_INVALID) {
		result = frame_choice_end(&choice, stream_pieces_look(&pieces), &frame);
		FUZZ_CHECK(result != FRAME_INVALID && frame.message.len <= run->limit);
		if (result == FRAME_COMPLETE)
			stream_pieces_note(&pieces, 16 | frame.truncated, frame.message);
	}
	stream_pieces_done(&pieces);
	return pieces.digest;
}

static inline void framer_run_compare(const struct framer_run *run, struct bytes stream, uint32_t seed)
{
	FUZZ_CHECK(framer_run_once(run, stream, 0, false) == framer_run_once(run, stream, seed | 1, true));
}

#endif
