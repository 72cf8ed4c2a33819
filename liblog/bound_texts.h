/* SPDX-License-Identifier: Apache-2.0 */
/* What the encoders give for a bound set, when its logger is made. */
#ifndef LIBLOG_BOUND_TEXTS_H
#define LIBLOG_BOUND_TEXTS_H

#include <liblog/line.h>

#include "bound_set.h"

/* Appends `,"key":value` for each field but the message. */
void slog_json_put_bound(struct slog_line *line, const struct slog_bound_set *set);

/*
 * Appends ` name="value"` for each field but the message, as it is with the standard SD-ID, and to *listed the names
 * for ~s; sets set->params. False if a field needs what only a whole element can have: ~1, or ~o.
 */
bool slog_sd_element_put_bound(struct slog_line *line, struct slog_line *listed, struct slog_bound_set *set);

#endif
