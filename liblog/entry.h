/* SPDX-License-Identifier: Apache-2.0 */
/* What liblog itself does with a struct slog_entry, beyond what encoder.h gives to encoders. */
#ifndef LIBLOG_ENTRY_H
#define LIBLOG_ENTRY_H

#include <liblog/encoder.h>

/* Fields of both kinds, written or not. */
size_t slog_entry_total(const struct slog_entry *entry);

/* Sets the message from the field "message", of which the last one stands. An empty message equals none. */
void slog_entry_find_message(struct slog_entry *entry);

/* Marks the entry as cut and leaves only the first `shown` of its fields. */
void slog_entry_cut_fields(struct slog_entry *entry, size_t shown);

#endif
