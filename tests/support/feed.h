/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives one input to a parser in every way that matters. Each piece lies by itself at the end of a page whose successor
 * is unreadable, and is overwritten as soon as the parser returns: reading too far faults, keeping a view shows.
 *
 * Two shapes of parser: one that is fed a stream in pieces (feed_every_way), and one that takes a whole message
 * (feed_every_prefix).
 */
#ifndef TESTS_SUPPORT_FEED_H
#define TESTS_SUPPORT_FEED_H

#include "base/bytes.h"

enum { FEED_SPLITS_MAX = 4096 }; /* a longer input is split at this many places, evenly spread */

/* A parser under test. `test` is the caller's own; each function may use Check's asserts. */
struct feed_parser {
	void (*begin)(void *test);                     /* makes a fresh parser */
	void (*piece)(void *test, struct bytes piece); /* the next piece, never empty; it dies when this returns */
	void (*end)(void *test);                       /* the input is over: compare what came out */
};

/*
 * Runs begin, piece…, end once with the input whole, once byte by byte, and once for every place where it can be split
 * in two. An empty input has one run without any piece.
 */
void feed_every_way(struct bytes input, const struct feed_parser *parser, void *test);

/* A decoder of whole messages under test. `prefix` ends at an unreadable page and dies when this returns. */
typedef void (*feed_prefix_fn)(void *test, struct bytes prefix);

/* Calls `decode` with every prefix of `input`, from the empty one to the whole, which comes last. */
void feed_every_prefix(struct bytes input, feed_prefix_fn decode, void *test);

/* "whole", "byte by byte", "split at 12" or "prefix of 12": the run under way, for a failed test's message. */
const char *feed_way(void);

#endif
