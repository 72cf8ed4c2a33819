/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For fuzz targets of stream decoders: hands a stream out in pieces, keeps what the decoder has not consumed, and sums
 * up what came out, so that two runs with different pieces can be compared. Each look at the octets is a copy of its
 * own, of exactly their length, so that a sanitizer sees every octet read too far.
 */
#ifndef TESTS_FUZZ_STREAM_PIECES_H
#define TESTS_FUZZ_STREAM_PIECES_H

#include "base/bytes.h"

#include <stdlib.h>

/* Unlike assert(): not a part of the code under test. */
#define FUZZ_CHECK(condition)                                                                                          \
	do {                                                                                                               \
		if (!(condition))                                                                                              \
			abort();                                                                                                   \
	} while (0)

struct stream_pieces {
	struct bytes stream;
	uint32_t seed;   /* 0: all in one piece */
	size_t start;    /* first octet that is not consumed */
	size_t end;      /* behind the last that was handed out */
	uint8_t *copy;   /* of what is between them */
	uint64_t digest; /* of everything that came out */
};

/* Hands out one more piece; false at the end of the stream. */
static inline bool stream_pieces_more(struct stream_pieces *pieces)
{
	size_t left = pieces->stream.len - pieces->end;
	if (left == 0)
		return false;
	size_t len = left;
	if (pieces->seed != 0) {
		pieces->seed = pieces->seed * 1664525u + 1013904223u;
		len = 1 + (pieces->seed >> 28);
	}
	pieces->end += len < left ? len : left;
	return true;
}

/* What is handed out and not consumed. The view lives until the next call. */
static inline struct bytes stream_pieces_look(struct stream_pieces *pieces)
{
	size_t len = pieces->end - pieces->start;
	free(pieces->copy);
	pieces->copy = malloc(len > 0 ? len : 1);
	FUZZ_CHECK(pieces->copy != NULL);
	if (len > 0)
		memcpy(pieces->copy, pieces->stream.at + pieces->start, len);
	return bytes_of(pieces->copy, len);
}

static inline void stream_pieces_consume(struct stream_pieces *pieces, size_t len)
{
	FUZZ_CHECK(len <= pieces->end - pieces->start);
	pieces->start += len;
}

/* Adds one result to the digest (FNV-1a, with the length so that borders count). */
static inline void stream_pieces_note(struct stream_pieces *pieces, uint64_t kind, struct bytes text)
{
	uint64_t digest = pieces->digest ^ (kind << 32 ^ text.len);
	digest *= 1099511628211u;
	for (size_t i = 0; i < text.len; i++)
		digest = (digest ^ text.at[i]) * 1099511628211u;
	pieces->digest = digest;
}

static inline void stream_pieces_done(struct stream_pieces *pieces)
{
	free(pieces->copy);
	pieces->copy = NULL;
}

#endif
