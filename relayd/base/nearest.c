/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distance is counted in slips of the finger (optimal string alignment): an octet missing, added, wrong, or swapped
 * with its neighbour. Case and '-' for '_' count nothing. A name that was cut short ("cert") is near the whole one,
 * too.
 */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

enum {
	NAME_MAX_BYTES = 48,  /* longer names are nobody's slip */
	PREFIX_MIN_BYTES = 3, /* of a name that was cut short */
	SLIPS_MAX = 3,
};

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static char folded(char octet)
{
	if (octet >= 'A' && octet <= 'Z')
		return (char)(octet - 'A' + 'a');
	return octet == '-' ? '_' : octet;
}

static bool same(char a, char b)
{
	return folded(a) == folded(b);
}

/* Slips between two names of at most NAME_MAX_BYTES. row[i][j]: between the first i octets of a and the first j of b.
 */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];
	for (size_t i = 0; i <= a_len; i++)
		row[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_len; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		for (size_t j = 1; j <= b_len; j++) {
			unsigned wrong = same(a[i - 1], b[j - 1]) ? 0 : 1;
			unsigned best = least(row[i - 1][j - 1] + wrong, least(row[i - 1][j], row[i][j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				best = least(best, row[i - 2][j - 2] + 1);
			row[i][j] = best;
		}
	}
	return row[a_len][b_len];
}

static bool is_cut_short(const char *wanted, size_t len, const char *candidate, size_t candidate_len)
{
	if (len < PREFIX_MIN_BYTES || len > candidate_len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!same(wanted[i], candidate[i]))
			return false;
	}
	return true;
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
	size_t len = strlen(nearest->wanted), candidate_len = strlen(candidate);
	if (len > NAME_MAX_BYTES || candidate_len > NAME_MAX_BYTES)
		return;
	unsigned slips = distance(nearest->wanted, len, candidate, candidate_len);
	/* One slip in three octets: "log" is no slip for "tls", and of two letters none can be spared. */
	unsigned limit = least(SLIPS_MAX, (unsigned)len / 3);
	if (slips > limit) {
		if (!is_cut_short(nearest->wanted, len, candidate, candidate_len))
			return;
		slips = SLIPS_MAX;
	}
	if (nearest->name == NULL || slips < nearest->distance) {
		nearest->name = candidate;
		nearest->distance = slips;
	}
}
