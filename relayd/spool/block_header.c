/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/block_header.h"

#include "base/little_endian.h"

#include <xxhash.h>

enum { CHECKSUM_BYTES = 8 };

void block_header_write(const struct block_header *header, uint64_t salt, uint8_t *out)
{
	memset(out, 0, BLOCK_HEADER_BYTES);
	le32_store(out, BLOCK_MAGIC);
	out[4] = FORMAT_MAJOR;
	out[5] = FORMAT_MINOR;
	le16_store(out + 6, BLOCK_HEADER_BYTES);
	out[8] = header->kind;
	out[9] = header->codec;
	out[10] = header->origin;
	le16_store(out + 12, header->input);
	le32_store(out + 16, header->stored_len);
	le32_store(out + 20, header->unpacked_len);
	le32_store(out + 24, header->count);
	le32_store(out + 28, header->peer);
	le64_store(out + 32, header->first);
	le64_store(out + 40, header->last);
	le64_store(out + 48, header->synced);
	le64_store(out + 56, (uint64_t)header->base_ns);
	memcpy(out + 64, header->stream_id, sizeof header->stream_id);
	le64_store(out + 80, header->stream_first);
	le64_store(out + 88, header->stream_last);
	le64_store(out + 96, header->stream_count);
	le64_store(out + 104, (uint64_t)header->hop_received_ns);
	le64_store(out + 112, header->payload_checksum);
	le64_store(out + 120, XXH3_64bits_withSeed(out, BLOCK_HEADER_BYTES - CHECKSUM_BYTES, salt));
}

static void load(const uint8_t *at, struct block_header *header)
{
	header->header_len = le16_load(at + 6);
	header->kind = at[8];
	header->codec = at[9];
	header->origin = at[10];
	header->input = le16_load(at + 12);
	header->stored_len = le32_load(at + 16);
	header->unpacked_len = le32_load(at + 20);
	header->count = le32_load(at + 24);
	header->peer = le32_load(at + 28);
	header->first = le64_load(at + 32);
	header->last = le64_load(at + 40);
	header->synced = le64_load(at + 48);
	header->base_ns = (int64_t)le64_load(at + 56);
	memcpy(header->stream_id, at + 64, sizeof header->stream_id);
	header->stream_first = le64_load(at + 80);
	header->stream_last = le64_load(at + 88);
	header->stream_count = le64_load(at + 96);
	header->hop_received_ns = (int64_t)le64_load(at + 104);
	header->payload_checksum = le64_load(at + 112);
}

static bool is_known(const struct block_header *header)
{
	return header->kind >= BLOCK_RECORDS && header->kind <= BLOCK_END && header->codec <= BLOCK_CODEC_ZSTD &&
	       header->origin <= BLOCK_ORIGIN_STREAM;
}

/* Rules 3 and 4 of a valid block, as far as the header alone can say. Whoever made the checksum may still be a fool. */
static bool is_consistent(const struct block_header *header)
{
	if (header->stored_len > BLOCK_PAYLOAD_MAX_BYTES || header->unpacked_len > BLOCK_PAYLOAD_MAX_BYTES)
		return false;
	if (header->codec == BLOCK_CODEC_NONE && header->stored_len != header->unpacked_len)
		return false;
	if (header->first == 0 || header->first > SEQUENCE_MAX || header->synced >= header->first)
		return false;
	if (header->last != header->first + header->count - 1 || header->last > SEQUENCE_MAX)
		return false;
	/* A record takes one octet for its length at the least. */
	return header->kind == BLOCK_RECORDS ? header->count > 0 && header->count <= header->unpacked_len
	                                     : header->count == 0;
}

enum block_header_result block_header_read(struct bytes octets, uint64_t salt, struct block_header *header)
{
	if (octets.len < BLOCK_HEADER_BYTES || le32_load(octets.at) != BLOCK_MAGIC)
		return BLOCK_HEADER_INVALID;
	size_t len = le16_load(octets.at + 6);
	if (len < BLOCK_HEADER_BYTES || len > BLOCK_HEADER_MAX_BYTES || len % FORMAT_ALIGN_BYTES != 0 || len > octets.len)
		return BLOCK_HEADER_INVALID;
	uint64_t checksum = XXH3_64bits_withSeed(octets.at, len - CHECKSUM_BYTES, salt);
	if (checksum != le64_load(octets.at + len - CHECKSUM_BYTES))
		return BLOCK_HEADER_INVALID;
	if (octets.at[4] != FORMAT_MAJOR)
		return octets.at[4] > FORMAT_MAJOR ? BLOCK_HEADER_NEWER : BLOCK_HEADER_INVALID;

	struct block_header loaded;
	load(octets.at, &loaded);
	if (!is_known(&loaded))
		return BLOCK_HEADER_NEWER;
	if (!is_consistent(&loaded))
		return BLOCK_HEADER_INVALID;
	*header = loaded;
	return BLOCK_HEADER_VALID;
}

bool block_header_guess(struct bytes octets, struct block_header *header)
{
	if (octets.len < BLOCK_HEADER_BYTES || le32_load(octets.at) != BLOCK_MAGIC || octets.at[4] != FORMAT_MAJOR ||
	    le16_load(octets.at + 6) != BLOCK_HEADER_BYTES)
		return false;
	load(octets.at, header);
	return is_known(header) && is_consistent(header);
}

uint64_t block_span(const struct block_header *header)
{
	return header->header_len + FORMAT_ALIGNED((uint64_t)header->stored_len);
}
