/* SPDX-License-Identifier: Apache-2.0 */
/* STRUCTURED-DATA back to fields: the element of ours with its types (read_sd.c), those of others (read_sd_foreign.c). */
#ifndef LIBLOG_READ_SD_H
#define LIBLOG_READ_SD_H

#include "packed.h"
#include "sd_text.h"

#define SLOG_READ_ELEMENTS_MAX 128 /* SD-ELEMENTs of a message */

/*
 * Finds the SD-ID of the element of ours; no octets: there is none. False if sd is not SD-ELEMENTs to its end, or has
 * more than SLOG_READ_ELEMENTS_MAX of them.
 */
bool slog_sd_find_own(struct slog_read_text sd, struct slog_read_text *own);

/*
 * Whether this SD-ID is `own`, or what syslog-ng has split off it: then *split is what follows the dot, which may be no
 * octets; else split->text is NULL.
 */
bool slog_sd_is_own(struct slog_read_text id, struct slog_read_text own, struct slog_read_text *split);

/* Packs the fields of the element of ours as one object; reads ~e and ~cut. False if it has too many parameters. */
bool slog_sd_pack_own(struct slog_reading *reading, struct slog_packer *packer, struct slog_read_text sd,
                      struct slog_read_text own);

/* Packs all other elements as one object; nothing if there are none. */
void slog_sd_pack_foreign(struct slog_reading *reading, struct slog_packer *packer, struct slog_read_text sd,
                          struct slog_read_text own);

#endif
