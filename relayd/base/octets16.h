/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at sixteen octets at a time, in vectors of the compiler's, which every processor that it knows can do. Only
 * gathering a bit of each octet has a form of its own for SSE2; OCTETS16_PORTABLE leaves that out, for tests. Nothing
 * is read outside of the text.
 */
#ifndef RELAYD_BASE_OCTETS16_H
#define RELAYD_BASE_OCTETS16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(OCTETS16_PORTABLE)
#include <emmintrin.h>
#define OCTETS16_SSE2 1
#else
#define OCTETS16_SSE2 0
#endif

enum { OCTETS16_BLOCK = 16 };

/* Sixteen octets, signed: what is above 127 is below zero. What is compared gives octets that are all ones or zero. */
typedef int8_t octets16 __attribute__((vector_size(OCTETS16_BLOCK)));
typedef uint8_t octets16_unsigned __attribute__((vector_size(OCTETS16_BLOCK)));

static inline octets16 octets16_load(const uint8_t *at)
{
	octets16 block;
	memcpy(&block, at, sizeof block);
	return block;
}

static inline void octets16_store(octets16 block, uint8_t *at)
{
	memcpy(at, &block, sizeof block);
}

/* The octets from `at` to `end`, less than a block, filled up with `filler`. Rare, and kept out of its callers' way. */
__attribute__((noinline, cold)) octets16 octets16_load_short(const uint8_t *at, const uint8_t *end, uint8_t filler);

/* The highest bit of each octet; that of the first octet is the lowest. */
static inline unsigned octets16_mask(octets16 block)
{
#if OCTETS16_SSE2
	return (unsigned)_mm_movemask_epi8((__m128i)block);
#else
	unsigned mask = 0;
	for (unsigned i = 0; i < OCTETS16_BLOCK; i++)
		mask |= (block[i] < 0 ? 1u : 0u) << i;
	return mask;
#endif
}

/* Whether both have the same 8 to 15 octets. */
static inline bool octets16_equal_short(const uint8_t *one, const uint8_t *other, size_t len)
{
	uint64_t ours[2], theirs[2];
	size_t last = len - sizeof ours[0];
	memcpy(&ours[0], one, sizeof ours[0]);
	memcpy(&ours[1], one + last, sizeof ours[1]);
	memcpy(&theirs[0], other, sizeof theirs[0]);
	memcpy(&theirs[1], other + last, sizeof theirs[1]);
	return ours[0] == theirs[0] && ours[1] == theirs[1];
}

/* Whether both have the same `len` octets; without a call for 8 to 32 of them. */
static inline bool octets16_equal(const uint8_t *one, const uint8_t *other, size_t len)
{
	if (len >= OCTETS16_BLOCK / 2 && len < OCTETS16_BLOCK)
		return octets16_equal_short(one, other, len);
	if (len < OCTETS16_BLOCK || len > 2 * OCTETS16_BLOCK)
		return len == 0 || memcmp(one, other, len) == 0;
	size_t last = len - OCTETS16_BLOCK; /* overlaps the first, or is it */
	octets16 same = octets16_load(one) == octets16_load(other);
	same &= octets16_load(one + last) == octets16_load(other + last);
	return octets16_mask(same) == 0xffff;
}

/* What is no visible ASCII: 0..32 and 127..255. */
static inline octets16 octets16_no_graph(octets16 block)
{
	/* One more than 127 and above is below zero, but for 255, which becomes zero. */
	octets16 more = (octets16)((octets16_unsigned)block + 1);
	return more < ' ' + 2;
}

/*
 * The first octet from `at` at which `stops` has a bit, of those that whole blocks before `end` hold; NULL if there is
 * none. Inlined always, so that `stops` is no call.
 */
__attribute__((always_inline)) static inline const uint8_t *
octets16_find_in_blocks(const uint8_t *at, const uint8_t *end, unsigned (*stops)(octets16 block))
{
	for (; end - at >= OCTETS16_BLOCK; at += OCTETS16_BLOCK) {
		unsigned mask = stops(octets16_load(at));
		if (mask != 0)
			return at + (unsigned)__builtin_ctz(mask);
	}
	return NULL;
}

/* The same of all octets; `end` if there is none. `filler` is an octet at which `stops` has a bit: it stands for the
 * end. */
__attribute__((always_inline)) static inline const uint8_t *
octets16_find(const uint8_t *at, const uint8_t *end, uint8_t filler, unsigned (*stops)(octets16 block))
{
	for (;; at += OCTETS16_BLOCK) {
		unsigned mask = stops(end - at >= OCTETS16_BLOCK ? octets16_load(at) : octets16_load_short(at, end, filler));
		if (mask != 0)
			return at + (unsigned)__builtin_ctz(mask);
	}
}

#endif
