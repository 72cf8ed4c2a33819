/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping text, for json.c and rfc5424.c, which include it with their own table and their own rule for what the table
 * does not hold. Text that is written as it stands is copied by blocks; around octets that are not, octet by octet with
 * the table; characters that are not ASCII by runs.
 */
#ifndef LIBLOG_ESCAPE_H
#define LIBLOG_ESCAPE_H

#include <liblog/utf8.h>

#include "octets.h"

#define SLOG_ESCAPE_TEXT 7
#define SLOG_ESCAPE_BURST 32 /* steps from an octet that is no plain text, before a block is tried again */

/* What an ASCII octet becomes: length octets of text. 0: it depends on what follows. */
struct slog_escape {
	char text[SLOG_ESCAPE_TEXT];
	unsigned char length;
};

/*
 * Writes to out, which has SLOG_ESCAPE_TEXT octets, what the character at bytes[0] becomes, whatever it is; *used is
 * the octets that it has. Returns the octets written.
 */
typedef size_t slog_escape_character_fn(char *out, const char *bytes, size_t length, size_t *used);

/* A text on its way: what is read and what is written of it. */
struct slog_escaping {
	const char *bytes;
	size_t length, at;
	char *out;
	size_t size, written;
};

/* Copies blocks until one has an octet that must be looked at. True if that octet is the next one. */
static inline SLOG_ALWAYS bool slog_escape_blocks(struct slog_escaping *e, enum slog_octets set)
{
	while (e->length - e->at >= SLOG_OCTETS_BLOCK && e->size - e->written >= SLOG_OCTETS_BLOCK) {
		unsigned plain = slog_octets_copy_block(e->out + e->written, e->bytes + e->at, set);
		e->at += plain;
		e->written += plain;
		if (plain < SLOG_OCTETS_BLOCK)
			return true;
	}
	size_t rest = e->length - e->at;
	if (rest < SLOG_OCTETS_BLOCK && e->size - e->written >= rest &&
	    slog_octets_copy_short(e->out + e->written, e->bytes + e->at, rest, set)) {
		e->at += rest;
		e->written += rest;
	}
	return false;
}

/*
 * Of eight octets, the lowest first, how many are whole characters of two octets from the front. In lanes of 16 bits: the
 * marks of both octets are right, and of the upper four bits that the first octet holds one is set, for C0 and C1 begin
 * overlong forms.
 */
static inline SLOG_ALWAYS size_t slog_escape_pairs(uint64_t word)
{
	const uint64_t lows = UINT64_C(0x7FFF7FFF7FFF7FFF);
	uint64_t marks = (word & UINT64_C(0xC0E0C0E0C0E0C0E0)) ^ UINT64_C(0x80C080C080C080C0);
	uint64_t wrong = ((marks & lows) + lows) | marks;
	uint64_t overlong = ~((word & UINT64_C(0x001E001E001E001E)) + lows);
	uint64_t bad = (wrong | overlong) & ~lows;
	return bad == 0 ? 8 : (size_t)__builtin_ctzll(bad) / 16 * 2;
}

/*
 * Whether a character of three octets comes first. E0 and ED have narrower ranges, E2 and EE begin characters that may
 * be special: these are left to the rule for single characters.
 */
static inline SLOG_ALWAYS bool slog_escape_is_triple(uint64_t word)
{
	const unsigned others = 1u << 0x0 | 1u << 0x2 | 1u << 0xD | 1u << 0xE;
	return (word & 0xC0C0F0) == 0x8080E0 && (others >> (word & 0x0F) & 1) == 0;
}

/* The length in a row of the table that was loaded as one word. */
static inline SLOG_ALWAYS size_t slog_escape_length(uint64_t escape)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? escape >> 56 : escape & 0xFF;
}

/* Octets of the characters from the front of a word that are copied as they are, none of them ASCII; 0 if none is. */
static inline SLOG_ALWAYS size_t slog_escape_run(uint64_t word)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return 0;
	size_t pairs = slog_escape_pairs(word);
	if (pairs > 0)
		return pairs;
	return slog_escape_is_triple(word) ? slog_escape_is_triple(word >> 24) ? 6 : 3 : 0;
}

/*
 * Some steps, each an octet by the table or a run of characters that are not ASCII. There is room for what they may
 * write, a word each. Stops at what is neither.
 */
static inline SLOG_ALWAYS void slog_escape_burst(struct slog_escaping *e, const struct slog_escape table[128])
{
	const char *at = e->bytes + e->at;
	const char *end = e->bytes + e->length;
	char *out = e->out + e->written;
	for (unsigned steps = 0; steps < SLOG_ESCAPE_BURST && at < end; steps++) {
		unsigned char octet = (unsigned char)*at;
		uint64_t word;
		size_t read = 1;
		size_t written;
		if (octet < 0x80) {
			memcpy(&word, &table[octet], sizeof word);
			written = slog_escape_length(word);
		} else {
			if (end - at < (ptrdiff_t)sizeof word)
				break;
			word = slog_octets_load8(at);
			written = read = slog_escape_run(word);
		}
		if (written == 0)
			break;
		memcpy(out, &word, sizeof word);
		out += written;
		at += read;
	}
	e->at = (size_t)(at - e->bytes);
	e->written = (size_t)(out - e->out);
}

/* One octet by the table, or one character by its rule. False if out is full. */
static inline SLOG_ALWAYS bool slog_escape_next(struct slog_escaping *e, const struct slog_escape table[128],
                                    slog_escape_character_fn *character)
{
	unsigned char octet = (unsigned char)e->bytes[e->at];
	if (octet < 0x80 && table[octet].length > 0) {
		size_t length = table[octet].length;
		if (e->size - e->written >= sizeof table[octet])
			memcpy(e->out + e->written, &table[octet], sizeof table[octet]);
		else if (e->size - e->written >= length)
			memcpy(e->out + e->written, table[octet].text, length);
		else
			return false;
		e->written += length;
		e->at++;
		return true;
	}
	char piece[SLOG_ESCAPE_TEXT];
	size_t used;
	size_t length = character(piece, e->bytes + e->at, e->length - e->at, &used);
	if (length > e->size - e->written)
		return false;
	memcpy(e->out + e->written, piece, length);
	e->written += length;
	e->at += used;
	return true;
}

/* The whole text, as the writers of rfc5424.h and json.h have it. */
static inline SLOG_ALWAYS size_t slog_escape_text(char *out, size_t size, const char *bytes, size_t length, size_t *taken,
                                                  enum slog_octets set, const struct slog_escape table[128],
                                                  slog_escape_character_fn *character)
{
	struct slog_escaping e = {bytes, length, 0, out, size, 0};
	bool is_full = false;
	while (e.at < e.length && !is_full) {
		size_t before = e.at;
		slog_escape_blocks(&e, set);
		if (e.size - e.written >= SLOG_ESCAPE_BURST * sizeof table[0])
			slog_escape_burst(&e, table);
		/* At the end of the room, and what neither of them can do. */
		if (e.at < e.length && (e.at == before || (unsigned char)e.bytes[e.at] >= 0x80))
			is_full = !slog_escape_next(&e, table, character);
	}
	*taken = e.at;
	return e.written;
}

#endif
