/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_filter.h"

#include <string.h>

#include "config/config_options.h"
#include "output/output_common.h"

/* The configuration's own reader, so that both take the same and say the same of what they do not. */
static bool read_options(struct output_filter_options *options, const char *json)
{
	struct config config = {.file = strdup("--filter")};
	struct json_error error;
	config.tree = config.file != NULL ? json_tree_read(bytes_of_text(json), &error) : NULL;
	if (config.file == NULL)
		config_report(&config, 0, "there is no memory for it");
	else if (config.tree == NULL)
		config_report(&config, error.line, "%s", error.text);
	else if (config.tree->kind != JSON_OBJECT)
		config_report(&config, 1, "must be an object, not %s", json_kind_name(config.tree->kind));
	else
		config_read_options(&config, config.tree, "", output_filter_rows, NULL, options);
	bool good = config.errors_count == 0;
	config_print_errors(&config, stderr);
	config_free(&config);
	return good;
}

bool spool_filter_open(struct spool_filter *filter, const char *json, const struct spool *spool)
{
	char error[FILTER_ERROR_MAX_BYTES];
	*filter = (struct spool_filter){.options = {.present = json != NULL}};
	if (json != NULL && !read_options(&filter->options, json))
		return false;
	if (filter_compile(&filter->filter, &filter->options, spool, error))
		return true;
	fprintf(stderr, "--filter: %s\n", error);
	return false;
}

void spool_filter_close(struct spool_filter *filter)
{
	filter_free(&filter->filter);
	option_free(output_filter_rows, &filter->options);
}
