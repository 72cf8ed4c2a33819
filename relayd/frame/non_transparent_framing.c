/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a message is looked for in octets that were not searched before, so a sender of one octet at a time costs
 * no more than any other. The search never goes further than the limit and what a decision needs behind it.
 *
 * Nearly all messages are ASCII without control characters up to their LF: one look at each octet, many at a time, finds the
 * LF and knows that. Only behind an octet that is none of these is there a search for each octet that may end a message.
 */
#include "frame/non_transparent_framing.h"

#include "base/decimal.h"
#include "base/octets16.h"
#include "frame/frame_cut.h"

enum {
	WINDOW_EXTRA = FRAME_CUT_LOOKAHEAD + 1, /* behind the limit: the lookahead of the cut, and the octet after a NUL */
	SEARCH_PIECE_BYTES = 1024, /* for LF first, then for what else may end a message: LF may be far, or not there at all */
};

bool non_transparent_is_delimiter(uint8_t octet)
{
	return octet != '<' && octet != ' ' && !decimal_is_digit(octet);
}

void non_transparent_init(struct non_transparent *reader, size_t limit, enum non_transparent_rule rule, int delimiter)
{
	assert(limit > 0);
	assert(delimiter == NON_TRANSPARENT_NO_DELIMITER ||
	       (delimiter >= 0 && delimiter <= UINT8_MAX && non_transparent_is_delimiter((uint8_t)delimiter)));
	*reader = (struct non_transparent){.limit = limit, .rule = rule, .delimiter = delimiter};
}

static bool stands_between(const struct non_transparent *reader, uint8_t octet)
{
	if (reader->nul_shown)
		return octet == '\0';
	return octet == '\n' || octet == '\r' || octet == '\0' || octet == reader->delimiter;
}

size_t non_transparent_separators(const struct non_transparent *reader, struct bytes in)
{
	size_t len = 0;
	while (len < in.len && stands_between(reader, in.at[len]))
		len++;
	return len;
}

/* ASCII above LF: compilers negate what is asked the other way round, octet by octet. */
static inline octets16 is_text(octets16 block)
{
	return block > '\n';
}

static unsigned no_text(octets16 block)
{
	return octets16_mask(is_text(block)) ^ 0xffff;
}

/* Offset behind the octets from `from` on that are ASCII and above LF. */
static inline size_t pass_text(struct bytes in, size_t from)
{
	enum { STEP = 2 * OCTETS16_BLOCK };
	const uint8_t *at = in.at + from, *end = in.at + in.len;
	const uint8_t *last = in.len < STEP ? in.at : end - STEP;
	for (; at < last; at += STEP)
		if (octets16_mask(is_text(octets16_load(at)) & is_text(octets16_load(at + OCTETS16_BLOCK))) != 0xffff)
			break;
	return (size_t)(octets16_find(at, end, '\n', no_text) - in.at);
}

/*
 * Offset of the first NUL in [from, end) that "<" follows; `end` if there is none. A NUL that is the last octet of all
 * is undecided, and found too.
 */
static size_t find_nul_before_pri(struct bytes in, size_t from, size_t end)
{
	while (from < end) {
		size_t nul = from + bytes_find(bytes_of(in.at + from, end - from), '\0');
		if (nul == end || nul + 1 == in.len || in.at[nul + 1] == '<')
			return nul;
		from = nul + 1;
	}
	return end;
}

/* find_trailer() in [from, end). */
static inline bool find_in_piece(const struct non_transparent *reader, struct bytes in, size_t from, size_t end, size_t *at)
{
	size_t first = from + bytes_find(bytes_of(in.at + from, end - from), '\n');
	if (reader->delimiter != NON_TRANSPARENT_NO_DELIMITER)
		first = from + bytes_find(bytes_of(in.at + from, first - from), (uint8_t)reader->delimiter);
	if (reader->rule == NON_TRANSPARENT_LOCAL) {
		*at = from + bytes_find(bytes_of(in.at + from, first - from), '\0');
		return *at < end;
	}
	*at = find_nul_before_pri(in, from, first);
	bool undecided = *at < first && *at + 1 == in.len;
	return *at < end && !undecided;
}

/*
 * Looks for a trailer from offset `from` on. True: it is at `*at`. False: the octets before `*at` hold none, nor need
 * they be looked at again. `*is_plain`: from `from` to the trailer there is nothing but ASCII above LF.
 */
static inline bool find_trailer(const struct non_transparent *reader, struct bytes in, size_t from, size_t *at,
                                bool *is_plain)
{
	*is_plain = false;
	if (reader->nul_shown) {
		*at = from + bytes_find(bytes_after(in, from), '\0');
		return *at < in.len;
	}
	size_t end = reader->delimiter == NON_TRANSPARENT_NO_DELIMITER ? pass_text(in, from) : from;
	if (end < in.len && in.at[end] == '\n') {
		*at = end;
		*is_plain = true;
		return true;
	}
	do {
		from = end;
		end = in.len - from > SEARCH_PIECE_BYTES ? from + SEARCH_PIECE_BYTES : in.len;
		if (find_in_piece(reader, in, from, end, at))
			return true;
	} while (end < in.len);
	return false;
}

/* The trailer at `at` ends a message; the next one may go by another rule. */
static void note_trailer(struct non_transparent *reader, struct bytes in, size_t at)
{
	if (reader->rule == NON_TRANSPARENT_LOCAL && in.at[at] == '\0')
		reader->nul_shown = true;
}

size_t non_transparent_skip(struct non_transparent *reader, struct bytes in)
{
	if (!reader->skipping || in.len == 0)
		return 0;
	size_t at;
	bool is_plain;
	if (!find_trailer(reader, in, 0, &at, &is_plain))
		return at;
	reader->skipping = false;
	note_trailer(reader, in, at);
	return at + 1;
}

static void give(const struct non_transparent *reader, struct bytes text, struct frame *out)
{
	if (!reader->nul_shown && text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	out->message = text;
	out->truncated = frame_cut(&out->message, reader->limit);
}

bool non_transparent_reads_lines(const struct non_transparent *reader)
{
	return reader->rule == NON_TRANSPARENT_NETWORK && reader->delimiter == NON_TRANSPARENT_NO_DELIMITER &&
	       !reader->skipping && reader->scanned == 0;
}

size_t non_transparent_line(struct non_transparent *reader, struct bytes rest, struct bytes *message)
{
	struct bytes window = bytes_first(rest, reader->limit + 1);
	size_t end = pass_text(window, 0);
	if (end == window.len || window.at[end] != '\n') {
		reader->scanned = end;
		return 0;
	}
	/* The octet before LF is there: the first one is "<". */
	*message = bytes_of(window.at, window.at[end - 1] == '\r' ? end - 1 : end);
	return end + 1;
}

enum frame_result non_transparent_message(struct non_transparent *reader, struct bytes rest, struct frame *out)
{
	assert(reader->scanned <= rest.len);
	struct bytes window = bytes_first(rest, reader->limit + WINDOW_EXTRA);
	size_t at;
	bool is_plain;
	if (find_trailer(reader, window, reader->scanned, &at, &is_plain)) {
		note_trailer(reader, window, at);
		give(reader, bytes_of(window.at, at), out);
		out->is_plain = is_plain && reader->scanned == 0;
		out->consumed += at + 1;
	} else if (window.len == reader->limit + WINDOW_EXTRA) {
		give(reader, bytes_first(window, reader->limit + FRAME_CUT_LOOKAHEAD), out);
		out->truncated = true;
		out->consumed += reader->limit + FRAME_CUT_LOOKAHEAD;
		reader->skipping = true;
	} else {
		reader->scanned = at;
		return FRAME_INCOMPLETE;
	}
	reader->scanned = 0;
	return FRAME_COMPLETE;
}

enum frame_result non_transparent_next(struct non_transparent *reader, struct bytes in, struct frame *out)
{
	size_t front = non_transparent_skip(reader, in);
	if (!reader->skipping && reader->scanned == 0)
		front += non_transparent_separators(reader, bytes_after(in, front));
	*out = (struct frame){.consumed = front};
	if (reader->skipping || front == in.len)
		return FRAME_INCOMPLETE;
	return non_transparent_message(reader, bytes_after(in, front), out);
}

enum frame_result non_transparent_end(struct non_transparent *reader, struct bytes in, struct frame *out)
{
	*out = (struct frame){.consumed = in.len};
	struct bytes rest = bytes_after(in, non_transparent_separators(reader, in));
	if (reader->skipping || rest.len == 0)
		return FRAME_INCOMPLETE;
	/* "<" can no longer follow, but what else would a sender end its last message with? */
	if (reader->rule == NON_TRANSPARENT_NETWORK && rest.at[rest.len - 1] == '\0')
		rest.len--;
	give(reader, rest, out);
	reader->scanned = 0;
	return FRAME_COMPLETE;
}

/* Any message, in three passes. */
__attribute__((noinline, cold)) static size_t write_any(struct bytes message, uint8_t replacement, uint8_t *out,
                                                        uint64_t *replaced)
{
	if (message.len > 0)
		memcpy(out, message.at, message.len);
	for (uint8_t *at = out; (at = memchr(at, '\n', (size_t)(out + message.len - at))) != NULL; at++) {
		*at = replacement;
		(*replaced)++;
	}
	out[message.len] = '\n';
	return message.len + 1;
}

/* Returns which of the octets that it copies are LF. */
static inline octets16 copy_block(uint8_t *out, const uint8_t *at)
{
	octets16 block = octets16_load(at);
	memcpy(out, &block, sizeof block);
	return block == '\n';
}

/* Copies a block or more, and says whether LF is in it: one look at each octet, but for some that are copied twice. */
static inline bool copy_has_lf(struct bytes text, uint8_t *out)
{
	size_t last = text.len - OCTETS16_BLOCK, i = 0;
	unsigned found = octets16_mask(copy_block(out + last, text.at + last));
	for (; i + OCTETS16_BLOCK < last; i += 2 * OCTETS16_BLOCK) {
		octets16 first = copy_block(out + i, text.at + i);
		octets16 second = copy_block(out + i + OCTETS16_BLOCK, text.at + i + OCTETS16_BLOCK);
		found |= octets16_mask(first | second);
	}
	if (i < last)
		found |= octets16_mask(copy_block(out + i, text.at + i));
	return found != 0;
}

size_t non_transparent_write(struct bytes message, uint8_t replacement, uint8_t *out, uint64_t *replaced)
{
	assert(replacement != '\n');
	if (message.len < OCTETS16_BLOCK || copy_has_lf(message, out))
		return write_any(message, replacement, out, replaced);
	out[message.len] = '\n';
	return message.len + 1;
}
