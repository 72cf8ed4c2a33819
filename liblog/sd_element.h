/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SD-ELEMENT that holds an event's fields with their types, so that they can be read back.
 *
 *   - A value that reads as a JSON literal, number, list or object is one. Strings that would be taken for one are
 *     listed by name in a last parameter, ~s="name1 name2".
 *   - Objects are flattened, geo/city="Paris", as long as the names fit and there are not too many; otherwise, and for
 *     lists, the value is JSON text.
 *   - A name that does not fit 32 octets, that equals an earlier one but for case, or that syslog-ng would split into
 *     too long an SD-ID, goes into the value: ~1="key=value".
 *   - Fields beyond the number that readers keep go into one JSON object, ~o. ~e is the event's name if MSGID cannot
 *     hold it; ~cut says that the event was too large and how many fields it lost.
 */
#ifndef LIBLOG_SD_ELEMENT_H
#define LIBLOG_SD_ELEMENT_H

#include <liblog/encoder.h>

#define SLOG_SD_PARAMS_MAX 200 /* of a message; syslog-ng keeps 255 */
#define SLOG_SD_OWN_PARAMS 5   /* ~v, ~o, ~e, ~cut, ~s: room for them is always kept */
#define SLOG_SD_PARAMS_OF_FIELDS_MAX (SLOG_SD_PARAMS_MAX - SLOG_SD_OWN_PARAMS)
#define SLOG_SD_LEAVES_MAX 64  /* of an object that is flattened */

/*
 * Appends a value as a PARAM-VALUE, objects as JSON text. True if it is a string that reads as another type, whose name
 * is to be listed.
 */
bool slog_sd_put_value(struct slog_line *line, const struct slog_value *value);

/*
 * Appends the element, also an empty one, with the encoder's SD-ID. other_params: what other elements of the message
 * have. with_name: write ~e.
 */
void slog_sd_element_put_for(struct slog_line *line, const struct slog_entry *entry,
                             const struct slog_rfc5424_encoder *encoder, size_t other_params, bool with_name);

/* The same with this SD-ID where there is no other element. */
void slog_sd_element_put(struct slog_line *line, const struct slog_entry *entry, const char *sd_id, bool escape_dots,
                         bool with_name);

#endif
