/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that end at an unreadable page: reading or writing one octet too far is a fault at once, without a sanitizer.
 * Tests give them to decoders as input and to encoders as room for output.
 */
#ifndef TESTS_SUPPORT_GUARDED_BYTES_H
#define TESTS_SUPPORT_GUARDED_BYTES_H

#include "base/bytes.h"

/* `at[len]` is the first octet that must not be touched. The other fields are private. */
struct guarded_bytes {
	uint8_t *at;
	size_t len;
	void *map;
	size_t map_len;
};

/* `len` writable octets, all 0xDD, in front of an unreadable page. Free with guarded_bytes_free(). Ends the test
 * program if memory is short. */
struct guarded_bytes guarded_bytes_room(size_t len);

/* The same with a copy of `source` in it. */
struct guarded_bytes guarded_bytes_copy(struct bytes source);

/* Gives the pages back: every view of them faults from now on. Does nothing the second time. */
void guarded_bytes_free(struct guarded_bytes *guarded);

static inline struct bytes guarded_bytes_view(const struct guarded_bytes *guarded)
{
	return bytes_of(guarded->at, guarded->len);
}

#endif
