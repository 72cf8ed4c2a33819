/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying text while looking for the octets that cannot be copied as they are, sixteen at a time: in vectors of the
 * compiler's, which every processor that it knows can do. Only gathering a bit of each octet, and "less than", have a form
 * of their own for SSE2; SLOG_OCTETS_PORTABLE leaves that out, for tests. Nothing is read outside of the text; more than
 * the text's length may be written, where the functions say so.
 */
#ifndef LIBLOG_OCTETS_H
#define LIBLOG_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SLOG_OCTETS_PORTABLE)
#include <emmintrin.h>
#define SLOG_OCTETS_SSE2 1
#else
#define SLOG_OCTETS_SSE2 0
#endif

#define SLOG_OCTETS_BLOCK 16
#define SLOG_OCTETS_FOUR (4 * SLOG_OCTETS_BLOCK)

/* These are steps of loops that each know their set when compiled; a call between them would cost more than the step. */
#define SLOG_ALWAYS __attribute__((always_inline))

/* What must be looked at: always C0, DEL and octets that are not ASCII; and more of these. */
enum slog_octets {
	SLOG_OCTETS_MSG,   /* no more */
	SLOG_OCTETS_JSON,  /* '"' and '\' */
	SLOG_OCTETS_PARAM, /* '"', '\' and ']' */
	SLOG_OCTETS_NAME   /* all that a PARAM-NAME does not hold as it is, '~' and '.', wherever they stand */
};

/* Sixteen octets. What is compared gives lanes that are all ones or zero. */
typedef int8_t slog_lanes __attribute__((vector_size(SLOG_OCTETS_BLOCK)));
typedef uint8_t slog_lanes_u8 __attribute__((vector_size(SLOG_OCTETS_BLOCK)));
typedef uint64_t slog_lanes_u64 __attribute__((vector_size(SLOG_OCTETS_BLOCK)));

static inline SLOG_ALWAYS uint64_t slog_octets_load8(const char *from)
{
	uint64_t word;
	memcpy(&word, from, sizeof word);
	return word;
}

static inline SLOG_ALWAYS uint32_t slog_octets_load4(const char *from)
{
	uint32_t word;
	memcpy(&word, from, sizeof word);
	return word;
}

static inline SLOG_ALWAYS slog_lanes slog_octets_load16(const char *from)
{
	slog_lanes lanes;
	memcpy(&lanes, from, sizeof lanes);
	return lanes;
}

#if !SLOG_OCTETS_SSE2
/* The highest bits of eight octets, that of the first one lowest. */
static inline SLOG_ALWAYS unsigned slog_octets_mask8(uint64_t word)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		word = __builtin_bswap64(word);
	return (unsigned)((word >> 7 & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56);
}
#endif

/* The highest bit of each octet; that of the first octet is the lowest. */
static inline SLOG_ALWAYS unsigned slog_octets_mask(slog_lanes lanes)
{
#if SLOG_OCTETS_SSE2
	return (unsigned)_mm_movemask_epi8((__m128i)lanes);
#else
	slog_lanes_u64 words = (slog_lanes_u64)lanes;
	return slog_octets_mask8(words[0]) | slog_octets_mask8(words[1]) << 8;
#endif
}

/* Lanes whose highest bit says whether an octet, signed, is below `limit`. SSE2 compares only the other way round. */
static inline SLOG_ALWAYS slog_lanes slog_octets_below(slog_lanes lanes, int8_t limit)
{
#if SLOG_OCTETS_SSE2
	return (slog_lanes)_mm_subs_epi8((__m128i)lanes, _mm_set1_epi8(limit));
#else
	return lanes < limit;
#endif
}

/* A bit for each octet of a block that must be looked at. */
static inline SLOG_ALWAYS unsigned slog_octets_special(slog_lanes block, enum slog_octets set)
{
	/* Signed: one more than DEL, and what is not ASCII, is below zero; but for FF, which becomes zero, below all else. */
	slog_lanes more = (slog_lanes)((slog_lanes_u8)block + 1);
	slog_lanes special = slog_octets_below(more, set == SLOG_OCTETS_NAME ? 0x22 : 0x21);
	if (set != SLOG_OCTETS_MSG)
		special |= (block == '"') | (block == '\\');
	if (set == SLOG_OCTETS_PARAM || set == SLOG_OCTETS_NAME)
		special |= block == ']';
	if (set == SLOG_OCTETS_NAME)
		special |= (block == '%') | (block == '/') | (block == '=') | (block == '[') | (block == '~') | (block == '.');
	return slog_octets_mask(special);
}

/* Copies a block; returns a bit for each octet that must be looked at. */
static inline SLOG_ALWAYS unsigned slog_octets_special_block(char *to, const char *from, enum slog_octets set)
{
	slog_lanes block = slog_octets_load16(from);
	memcpy(to, &block, sizeof block);
	return slog_octets_special(block, set);
}

/* The same; returns how many stand before the first of them. */
static inline SLOG_ALWAYS unsigned slog_octets_copy_block(char *to, const char *from, enum slog_octets set)
{
	return (unsigned)__builtin_ctz(slog_octets_special_block(to, from, set) | 1u << SLOG_OCTETS_BLOCK);
}

/* A bit for each of these octets that must be looked at. */
static inline SLOG_ALWAYS unsigned slog_octets_special16(uint64_t low, uint64_t high, enum slog_octets set)
{
	slog_lanes_u64 words = {low, high};
	return slog_octets_special((slog_lanes)words, set);
}

/* Copies less than a block, as slog_octets_copy() below, by pieces that overlap, so that there is no loop. */
static inline SLOG_ALWAYS unsigned slog_octets_special_short(char *to, const char *from, size_t length,
                                                             enum slog_octets set)
{
	if (length >= 8) {
		uint64_t low = slog_octets_load8(from);
		uint64_t high = slog_octets_load8(from + length - 8);
		memcpy(to, &low, 8);
		memcpy(to + length - 8, &high, 8);
		return slog_octets_special16(low, high, set);
	}
	if (length >= 4) {
		uint32_t low = slog_octets_load4(from);
		uint32_t high = slog_octets_load4(from + length - 4);
		memcpy(to, &low, 4);
		memcpy(to + length - 4, &high, 4);
		uint64_t word = (uint64_t)high << 32 | low;
		return slog_octets_special16(word, word, set);
	}
	if (length == 0)
		return 0;
	char first = from[0];
	char middle = from[length / 2];
	char last = from[length - 1];
	to[0] = first;
	to[length / 2] = middle;
	to[length - 1] = last;
	uint64_t three = (uint64_t)(unsigned char)first | (uint64_t)(unsigned char)middle << 8 |
	                 UINT64_C(0x0101010101010000) * (unsigned char)last;
	return slog_octets_special16(three, three, set);
}

/* The same for any length. */
static inline SLOG_ALWAYS unsigned slog_octets_special_any(char *to, const char *from, size_t length, enum slog_octets set)
{
	if (length < SLOG_OCTETS_BLOCK)
		return slog_octets_special_short(to, from, length, set);
	size_t last = length - SLOG_OCTETS_BLOCK;
	for (size_t at = 0; at < last; at += SLOG_OCTETS_BLOCK) {
		unsigned special = slog_octets_special_block(to + at, from + at, set);
		if (special != 0)
			return special;
	}
	return slog_octets_special_block(to + last, from + last, set);
}

/*
 * Copies text. False if one of its octets must be looked at; what stands at `to` is of no use then. Writes length octets
 * and no more. One test for all lengths: a mask of octets comes out of each, not a truth.
 */
static inline SLOG_ALWAYS bool slog_octets_copy(char *to, const char *from, size_t length, enum slog_octets set)
{
	return slog_octets_special_any(to, from, length, set) == 0;
}

/* The same for less than a block. */
static inline SLOG_ALWAYS bool slog_octets_copy_short(char *to, const char *from, size_t length, enum slog_octets set)
{
	return slog_octets_special_short(to, from, length, set) == 0;
}

/* True if the two are equal, of which is taken that they are in most cases: there is no way out before the end. */
static inline SLOG_ALWAYS bool slog_octets_equal(const char *a, const char *b, size_t length)
{
	if (length < SLOG_OCTETS_BLOCK)
		return memcmp(a, b, length) == 0;
	size_t last = length - SLOG_OCTETS_BLOCK;
	slog_lanes differ = slog_octets_load16(a + last) ^ slog_octets_load16(b + last);
	for (size_t at = 0; at < last; at += SLOG_OCTETS_BLOCK)
		differ |= slog_octets_load16(a + at) ^ slog_octets_load16(b + at);
	slog_lanes_u64 words = (slog_lanes_u64)differ;
	return (words[0] | words[1]) == 0;
}

/* Copies whole blocks, so that a text has one more of room to read at its end, and `to` to write; at least one block. */
static inline SLOG_ALWAYS void slog_octets_copy_blocks(char *to, const char *from, size_t length)
{
	size_t at = 0;
	do {
		memcpy(to + at, from + at, SLOG_OCTETS_BLOCK);
		at += SLOG_OCTETS_BLOCK;
	} while (at < length);
}

/* The same for texts that are long in most cases, by four blocks: there is so much of room. */
static inline SLOG_ALWAYS void slog_octets_copy_fours(char *to, const char *from, size_t length)
{
	for (size_t at = 0; at < length; at += SLOG_OCTETS_FOUR)
		memcpy(to + at, from + at, SLOG_OCTETS_FOUR);
}

/* memcpy() for texts that are short in most cases. */
static inline SLOG_ALWAYS void slog_octets_move(char *to, const char *from, size_t length)
{
	if (length > 8 * SLOG_OCTETS_BLOCK) {
		memcpy(to, from, length);
	} else if (length >= SLOG_OCTETS_BLOCK) {
		size_t last = length - SLOG_OCTETS_BLOCK;
		for (size_t at = 0; at < last; at += SLOG_OCTETS_BLOCK)
			memcpy(to + at, from + at, SLOG_OCTETS_BLOCK);
		memcpy(to + last, from + last, SLOG_OCTETS_BLOCK);
	} else if (length >= 8) {
		uint64_t low = slog_octets_load8(from);
		uint64_t high = slog_octets_load8(from + length - 8);
		memcpy(to, &low, 8);
		memcpy(to + length - 8, &high, 8);
	} else if (length >= 4) {
		uint32_t low = slog_octets_load4(from);
		uint32_t high = slog_octets_load4(from + length - 4);
		memcpy(to, &low, 4);
		memcpy(to + length - 4, &high, 4);
	} else if (length > 0) {
		to[length / 2] = from[length / 2];
		to[0] = from[0];
		to[length - 1] = from[length - 1];
	}
}

#endif
