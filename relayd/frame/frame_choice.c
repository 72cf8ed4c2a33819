/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/frame_choice.h"

#include "base/decimal.h"

void frame_choice_init(struct frame_choice *choice, enum frame_mode mode, size_t limit, int delimiter)
{
	*choice = (struct frame_choice){.mode = mode};
	octet_counting_init(&choice->counting, limit);
	non_transparent_init(&choice->terminated, limit,
	                     mode == FRAME_MODE_LOCAL ? NON_TRANSPARENT_LOCAL : NON_TRANSPARENT_NETWORK, delimiter);
}

/* What a frame begins with: its framing, and of a counted one what its header says. */
struct beginning {
	enum framing framing; /* FRAMING_UNKNOWN if that takes more octets */
	uint64_t msg_len;
	size_t header_len;
};

/*
 * What is above the limit is skipped: an epoch second at the start of a line, taken for a count, would swallow the rest of
 * the connection.
 */
static inline bool is_believable(const struct frame_choice *choice, uint64_t msg_len)
{
	if (msg_len <= choice->counting.limit)
		return true;
	return msg_len <= FRAME_CHOICE_MSG_LEN_MAX && choice->seen != FRAMING_NON_TRANSPARENT;
}

/* The same for octets that begin with a digit, or that are none. */
static inline struct beginning look_behind_count(const struct frame_choice *choice, struct bytes in)
{
	struct beginning beginning = {.framing = FRAMING_NON_TRANSPARENT};
	enum frame_result header = octet_counting_header_read(in, &beginning.msg_len, &beginning.header_len);
	if (header == FRAME_INCOMPLETE)
		beginning.framing = FRAMING_UNKNOWN;
	if (header != FRAME_COMPLETE || !is_believable(choice, beginning.msg_len))
		return beginning;
	struct bytes message = bytes_after(in, beginning.header_len);
	struct bytes bom = BYTES("\xEF\xBB\xBF");
	if (message.len > 0 && (message.at[0] == '<' || bytes_start_with(message, bom)))
		beginning.framing = FRAMING_OCTET_COUNTING;
	else if (bytes_start_with(bom, message))
		beginning.framing = FRAMING_UNKNOWN;
	return beginning;
}

/* The frame at the start of `in`. */
static inline struct beginning look(const struct frame_choice *choice, struct bytes in)
{
	if (in.len > 0 && !decimal_is_digit(in.at[0]))
		return (struct beginning){.framing = FRAMING_NON_TRANSPARENT};
	return look_behind_count(choice, in);
}

/*
 * The frame behind what stands between frames; `*len` is how much of that is to be dropped. Some senders put a SP behind
 * LF: it is dropped too if a frame surely begins after it.
 */
static inline struct beginning look_behind_separators(const struct frame_choice *choice, struct bytes in, size_t *len)
{
	*len = non_transparent_separators(&choice->terminated, in);
	struct bytes rest = bytes_after(in, *len);
	if (rest.len == 0 || rest.at[0] != ' ')
		return look(choice, rest);
	struct bytes behind = bytes_after(rest, 1);
	struct beginning beginning = look(choice, behind);
	if (beginning.framing == FRAMING_OCTET_COUNTING || (behind.len > 0 && behind.at[0] == '<'))
		(*len)++;
	return beginning;
}

static bool is_skipping(const struct frame_choice *choice)
{
	return choice->counting.skip > 0 || choice->terminated.skipping;
}

/* `rest` begins with a frame; what stood before it is in out->consumed. */
static inline enum frame_result next_counted(struct frame_choice *choice, struct bytes rest,
                                             const struct beginning *beginning, struct frame *out)
{
	enum frame_result result =
		octet_counting_body(&choice->counting, bytes_after(rest, beginning->header_len), beginning->msg_len, out);
	if (result == FRAME_COMPLETE)
		out->consumed += beginning->header_len;
	choice->seen = FRAMING_OCTET_COUNTING;
	return result;
}

static inline enum frame_result next_terminated(struct frame_choice *choice, struct bytes rest, struct frame *out)
{
	enum frame_result result = non_transparent_message(&choice->terminated, rest, out);
	choice->seen = FRAMING_NON_TRANSPARENT;
	choice->decided = result == FRAME_INCOMPLETE;
	return result;
}

/* Where neither a frame is unfinished nor "<" begins one. */
static enum frame_result next_detected(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	size_t len = 0;
	struct beginning beginning = look_behind_separators(choice, in, &len);
	struct bytes rest = bytes_after(in, len);
	out->consumed += len;
	if (beginning.framing == FRAMING_OCTET_COUNTING)
		return next_counted(choice, rest, &beginning, out);
	if (beginning.framing == FRAMING_NON_TRANSPARENT)
		return next_terminated(choice, rest, out);
	return FRAME_INCOMPLETE;
}

/* Behind the rest of an oversized frame, if there is one. */
static enum frame_result next_unfinished(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	out->consumed = octet_counting_skip(&choice->counting, in);
	out->consumed += non_transparent_skip(&choice->terminated, bytes_after(in, out->consumed));
	struct bytes rest = bytes_after(in, out->consumed);
	if (rest.len == 0 || is_skipping(choice))
		return FRAME_INCOMPLETE;
	return choice->decided ? next_terminated(choice, rest, out) : next_detected(choice, rest, out);
}

static enum frame_result next_of_any(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	*out = (struct frame){0};
	if (choice->decided || is_skipping(choice))
		return next_unfinished(choice, in, out);
	if (in.len > 0 && in.at[0] == '<') /* nearly always */
		return next_terminated(choice, in, out);
	return next_detected(choice, in, out);
}

/* Notes what a peer speaks whose framing is fixed. */
static void note_framing(struct frame_choice *choice, struct bytes at)
{
	enum framing framing = look(choice, at).framing;
	if (framing != FRAMING_UNKNOWN)
		choice->seen = framing;
}

enum frame_result frame_choice_next(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	if (choice->mode == FRAME_MODE_AUTO)
		return next_of_any(choice, in, out);
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

bool frame_choice_reads_lines(const struct frame_choice *choice)
{
	return choice->mode == FRAME_MODE_AUTO && !choice->decided && choice->counting.skip == 0 &&
	       non_transparent_reads_lines(&choice->terminated);
}

size_t frame_choice_line(struct frame_choice *choice, struct bytes in, struct bytes *message)
{
	if (in.len == 0 || in.at[0] != '<')
		return 0;
	choice->seen = FRAMING_NON_TRANSPARENT;
	return non_transparent_line(&choice->terminated, in, message);
}

static enum frame_result end_detected(struct frame_choice *choice, struct bytes in, struct frame *out)
{
	size_t front = 0;
	enum framing framing = FRAMING_NON_TRANSPARENT;
	if (!choice->decided)
		framing = look_behind_separators(choice, in, &front).framing;
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
