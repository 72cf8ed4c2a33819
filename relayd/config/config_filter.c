/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_filter.h"

#include <stdio.h>
#include <string.h>

#include "config/config_options.h"
#include "output/filter.h"
#include "output/output_common.h"

static void read_tree(struct config *config, const char *json, struct output_filter_options *options)
{
	struct json_error error;
	config->tree = json_tree_read(bytes_of_text(json), &error);
	if (config->tree == NULL)
		config_report(config, error.line, "%s", error.text);
	else if (config->tree->kind != JSON_OBJECT)
		config_report(config, 1, "must be an object, not %s", json_kind_name(config->tree->kind));
	else
		config_read_options(config, config->tree, "", output_filter_rows, NULL, options);
}

/* That its words mean something: facilities, severities. */
static void compile(struct config *config, const struct output_filter_options *options)
{
	struct filter filter;
	char error[FILTER_ERROR_MAX_BYTES];
	if (!filter_compile(&filter, options, NULL, error))
		config_report(config, 0, "%s", error);
	filter_free(&filter);
}

bool config_read_filter(const char *json, struct output_filter_options *options, char *error)
{
	struct config config = {.file = strdup("--filter")};
	options->present = true;
	if (config.file == NULL) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "there is no memory for a filter");
		return false;
	}
	read_tree(&config, json, options);
	if (config.errors_count == 0)
		compile(&config, options);
	bool good = config.errors_count == 0;
	if (!good)
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "%s",
		         config.errors[0].text != NULL ? config.errors[0].text : "there is no memory for a filter");
	config_free(&config);
	return good;
}
