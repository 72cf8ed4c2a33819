/* SPDX-License-Identifier: Apache-2.0 */
#include "support/feed.h"

#include "support/guarded_bytes.h"

#include <stdio.h>

static char way[48];

const char *feed_way(void)
{
	return way;
}

/* Lends `piece` from the end of `page`, which is large enough, then destroys it. */
static void give(struct guarded_bytes *page, struct bytes piece, feed_prefix_fn take, void *test)
{
	uint8_t *at = page->at + page->len - piece.len;
	if (piece.len > 0)
		memcpy(at, piece.at, piece.len);
	take(test, bytes_of(at, piece.len));
	memset(at, 0xdd, piece.len);
}

/* One run with pieces of `first` octets, then of `rest` octets each (the last one may be shorter). */
static void run(struct guarded_bytes *page, struct bytes input, size_t first, size_t rest,
				const struct feed_parser *parser, void *test)
{
	parser->begin(test);
	size_t len = first;
	while (input.len > 0) {
		struct bytes piece = bytes_first(input, len);
		give(page, piece, parser->piece, test);
		input = bytes_after(input, piece.len);
		len = rest;
	}
	parser->end(test);
}

void feed_every_way(struct bytes input, const struct feed_parser *parser, void *test)
{
	struct guarded_bytes page = guarded_bytes_room(input.len);
	snprintf(way, sizeof way, "whole");
	run(&page, input, input.len, input.len, parser, test);
	if (input.len > 1) {
		snprintf(way, sizeof way, "byte by byte");
		run(&page, input, 1, 1, parser, test);
	}
	size_t step = input.len / FEED_SPLITS_MAX + 1;
	for (size_t split = 1; split < input.len; split += step) {
		snprintf(way, sizeof way, "split at %zu", split);
		run(&page, input, split, input.len, parser, test);
	}
	guarded_bytes_free(&page);
}

void feed_every_prefix(struct bytes input, feed_prefix_fn decode, void *test)
{
	struct guarded_bytes page = guarded_bytes_room(input.len);
	size_t step = input.len / FEED_SPLITS_MAX + 1;
	for (size_t len = 0; len < input.len; len += step) {
		snprintf(way, sizeof way, "prefix of %zu", len);
		give(&page, bytes_first(input, len), decode, test);
	}
	snprintf(way, sizeof way, "whole");
	give(&page, input, decode, test);
	guarded_bytes_free(&page);
}
