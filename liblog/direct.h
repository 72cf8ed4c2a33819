/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road of a call: from its arguments straight into the line, with no fields and no entry between them. It is for
 * what most calls are: a site whose texts the thread remembers, keys that all differ, a "message" only as the first pair,
 * and a sink that takes the JSON form, the same behind "@cee:", or the standard RFC 5424 form. The octets are those of the
 * long road (emit.c, the encoders).
 */
#ifndef LIBLOG_DIRECT_H
#define LIBLOG_DIRECT_H

#include <stdarg.h>

#include "lane.h"
#include "logger.h"

/* Where a call's values are: in C behind `arguments`, in C++ in an array. */
struct slog_direct_values {
	va_list *arguments;
	const struct slog_value *next;
};

/*
 * Writes the event of a site that came before, if it can. False: nothing is written, nothing is counted, and the values
 * must be read from their start again.
 */
bool slog_direct_emit(struct slog_lane *lane, struct slog_logger *logger, const struct slog_site *site,
                      struct slog_site_memo *memo, struct slog_direct_values values);

#endif
