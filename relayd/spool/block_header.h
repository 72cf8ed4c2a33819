/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a block, between its octets (spool_format.h) and a struct. Reading one proves rules 1 to 4 of a valid
 * block; the payload is another matter (block.h).
 */
#ifndef RELAYD_SPOOL_BLOCK_HEADER_H
#define RELAYD_SPOOL_BLOCK_HEADER_H

#include "base/bytes.h"
#include "spool/spool_format.h"

struct block_header {
	uint16_t header_len; /* set by reading; writing always makes BLOCK_HEADER_BYTES */
	uint8_t kind;        /* enum block_kind */
	uint8_t codec;       /* enum block_codec */
	uint8_t origin;      /* enum block_origin */
	uint16_t input;
	uint32_t stored_len; /* of the payload, without padding */
	uint32_t unpacked_len;
	uint32_t count;
	uint64_t first;
	uint64_t last;
	uint64_t synced;
	int64_t base_ns;
	uint64_t payload_checksum;

	/* Only for blocks that came from another relay (BLOCK_ORIGIN_STREAM). */
	uint32_t peer;
	uint8_t stream_id[16];
	uint64_t stream_first;
	uint64_t stream_last;
	uint64_t stream_count;
	int64_t hop_received_ns;
};

/* Writes BLOCK_HEADER_BYTES to `out`, its checksum seeded with the segment's salt. */
void block_header_write(const struct block_header *header, uint64_t salt, uint8_t *out);

enum block_header_result {
	BLOCK_HEADER_VALID = 0,
	BLOCK_HEADER_INVALID = 1,
	BLOCK_HEADER_NEWER = 2, /* its checksum is right, but it was written by a version that knows more than we do */
};

/* Reads the header at the start of `octets`; `*header` is set only if it is valid. */
enum block_header_result block_header_read(struct bytes octets, uint64_t salt, struct block_header *header);

/*
 * Whether the octets look like a header of ours, for a segment whose salt is lost: all but the checksum is looked at. A
 * block so found is none; it only says what was there.
 */
bool block_header_guess(struct bytes octets, struct block_header *header);

/* Octets from this block's begin to the next one's: header, payload, padding. */
uint64_t block_span(const struct block_header *header);

#endif
