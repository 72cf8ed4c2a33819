/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of the command `block`, with which two relays ship spool blocks as they are:
 *
 *     DATA  = 1*BLOCK
 *     BLOCK = HEAD PAYLOAD
 *
 * HEAD has 64 octets, all numbers little endian:
 *
 *      0  u8   codec of the payload: 0 none, 1 zstd
 *      1  7    zero
 *      8  u32  octets of PAYLOAD
 *     12  u32  octets of the payload unpacked
 *     16  u32  records in it
 *     20  u32  zero
 *     24  u64  first sequence of the stream that the block covers, 32 u64 the last one
 *     40  u64  records of the stream up to the block's end, itself included
 *     48  i64  receive time that the records' times count from, wall clock in ns
 *     56  u64  checksum of PAYLOAD (XXH3, 64 bits), made by the first relay
 *
 * Here lengths are held against the data; what the numbers mean, and the payload, is for whoever stores it to check.
 */
#ifndef RELAYD_RELP_RELP_BLOCK_H
#define RELAYD_RELP_RELP_BLOCK_H

#include "base/bytes.h"

enum {
	RELP_BLOCK_HEAD_LEN = 64,          /* octets */
	RELP_BLOCK_COMMAND_MAX = 16 << 20, /* octets of one `block` command that anybody may offer to take */
};

struct relp_block {
	uint8_t codec;
	uint32_t unpacked_len; /* octets */
	uint32_t records;
	uint64_t first, last;
	uint64_t total;
	int64_t base_ns;
	uint64_t checksum;
	struct bytes payload; /* view */
};

/* Writes the head to `out`, which has RELP_BLOCK_HEAD_LEN octets of room. The payload goes right behind it. */
void relp_block_head_write(const struct relp_block *block, uint8_t *out);

/*
 * Cuts the first block off `*rest`. False at the end (then `*rest` is empty), or if what is there is none (then it is not).
 */
bool relp_block_next(struct bytes *rest, struct relp_block *block);

#endif
