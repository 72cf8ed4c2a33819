/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view of bytes that somebody else owns: pointer and length, never NUL-terminated. Views are passed by value. Who owns
 * the bytes, and until when a view lives, is said where the view is handed out.
 */
#ifndef RELAYD_BASE_BYTES_H
#define RELAYD_BASE_BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* A view of a string literal, without its NUL. */
#define BYTES(literal) ((struct bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const void *at, size_t len)
{
	return (struct bytes){(const uint8_t *)at, len};
}

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct bytes bytes_of_text(const char *text)
{
	return bytes_of(text, text != NULL ? strlen(text) : 0);
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool bytes_start_with(struct bytes text, struct bytes prefix)
{
	return text.len >= prefix.len && (prefix.len == 0 || memcmp(text.at, prefix.at, prefix.len) == 0);
}

/* The first `len` bytes; the whole view if it is shorter. */
static inline struct bytes bytes_first(struct bytes text, size_t len)
{
	return bytes_of(text.at, len < text.len ? len : text.len);
}

/* The view without its first `len` bytes, which must be there. */
static inline struct bytes bytes_after(struct bytes text, size_t len)
{
	assert(len <= text.len);
	return len == 0 ? text : bytes_of(text.at + len, text.len - len);
}

/* Offset of the first `wanted`, or the view's length if there is none. */
static inline size_t bytes_find(struct bytes text, uint8_t wanted)
{
	const uint8_t *hit = text.len > 0 ? memchr(text.at, wanted, text.len) : NULL;
	return hit != NULL ? (size_t)(hit - text.at) : text.len;
}

#endif
