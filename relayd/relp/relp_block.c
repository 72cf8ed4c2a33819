/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_block.h"

#include "base/little_endian.h"

void relp_block_head_write(const struct relp_block *block, uint8_t *out)
{
	assert(block->payload.len <= UINT32_MAX);
	memset(out, 0, RELP_BLOCK_HEAD_LEN);
	out[0] = block->codec;
	le32_store(out + 8, (uint32_t)block->payload.len);
	le32_store(out + 12, block->unpacked_len);
	le32_store(out + 16, block->records);
	le64_store(out + 24, block->first);
	le64_store(out + 32, block->last);
	le64_store(out + 40, block->total);
	le64_store(out + 48, (uint64_t)block->base_ns);
	le64_store(out + 56, block->checksum);
}

bool relp_block_next(struct bytes *rest, struct relp_block *block)
{
	if (rest->len < RELP_BLOCK_HEAD_LEN)
		return false;
	const uint8_t *head = rest->at;
	uint32_t len = le32_load(head + 8);
	if (len > rest->len - RELP_BLOCK_HEAD_LEN)
		return false;
	*block = (struct relp_block){
		.codec = head[0],
		.unpacked_len = le32_load(head + 12),
		.records = le32_load(head + 16),
		.first = le64_load(head + 24),
		.last = le64_load(head + 32),
		.total = le64_load(head + 40),
		.base_ns = (int64_t)le64_load(head + 48),
		.checksum = le64_load(head + 56),
		.payload = bytes_of(head + RELP_BLOCK_HEAD_LEN, len),
	};
	*rest = bytes_after(*rest, RELP_BLOCK_HEAD_LEN + (size_t)len);
	return true;
}
