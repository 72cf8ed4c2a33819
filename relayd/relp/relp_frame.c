/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_frame.h"

#include "base/decimal.h"
#include "frame/frame_cut.h"

enum {
	CODE_DIGITS = 3,
	COMMON_LEN_MAX = 9 + 8 + DECIMAL_WORD_DIGITS, /* octets that read_common() may look at */
};

/* What nearly all frames have behind TXNR: messages, and their answers. */
#define SYSLOG " syslog "
#define RSP_OK " rsp 6 200 OK\n"

enum { SYSLOG_LEN = sizeof SYSLOG - 1, RSP_OK_LEN = sizeof RSP_OK - 1 };

/* Digits, and an octet behind them that is none. `*at` moves to that octet. */
static enum frame_result read_digits(struct bytes in, size_t *at, size_t digits_max, uint64_t *value)
{
	struct bytes rest = bytes_after(in, *at);
	size_t len = decimal_read(rest, digits_max, value);
	if (len == rest.len)
		return FRAME_INCOMPLETE;
	if (len == 0 || decimal_is_digit(rest.at[len]))
		return FRAME_INVALID;
	*at += len;
	return FRAME_COMPLETE;
}

/* TXNR SP. Ten digits are right only for the number that librelp reaches before it wraps. */
static enum frame_result read_txnr(struct bytes in, size_t *at, uint32_t *txnr)
{
	uint64_t value;
	enum frame_result result = read_digits(in, at, RELP_TXNR_DIGITS_MAX, &value);
	if (result != FRAME_COMPLETE)
		return result;
	if (*at == RELP_TXNR_DIGITS_MAX && value != RELP_TXNR_LIBRELP_MAX)
		return FRAME_INVALID;
	*txnr = (uint32_t)value;
	return in.at[(*at)++] == ' ' ? FRAME_COMPLETE : FRAME_INVALID;
}

static bool is_alpha(uint8_t octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
}

/* COMMAND SP. */
static enum frame_result read_command(struct bytes in, size_t *at, struct bytes *command)
{
	struct bytes rest = bytes_after(in, *at);
	size_t len = 0;
	while (len < rest.len && len < RELP_COMMAND_LEN_MAX && is_alpha(rest.at[len]))
		len++;
	if (len == rest.len)
		return FRAME_INCOMPLETE;
	*command = bytes_first(rest, len);
	*at += len + 1;
	return len > 0 && rest.at[len] == ' ' ? FRAME_COMPLETE : FRAME_INVALID;
}

/* One to nine digits, of octets all of which are there; how many. 0: there are none. */
static size_t read_common_txnr(const uint8_t *at, uint64_t *txnr)
{
	size_t len = decimal_read_word(at, txnr);
	if (len == DECIMAL_WORD_DIGITS && decimal_is_digit(at[len]))
		*txnr = *txnr * 10 + (uint64_t)(at[len++] - '0');
	return len;
}

/*
 * The header as nearly all messages have it: at most nine digits, `syslog`, at most seven digits of a DATALEN that is not
 * 0. False, and nothing said, for all else.
 */
static bool read_common(struct bytes in, struct relp_header *out)
{
	uint64_t txnr, data_len;
	if (in.len < COMMON_LEN_MAX)
		return false;
	size_t at = read_common_txnr(in.at, &txnr);
	if (at == 0 || memcmp(in.at + at, SYSLOG, SYSLOG_LEN) != 0)
		return false;
	out->command = bytes_of(in.at + at + 1, SYSLOG_LEN - 2);
	at += SYSLOG_LEN;
	size_t digits = decimal_read_word(in.at + at, &data_len);
	if (digits == DECIMAL_WORD_DIGITS || in.at[at + digits] != ' ' || data_len == 0)
		return false;
	out->txnr = (uint32_t)txnr;
	out->data_len = (uint32_t)data_len;
	out->len = at + digits + 1;
	return true;
}

enum frame_result relp_header_read(struct bytes in, struct relp_header *out, const char **reason)
{
	size_t at = 0;
	if (read_common(in, out))
		return FRAME_COMPLETE;
	*reason = "no TXNR of 1 to 9 digits and SP";
	enum frame_result result = read_txnr(in, &at, &out->txnr);
	if (result != FRAME_COMPLETE)
		return result;
	*reason = "no COMMAND of 1 to 32 letters and SP";
	result = read_command(in, &at, &out->command);
	if (result != FRAME_COMPLETE)
		return result;
	*reason = "no DATALEN of 1 to 9 digits";
	uint64_t data_len;
	result = read_digits(in, &at, RELP_DATALEN_DIGITS_MAX, &data_len);
	if (result != FRAME_COMPLETE)
		return result;
	*reason = data_len > 0 ? "no SP behind DATALEN" : "no LF behind DATALEN 0";
	if (in.at[at] != (data_len > 0 ? ' ' : '\n'))
		return FRAME_INVALID;
	out->data_len = (uint32_t)data_len;
	out->len = data_len > 0 ? at + 1 : at;
	return FRAME_COMPLETE;
}

static enum frame_result invalid(struct relp_frame *out, const char *reason)
{
	out->reason = reason;
	return FRAME_INVALID;
}

/* The whole frame whose header was read from the start of `in`. */
static enum frame_result read_whole(struct bytes in, const struct relp_header *header, struct relp_frame *out)
{
	size_t trailer = header->len + header->data_len;
	if (in.len <= trailer)
		return FRAME_INCOMPLETE;
	if (in.at[trailer] != '\n')
		return invalid(out, "no LF behind DATA");
	out->txnr = header->txnr;
	out->command = header->command;
	out->data = bytes_of(in.at + header->len, header->data_len);
	out->consumed += trailer + 1;
	return FRAME_COMPLETE;
}

enum frame_result relp_frame_peek(struct bytes in, size_t data_len_max, struct relp_frame *out)
{
	*out = (struct relp_frame){0};
	struct relp_header header;
	enum frame_result result = relp_header_read(in, &header, &out->reason);
	if (result != FRAME_COMPLETE)
		return result;
	if (header.data_len > data_len_max)
		return invalid(out, "DATALEN is above the limit");
	return read_whole(in, &header, out);
}

void relp_frame_reader_init(struct relp_frame_reader *reader, size_t limit)
{
	assert(limit > 0);
	*reader = (struct relp_frame_reader){.limit = limit};
}

/* Drops what is left of a truncated frame. FRAME_COMPLETE: nothing is left of it. */
static enum frame_result drop_rest(struct relp_frame_reader *reader, struct bytes in, struct relp_frame *out)
{
	size_t len = reader->skip < in.len ? (size_t)reader->skip : in.len;
	reader->skip -= len;
	out->consumed += len;
	if (!relp_frame_unfinished(reader))
		return FRAME_COMPLETE;
	if (len == in.len)
		return FRAME_INCOMPLETE;
	if (in.at[len] != '\n')
		return invalid(out, "no LF behind DATA");
	out->consumed++;
	reader->want_trailer = false;
	return FRAME_COMPLETE;
}

enum frame_result relp_frame_next(struct relp_frame_reader *reader, struct bytes in, struct relp_frame *out)
{
	*out = (struct relp_frame){0};
	enum frame_result result = relp_frame_unfinished(reader) ? drop_rest(reader, in, out) : FRAME_COMPLETE;
	if (result != FRAME_COMPLETE)
		return result;
	struct bytes rest = bytes_after(in, out->consumed);
	struct relp_header header;
	result = relp_header_read(rest, &header, &out->reason);
	if (result != FRAME_COMPLETE)
		return result;
	size_t kept = reader->limit + FRAME_CUT_LOOKAHEAD;
	if (header.data_len <= kept) {
		result = read_whole(rest, &header, out);
		if (result == FRAME_COMPLETE)
			out->truncated = frame_cut(&out->data, reader->limit);
		return result;
	}
	if (rest.len < header.len + kept)
		return FRAME_INCOMPLETE;
	out->txnr = header.txnr;
	out->command = header.command;
	out->data = bytes_of(rest.at + header.len, kept);
	out->truncated = frame_cut(&out->data, reader->limit);
	out->consumed += header.len + kept;
	reader->skip = header.data_len - kept;
	reader->want_trailer = true;
	return FRAME_COMPLETE;
}

size_t relp_header_write(uint32_t txnr, struct bytes command, size_t data_len, uint8_t *out)
{
	assert(txnr <= RELP_TXNR_LIBRELP_MAX);
	assert(command.len > 0 && command.len <= RELP_COMMAND_LEN_MAX);
	assert(data_len <= RELP_DATALEN_MAX);
	size_t len = decimal_write(txnr, out);
	out[len++] = ' ';
	memcpy(out + len, command.at, command.len);
	len += command.len;
	out[len++] = ' ';
	len += decimal_write(data_len, out + len);
	if (data_len > 0)
		out[len++] = ' ';
	return len;
}

bool relp_frame_append(struct buffer *out, uint32_t txnr, struct bytes command, struct bytes data)
{
	uint8_t header[RELP_HEADER_LEN_MAX];
	size_t header_len = relp_header_write(txnr, command, data.len, header);
	uint8_t *room = buffer_reserve(out, header_len + data.len + 1);
	if (room == NULL)
		return false;
	memcpy(room, header, header_len);
	if (data.len > 0)
		memcpy(room + header_len, data.at, data.len);
	room[header_len + data.len] = '\n';
	buffer_commit(out, header_len + data.len + 1);
	return true;
}

bool relp_syslog_append(struct buffer *out, uint32_t txnr, struct bytes message)
{
	assert(txnr <= RELP_TXNR_LIBRELP_MAX && message.len <= RELP_DATALEN_MAX);
	uint8_t *room = buffer_reserve(out, RELP_HEADER_LEN_MAX + message.len + 1);
	if (room == NULL)
		return false;
	size_t len = decimal_write(txnr, room);
	memcpy(room + len, SYSLOG, SYSLOG_LEN);
	len += SYSLOG_LEN;
	len += decimal_write(message.len, room + len);
	if (message.len > 0) {
		room[len++] = ' ';
		memcpy(room + len, message.at, message.len);
		len += message.len;
	}
	room[len++] = '\n';
	buffer_commit(out, len);
	return true;
}

size_t relp_rsp_ok_write(uint32_t txnr, uint8_t *out)
{
	size_t len = decimal_write(txnr, out);
	memcpy(out + len, RSP_OK, RSP_OK_LEN);
	return len + RSP_OK_LEN;
}

size_t relp_rsp_ok_read(struct bytes in, uint32_t *txnr)
{
	uint64_t value;
	size_t len = in.len > RSP_OK_LEN ? read_common_txnr(in.at, &value) : 0;
	if (len == 0 || in.len - len < RSP_OK_LEN || memcmp(in.at + len, RSP_OK, RSP_OK_LEN) != 0)
		return 0;
	*txnr = (uint32_t)value;
	return len + RSP_OK_LEN;
}

bool relp_rsp_read(struct bytes data, struct relp_rsp *out)
{
	*out = (struct relp_rsp){0};
	if (data.len == 0)
		return true;
	uint64_t code;
	if (decimal_read(data, CODE_DIGITS, &code) != CODE_DIGITS)
		return false;
	struct bytes rest = bytes_after(data, CODE_DIGITS);
	if (rest.len > 0 && rest.at[0] != ' ' && rest.at[0] != '\n')
		return false;
	if (rest.len > 0 && rest.at[0] == ' ')
		rest = bytes_after(rest, 1);
	out->code = (unsigned)code;
	out->text = bytes_first(rest, bytes_find(rest, '\n'));
	if (out->text.len < rest.len)
		out->command_data = bytes_after(rest, out->text.len + 1);
	return true;
}
