/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/frame_choice.h"

void frame_choice_init(struct frame_choice *choice, enum frame_mode mode, size_t limit, int delimiter)
{
	*choice = (struct frame_choice){.mode = mode};
	octet_counting_init(&choice->counting, limit);
	non_transparent_init(&choice->terminated, limit,
	                     mode == FRAME_MODE_LOCAL ? NON_TRANSPARENT_LOCAL : NON_TRANSPARENT_NETWORK, delimiter);
}

/* The framing of the frame at the start of `in`; FRAMING_UNKNOWN if that takes more octets. */
static enum framing detect(struct bytes in)
{
	uint64_t msg_len;
	size_t header_len;
	enum frame_result header = octet_counting_header_read(in, &msg_len, &header_len);
	if (header == FRAME_INVALID)
		return FRAMING_NON_TRANSPARENT;
	if (header == FRAME_INCOMPLETE)
		return FRAMING_UNKNOWN;
	struct bytes message = bytes_after(in, header_len);
	struct bytes bom = BYTES("\xEF\xBB\xBF");
	if (message.len == 0)
		return FRAMING_UNKNOWN;
	if (message.at[0] == '<' || bytes_start_with(message, bom))
		return FRAMING_OCTET_COUNTING;
	return bytes_start_with(bom, message) ? FRAMING_UNKNOWN : FRAMING_NON_TRANSPARENT;
}

/*
 * The same behind what stands between frames; `*len` is how much of that is to be dropped. Some senders put a SP behind
 * LF: it is dropped too if a frame surely begins after it.
 */
static enum framing detect_behind_separators(const struct frame_choice *choice, struct bytes in, size_t *len)
{
	*len = non_transparent_separators(&choice->terminated, in);
	struct bytes rest = bytes_after(in, *len);
	if (rest.len == 0 || rest.at[0] != ' ')
		return detect(rest);
	struct bytes behind = bytes_after(rest, 1);
	enum framing framing = detect(behind);
	if (framing == FRAMING_OCTET_COUNTING || (behind.len > 0 && behind.at[0] == '<'))
		(*len)++;
	return framing;
}

static enum frame_result next_detected(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	size_t front = octet_counting_skip(&choice->counting, in);
	front += non_transparent_skip(&choice->terminated, bytes_after(in, front));
	*out = (struct frame){.consumed = front};
	if (choice->counting.skip > 0 || choice->terminated.skipping)
		return FRAME_INCOMPLETE;
	enum framing framing = FRAMING_NON_TRANSPARENT;
	if (!choice->decided) {
		size_t len;
		framing = detect_behind_separators(choice, bytes_after(in, front), &len);
		front += len;
	}
	enum frame_result result = FRAME_INCOMPLETE;
	if (framing == FRAMING_OCTET_COUNTING)
		result = octet_counting_next(&choice->counting, bytes_after(in, front), out);
	else if (framing == FRAMING_NON_TRANSPARENT)
		result = non_transparent_next(&choice->terminated, bytes_after(in, front), out);
	if (framing != FRAMING_UNKNOWN) {
		choice->seen = framing;
		choice->decided = framing == FRAMING_NON_TRANSPARENT && result == FRAME_INCOMPLETE;
		front += out->consumed;
	}
	out->consumed = front;
	return result;
}

/* Notes what a peer speaks whose framing is fixed. */
static void note_framing(struct frame_choice *choice, struct bytes at)
{
	enum framing framing = detect(at);
	if (framing != FRAMING_UNKNOWN)
		choice->seen = framing;
}

enum frame_result frame_choice_next(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	if (choice->mode == FRAME_MODE_AUTO)
		return next_detected(choice, in, out);
	enum frame_result result;
	if (choice->mode == FRAME_MODE_OCTET_COUNTING) {
		result = octet_counting_next(&choice->counting, in, out);
		if (result == FRAME_COMPLETE)
			choice->seen = FRAMING_OCTET_COUNTING;
		else if (result == FRAME_INVALID)
			note_framing(choice, bytes_after(in, out->consumed));
		return result;
	}
	result = non_transparent_next(&choice->terminated, in, out);
	if (result == FRAME_COMPLETE)
		note_framing(choice, out->message);
	return result;
}

static enum frame_result end_detected(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	size_t front = 0;
	enum framing framing = FRAMING_NON_TRANSPARENT;
	if (!choice->decided)
		framing = detect_behind_separators(choice, in, &front);
	/* Digits and SP that never became a header are text. */
	enum frame_result result;
	if (framing == FRAMING_OCTET_COUNTING)
		result = octet_counting_end(&choice->counting, bytes_after(in, front), out);
	else
		result = non_transparent_end(&choice->terminated, bytes_after(in, front), out);
	out->consumed = in.len;
	return result;
}

enum frame_result frame_choice_end(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	switch (choice->mode) {
	case FRAME_MODE_AUTO:
		return end_detected(choice, in, out);
	case FRAME_MODE_OCTET_COUNTING:
		return octet_counting_end(&choice->counting, in, out);
	case FRAME_MODE_NON_TRANSPARENT:
	case FRAME_MODE_LOCAL:
		break;
	}
	return non_transparent_end(&choice->terminated, in, out);
}
