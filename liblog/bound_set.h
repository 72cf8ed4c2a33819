/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that are bound to a logger, encoded once: what every event of the logger begins with, unless one of its own
 * fields takes the place of a bound one.
 */
#ifndef LIBLOG_BOUND_SET_H
#define LIBLOG_BOUND_SET_H

#include "keys.h"

#define SLOG_BOUND_TEXT_MAX 2048 /* octets of all bound fields, encoded; more are encoded with each event */

struct slog_bound_text {
	const char *text; /* NULL: to be encoded with each event */
	size_t length;
};

struct slog_bound_set {
	const struct slog_field *fields;
	size_t count;
	uint64_t number; /* no other set of the process has it; never 0 */
	struct slog_keys keys;
	uint64_t filter[SLOG_BOUND_FILTER_BITS / 64]; /* bit per hash of a key */
	struct slog_bound_text json;   /* `,"key":value` for each field */
	struct slog_bound_text param;  /* ` name="value"` for each */
	struct slog_bound_text listed; /* the names for ~s, separated by spaces */
	size_t params;                 /* how many there are in `param` */
	bool has_dots;                 /* a name has a dot: `param` is good for the standard SD-ID only */
	char *texts;                   /* owned: what the three texts point into */
};

/* Reckons all but fields and count, which are set. Without memory there are no texts. */
void slog_bound_set_prepare(struct slog_bound_set *set);

void slog_bound_set_release(struct slog_bound_set *set);

/* True if a field of the event has, but perhaps for case, the key of a bound one. */
static inline bool slog_bound_set_meets(const struct slog_bound_set *set, uint32_t hash, const char *key, size_t length)
{
	uint32_t bit = hash >> 22;
	if ((set->filter[bit / 64] >> (bit % 64) & 1) == 0)
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (set->fields[i].key_length == length && slog_ascii_equal(set->fields[i].key, key, length))
			return true;
	return false;
}

#endif
