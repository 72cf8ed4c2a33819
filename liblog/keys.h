/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the keys of an event are all different, told while they are walked once: a filter of hashes says "new" in
 * nearly all cases, and only if it does not are keys compared. No result is kept between calls, so nothing needs to know
 * when a call site goes away.
 */
#ifndef LIBLOG_KEYS_H
#define LIBLOG_KEYS_H

#include <liblog/slog.h>

#include "ascii.h"

#define SLOG_KEYS_NO_MESSAGE SIZE_MAX
#define SLOG_BOUND_FILTER_BITS 1024

/* What is known of the keys of some fields. All zero is no fields, but for `message`. */
struct slog_keys {
	uint64_t filter;
	bool has_equal;   /* two keys are equal: of these the last stands */
	bool has_similar; /* two keys are equal, or would be without regard to ASCII case */
	bool has_nested;  /* a field is a group or an error, which STRUCTURED-DATA flattens */
	size_t message;   /* the field that is the message, if no two keys are equal; SLOG_KEYS_NO_MESSAGE */
	size_t octets;    /* of keys and texts: the least that the fields need when encoded */
};

/* The same for keys that differ only in case. */
static inline uint32_t slog_key_hash(const char *key, size_t length)
{
	if (length == 0)
		return 0;
	uint32_t first = (unsigned char)key[0] | 0x20u;
	uint32_t middle = (unsigned char)key[length / 2] | 0x20u;
	uint32_t last = (unsigned char)key[length - 1] | 0x20u;
	return ((uint32_t)length + (first << 6) + (middle << 12) + (last << 18)) * 0x9E3779B1u;
}

/* A "message" that is text, or null, is no field. */
static inline bool slog_field_is_message(const struct slog_field *field)
{
	return field->key_length == 7 && memcmp(field->key, "message", 7) == 0 &&
	       (field->value.type == SLOG_TYPE_STRING || field->value.type == SLOG_TYPE_NULL);
}

static inline bool slog_keys_equal(const struct slog_field *a, const struct slog_field *b)
{
	return a->key_length == b->key_length && memcmp(a->key, b->key, a->key_length) == 0;
}

/* The filter has this hash: compares with the fields before. */
static inline void slog_keys_compare(struct slog_keys *keys, const struct slog_field *fields, size_t n,
                                     const struct slog_field *field)
{
	if (n > SLOG_COMPARED_MAX) { /* they may be: whoever asks further compares no more than that */
		keys->has_similar = keys->has_equal = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (fields[i].key_length != field->key_length ||
		    !slog_ascii_equal(fields[i].key, field->key, field->key_length))
			continue;
		keys->has_similar = true;
		if (slog_keys_equal(&fields[i], field))
			keys->has_equal = true;
	}
}

/* Adds the key of fields[i], behind all before it, and looks at no value. Returns its hash. */
static inline __attribute__((always_inline)) uint32_t slog_keys_add_key(struct slog_keys *keys,
                                                                        const struct slog_field *fields, size_t i)
{
	const struct slog_field *field = &fields[i];
	uint32_t hash = slog_key_hash(field->key, field->key_length);
	uint64_t bit = UINT64_C(1) << (hash >> 26);
	if ((keys->filter & bit) != 0)
		slog_keys_compare(keys, fields, i, field);
	keys->filter |= bit;
	return hash;
}

/* Adds fields[i], behind all before it. Returns the hash of its key. */
static inline __attribute__((always_inline)) uint32_t slog_keys_add(struct slog_keys *keys,
                                                                    const struct slog_field *fields, size_t i)
{
	const struct slog_field *field = &fields[i];
	uint32_t hash = slog_keys_add_key(keys, fields, i);
	if (slog_field_is_message(field))
		keys->message = i;
	if (field->value.type == SLOG_TYPE_GROUP || field->value.type == SLOG_TYPE_ERROR)
		keys->has_nested = true;
	keys->octets += field->key_length + field->value.length;
	return hash;
}

static inline struct slog_keys slog_keys_none(void)
{
	struct slog_keys keys = {.message = SLOG_KEYS_NO_MESSAGE};
	return keys;
}

#endif
