/* SPDX-License-Identifier: Apache-2.0 */
#include "output/filter.h"

#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/decimal.h"

enum { SEVERITIES = 8 };

static uint8_t lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet;
}

/* Only the last '*' ever needs another try, so the time is bounded by pattern times text. */
bool filter_glob(const char *pattern, struct bytes text)
{
	const char *star = NULL;
	size_t at = 0, retry = 0;
	while (at < text.len) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = at;
		} else if (*pattern == '?' || (*pattern != '\0' && lower((uint8_t)*pattern) == lower(text.at[at]))) {
			pattern++;
			at++;
		} else if (star != NULL) {
			pattern = star;
			at = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool any_matches(const struct option_list *patterns, struct bytes text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (filter_glob(patterns->items[i], text))
			return true;
	return patterns->count == 0;
}

/* A facility by keyword or number; -1 if it is none. */
static int facility_read(const char *text)
{
	for (int facility = 0; facility < SLOG_FACILITIES; facility++)
		if (strcasecmp(text, slog_facility_name(facility)) == 0)
			return facility;
	uint64_t number;
	size_t digits = decimal_read(bytes_of_text(text), 2, &number);
	return digits > 0 && text[digits] == '\0' && number < SLOG_FACILITIES ? (int)number : -1;
}

/* A severity by name or number; -1 if it is none. */
static int severity_read(const char *text)
{
	if (text[0] >= '0' && text[0] < '0' + SEVERITIES && text[1] == '\0')
		return text[0] - '0';
	int level;
	bool known = slog_level_read(text, strlen(text), &level);
	return known && level >= 0 && level < SEVERITIES ? level : -1;
}

static bool compile_pri(struct filter *filter, const struct output_filter_options *options, char *error)
{
	bool wanted[SLOG_FACILITIES] = {false};
	for (size_t i = 0; i < options->facility.count; i++) {
		int facility = facility_read(options->facility.items[i]);
		if (facility < 0) {
			snprintf(error, FILTER_ERROR_MAX_BYTES,
			         "\"%.60s\" is no facility: write a keyword (\"auth\", \"local0\") or a number from 0 to 23",
			         options->facility.items[i]);
			return false;
		}
		wanted[facility] = true;
	}
	int threshold = options->severity != NULL ? severity_read(options->severity) : SEVERITIES - 1;
	if (threshold < 0) {
		snprintf(error, FILTER_ERROR_MAX_BYTES,
		         "\"%.60s\" is no severity: write one of emerg, alert, crit, err, warning, notice, info, debug",
		         options->severity);
		return false;
	}
	for (int pri = 0; pri < FILTER_PRIS; pri++)
		filter->pri[pri] = (options->facility.count == 0 || wanted[pri / SEVERITIES]) && pri % SEVERITIES <= threshold;
	return true;
}

bool filter_compile(struct filter *filter, const struct output_filter_options *options, const struct spool *spool,
                    char *error)
{
	*filter = (struct filter){.hostname = &options->hostname, .app_name = &options->app_name, .spool = spool};
	if (!options->present)
		return true;
	if (!compile_pri(filter, options, error))
		return false;
	if (options->input.count > 0) {
		filter->input = &options->input;
		filter->inputs = malloc(SPOOL_INPUTS_MAX);
		if (filter->inputs == NULL) {
			snprintf(error, FILTER_ERROR_MAX_BYTES, "there is no memory for the filter");
			return false;
		}
		memset(filter->inputs, -1, SPOOL_INPUTS_MAX);
	}
	filter->active = true;
	return true;
}

void filter_free(struct filter *filter)
{
	free(filter->inputs);
	*filter = (struct filter){0};
}

/* Names of inputs are matched once per input and remembered. */
static bool input_passes(const struct filter *filter, unsigned input)
{
	if (input >= SPOOL_INPUTS_MAX)
		return any_matches(filter->input, BYTES(""));
	if (filter->inputs[input] < 0)
		filter->inputs[input] = any_matches(filter->input, bytes_of_text(spool_input_name(filter->spool, input)));
	return filter->inputs[input] > 0;
}

bool filter_passes(const struct filter *filter, const struct envelope *envelope)
{
	if (!filter->active)
		return true;
	const struct message *message = &envelope->message;
	return message->pri < FILTER_PRIS && filter->pri[message->pri] &&
	       (filter->inputs == NULL || input_passes(filter, envelope->input)) &&
	       any_matches(filter->hostname, message->hostname) && any_matches(filter->app_name, message->app_name);
}
