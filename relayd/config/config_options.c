/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_options.h"

#include <stdio.h>

#include "base/nearest.h"

/* The object being read: what all functions here need. */
struct section {
	struct config *config;
	const char *where;     /* "" or `inputs[1] "udp"` */
	const char *separator; /* behind `where`: ": ", or "" at the top */
	void *settings;
};

static void report(const struct section *section, const struct option *row, const struct json_value *value,
				   const char *what)
{
	config_report(section->config, value->line, "%s%s%s %s", section->where, section->separator, row->name, what);
}

/* ---- values ---- */

/* What a row takes, as an error says it. */
static const char *wanted_kind(enum option_kind kind)
{
	switch (kind) {
	case OPTION_BOOL:
		return "true or false, without quotes";
	case OPTION_COUNT:
		return "a number, without quotes";
	case OPTION_SIZE:
		return "a size such as \"64KiB\"";
	case OPTION_DURATION:
		return "a time such as \"5s\"";
	case OPTION_TEXT:
	case OPTION_CHOICE:
		return "text in quotes";
	case OPTION_LIST:
		return "text or a list of texts";
	case OPTION_SECTION:
		return "an object { }";
	}
	return "";
}

static void report_kind(const struct section *section, const struct option *row, const struct json_value *value)
{
	char what[CONFIG_WHERE_MAX_BYTES];
	snprintf(what, sizeof what, "must be %s, not %s", wanted_kind(row->kind), json_kind_name(value->kind));
	report(section, row, value, what);
}

static bool kind_fits(const struct option *row, const struct json_value *value)
{
	switch (row->kind) {
	case OPTION_BOOL:
		return value->kind == JSON_BOOL;
	case OPTION_COUNT:
		return value->kind == JSON_NUMBER;
	case OPTION_SIZE:
	case OPTION_DURATION:
		return value->kind == JSON_NUMBER || value->kind == JSON_STRING;
	case OPTION_TEXT:
		return value->kind == JSON_STRING || (value->kind == JSON_NULL && !row->required);
	case OPTION_CHOICE:
		return value->kind == JSON_STRING;
	case OPTION_LIST:
		return value->kind == JSON_STRING || value->kind == JSON_LIST;
	case OPTION_SECTION:
		return value->kind == JSON_OBJECT;
	}
	return false;
}

static void read_list_item(const struct section *section, const struct option *row, const struct json_value *item)
{
	if (item->kind != JSON_STRING)
		report_kind(section, row, item);
	else if (item->text[0] == '\0')
		report(section, row, item, "has an empty text");
	else if (!option_append(row, section->settings, item->text))
		report(section, row, item, "cannot be kept: memory is short");
}

/* What is written takes the place of a preset list; it is not added to it. */
static void read_list(const struct section *section, const struct option *row, const struct json_value *value)
{
	const struct option alone[] = {*row, {.name = NULL}};
	option_free(alone, section->settings);
	if (value->kind == JSON_STRING) {
		read_list_item(section, row, value);
		return;
	}
	for (const struct json_value *item = value->first; item != NULL; item = item->next)
		read_list_item(section, row, item);
}

static void read_section(const struct section *section, const struct option *row, const struct json_value *value)
{
	char where[CONFIG_WHERE_MAX_BYTES];
	snprintf(where, sizeof where, "%s%s%s", section->where, section->where[0] != '\0' ? " " : "", row->name);
	void *inner = (char *)section->settings + row->offset;
	*(bool *)inner = true;
	config_read_options(section->config, value, where, row->section, NULL, inner);
}

static void read_value(const struct section *section, const struct option *row, const struct json_value *value)
{
	char error[OPTION_ERROR_MAX_BYTES];
	if (!kind_fits(row, value)) {
		report_kind(section, row, value);
	} else if (row->kind == OPTION_SECTION) {
		read_section(section, row, value);
	} else if (row->kind == OPTION_LIST) {
		read_list(section, row, value);
	} else if (value->kind == JSON_NULL) {
		/* null: not even the preset. */
		const struct option alone[] = {*row, {.name = NULL}};
		option_free(alone, section->settings);
	} else if (!option_set_text(row, section->settings, value->text, error)) {
		config_report(section->config, value->line, "%s%s%s: %s", section->where, section->separator, row->name, error);
	}
}

/* ---- names ---- */

static bool is_among(const char *const *names, const char *name)
{
	for (; names != NULL && *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

static void report_unknown(const struct section *section, const struct option *rows, const char *const *others,
						   const struct json_value *member)
{
	struct nearest nearest = {.wanted = member->name};
	for (const struct option *row = rows; row->name != NULL; row++)
		nearest_offer(&nearest, row->name);
	for (; others != NULL && *others != NULL; others++)
		nearest_offer(&nearest, *others);
	if (nearest.name != NULL)
		config_report(section->config, member->line, "%s%sunknown option \"%.60s\"; did you mean \"%s\"?",
					  section->where, section->separator, member->name, nearest.name);
	else
		config_report(section->config, member->line, "%s%sunknown option \"%.60s\"; relayd --options lists them all",
					  section->where, section->separator, member->name);
}

void config_read_options(struct config *config, const struct json_value *object, const char *where,
						 const struct option *rows, const char *const *others, void *settings)
{
	assert(object->kind == JSON_OBJECT);
	const struct section section = {config, where, where[0] != '\0' ? ": " : "", settings};
	for (const struct json_value *member = object->first; member != NULL; member = member->next) {
		const struct option *row = option_find(rows, member->name);
		if (row != NULL)
			read_value(&section, row, member);
		else if (!is_among(others, member->name))
			report_unknown(&section, rows, others, member);
	}
	for (const struct option *row = rows; row->name != NULL; row++) {
		if (row->required && json_member(object, row->name) == NULL)
			config_report(config, object->line, "%s%s\"%s\" is missing: %s", section.where, section.separator,
						  row->name, row->doc);
	}
}
