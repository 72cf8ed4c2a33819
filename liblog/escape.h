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
#define SLOG_ESCAPE_BURST 16 /* octets that are looked at one by one after one that is no plain text */

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

/* C2 to DF begin a character of two octets; `word` has its first octet lowest. */
static inline SLOG_ALWAYS bool slog_escape_is_pair(uint64_t word)
{
	return (word & 0xC0E0) == 0x80C0 && (word & 0x1E) != 0;
}

/*
 * The same for one of three octets. E0 and ED have narrower ranges, E2 and EE begin characters that may be special:
 * these are left to the rule for single characters.
 */
static inline SLOG_ALWAYS bool slog_escape_is_triple(uint64_t word)
{
	const unsigned others = 1u << 0x0 | 1u << 0x2 | 1u << 0xD | 1u << 0xE;
	return (word & 0xC0C0F0) == 0x8080E0 && (others >> (word & 0x0F) & 1) == 0;
}

/* Copies characters of two and of three octets as long as there is nothing else. */
static inline SLOG_ALWAYS void slog_escape_runs(struct slog_escaping *e)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (e->length - e->at >= 8 && e->size - e->written >= 8) {
		uint64_t word = slog_octets_load8(e->bytes + e->at);
		size_t run;
		if (slog_escape_is_pair(word)) {
			run = !slog_escape_is_pair(word >> 16)   ? 2
			      : !slog_escape_is_pair(word >> 32) ? 4
			      : !slog_escape_is_pair(word >> 48) ? 6
			                                         : 8;
		} else if (slog_escape_is_triple(word)) {
			run = slog_escape_is_triple(word >> 24) ? 6 : 3;
		} else {
			return;
		}
		memcpy(e->out + e->written, &word, sizeof word);
		e->at += run;
		e->written += run;
	}
#else
	(void)e;
#endif
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
		slog_escape_blocks(&e, set);
		size_t end = e.length - e.at < SLOG_ESCAPE_BURST ? e.length : e.at + SLOG_ESCAPE_BURST;
		while (e.at < end && !is_full) {
			if ((unsigned char)e.bytes[e.at] >= 0x80) {
				slog_escape_runs(&e);
				if (e.at == e.length)
					break;
			}
			is_full = !slog_escape_next(&e, table, character);
		}
	}
	*taken = e.at;
	return e.written;
}

#endif
