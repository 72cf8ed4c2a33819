/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and durations as people write them: a whole number and its unit, "20GiB", "5s". */
#include "base/option.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/decimal.h"

enum { DIGITS_MAX = 19 };

struct unit {
	const char *name;
	uint64_t value;
};

/* Each table goes from the smallest to the largest unit. */
static const struct unit size_units[] = {
	{"", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}, {NULL, 0},
};

static const struct unit duration_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
	{"min", 60 * 1000000000ULL},
	{"h", 3600 * 1000000000ULL},
	{"d", 86400 * 1000000000ULL},
	{NULL, 0},
};

static bool read_with_unit(const struct unit *units, const char *text, uint64_t *value)
{
	uint64_t number;
	size_t digits = decimal_read(bytes_of_text(text), DIGITS_MAX, &number);
	if (digits == 0)
		return false;
	for (; units->name != NULL; units++) {
		if (strcmp(text + digits, units->name) == 0)
			return !__builtin_mul_overflow(number, units->value, value);
	}
	return false;
}

static void print_with_unit(const struct unit *units, uint64_t value, char *out, size_t size)
{
	const struct unit *best = units;
	for (; units->name != NULL; units++) {
		if (value % units->value == 0)
			best = units;
	}
	snprintf(out, size, "%" PRIu64 "%s", value / best->value, best->name);
}

bool option_read_size(const char *text, uint64_t *octets)
{
	return read_with_unit(size_units, text, octets);
}

bool option_read_duration(const char *text, uint64_t *nanoseconds)
{
	/* Nothing needs no unit. */
	if (strcmp(text, "0") == 0) {
		*nanoseconds = 0;
		return true;
	}
	return read_with_unit(duration_units, text, nanoseconds);
}

void option_print_size(uint64_t octets, char *out, size_t size)
{
	if (octets == 0)
		snprintf(out, size, "0");
	else
		print_with_unit(size_units, octets, out, size);
}

void option_print_duration(uint64_t nanoseconds, char *out, size_t size)
{
	if (nanoseconds == 0)
		snprintf(out, size, "0");
	else
		print_with_unit(duration_units, nanoseconds, out, size);
}
