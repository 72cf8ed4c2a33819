/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PARAM-NAMEs that an SD-ELEMENT has so far: to keep them unique, and to list those of strings that look like
 * another type. They are kept as places in the line under construction.
 */
#ifndef LIBLOG_SD_NAMES_H
#define LIBLOG_SD_NAMES_H

#include <stdint.h>

#include <liblog/line.h>

#include "sd_element.h"

struct slog_sd_names {
	size_t count;
	uint32_t place[SLOG_SD_PARAMS_MAX];
	uint8_t length[SLOG_SD_PARAMS_MAX];
	uint32_t listed[(SLOG_SD_PARAMS_MAX + 31) / 32]; /* bit per name: to be listed in ~s */
};

/* No names. The places are left as they are, as clearing them would cost more than the rest. */
void slog_sd_names_clear(struct slog_sd_names *names);

/* True if a name of the element equals this one without regard to ASCII case. */
bool slog_sd_names_has(const struct slog_sd_names *names, const struct slog_line *line, const char *name, size_t length);

/* Remembers the last `length` octets of the line as a name. */
void slog_sd_names_add(struct slog_sd_names *names, const struct slog_line *line, size_t length);

/* The name added last belongs to a string that reads as another type. */
void slog_sd_names_list_last(struct slog_sd_names *names);

/* Appends the listed names, separated by spaces, as parameter ~s; nothing if none is listed. */
void slog_sd_names_put_listed(const struct slog_sd_names *names, struct slog_line *line);

#endif
