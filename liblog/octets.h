/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying text while looking for the octets that cannot be copied as they are, sixteen at a time with SSE2 or NEON and
 * eight at a time without. Nothing is read outside of the text; more than the text's length may be written, where the
 * functions say so.
 */
#ifndef LIBLOG_OCTETS_H
#define LIBLOG_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#define SLOG_OCTETS_BLOCK 16

/* These are steps of loops that each know their set when compiled; a call between them would cost more than the step. */
#define SLOG_ALWAYS __attribute__((always_inline))

/* What must be looked at: always C0, DEL and octets that are not ASCII; and more of these. */
enum slog_octets {
	SLOG_OCTETS_MSG,   /* no more */
	SLOG_OCTETS_JSON,  /* '"' and '\' */
	SLOG_OCTETS_PARAM, /* '"', '\' and ']' */
	SLOG_OCTETS_NAME   /* all that a PARAM-NAME does not hold as it is, '~' and '.', wherever they stand */
};

#define SLOG_OCTETS_ONES UINT64_C(0x0101010101010101)
#define SLOG_OCTETS_HIGHS UINT64_C(0x8080808080808080)

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

/* Nonzero if one of eight octets is this one. */
static inline SLOG_ALWAYS uint64_t slog_octets_has(uint64_t word, unsigned char octet)
{
	uint64_t differences = word ^ (SLOG_OCTETS_ONES * octet);
	return (differences - SLOG_OCTETS_ONES) & ~differences & SLOG_OCTETS_HIGHS;
}

/* Nonzero if one of eight octets must be looked at. */
static inline SLOG_ALWAYS uint64_t slog_octets_special8(uint64_t word, enum slog_octets set)
{
	uint64_t special = (word & SLOG_OCTETS_HIGHS) | ((word - SLOG_OCTETS_ONES * 0x20) & ~word & SLOG_OCTETS_HIGHS) |
	                   slog_octets_has(word, 0x7F);
	if (set != SLOG_OCTETS_MSG)
		special |= slog_octets_has(word, '"') | slog_octets_has(word, '\\');
	if (set == SLOG_OCTETS_PARAM || set == SLOG_OCTETS_NAME)
		special |= slog_octets_has(word, ']');
	if (set == SLOG_OCTETS_NAME)
		special |= slog_octets_has(word, ' ') | slog_octets_has(word, '%') | slog_octets_has(word, '/') |
		           slog_octets_has(word, '=') | slog_octets_has(word, '[') | slog_octets_has(word, '~') |
		           slog_octets_has(word, '.');
	return special;
}

#if defined(__SSE2__)

static inline SLOG_ALWAYS unsigned slog_octets_mask_of(__m128i block, enum slog_octets set)
{
	/* Signed: one more than DEL, and what is not ASCII, is below zero; but for FF, which becomes zero, below all else. */
	__m128i special = _mm_cmplt_epi8(_mm_add_epi8(block, _mm_set1_epi8(1)),
	                                 _mm_set1_epi8(set == SLOG_OCTETS_NAME ? 0x22 : 0x21));
	if (set != SLOG_OCTETS_MSG) {
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
	}
	if (set == SLOG_OCTETS_PARAM || set == SLOG_OCTETS_NAME)
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8(']')));
	if (set == SLOG_OCTETS_NAME) {
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('%')));
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('/')));
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('=')));
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('[')));
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('~')));
		special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8('.')));
	}
	return (unsigned)_mm_movemask_epi8(special);
}

/* Copies a block and returns how many of its octets stand before the first to be looked at. */
static inline SLOG_ALWAYS unsigned slog_octets_copy_block(char *to, const char *from, enum slog_octets set)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)from);
	_mm_storeu_si128((__m128i *)(void *)to, block);
	return (unsigned)__builtin_ctz(slog_octets_mask_of(block, set) | 1u << SLOG_OCTETS_BLOCK);
}

static inline SLOG_ALWAYS bool slog_octets_special16(uint64_t low, uint64_t high, enum slog_octets set)
{
	return slog_octets_mask_of(_mm_set_epi64x((long long)high, (long long)low), set) != 0;
}

static inline SLOG_ALWAYS bool slog_octets_special(uint64_t word, enum slog_octets set)
{
	return (slog_octets_mask_of(_mm_cvtsi64_si128((long long)word), set) & 0xFF) != 0;
}

#elif defined(__ARM_NEON) && defined(__aarch64__)

static inline SLOG_ALWAYS unsigned slog_octets_copy_block(char *to, const char *from, enum slog_octets set)
{
	uint8x16_t block = vld1q_u8((const uint8_t *)from);
	vst1q_u8((uint8_t *)to, block);
	uint8x16_t special = vcltq_s8(vreinterpretq_s8_u8(block), vdupq_n_s8(set == SLOG_OCTETS_NAME ? 0x21 : 0x20));
	special = vorrq_u8(special, vceqq_u8(block, vdupq_n_u8(0x7F)));
	static const char more[] = "\"\\]%/=[~."; /* in the order of the sets */
	size_t n = set == SLOG_OCTETS_MSG ? 0 : set == SLOG_OCTETS_JSON ? 2 : set == SLOG_OCTETS_PARAM ? 3 : sizeof more - 1;
	for (size_t i = 0; i < n; i++)
		special = vorrq_u8(special, vceqq_u8(block, vdupq_n_u8((uint8_t)more[i])));
	/* Four bits for each octet. */
	uint64_t mask = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(special), 4)), 0);
	return mask == 0 ? SLOG_OCTETS_BLOCK : (unsigned)__builtin_ctzll(mask) / 4;
}

#else

static inline SLOG_ALWAYS unsigned slog_octets_copy_block(char *to, const char *from, enum slog_octets set)
{
	memcpy(to, from, SLOG_OCTETS_BLOCK);
	for (unsigned i = 0; i < SLOG_OCTETS_BLOCK; i += 8)
		if (slog_octets_special8(slog_octets_load8(from + i), set) != 0)
			while (true) {
				if (slog_octets_special8(SLOG_OCTETS_ONES * (unsigned char)from[i], set) != 0)
					return i;
				i++;
			}
	return SLOG_OCTETS_BLOCK;
}

#endif

#if !defined(__SSE2__)
static inline SLOG_ALWAYS bool slog_octets_special(uint64_t word, enum slog_octets set)
{
	return slog_octets_special8(word, set) != 0;
}

static inline SLOG_ALWAYS bool slog_octets_special16(uint64_t low, uint64_t high, enum slog_octets set)
{
	return (slog_octets_special8(low, set) | slog_octets_special8(high, set)) != 0;
}
#endif

/*
 * Copies less than a block. False if one of its octets must be looked at; what stands at `to` is of no use then. Writes
 * length octets and no more, by pieces that overlap, so that there is no loop.
 */
static inline SLOG_ALWAYS bool slog_octets_copy_short(char *to, const char *from, size_t length, enum slog_octets set)
{
	if (length >= 8) {
		uint64_t low = slog_octets_load8(from);
		uint64_t high = slog_octets_load8(from + length - 8);
		memcpy(to, &low, 8);
		memcpy(to + length - 8, &high, 8);
		return !slog_octets_special16(low, high, set);
	}
	if (length >= 4) {
		uint32_t low = slog_octets_load4(from);
		uint32_t high = slog_octets_load4(from + length - 4);
		memcpy(to, &low, 4);
		memcpy(to + length - 4, &high, 4);
		return !slog_octets_special((uint64_t)high << 32 | low, set);
	}
	if (length == 0)
		return true;
	char first = from[0];
	char middle = from[length / 2];
	char last = from[length - 1];
	to[0] = first;
	to[length / 2] = middle;
	to[length - 1] = last;
	uint64_t three = (uint64_t)(unsigned char)first | (uint64_t)(unsigned char)middle << 8 |
	                 (SLOG_OCTETS_ONES << 16) * (unsigned char)last;
	return !slog_octets_special(three, set);
}

/* The same for any length. */
static inline SLOG_ALWAYS bool slog_octets_copy(char *to, const char *from, size_t length, enum slog_octets set)
{
	if (length < SLOG_OCTETS_BLOCK)
		return slog_octets_copy_short(to, from, length, set);
	size_t last = length - SLOG_OCTETS_BLOCK;
	for (size_t at = 0; at < last; at += SLOG_OCTETS_BLOCK)
		if (slog_octets_copy_block(to + at, from + at, set) != SLOG_OCTETS_BLOCK)
			return false;
	return slog_octets_copy_block(to + last, from + last, set) == SLOG_OCTETS_BLOCK;
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
