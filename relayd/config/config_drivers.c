/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "inputs" and "outputs": "type" picks the driver, the driver's rows read the rest, the driver checks what single rows
 * cannot, and every one gets a name of its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/printable.h"
#include "base/utf8.h"
#include "config/config_internal.h"
#include "config/config_options.h"

enum { TYPES_TEXT_MAX_BYTES = 256 };

/* What inputs and outputs have in common for a reader. */
struct list_kind {
	const char *list;   /* "inputs" */
	const char *single; /* "input" */
	unsigned max;
	const char *(*type_at)(unsigned index); /* NULL behind the last driver */
};

static const char *input_type_at(unsigned index)
{
	return input_drivers[index] != NULL ? input_drivers[index]->type : NULL;
}

static const char *output_type_at(unsigned index)
{
	return output_drivers[index] != NULL ? output_drivers[index]->type : NULL;
}

static const struct list_kind input_list = {"inputs", "input", SETTINGS_INPUTS_MAX, input_type_at};
static const struct list_kind output_list = {"outputs", "output", SETTINGS_OUTPUTS_MAX, output_type_at};

/* "udp, tcp, relp" */
static void print_types(const struct list_kind *kind, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (unsigned i = 0; kind->type_at(i) != NULL && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", kind->type_at(i));
}

/* `inputs[1] "udp"`: with the name or else the type, if it has one that is text. */
static void print_where(const struct list_kind *kind, unsigned index, const struct json_value *item, char *where)
{
	const struct json_value *label = json_member(item, "name");
	if (label == NULL || label->kind != JSON_STRING)
		label = json_member(item, "type");
	if (label != NULL && label->kind == JSON_STRING)
		snprintf(where, CONFIG_WHERE_MAX_BYTES, "%s[%u] \"%.*s\"", kind->list, index,
				 (int)utf8_cut(bytes_of_text(label->text), SPOOL_NAME_MAX_BYTES), label->text);
	else
		snprintf(where, CONFIG_WHERE_MAX_BYTES, "%s[%u]", kind->list, index);
}

/* The type of an item, or NULL after reporting why it has none. */
static const char *read_type(struct config *config, const struct list_kind *kind, const struct json_value *item,
							 const char *where)
{
	char types[TYPES_TEXT_MAX_BYTES];
	print_types(kind, types, sizeof types);
	if (item->kind != JSON_OBJECT) {
		config_report(config, item->line, "%s must be an object { }, not %s", where, json_kind_name(item->kind));
		return NULL;
	}
	const struct json_value *type = json_member(item, "type");
	if (type == NULL || type->kind != JSON_STRING) {
		config_report(config, type != NULL ? type->line : item->line, "%s: \"type\" %s: one of %s", where,
					  type != NULL ? "must be text in quotes" : "is missing", types);
		return NULL;
	}
	struct nearest nearest = {.wanted = type->text};
	for (unsigned i = 0; kind->type_at(i) != NULL; i++) {
		if (strcmp(kind->type_at(i), type->text) == 0)
			return type->text;
		nearest_offer(&nearest, kind->type_at(i));
	}
	if (nearest.name != NULL)
		config_report(config, type->line, "%s: there is no %s type \"%.60s\"; did you mean \"%s\"?", where,
					  kind->single, type->text, nearest.name);
	else
		config_report(config, type->line, "%s: there is no %s type \"%.60s\"; the types are %s", where, kind->single,
					  type->text, types);
	return NULL;
}

/* A driver's rows to a settings struct of its size; NULL after reporting that memory is short. */
static void *read_driver_options(struct config *config, const struct json_value *item, const char *where,
								 const struct option *rows, size_t size)
{
	static const char *const others[] = {"type", NULL};
	void *options = calloc(1, size);
	if (options == NULL || !option_set_presets(rows, options)) {
		config_report(config, item->line, "%s: memory is short", where);
		if (options != NULL)
			option_free(rows, options);
		free(options);
		return NULL;
	}
	config_read_options(config, item, where, rows, others, options);
	return options;
}

/* The list, or NULL after reporting why there is none. */
static const struct json_value *read_list(struct config *config, const struct list_kind *kind)
{
	const struct json_value *list = json_member(config->tree, kind->list);
	if (list == NULL) {
		config_report(config, config->tree->line, "\"%s\" is missing: a list of objects, each with a \"type\"",
					  kind->list);
		return NULL;
	}
	if (list->kind != JSON_LIST) {
		config_report(config, list->line, "%s must be a list of objects [ { } ], not %s", kind->list,
					  json_kind_name(list->kind));
		return NULL;
	}
	if (list->children > kind->max) {
		config_report(config, list->line, "%s: %u are too many; the most is %u", kind->list, list->children, kind->max);
		return NULL;
	}
	return list;
}

/* ---- names ---- */

/* Where a name stands, or the item if the name is the driver's. */
static unsigned line_of_name(const struct json_value *item)
{
	const struct json_value *name = json_member(item, "name");
	return name != NULL ? name->line : item->line;
}

/* An input's name stands in messages and is matched by patterns with * and ?. */
static bool input_name_is_good(const char *name)
{
	return strlen(name) <= SPOOL_NAME_MAX_BYTES && printable_is(name) && strpbrk(name, "*?\"") == NULL;
}

/* ---- inputs ---- */

static void name_input(struct config *config, const struct json_value *item, const char *where,
					   struct input_settings *input)
{
	const struct input_common *common = input->options;
	if (common->name == NULL)
		input->driver->default_name(input->options, input->name);
	else if (input_name_is_good(common->name))
		snprintf(input->name, sizeof input->name, "%s", common->name);
	else
		config_report(config, line_of_name(item),
					  "%s: an input's name has at most %d octets, no control characters, and none "
					  "of * ? \"",
					  where, SPOOL_NAME_MAX_BYTES);
	for (const struct input_settings *other = config->settings.inputs; other < input; other++) {
		if (input->name[0] != '\0' && strcmp(other->name, input->name) == 0)
			config_report(config, line_of_name(item),
						  "%s: the input in line %u has the name \"%s\", too; give one of them "
						  "another \"name\"",
						  where, other->line, input->name);
	}
}

static void read_input(struct config *config, unsigned index, const struct json_value *item)
{
	char where[CONFIG_WHERE_MAX_BYTES], error[INPUT_ERROR_MAX_BYTES];
	print_where(&input_list, index, item, where);
	const char *type = read_type(config, &input_list, item, where);
	if (type == NULL)
		return;
	struct input_settings *input = &config->settings.inputs[config->settings.inputs_count];
	input->driver = input_driver_find(type);
	assert(input->driver != NULL);
	input->line = item->line;
	unsigned errors = config->errors_count;
	input->options = read_driver_options(config, item, where, input->driver->options, input->driver->settings_size);
	if (input->options == NULL)
		return;
	config->settings.inputs_count++;
	/* The driver is asked only about settings that are good row by row. */
	if (config->errors_count > errors)
		return;
	if (input->driver->check != NULL && !input->driver->check(input->options, error))
		config_report(config, item->line, "%s: %s", where, error);
	else
		name_input(config, item, where, input);
}

void config_read_inputs(struct config *config)
{
	const struct json_value *list = read_list(config, &input_list);
	unsigned index = 0;
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		read_input(config, index++, item);
}

/* ---- outputs ---- */

static void name_output(struct config *config, const struct json_value *item, const char *where,
						struct output_settings *output)
{
	const struct output_common *common = output->options;
	/* Its row is required, and the driver has checked it. */
	assert(common->name != NULL && strlen(common->name) <= SPOOL_NAME_MAX_BYTES);
	snprintf(output->name, sizeof output->name, "%s", common->name);
	for (const struct output_settings *other = config->settings.outputs; other < output; other++) {
		if (output->name[0] != '\0' && strcmp(other->name, output->name) == 0)
			config_report(config, line_of_name(item),
						  "%s: the output in line %u has the same name; each needs its own, "
						  "since it names its place in the spool",
						  where, other->line);
	}
}

static void read_output(struct config *config, unsigned index, const struct json_value *item)
{
	char where[CONFIG_WHERE_MAX_BYTES], error[OUTPUT_ERROR_MAX_BYTES];
	print_where(&output_list, index, item, where);
	const char *type = read_type(config, &output_list, item, where);
	if (type == NULL)
		return;
	struct output_settings *output = &config->settings.outputs[config->settings.outputs_count];
	output->driver = output_driver_find(type);
	assert(output->driver != NULL);
	output->line = item->line;
	unsigned errors = config->errors_count;
	output->options = read_driver_options(config, item, where, output->driver->options, output->driver->settings_size);
	if (output->options == NULL)
		return;
	config->settings.outputs_count++;
	if (config->errors_count > errors)
		return;
	if (output->driver->check != NULL && !output->driver->check(output->options, error))
		config_report(config, item->line, "%s: %s", where, error);
	else
		name_output(config, item, where, output);
}

void config_read_outputs(struct config *config)
{
	const struct json_value *list = read_list(config, &output_list);
	unsigned index = 0;
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		read_output(config, index++, item);
	/* Without an output nothing would ever hold a message in the spool. */
	if (list != NULL && list->children == 0)
		config_report(config, list->line, "\"outputs\" is empty: messages would be stored and given up at once");
}
