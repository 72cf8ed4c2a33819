/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 (RFC 3629) in blocks of sixteen octets, the first of which begins a character: which octets begin and continue
 * characters is told by comparing whole vectors, and the rest is arithmetic on a bit for each octet.
 */
#ifndef LIBLOG_UTF8_BLOCK_H
#define LIBLOG_UTF8_BLOCK_H

#include "octets.h"

/* A bit for each octet, that of the first one lowest. Those of `expected` go on behind the block. */
struct slog_utf8_block {
	unsigned others;   /* is not ASCII */
	unsigned next;     /* continues a character: 80 to BF */
	unsigned lead;     /* begins one of two octets or more, or is none of UTF-8's */
	unsigned lead3;    /* of three or more */
	unsigned lead4;    /* of four */
	unsigned expected; /* stands where a lead before it wants an octet that continues */
	unsigned wrong;    /* a lead that is none, or whose second octet is out of its range; or of U+EF80..U+EFFF */
	unsigned picture;  /* begins a character of U+2400..U+243F */
};

/* Reads one octet more than the block: 17. */
static inline SLOG_ALWAYS struct slog_utf8_block slog_utf8_block(const char *from)
{
	slog_lanes x = slog_octets_load16(from);
	slog_lanes y = slog_octets_load16(from + 1);
	/* Signed: 80 is the least, BF is -65, FF is -1. The ranges of second octets are those of RFC 3629, 4. */
	slog_lanes wrong = ((x == (int8_t)0xE0) & (y < (int8_t)0xA0)) | ((x == (int8_t)0xED) & (y > (int8_t)0x9F)) |
	                   ((x == (int8_t)0xEE) & (y > (int8_t)0xBD)) | ((x == (int8_t)0xF0) & (y < (int8_t)0x90)) |
	                   ((x == (int8_t)0xF4) & (y > (int8_t)0x8F)) | ((x & (int8_t)0xFE) == (int8_t)0xC0) |
	                   (x > (int8_t)0xF4);
	struct slog_utf8_block block;
	block.others = slog_octets_mask(x);
	block.next = slog_octets_mask(x < (int8_t)0xC0);
	block.lead = block.others & ~block.next;
	block.lead3 = block.others & slog_octets_mask(x > (int8_t)0xDF);
	block.lead4 = block.others & slog_octets_mask(x > (int8_t)0xEF);
	block.expected = block.lead << 1 | block.lead3 << 2 | block.lead4 << 3;
	block.wrong = block.others & slog_octets_mask(wrong);
	block.picture = slog_octets_mask((x == (int8_t)0xE2) & (y == (int8_t)0x90));
	return block;
}

/* Octets of the whole characters from the front that are right and among which is none of `special`. */
static inline SLOG_ALWAYS unsigned slog_utf8_block_run(const struct slog_utf8_block *block, unsigned special)
{
	const unsigned end = 1u << SLOG_OCTETS_BLOCK;
	unsigned at_odds = block->expected ^ block->next;
	unsigned n = (unsigned)__builtin_ctz(block->wrong | special | at_odds | end);
	if ((block->expected >> n & 1) == 0)
		return n;
	/* The character before is not whole: back to where it begins. */
	unsigned before = block->lead & ((1u << n) - 1);
	return 31 - (unsigned)__builtin_clz(before);
}

/* Where a character of two octets or more begins that is right, or may be if the block ends in it. */
static inline SLOG_ALWAYS unsigned slog_utf8_block_starts(const struct slog_utf8_block *block)
{
	unsigned next = block->next | 7u << SLOG_OCTETS_BLOCK;
	return block->lead & ~block->wrong & next >> 1 & (~block->lead3 | next >> 2) & (~block->lead4 | next >> 3);
}

#endif
