/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping text, for json.c and rfc5424.c, which include it with their own table and their own rule for what the table
 * does not hold. Sixteen octets are a step: a block that is written as it stands is copied; of another, the characters
 * that are right are copied, and octets that are escaped, or are no UTF-8, are written one by one from the table,
 * without a look at what they are.
 */
#ifndef LIBLOG_ESCAPE_H
#define LIBLOG_ESCAPE_H

#include <liblog/utf8.h>

#include "octets.h"
#include "utf8_block.h"

#define SLOG_ESCAPE_TEXT 7
#define SLOG_ESCAPE_ROOM (SLOG_OCTETS_BLOCK * sizeof(struct slog_escape)) /* what a block from the table may need */

/*
 * What an octet becomes by itself: length octets of text; if it is not ASCII, because it is no UTF-8. 0: it depends on
 * what follows.
 */
struct slog_escape {
	char text[SLOG_ESCAPE_TEXT];
	unsigned char length;
};

/* The second half of a table: the raw octets of utf8.h. */
#define SLOG_ESCAPE_RAW_(o) {{'\xEE', (char)(0xBE + ((o) >> 6 & 1)), (char)(0x80 + ((o) & 0x3F))}, 3}
#define SLOG_ESCAPE_RAW_4_(o) \
	SLOG_ESCAPE_RAW_(o), SLOG_ESCAPE_RAW_((o) + 1), SLOG_ESCAPE_RAW_((o) + 2), SLOG_ESCAPE_RAW_((o) + 3)
#define SLOG_ESCAPE_RAW_16_(o) \
	SLOG_ESCAPE_RAW_4_(o), SLOG_ESCAPE_RAW_4_((o) + 4), SLOG_ESCAPE_RAW_4_((o) + 8), SLOG_ESCAPE_RAW_4_((o) + 12)
#define SLOG_ESCAPE_RAW_OCTETS \
	SLOG_ESCAPE_RAW_16_(0x80), SLOG_ESCAPE_RAW_16_(0x90), SLOG_ESCAPE_RAW_16_(0xA0), SLOG_ESCAPE_RAW_16_(0xB0), \
	SLOG_ESCAPE_RAW_16_(0xC0), SLOG_ESCAPE_RAW_16_(0xD0), SLOG_ESCAPE_RAW_16_(0xE0), SLOG_ESCAPE_RAW_16_(0xF0)

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

/* One octet by the table; returns where the next one goes. There is room for a row of it. */
static inline SLOG_ALWAYS char *slog_escape_octet(char *out, char octet, const struct slog_escape table[256])
{
	const struct slog_escape *escape = &table[(unsigned char)octet];
	memcpy(out, escape, sizeof *escape);
	return out + escape->length;
}

/* n octets by the table, 16 at the most. There is SLOG_ESCAPE_ROOM. */
static inline SLOG_ALWAYS void slog_escape_by_table(struct slog_escaping *e, const char *from, unsigned n,
                                                    const struct slog_escape table[256])
{
	char *out = e->out + e->written;
	unsigned i = 0;
	for (; i + 4 <= n; i += 4) {
		out = slog_escape_octet(out, from[i], table);
		out = slog_escape_octet(out, from[i + 1], table);
		out = slog_escape_octet(out, from[i + 2], table);
		out = slog_escape_octet(out, from[i + 3], table);
	}
	for (; i < n; i++)
		out = slog_escape_octet(out, from[i], table);
	e->at += n;
	e->written = (size_t)(out - e->out);
}

/*
 * Sixteen octets, of which `limit` are the text's and the others NUL; one more can be read. Returns how many it has
 * dealt with: 0 if the first character is one that only its rule can tell.
 */
static inline SLOG_ALWAYS unsigned slog_escape_block(struct slog_escaping *e, const char *from, unsigned limit,
                                                     enum slog_octets set, const struct slog_escape table[256])
{
	slog_lanes octets = slog_octets_load16(from);
	unsigned end = 1u << limit;
	/* Everything that the tables leave to the rule; JSON's leaves nothing. */
	unsigned ruled = set != SLOG_OCTETS_JSON ? slog_octets_mask(octets == 0x1B) : 0;
	if (slog_octets_mask(octets) == 0) {
		unsigned n = (unsigned)__builtin_ctz(ruled | end);
		slog_escape_by_table(e, from, n, table);
		return n;
	}
	struct slog_utf8_block block = slog_utf8_block(from);
	unsigned special = slog_octets_special(octets, set) & ~block.others;
	unsigned n = slog_utf8_block_run(&block, special | (set != SLOG_OCTETS_JSON ? block.picture : 0) | end);
	if (n > 0) {
		memcpy(e->out + e->written, &octets, sizeof octets);
		e->at += n;
		e->written += n;
		return n;
	}
	n = (unsigned)__builtin_ctz(slog_utf8_block_starts(&block) | ruled | end);
	slog_escape_by_table(e, from, n, table);
	return n;
}

/* Block after block, while there is room for any, until one is plain or begins with what only its rule can tell. */
static inline SLOG_ALWAYS void slog_escape_mixed(struct slog_escaping *e, enum slog_octets set,
                                                 const struct slog_escape table[256])
{
	while (e->at < e->length && e->size - e->written >= SLOG_ESCAPE_ROOM) {
		size_t rest = e->length - e->at;
		const char *from = e->bytes + e->at;
		unsigned limit = SLOG_OCTETS_BLOCK;
		char tail[2 * SLOG_OCTETS_BLOCK];
		if (rest <= SLOG_OCTETS_BLOCK) {
			memset(tail, 0, sizeof tail);
			slog_octets_move(tail, from, rest);
			from = tail;
			limit = (unsigned)rest;
		} else if (slog_octets_special(slog_octets_load16(from), set) == 0) {
			return;
		}
		if (slog_escape_block(e, from, limit, set, table) == 0)
			return;
	}
}

/* One octet by the table, or one character by its rule. False if out is full. */
static inline SLOG_ALWAYS bool slog_escape_next(struct slog_escaping *e, const struct slog_escape table[256],
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
                                                  enum slog_octets set, const struct slog_escape table[256],
                                                  slog_escape_character_fn *character)
{
	struct slog_escaping e = {bytes, length, 0, out, size, 0};
	bool is_full = false;
	while (e.at < e.length && !is_full) {
		size_t before = e.at;
		slog_escape_blocks(&e, set);
		slog_escape_mixed(&e, set, table);
		/* At the end of the room, and what neither of them can do. */
		if (e.at == before)
			is_full = !slog_escape_next(&e, table, character);
	}
	*taken = e.at;
	return e.written;
}

#endif
