/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row describes one setting: its name in the configuration, its kind, default, bounds, and the sentence of the manual.
 * The configuration reader, `relayd --options`, the manual page and the tests all walk the same rows. A table of rows ends
 * with a row whose name is NULL; offsets are into the settings struct that the table describes.
 */
#ifndef RELAYD_BASE_OPTION_H
#define RELAYD_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_BOOL,     /* bool */
	OPTION_COUNT,    /* uint64_t */
	OPTION_SIZE,     /* uint64_t octets; written "64KiB", "20GiB", or a number of octets */
	OPTION_DURATION, /* uint64_t nanoseconds; written "5s", "100ms", "2min", "1h", "3d" */
	OPTION_TEXT,     /* char *, allocated; NULL if not set */
	OPTION_CHOICE,   /* unsigned: the index into `choices` */
	OPTION_LIST,     /* struct option_list of texts; one text alone is a list of one */
	OPTION_SECTION,  /* a struct that begins with `bool present`; its rows are in `section` */
};

struct option_list {
	char **items;
	size_t count;
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;
	const char *preset;          /* the default as the operator would write it; NULL: empty, 0 or false */
	uint64_t min, max;           /* of COUNT, SIZE, DURATION; both 0: no bounds */
	const char *const *choices;  /* of CHOICE, ends with NULL */
	const struct option *section;/* of SECTION */
	bool required;
	const char *doc;             /* one sentence */
};

enum { OPTION_ERROR_MAX_BYTES = 384 };

/* Sets every row to its default. The struct must be all zero. False only if memory is short. */
bool option_set_presets(const struct option *rows, void *settings);

/* The row of that name, or NULL. */
const struct option *option_find(const struct option *rows, const char *name);

/* The row's name nearest to `name` (for "did you mean"), or NULL if none is near. */
const char *option_nearest(const struct option *rows, const char *name);

/*
 * Sets BOOL, COUNT, SIZE, DURATION, TEXT or CHOICE from its text. False and a sentence in `error` (OPTION_ERROR_MAX_BYTES),
 * without the option's name.
 */
bool option_set_text(const struct option *row, void *settings, const char *text, char *error);

/* Appends one text to a LIST. False if memory is short. */
bool option_append(const struct option *row, void *settings, const char *text);

/* The value as the operator would write it ("20GiB", "5s"), into `out` of `size` octets. Lists joined by ", ". */
void option_print(const struct option *row, const void *settings, char *out, size_t size);

/* Frees what the rows own; the struct is all zero afterwards as far as rows reach. */
void option_free(const struct option *rows, void *settings);

/* "20GiB" to octets, "5s" to nanoseconds; false if it is not one. And back, shortest exact form. */
bool option_read_size(const char *text, uint64_t *octets);
bool option_read_duration(const char *text, uint64_t *nanoseconds);
void option_print_size(uint64_t octets, char *out, size_t size);
void option_print_duration(uint64_t nanoseconds, char *out, size_t size);

#endif
