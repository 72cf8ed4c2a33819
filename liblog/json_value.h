/* SPDX-License-Identifier: Apache-2.0 */
/* Values as JSON text, on their own and inside a PARAM-VALUE. */
#ifndef LIBLOG_JSON_VALUE_H
#define LIBLOG_JSON_VALUE_H

#include <liblog/line.h>
#include <liblog/slog.h>

#include "scalar.h"

/* Where JSON text goes. In a PARAM-VALUE the text is escaped once more, as the string that it is there. */
struct slog_json_out {
	struct slog_line *line;
	bool in_param;
};

/* A value of any kind. */
void slog_json_put_value(const struct slog_json_out *out, const struct slog_value *value);

/* A string with its quotes. */
void slog_json_put_string(const struct slog_json_out *out, const char *bytes, size_t length);

/* Text that is JSON already. */
void slog_json_put_text(const struct slog_json_out *out, const char *text, size_t length);

/* The string "data:;base64,..." without quotes (RFC 2397); the same octets in JSON and in a PARAM-VALUE. */
void slog_line_put_base64(struct slog_line *line, const char *bytes, size_t length);

#endif
