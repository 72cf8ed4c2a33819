/* SPDX-License-Identifier: Apache-2.0 */
/* The SD-ELEMENTs of RFC 5424, section 7: timeQuality, origin, meta. */
#ifndef LIBLOG_STANDARD_ELEMENTS_H
#define LIBLOG_STANDARD_ELEMENTS_H

#include <liblog/encoder.h>

/* Appends those that the encoder asks for. Returns how many parameters they have; 0: there is no element. */
size_t slog_standard_elements_put(struct slog_line *line, const struct slog_rfc5424_encoder *encoder,
                                  const struct slog_entry *entry);

#endif
