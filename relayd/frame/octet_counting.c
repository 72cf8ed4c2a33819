/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/octet_counting.h"

#include "base/decimal.h"
#include "frame/frame_cut.h"

void octet_counting_init(struct octet_counting *reader, size_t limit)
{
	assert(limit > 0);
	*reader = (struct octet_counting){.limit = limit};
}

enum frame_result octet_counting_header_read(struct bytes in, uint64_t *msg_len, size_t *header_len)
{
	size_t digits = decimal_read(in, OCTET_COUNTING_DIGITS_MAX, msg_len);
	if (digits > 0 && in.at[0] == '0')
		return FRAME_INVALID;
	if (digits == in.len)
		return FRAME_INCOMPLETE;
	if (digits == 0 || in.at[digits] != ' ')
		return FRAME_INVALID;
	*header_len = digits + 1;
	return FRAME_COMPLETE;
}

size_t octet_counting_skip(struct octet_counting *reader, struct bytes in)
{
	size_t len = reader->skip < in.len ? (size_t)reader->skip : in.len;
	reader->skip -= len;
	return len;
}

/* LF, CR and NUL between frames, and one SP before a digit. */
static size_t separators(struct bytes in)
{
	size_t len = 0;
	while (len < in.len && (in.at[len] == '\n' || in.at[len] == '\r' || in.at[len] == '\0'))
		len++;
	if (in.len - len >= 2 && in.at[len] == ' ' && decimal_is_digit(in.at[len + 1]))
		len++;
	return len;
}

static struct bytes without_counted_trailer(struct bytes text)
{
	if (text.len > 0 && text.at[text.len - 1] == '\n') {
		text.len--;
		if (text.len > 0 && text.at[text.len - 1] == '\r')
			text.len--;
	}
	return text;
}

static enum frame_result invalid(struct frame *out, const char *reason)
{
	out->reason = reason;
	return FRAME_INVALID;
}

enum frame_result octet_counting_body(struct octet_counting *reader, struct bytes body, uint64_t msg_len,
                                      struct frame *out)
{
	if (msg_len > OCTET_COUNTING_MSG_LEN_MAX)
		return invalid(out, "MSG-LEN is above 2147483648");
	size_t kept = reader->limit + FRAME_CUT_LOOKAHEAD;
	bool whole = msg_len <= kept;
	if (whole)
		kept = (size_t)msg_len;
	if (body.len < kept)
		return FRAME_INCOMPLETE;
	out->message = bytes_of(body.at, kept);
	if (whole)
		out->message = without_counted_trailer(out->message);
	out->truncated = frame_cut(&out->message, reader->limit);
	reader->skip = msg_len - kept;
	out->consumed += kept;
	return FRAME_COMPLETE;
}

enum frame_result octet_counting_next(struct octet_counting *reader, struct bytes in, struct frame *out)
{
	*out = (struct frame){.consumed = octet_counting_skip(reader, in)};
	if (reader->skip > 0)
		return FRAME_INCOMPLETE;
	out->consumed += separators(bytes_after(in, out->consumed));
	struct bytes rest = bytes_after(in, out->consumed);
	if (bytes_equal(rest, BYTES(" ")))
		return FRAME_INCOMPLETE;
	uint64_t msg_len;
	size_t header_len;
	enum frame_result header = octet_counting_header_read(rest, &msg_len, &header_len);
	if (header == FRAME_INVALID)
		return invalid(out, "no MSG-LEN and SP at the start of a frame");
	if (header == FRAME_INCOMPLETE)
		return FRAME_INCOMPLETE;
	enum frame_result result = octet_counting_body(reader, bytes_after(rest, header_len), msg_len, out);
	if (result == FRAME_COMPLETE)
		out->consumed += header_len;
	return result;
}

enum frame_result octet_counting_end(struct octet_counting *reader, struct bytes in, struct frame *out)
{
	*out = (struct frame){.consumed = in.len};
	size_t front = octet_counting_skip(reader, in);
	front += separators(bytes_after(in, front));
	struct bytes rest = bytes_after(in, front);
	uint64_t msg_len;
	size_t header_len;
	if (octet_counting_header_read(rest, &msg_len, &header_len) != FRAME_COMPLETE || rest.len == header_len)
		return FRAME_INCOMPLETE;
	out->message = bytes_after(rest, header_len);
	frame_cut(&out->message, reader->limit);
	out->truncated = true;
	return FRAME_COMPLETE;
}

size_t octet_counting_header_write(size_t msg_len, uint8_t *out)
{
	assert(msg_len > 0 && msg_len <= OCTET_COUNTING_MSG_LEN_MAX);
	size_t len = decimal_write(msg_len, out);
	out[len++] = ' ';
	return len;
}
