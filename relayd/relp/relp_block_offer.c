/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_block_offer.h"

#include "base/decimal.h"

enum { CHECKSUM_LEN = 8, NUMBER_DIGITS_MAX = 19 };

/* The value that is read, field by field; `bad` stays set once something was wrong. */
struct field_reader {
	struct bytes rest;
	bool bad;
};

/* The next field; the comma before it is passed over, unless it is the first. */
static struct bytes next_field(struct field_reader *reader, bool first)
{
	if (!first) {
		if (reader->rest.len == 0 || reader->rest.at[0] != ',')
			reader->bad = true;
		else
			reader->rest = bytes_after(reader->rest, 1);
	}
	struct bytes field = bytes_first(reader->rest, bytes_find(reader->rest, ','));
	reader->rest = bytes_after(reader->rest, field.len);
	return field;
}

static uint64_t read_number(struct field_reader *reader, bool first)
{
	uint64_t value;
	struct bytes field = next_field(reader, first);
	size_t len = decimal_read(field, NUMBER_DIGITS_MAX, &value);
	if (len == 0 || len != field.len)
		reader->bad = true;
	return value;
}

static int hex_digit(uint8_t octet)
{
	if (decimal_is_digit(octet))
		return octet - '0';
	return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

static void read_hex(struct field_reader *reader, uint8_t *out, size_t len)
{
	struct bytes field = next_field(reader, false);
	if (field.len != len * 2) {
		reader->bad = true;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(field.at[2 * i]);
		int low = hex_digit(field.at[2 * i + 1]);
		if (high < 0 || low < 0)
			reader->bad = true;
		else
			out[i] = (uint8_t)(high << 4 | low);
	}
}

/* Our version first, nothing behind the last field. */
static bool reads_version(struct field_reader *reader)
{
	return read_number(reader, true) == RELP_BLOCK_VERSION && !reader->bad;
}

bool relp_block_request_read(struct bytes value, struct relp_block_request *out)
{
	struct field_reader reader = {.rest = value};
	if (!reads_version(&reader))
		return false;
	read_hex(&reader, out->stream, RELP_BLOCK_ID_LEN);
	out->next = read_number(&reader, false);
	return !reader.bad && reader.rest.len == 0;
}

bool relp_block_answer_read(struct bytes value, struct relp_block_answer *out)
{
	struct field_reader reader = {.rest = value};
	if (!reads_version(&reader))
		return false;
	uint8_t checksum[CHECKSUM_LEN] = {0};
	read_hex(&reader, out->spool, RELP_BLOCK_ID_LEN);
	out->mark = read_number(&reader, false);
	read_hex(&reader, checksum, CHECKSUM_LEN);
	out->max_octets = read_number(&reader, false);
	out->max_unpacked = read_number(&reader, false);
	out->checksum = 0;
	for (size_t i = 0; i < CHECKSUM_LEN; i++)
		out->checksum = out->checksum << 8 | checksum[i];
	return !reader.bad && reader.rest.len == 0;
}

bool relp_block_counts_read(struct bytes value, struct relp_block_answer *out)
{
	struct field_reader reader = {.rest = value};
	out->records = read_number(&reader, true);
	out->lost = read_number(&reader, false);
	/* Sums of two of them are made. */
	return !reader.bad && reader.rest.len == 0 && out->records <= INT64_MAX / 2 && out->lost <= INT64_MAX / 2;
}

/* A number behind a comma; likewise write_hex(). The version, which comes first, has none. */
static size_t write_number(uint64_t value, uint8_t *out)
{
	out[0] = ',';
	return 1 + decimal_write(value, out + 1);
}

static size_t write_hex(const uint8_t *octets, size_t len, uint8_t *out)
{
	static const char digits[] = "0123456789abcdef";
	out[0] = ',';
	for (size_t i = 0; i < len; i++) {
		out[1 + 2 * i] = (uint8_t)digits[octets[i] >> 4];
		out[2 + 2 * i] = (uint8_t)digits[octets[i] & 15];
	}
	return 1 + 2 * len;
}

size_t relp_block_request_write(const struct relp_block_request *request, uint8_t *out)
{
	size_t len = decimal_write(RELP_BLOCK_VERSION, out);
	len += write_hex(request->stream, RELP_BLOCK_ID_LEN, out + len);
	len += write_number(request->next, out + len);
	return len;
}

size_t relp_block_answer_write(const struct relp_block_answer *answer, uint8_t *out)
{
	uint8_t checksum[CHECKSUM_LEN];
	for (size_t i = 0; i < CHECKSUM_LEN; i++)
		checksum[i] = (uint8_t)(answer->checksum >> (56 - 8 * i));
	size_t len = decimal_write(RELP_BLOCK_VERSION, out);
	len += write_hex(answer->spool, RELP_BLOCK_ID_LEN, out + len);
	len += write_number(answer->mark, out + len);
	len += write_hex(checksum, CHECKSUM_LEN, out + len);
	len += write_number(answer->max_octets, out + len);
	len += write_number(answer->max_unpacked, out + len);
	return len;
}

size_t relp_block_counts_write(const struct relp_block_answer *answer, uint8_t *out)
{
	size_t len = decimal_write(answer->records, out);
	return len + write_number(answer->lost, out + len);
}
