/* SPDX-License-Identifier: Apache-2.0 */
/* Walks option rows: sets, prints and frees the members that they describe. Units are in option_units.c. */
#include "base/option.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/nearest.h"

enum {
	COUNT_DIGITS_MAX = 19,
	NUMBER_TEXT_MAX_BYTES = 32,
	QUOTED_MAX_BYTES = 60, /* of the operator's own text in an error */
};

static void *member_of(const struct option *row, void *settings)
{
	return (char *)settings + row->offset;
}

static const void *const_member_of(const struct option *row, const void *settings)
{
	return (const char *)settings + row->offset;
}

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, OPTION_ERROR_MAX_BYTES, format, arguments);
	va_end(arguments);
	return false;
}

static void print_number(const struct option *row, uint64_t value, char *out, size_t size)
{
	if (row->kind == OPTION_SIZE)
		option_print_size(value, out, size);
	else if (row->kind == OPTION_DURATION)
		option_print_duration(value, out, size);
	else
		snprintf(out, size, "%" PRIu64, value);
}

/* ---- setting ---- */

static bool set_bool(const struct option *row, void *settings, const char *text, char *error)
{
	bool *member = member_of(row, settings);
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return refuse(error, "\"%.*s\" is neither true nor false", QUOTED_MAX_BYTES, text);
	*member = text[0] == 't';
	return true;
}

static bool read_count(const char *text, uint64_t *value)
{
	struct bytes digits = bytes_of_text(text);
	return digits.len > 0 && decimal_read(digits, COUNT_DIGITS_MAX, value) == digits.len;
}

static bool set_number(const struct option *row, void *settings, const char *text, char *error)
{
	uint64_t *member = member_of(row, settings);
	uint64_t value = 0;
	if (row->kind == OPTION_COUNT && !read_count(text, &value))
		return refuse(error, "\"%.*s\" is not a whole number", QUOTED_MAX_BYTES, text);
	if (row->kind == OPTION_SIZE && !option_read_size(text, &value))
		return refuse(error,
					  "\"%.*s\" is not a size; write a whole number of octets, KiB, MiB, GiB or TiB, as in \"64KiB\"",
					  QUOTED_MAX_BYTES, text);
	if (row->kind == OPTION_DURATION && !option_read_duration(text, &value))
		return refuse(error, "\"%.*s\" is not a time; write a whole number of ms, s, min, h or d, as in \"5s\"",
					  QUOTED_MAX_BYTES, text);
	char bound[NUMBER_TEXT_MAX_BYTES];
	bool bounded = row->min != 0 || row->max != 0;
	if (bounded && value < row->min) {
		print_number(row, row->min, bound, sizeof bound);
		return refuse(error, "%.*s is too small; the least is %s", QUOTED_MAX_BYTES, text, bound);
	}
	if (bounded && value > row->max) {
		print_number(row, row->max, bound, sizeof bound);
		return refuse(error, "%.*s is too large; the most is %s", QUOTED_MAX_BYTES, text, bound);
	}
	*member = value;
	return true;
}

static bool set_choice(const struct option *row, void *settings, const char *text, char *error)
{
	unsigned *member = member_of(row, settings);
	for (unsigned i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], text) == 0) {
			*member = i;
			return true;
		}
	}
	refuse(error, "\"%.*s\" is not one of ", QUOTED_MAX_BYTES, text);
	for (unsigned i = 0; row->choices[i] != NULL; i++) {
		size_t len = strlen(error);
		snprintf(error + len, OPTION_ERROR_MAX_BYTES - len, "%s\"%s\"", i > 0 ? ", " : "", row->choices[i]);
	}
	return false;
}

static bool set_own_text(const struct option *row, void *settings, const char *text, char *error)
{
	char **member = member_of(row, settings);
	if (text[0] == '\0')
		return refuse(error, "is empty; leave it out if it is not wanted");
	char *copy = strdup(text);
	if (copy == NULL)
		return refuse(error, "memory is short");
	free(*member);
	*member = copy;
	return true;
}

bool option_set_text(const struct option *row, void *settings, const char *text, char *error)
{
	switch (row->kind) {
	case OPTION_BOOL:
		return set_bool(row, settings, text, error);
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		return set_number(row, settings, text, error);
	case OPTION_TEXT:
		return set_own_text(row, settings, text, error);
	case OPTION_CHOICE:
		return set_choice(row, settings, text, error);
	case OPTION_LIST:
	case OPTION_SECTION:
		break;
	}
	assert(!"lists and sections are not set from one text");
	return false;
}

bool option_append(const struct option *row, void *settings, const char *text)
{
	assert(row->kind == OPTION_LIST);
	struct option_list *list = member_of(row, settings);
	/* Room doubles whenever the count is a power of two, so it needs no member of its own. */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count > 0 ? list->count * 2 : 1;
		char **items = realloc(list->items, room * sizeof *items);
		if (items == NULL)
			return false;
		list->items = items;
	}
	char *copy = strdup(text);
	if (copy == NULL)
		return false;
	list->items[list->count++] = copy;
	return true;
}

/* The preset of a list has its items joined by ", ", as option_print() writes them. */
static bool append_preset(const struct option *row, void *settings)
{
	char item[OPTION_ERROR_MAX_BYTES];
	const char *rest = row->preset;
	while (rest != NULL) {
		const char *end = strstr(rest, ", ");
		size_t len = end != NULL ? (size_t)(end - rest) : strlen(rest);
		assert(len < sizeof item);
		memcpy(item, rest, len);
		item[len] = '\0';
		if (!option_append(row, settings, item))
			return false;
		rest = end != NULL ? end + 2 : NULL;
	}
	return true;
}

bool option_set_presets(const struct option *rows, void *settings)
{
	for (const struct option *row = rows; row->name != NULL; row++) {
		char error[OPTION_ERROR_MAX_BYTES];
		bool good = true;
		if (row->kind == OPTION_SECTION)
			good = option_set_presets(row->section, member_of(row, settings));
		else if (row->preset == NULL)
			continue;
		else if (row->kind == OPTION_LIST)
			good = append_preset(row, settings);
		else
			good = option_set_text(row, settings, row->preset, error);
		if (!good) {
			/* Only allocating kinds may fail here: any other refusal is a mistake in the table. */
			assert(row->kind == OPTION_TEXT || row->kind == OPTION_LIST || row->kind == OPTION_SECTION);
			return false;
		}
	}
	return true;
}

/* ---- names ---- */

const struct option *option_find(const struct option *rows, const char *name)
{
	for (const struct option *row = rows; row->name != NULL; row++) {
		if (strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

const char *option_nearest(const struct option *rows, const char *name)
{
	struct nearest nearest = {.wanted = name};
	for (const struct option *row = rows; row->name != NULL; row++)
		nearest_offer(&nearest, row->name);
	return nearest.name;
}

/* ---- printing and freeing ---- */

static void print_list(const struct option_list *list, char *out, size_t size)
{
	size_t len = 0;
	for (size_t i = 0; i < list->count && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", list->items[i]);
}

void option_print(const struct option *row, const void *settings, char *out, size_t size)
{
	assert(size > 0);
	const void *member = const_member_of(row, settings);
	out[0] = '\0';
	switch (row->kind) {
	case OPTION_BOOL:
		snprintf(out, size, "%s", *(const bool *)member ? "true" : "false");
		break;
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		print_number(row, *(const uint64_t *)member, out, size);
		break;
	case OPTION_TEXT: {
		const char *text = *(char *const *)member;
		snprintf(out, size, "%s", text != NULL ? text : "");
		break;
	}
	case OPTION_CHOICE:
		snprintf(out, size, "%s", row->choices[*(const unsigned *)member]);
		break;
	case OPTION_LIST:
		print_list(member, out, size);
		break;
	case OPTION_SECTION:
		break;
	}
}

static void free_list(struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct option_list){0};
}

void option_free(const struct option *rows, void *settings)
{
	for (const struct option *row = rows; row->name != NULL; row++) {
		void *member = member_of(row, settings);
		switch (row->kind) {
		case OPTION_BOOL:
			*(bool *)member = false;
			break;
		case OPTION_COUNT:
		case OPTION_SIZE:
		case OPTION_DURATION:
			*(uint64_t *)member = 0;
			break;
		case OPTION_TEXT:
			free(*(char **)member);
			*(char **)member = NULL;
			break;
		case OPTION_CHOICE:
			*(unsigned *)member = 0;
			break;
		case OPTION_LIST:
			free_list(member);
			break;
		case OPTION_SECTION:
			option_free(row->section, member);
			*(bool *)member = false;
			break;
		}
	}
}
