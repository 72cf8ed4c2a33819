/* SPDX-License-Identifier: Apache-2.0 */
/* The settings with their origins. What paths guarantee is in explain_path.c. */
#include "config/explain.h"

#include "base/printable.h"
#include "config/wrap.h"

enum {
	VALUE_MAX_BYTES = 4096,
	NAME_COLUMNS = 28,
	VALUE_COLUMNS = 40,
	INDENT_COLUMNS = 4,
	LINE_COLUMNS = 96,
	SENTENCE_MAX_BYTES = 2048,
};

/* "default" or "line 12". `written` is the object that the rows were read from, NULL if it was not written. */
static void print_origin(const struct option *row, const struct json_value *written, FILE *out)
{
	const struct json_value *member = json_member(written, row->name);
	if (member != NULL)
		fprintf(out, "line %u\n", member->line);
	else
		fprintf(out, "default\n");
}

static void print_rows(const struct option *rows, const void *settings, const struct json_value *written,
					   const char *prefix, FILE *out)
{
	char value[VALUE_MAX_BYTES], name[128];
	for (const struct option *row = rows; row->name != NULL; row++) {
		snprintf(name, sizeof name, "%s%s", prefix, row->name);
		const struct json_value *member = json_member(written, row->name);
		if (row->kind == OPTION_SECTION) {
			const void *section = (const char *)settings + row->offset;
			char inner[sizeof name + 1];
			snprintf(inner, sizeof inner, "%s.", name);
			/* What has no presets of its own says nothing if it is not there. */
			if (*(const bool *)section || rows == process_options)
				print_rows(row->section, section, member, inner, out);
			else
				fprintf(out, "  %-*s %-*s default\n", NAME_COLUMNS, name, VALUE_COLUMNS, "(not set)");
			continue;
		}
		option_print(row, settings, value, sizeof value);
		printable_make(value);
		fprintf(out, "  %-*s %-*s ", NAME_COLUMNS, name, VALUE_COLUMNS, value[0] != '\0' ? value : "(not set)");
		print_origin(row, written, out);
	}
}

/* The name of an input that was not given one is made of a path, which may hold anything. */
static void copy_name(const char *name, char out[VALUE_MAX_BYTES])
{
	snprintf(out, VALUE_MAX_BYTES, "%s", name);
	printable_make(out);
}

static void print_settings(const struct config *config, FILE *out)
{
	const struct settings *settings = &config->settings;
	char name[VALUE_MAX_BYTES];
	fprintf(out, "Effective settings of %s\n\n", config->file);
	print_rows(process_options, &settings->process, config->tree, "", out);
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		const struct input_settings *input = &settings->inputs[i];
		copy_name(input->name, name);
		fprintf(out, "\ninput \"%s\", type %s, line %u\n", name, input->driver->type, input->line);
		print_rows(input->driver->options, input->options, config_input(config, i), "", out);
	}
	for (unsigned i = 0; i < settings->outputs_count; i++) {
		const struct output_settings *output = &settings->outputs[i];
		fprintf(out, "\noutput \"%s\", type %s, line %u\n", output->name, output->driver->type, output->line);
		print_rows(output->driver->options, output->options, config_output(config, i), "", out);
	}
}

void explain_print(const struct config *config, FILE *out)
{
	const struct settings *settings = &config->settings;
	print_settings(config, out);
	fprintf(out, "\nWhat each path guarantees, and what it may lose\n");
	for (unsigned i = 0; i < settings->inputs_count; i++) {
		for (unsigned k = 0; k < settings->outputs_count; k++) {
			char sentence[SENTENCE_MAX_BYTES], name[VALUE_MAX_BYTES];
			explain_path(settings, i, k, sentence, sizeof sentence);
			printable_make(sentence);
			copy_name(settings->inputs[i].name, name);
			fprintf(out, "\n  %s -> spool -> %s\n", name, settings->outputs[k].name);
			wrap_print(out, INDENT_COLUMNS, LINE_COLUMNS, sentence);
		}
	}
}
