/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random events for property tests: hostile keys and values (reserved-looking strings, every escape of every format,
 * control characters and their pictures, octets that are not UTF-8, private-use characters), extremes of numbers, four
 * levels deep, up to 300 fields. The same seed gives the same events.
 */
#ifndef TESTS_UNIT_LIBLOG_RANDOM_EVENTS_H
#define TESTS_UNIT_LIBLOG_RANDOM_EVENTS_H

#include <check.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#include <liblog/slog.h>

/* As ck_assert(), which writes a file at each call, but costs nothing while all is well. */
#define MUST_SAY(condition, ...) \
	do { \
		if (!(condition)) \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)
#define MUST(condition) MUST_SAY(condition, "%s", #condition)

enum {
	RANDOM_DEPTH_MAX = 4,
	RANDOM_FIELDS_MAX = 300,
	RANDOM_MEMORY_BYTES = 1 << 20,
};

struct random_events {
	uint64_t state;
	size_t used;
	union {
		char octets[RANDOM_MEMORY_BYTES];
		max_align_t align;
	} memory;
};

/* xorshift64* */
static inline uint64_t random_bits(struct random_events *events)
{
	events->state ^= events->state >> 12;
	events->state ^= events->state << 25;
	events->state ^= events->state >> 27;
	return events->state * UINT64_C(2685821657736338717);
}

static inline size_t random_below(struct random_events *events, size_t limit)
{
	return (size_t)((random_bits(events) >> 16) % limit);
}

static inline void *random_memory(struct random_events *events, size_t size)
{
	size_t start = (events->used + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	MUST(start + size <= RANDOM_MEMORY_BYTES);
	events->used = start + size;
	return events->memory.octets + start;
}

/* Pieces that mean something somewhere. The last ones are not UTF-8. */
static const char *const random_pieces[] = {
	"a", "user", "User", "geo", "/", "%", "%41", "%-", "\"", "\\", "]", "[", "=", " ", "~", "~s", "~1", "~o", "~e", "~v",
	"~cut", ".", "..", ",", ":", "{", "}", "{}", "[]", "[1,\"x\"]", "{\"a\":1}", "true", "false", "null", "0", "-0", "1.5",
	"1e5", "12345", "01", "NaN", "data:;base64,AAEC", "\n", "\r", "\t", "\033", "\x7F", "\x01", "severity", "_severity",
	"__message", "message", "structured_data", "relay", "ü", "日本", "😀", "␊", "␛", "␠", "␡", "␀", "\uF8FF", "\uEF80",
	"\uEFFF", "\uEF7F", "\uF000", "\xC2\x85", "\u2028", "\uFEFF", "\\n", "\\u0041", "\\\"", "@cee:", "<0>1 ",
	"\x80", "\xC3", "\xFF",
	"\xED\xA0\x80", "\xE2\x90", "\xC0\x80", "\xF5", "\xEE\xBE",
};

/* At most size octets, NUL among them; returns how many. */
static inline size_t random_octets(struct random_events *events, char *out, size_t size)
{
	size_t pieces = random_below(events, 8) == 0 ? random_below(events, 30) : random_below(events, 4);
	size_t length = 0;
	while (pieces-- > 0) {
		if (random_below(events, 24) == 0 && length < size)
			out[length++] = (char)random_bits(events); /* any octet, NUL too */
		const char *piece = random_pieces[random_below(events, sizeof random_pieces / sizeof *random_pieces)];
		size_t piece_length = strlen(piece);
		if (piece_length > size - length)
			break;
		memcpy(out + length, piece, piece_length);
		length += piece_length;
	}
	return length;
}

static inline const char *random_string(struct random_events *events, size_t *length)
{
	char text[512];
	*length = random_octets(events, text, sizeof text);
	char *copy = random_memory(events, *length + 1);
	memcpy(copy, text, *length);
	return copy;
}

/* Keys are mostly short words, so that objects can be flattened; some are 50 octets long; some repeat. */
static inline const char *random_key(struct random_events *events, size_t *length)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	size_t kind = random_below(events, 10);
	if (kind < 4)
		return random_string(events, length);
	char *key = random_memory(events, sizeof word);
	*length = kind == 9 ? 50 : 1 + random_below(events, 6);
	memcpy(key, word + random_below(events, 3), *length);
	if (kind == 5 || kind == 6)
		*length = (size_t)snprintf(key, sizeof word, "key%zu", random_below(events, 1000));
	else if (kind == 8)
		key[0] = (char)(key[0] - 'a' + 'A');
	else if (kind == 7 && *length > 2)
		key[*length / 2] = '.';
	return key;
}

static inline struct slog_value random_double(struct random_events *events)
{
	static const double extremes[] = {
		0.0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_EPSILON, 0.1, 1.0 / 3, 1e22, 1e23,
		5e-324, 2.2250738585072011e-308, 9007199254740993.0, 123456789012345680.0, 1e15, 1e16, 1e17, 1e-5, 48.85,
	};
	if (random_below(events, 3) == 0)
		return slog_double_value_(extremes[random_below(events, sizeof extremes / sizeof *extremes)]);
	uint64_t bits = random_bits(events);
	double number;
	memcpy(&number, &bits, sizeof number); /* also infinities and NaNs, one in a thousand */
	return slog_double_value_(number);
}

static inline struct slog_value random_integer(struct random_events *events)
{
	static const int64_t extremes[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, 0, -1, 1, INT32_MIN, UINT32_MAX};
	switch (random_below(events, 4)) {
	case 0:
		return slog_int_value_(extremes[random_below(events, sizeof extremes / sizeof *extremes)]);
	case 1:
		return slog_uint_value_(UINT64_MAX - random_below(events, 3));
	case 2:
		return slog_uint_value_(random_bits(events));
	default:
		return slog_int_value_((int64_t)random_bits(events) >> random_below(events, 64));
	}
}

static inline struct slog_value random_value(struct random_events *events, int depth);

static inline struct slog_value random_list(struct random_events *events, int depth)
{
	size_t n = random_below(events, 20) == 0 ? random_below(events, 80) : random_below(events, 4);
	struct slog_value *items = random_memory(events, (n + 1) * sizeof *items);
	for (size_t i = 0; i < n; i++)
		items[i] = random_value(events, depth + 1);
	return slog_list_value_(items, n);
}

static inline struct slog_field *random_fields(struct random_events *events, size_t n, int depth)
{
	struct slog_field *fields = random_memory(events, (n + 1) * sizeof *fields);
	for (size_t i = 0; i < n; i++) {
		size_t length;
		const char *key = random_key(events, &length);
		fields[i] = slog_field_(key, length, random_value(events, depth));
	}
	return fields;
}

static inline struct slog_value random_value(struct random_events *events, int depth)
{
	size_t length;
	size_t kind = random_below(events, depth < RANDOM_DEPTH_MAX ? 12 : 9);
	switch (kind) {
	case 0:
		return slog_null_value_();
	case 1:
		return slog_bool_value_(random_below(events, 2) == 0);
	case 2:
		return random_integer(events);
	case 3:
		return random_double(events);
	case 4: {
		uint32_t bits = (uint32_t)random_bits(events);
		float number;
		memcpy(&number, &bits, sizeof number);
		return slog_float_value_(number);
	}
	case 5: {
		const char *octets = random_string(events, &length);
		return slog_text_value_(SLOG_TYPE_BYTES, octets, length);
	}
	case 9:
		return random_list(events, depth);
	case 10:
	case 11: {
		size_t n = random_below(events, 40) == 0 ? random_below(events, 70) : random_below(events, 4);
		return slog_group_value_(random_fields(events, n, depth + 1), n);
	}
	default: {
		const char *text = random_string(events, &length);
		return slog_text_value_(SLOG_TYPE_STRING, text, length);
	}
	}
}

/* The fields of one event; those of the event before are forgotten. A text "message" is no field: there is none. */
static inline struct slog_field *random_event(struct random_events *events, size_t *n)
{
	events->used = 0;
	*n = random_below(events, 300) == 0 ? RANDOM_FIELDS_MAX : random_below(events, 10);
	struct slog_field *fields = random_fields(events, *n, *n == RANDOM_FIELDS_MAX ? RANDOM_DEPTH_MAX - 1 : 0);
	for (size_t i = 0; i < *n; i++)
		if (fields[i].key_length == 7 && memcmp(fields[i].key, "message", 7) == 0)
			fields[i].value = slog_int_value_(7);
	return fields;
}

#endif
