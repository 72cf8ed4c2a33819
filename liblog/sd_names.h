/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PARAM-NAMEs that an SD-ELEMENT has so far: to keep them unique, and to list those of strings that look like
 * another type. The names are read again from the line under construction when they are needed, which is rare: a
 * filter of hashes tells nearly always that a name is new.
 */
#ifndef LIBLOG_SD_NAMES_H
#define LIBLOG_SD_NAMES_H

#include <stdint.h>

#include <liblog/line.h>

#include "sd_element.h"

#define SLOG_SD_FILTER_BITS 512

struct slog_sd_names {
	size_t start; /* where the first parameter begins in the line */
	size_t count;
	bool are_distinct; /* all are known to be different without regard to case: none is looked up */
	bool has_listed;
	uint64_t filter[SLOG_SD_FILTER_BITS / 64]; /* bit per hash of a name */
	uint64_t listed[(SLOG_SD_PARAMS_MAX + 63) / 64]; /* bit per name: to be listed in ~s */
};

/* No names; the first parameter will be appended to the line as it is now. */
void slog_sd_names_start(struct slog_sd_names *names, const struct slog_line *line, bool are_distinct);

/*
 * Counts the parameter that is about to be appended. False, and nothing is counted, if an earlier one has this name
 * without regard to ASCII case.
 */
bool slog_sd_names_add(struct slog_sd_names *names, const struct slog_line *line, const char *name, size_t length);

/* Counts a parameter whose name cannot be that of another. */
void slog_sd_names_add_unique(struct slog_sd_names *names);

/* The parameter counted last is a string that reads as another type. */
void slog_sd_names_list_last(struct slog_sd_names *names);

/* Appends to `to` the listed names, separated by spaces; `line` is where the parameters stand. */
void slog_sd_names_put_listed(const struct slog_sd_names *names, const struct slog_line *line, struct slog_line *to);

#endif
